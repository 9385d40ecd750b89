-- What is stored of a request now, in one of its homes, and how many items of it by this transaction there ($6). A row that only guarded its day
-- counts from now on; one that this transaction has entered ($7) said that it stores all.
UPDATE public.ingest_batch SET
  covered = $5::text,
  items = CASE WHEN day > $1::date THEN items WHEN $7::boolean THEN $6::integer WHEN $6::integer = 0 THEN items WHEN guard THEN $6::integer ELSE items + $6::integer END,
  guard = CASE WHEN day > $1::date THEN guard WHEN $7::boolean THEN $6::integer = 0 ELSE guard AND $6::integer = 0 END
WHERE tenant_id = $2::text AND batch_id = $3::uuid AND placement = $4::text AND day BETWEEN $1::date AND $1::date + 1
