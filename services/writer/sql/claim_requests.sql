-- Enters requests, each once in each of its homes, into the ledger for the UTC day on which they are written and for the day after, and says which
-- rows are new. A request of which all are is claimed with all that it covers. Of any other, some items are stored: what is new of it, the rows
-- say that were there before. A concurrent claim of the same request waits for this transaction. Only the row of today in the home where the
-- items lie counts. One order for all, so that concurrent claims cannot deadlock. The arrays run along with one another.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard)
SELECT $1::date + later, c.batch_id, c.tenant_id, c.placement, $2::smallint, c.position, c.items, c.covered, c.guard OR later > 0
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::integer[], $8::text[], $9::boolean[])
  AS c (batch_id, tenant_id, placement, position, items, covered, guard)
CROSS JOIN generate_series(0, 1) AS later
ORDER BY c.batch_id, c.placement, later
ON CONFLICT DO NOTHING
RETURNING batch_id, placement, day > $1::date
