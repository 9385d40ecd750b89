-- What is in the ledger of a tenant's requests of which some items are stored, in one of their homes, held until the end of the transaction. One order
-- for all, so that concurrent writers cannot deadlock.
SELECT batch_id, placement, day > $1::date AS tomorrow, covered
FROM public.ingest_batch
WHERE tenant_id = $2::text AND day BETWEEN $1::date AND $1::date + 1 AND batch_id = ANY($3::uuid[]) AND placement = $4::text
ORDER BY batch_id, day
FOR UPDATE
