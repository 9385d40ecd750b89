-- Rollups, and the ledger that makes delivery exactly once.

-- Partial sums, appended by every flush in the transaction of its segments; readers add them up.
CREATE TABLE public.red_minute (
  minute bigint NOT NULL,
  service_id bigint NOT NULL,
  operation_id bigint NOT NULL,
  count bigint NOT NULL,
  errors bigint NOT NULL,
  duration_sum bigint NOT NULL,
  kind smallint NOT NULL,
  status smallint NOT NULL,
  tenant_id text NOT NULL,
  histogram integer[] NOT NULL
) PARTITION BY RANGE (minute);

CREATE INDEX red_minute_minute ON public.red_minute (tenant_id, minute);

COMMENT ON TABLE public.red_minute IS 'rate, errors, duration per minute and operation: append-only partials, sum them';
COMMENT ON COLUMN public.red_minute.minute IS 'start of the minute, Unix ns';
COMMENT ON COLUMN public.red_minute.histogram IS 'counts per logarithmic duration bucket';

-- The ledger. A batch's id is a hash of its bytes, so a client's retry has the same id; but the retry may come after midnight.
-- Therefore a batch claims two rows, its day and the day after (guard = true): a retry on the same day, the day before (a clock
-- that lags) or the day after meets one of them, and the unique index makes even concurrent claims wait for one another.
CREATE TABLE public.ingest_batch (
  day date NOT NULL,
  batch_id uuid NOT NULL,
  position bigint NOT NULL,
  items integer NOT NULL,
  signal smallint NOT NULL,
  guard boolean NOT NULL DEFAULT false,
  tenant_id text NOT NULL,
  committed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (day, batch_id)
) PARTITION BY RANGE (day);

COMMENT ON TABLE public.ingest_batch IS 'batches that are stored: the ledger of exactly-once delivery, kept two days';
COMMENT ON COLUMN public.ingest_batch.signal IS '0 traces, 1 logs, 2 metrics';
COMMENT ON COLUMN public.ingest_batch.guard IS 'true on the second row of a batch, which guards the day after; count only false';

-- claim_batches enters batches into the ledger for the UTC day on which they are written and returns the ids of those that nobody
-- has claimed yet: exactly these may be stored by this transaction. A concurrent claim of one of them waits for this transaction
-- and wins only if it rolls back. The arrays run along with one another.
CREATE FUNCTION public.claim_batches(
  day date, batch_ids uuid[], tenant_ids text[], signals smallint[], positions bigint[], items integer[]
) RETURNS SETOF uuid
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp
AS $$
  WITH wanted AS (
    SELECT DISTINCT ON (b.batch_id) b.batch_id, b.tenant_id, b.signal, b.position, b.items
    FROM unnest(batch_ids, tenant_ids, signals, positions, claim_batches.items) AS b (batch_id, tenant_id, signal, position, items)
    ORDER BY b.batch_id, b.position
  ), claimed AS (
    INSERT INTO ingest_batch (day, batch_id, tenant_id, signal, position, items, guard)
    SELECT claim_batches.day + g.guard::integer, w.batch_id, w.tenant_id, w.signal, w.position, w.items, g.guard
    FROM wanted w CROSS JOIN (VALUES (false), (true)) AS g (guard)
    ORDER BY w.batch_id, g.guard -- one order for all, so that concurrent claims cannot deadlock
    ON CONFLICT DO NOTHING
    RETURNING batch_id
  )
  SELECT c.batch_id FROM claimed c GROUP BY c.batch_id HAVING count(*) = 2
$$;

INSERT INTO public.partitioned_table (table_name, key_column, key_type, leaf, leaf_options, no_statistics) VALUES
  ('red_minute', 'minute', 'ns', 'day', 'autovacuum_vacuum_insert_scale_factor = 0.5', '{histogram}'),
  ('ingest_batch', 'day', 'date', 'day', 'autovacuum_vacuum_insert_scale_factor = 0.5', '{}');
