-- Rows for SQL: one row per span, log record and data point, for people with psql and for joins. A projection of the segments,
-- written by the same transaction, kept for a tenant's rows window, never read by the query API.
--
-- No foreign keys (2.5 times the cost of an insert), no identity column, no resource or scope inline (2 times): see docs/adr.
-- Fixed-width columns come first, widest first, so that no byte is lost to alignment.

CREATE TABLE public.spans_fact (
  start_time_unix_nano bigint NOT NULL,
  duration_nano bigint NOT NULL,
  trace_id uuid NOT NULL,
  span_id bigint NOT NULL,
  parent_span_id bigint,
  service_id bigint NOT NULL,
  operation_id bigint NOT NULL,
  resource_id bigint NOT NULL,
  scope_id bigint NOT NULL,
  flags integer NOT NULL DEFAULT 0,
  dropped_attributes_count integer NOT NULL DEFAULT 0,
  dropped_events_count integer NOT NULL DEFAULT 0,
  dropped_links_count integer NOT NULL DEFAULT 0,
  kind smallint NOT NULL DEFAULT 0,
  status_code smallint NOT NULL DEFAULT 0,
  tenant_id text NOT NULL,
  connection_id text,
  status_message text,
  trace_state text,
  attributes jsonb,
  events jsonb,
  links jsonb
) PARTITION BY RANGE (start_time_unix_nano);

CREATE INDEX spans_fact_time ON public.spans_fact USING brin (start_time_unix_nano) WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX spans_fact_trace ON public.spans_fact USING brin (trace_id uuid_bloom_ops) WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX spans_fact_service ON public.spans_fact (service_id, start_time_unix_nano);

CREATE INDEX spans_fact_error ON public.spans_fact (service_id, start_time_unix_nano) WHERE status_code = 2;

COMMENT ON TABLE public.spans_fact IS 'one row per span: a projection of spans_segment for the rows window of the tenant''s policy';
COMMENT ON COLUMN public.spans_fact.span_id IS 'the eight bytes of the span id, big endian, as a signed integer';
COMMENT ON COLUMN public.spans_fact.flags IS 'the 32 bits of OTLP''s flags, as a signed integer';

CREATE TABLE public.logs_fact (
  time_unix_nano bigint NOT NULL,
  observed_time_unix_nano bigint,
  trace_id uuid,
  span_id bigint,
  service_id bigint NOT NULL,
  resource_id bigint NOT NULL,
  scope_id bigint NOT NULL,
  flags integer NOT NULL DEFAULT 0,
  dropped_attributes_count integer NOT NULL DEFAULT 0,
  severity_number smallint NOT NULL DEFAULT 0,
  tenant_id text NOT NULL,
  connection_id text,
  severity_text text,
  event_name text,
  body text,
  body_json jsonb,
  attributes jsonb
) PARTITION BY RANGE (time_unix_nano);

CREATE INDEX logs_fact_time ON public.logs_fact USING brin (time_unix_nano) WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX logs_fact_trace ON public.logs_fact USING brin (trace_id uuid_bloom_ops) WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX logs_fact_service ON public.logs_fact (service_id, time_unix_nano);

CREATE INDEX logs_fact_error ON public.logs_fact (service_id, time_unix_nano) WHERE severity_number >= 17;

COMMENT ON TABLE public.logs_fact IS 'one row per log record: a projection of logs_segment for the rows window of the tenant''s policy';
COMMENT ON COLUMN public.logs_fact.body IS 'a string body, else null';
COMMENT ON COLUMN public.logs_fact.body_json IS 'a body of any other type, else null';

CREATE TABLE public.metrics_fact (
  time_unix_nano bigint NOT NULL,
  start_time_unix_nano bigint,
  series_id bigint NOT NULL,
  service_id bigint NOT NULL,
  value_int bigint,
  value_double double precision,
  count bigint,
  sum double precision,
  min double precision,
  max double precision,
  zero_count bigint,
  zero_threshold double precision,
  flags integer NOT NULL DEFAULT 0,
  scale integer,
  positive_offset integer,
  negative_offset integer,
  tenant_id text NOT NULL,
  connection_id text,
  explicit_bounds double precision[],
  bucket_counts bigint[],
  positive_bucket_counts bigint[],
  negative_bucket_counts bigint[],
  quantiles double precision[],
  quantile_values double precision[],
  exemplars jsonb
) PARTITION BY RANGE (time_unix_nano);

-- btree(series_id, time) would more than double the cost of a point (2.8 against 1.1 µs): closed leaves may get it, the hot one not.
CREATE INDEX metrics_fact_time ON public.metrics_fact USING brin (time_unix_nano) WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX metrics_fact_series ON public.metrics_fact USING brin (series_id int8_bloom_ops) WITH (pages_per_range = 32, autosummarize = true);

COMMENT ON TABLE public.metrics_fact IS 'one row per data point: a projection of metrics_segment for the rows window of the tenant''s policy';
COMMENT ON COLUMN public.metrics_fact.count IS 'the 64 bits of OTLP''s count, as a signed integer';

-- Rows are only inserted. Statistics must come early, because without them the planner ignores BRIN bloom; freezing waits.
INSERT INTO public.partitioned_table (table_name, key_column, key_type, leaf, leaf_options, no_statistics)
SELECT name, key, 'ns', 'hour',
  'autovacuum_vacuum_insert_threshold = 500000, autovacuum_vacuum_insert_scale_factor = 0.5, '
  'autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.5',
  columns::text[]
FROM (VALUES
  ('spans_fact', 'start_time_unix_nano', '{attributes,events,links}'),
  ('logs_fact', 'time_unix_nano', '{attributes,body,body_json}'),
  ('metrics_fact', 'time_unix_nano', '{explicit_bounds,bucket_counts,positive_bucket_counts,negative_bucket_counts,quantiles,quantile_values,exemplars}')
) AS facts (name, key, columns);

-- lz4 is several times cheaper than pglz on values that are compressed at all (> 2 kB), but not every build has it.
DO $$
DECLARE
  col record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
    RETURN;
  END IF;
  FOR col IN
    SELECT a.attrelid::regclass AS tab, a.attname AS name FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid IN ('public.spans_fact'::regclass, 'public.logs_fact'::regclass, 'public.metrics_fact'::regclass)
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'tenant_id' AND t.typlen = -1
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', col.tab, col.name);
  END LOOP;
END
$$;
