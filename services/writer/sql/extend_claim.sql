-- What is stored of a request now, and how many items of it by this transaction. A row that only guarded its day counts from now on.
UPDATE public.ingest_batch SET
  covered = $3::text,
  items = CASE WHEN day > $1::date OR $4::integer = 0 THEN items WHEN guard THEN $4::integer ELSE items + $4::integer END,
  guard = guard AND (day > $1::date OR $4::integer = 0)
WHERE day BETWEEN $1::date AND $1::date + 1 AND batch_id = $2::uuid
