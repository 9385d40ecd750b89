-- What is in the ledger of requests of which some items are stored, held until the end of the transaction. One order for all, so that
-- concurrent writers cannot deadlock.
SELECT batch_id, day > $1::date AS tomorrow, covered
FROM public.ingest_batch
WHERE day BETWEEN $1::date AND $1::date + 1 AND batch_id = ANY($2::uuid[])
ORDER BY batch_id, day
FOR UPDATE
