-- The ledger of requests. A batch used to be known by its own bytes; now it says which request it is of and which of the request's items it
-- holds, so that a retry that is admitted or cut otherwise is still known, item by item. The ledger has a row for each request and day as it
-- had for each batch: batch_id is the id of the request, and a row of the build before, whose batches had ids of their own, means what it
-- meant, the whole of something that nobody else names.
--
-- A column that is null costs an instant; what writes to the ledger may be in the way, and others would queue behind this statement.
SET LOCAL lock_timeout = '5s';

ALTER TABLE public.ingest_batch ADD COLUMN covered text;

COMMENT ON TABLE public.ingest_batch IS 'requests that are stored: the ledger of exactly-once delivery, kept two days';
COMMENT ON COLUMN public.ingest_batch.batch_id IS 'of the request';
COMMENT ON COLUMN public.ingest_batch.covered IS 'which of the request''s items are stored, 0-99,101; null: all of them';

-- claim_requests enters requests, each once, into the ledger for the UTC day on which they are written, and says of each whether its row of
-- the day and that of the day after are new. A request of which both are new is claimed with all that it covers. Of any other, some items are
-- stored: what is new of it, the rows say that were there before. A concurrent claim of the same request waits for this transaction. The
-- arrays run along with one another. claim_batches stays for the build before.
CREATE FUNCTION public.claim_requests(
  day date, request_ids uuid[], tenant_ids text[], signals smallint[], positions bigint[], items integer[], covered text[]
) RETURNS TABLE (request_id uuid, new_today boolean, new_tomorrow boolean)
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp
AS $$
  WITH claimed AS (
    INSERT INTO ingest_batch (day, batch_id, tenant_id, signal, position, items, covered, guard)
    SELECT claim_requests.day + g.guard::integer, w.request_id, w.tenant_id, w.signal, w.position, w.items, w.covered, g.guard
    FROM unnest(request_ids, tenant_ids, signals, positions, claim_requests.items, claim_requests.covered)
      AS w (request_id, tenant_id, signal, position, items, covered)
    CROSS JOIN (VALUES (false), (true)) AS g (guard)
    ORDER BY w.request_id, g.guard -- one order for all, so that concurrent claims cannot deadlock
    ON CONFLICT DO NOTHING
    RETURNING batch_id, guard
  )
  SELECT c.batch_id, bool_or(NOT c.guard), bool_or(c.guard) FROM claimed c GROUP BY c.batch_id
$$;
