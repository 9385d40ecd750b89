-- Rows for SQL are partitioned by an instant that people filter by: Grafana's $__timeFilter(start_time), or start_time > now() - interval '5 minutes',
-- read every hour's leaf, because the views made their times of the nanoseconds that were the key. Now the time is a column of the rows, start_time of spans and
-- time of records and points, to the microsecond, and the key (docs/adr/038). The nanoseconds stay beside it.
--
-- The views get what was missing, too: olly.traces, comments on every column, no negative durations; olly.grafana_trace is what Grafana's trace panel shows.
--
-- No row is moved: the file before made the tables anew.
SET LOCAL lock_timeout = '5s';

-- atlas:nolint
ALTER TABLE public.spans_rows RENAME TO spans_fact;

-- atlas:nolint
ALTER TABLE public.logs_rows RENAME TO logs_fact;

-- atlas:nolint
ALTER TABLE public.metrics_rows RENAME TO metrics_fact;

CREATE INDEX spans_fact_time ON public.spans_fact USING brin (start_time) WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX spans_fact_trace ON public.spans_fact USING brin (trace_id uuid_bloom_ops) WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX spans_fact_service ON public.spans_fact (service_id, start_time);

CREATE INDEX spans_fact_error ON public.spans_fact (service_id, start_time) WHERE status_code = 2;

CREATE INDEX logs_fact_time ON public.logs_fact USING brin ("time") WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX logs_fact_trace ON public.logs_fact USING brin (trace_id uuid_bloom_ops) WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX logs_fact_service ON public.logs_fact (service_id, "time");

CREATE INDEX logs_fact_error ON public.logs_fact (service_id, "time") WHERE severity_number >= 17;

CREATE INDEX metrics_fact_time ON public.metrics_fact USING brin ("time") WITH (pages_per_range = 32, autosummarize = true);

CREATE INDEX metrics_fact_series ON public.metrics_fact USING brin (series_id int8_bloom_ops) WITH (pages_per_range = 32, autosummarize = true);

COMMENT ON TABLE public.spans_fact IS 'one row per span: a projection of segments for the rows window of the tenant''s policy';
COMMENT ON TABLE public.logs_fact IS 'one row per log record: a projection of segments for the rows window of the tenant''s policy';
COMMENT ON TABLE public.metrics_fact IS 'one row per data point: a projection of segments for the rows window of the tenant''s policy';
COMMENT ON COLUMN public.spans_fact.start_time IS 'start_time_unix_nano to the microsecond: the key of the partitions';
COMMENT ON COLUMN public.logs_fact."time" IS 'time_unix_nano to the microsecond: the key of the partitions';
COMMENT ON COLUMN public.metrics_fact."time" IS 'time_unix_nano to the microsecond: the key of the partitions';

ALTER TABLE public.partitioned_table DROP CONSTRAINT partitioned_table_key_type_check,
  ADD CONSTRAINT partitioned_table_key_type_check CHECK (key_type IN ('ns', 'date', 'time'));

UPDATE public.partitioned_table SET key_type = 'time', key_column = CASE table_name WHEN 'spans_fact' THEN 'start_time' ELSE 'time' END
WHERE table_name IN ('spans_fact', 'logs_fact', 'metrics_fact');

COMMENT ON COLUMN public.partitioned_table.key_type IS 'ns: Unix nanoseconds; date; time: timestamptz';

-- As before, with bounds that are instants where the key is one.
CREATE OR REPLACE FUNCTION public.attach_partition(table_name text, partition text, from_ns bigint, to_ns bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
  -- The forms of instants that bounds have, by type of key. Both are UTC.
  forms CONSTANT jsonb := '{"date": "YYYY-MM-DD", "time": "YYYY-MM-DD HH24:MI:SS+00"}';
  lower_bound text := from_ns::text;
  upper_bound text := to_ns::text;
  scheme record;
  column_name text;
BEGIN
  SELECT t.key_type, t.leaf_options, t.no_statistics INTO scheme FROM partitioned_table t WHERE t.table_name = attach_partition.table_name;
  IF forms ? scheme.key_type THEN
    lower_bound := to_char(timestamp 'epoch' + (from_ns / 1000) * interval '1 microsecond', forms->>scheme.key_type);
    upper_bound := to_char(timestamp 'epoch' + (to_ns / 1000) * interval '1 microsecond', forms->>scheme.key_type);
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION) WITH (%s)',
    partition, table_name, scheme.leaf_options);
  FOREACH column_name IN ARRAY scheme.no_statistics LOOP
    EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET STATISTICS 0', partition, column_name);
  END LOOP;
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', table_name, partition, lower_bound, upper_bound);
END
$$;

-- Whether a span's start and duration say how long it took (otlp.DurationKnown): not where it ended before it began, also at 0, or after all times.
CREATE FUNCTION olly.duration_known(start_ns bigint, duration_ns bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN duration_ns >= 0 AND duration_ns <= 9223000000000000000 - greatest(start_ns, 0);

COMMENT ON FUNCTION olly.duration_known(bigint, bigint) IS 'whether a span''s start and duration, in ns, say how long it took: not where its end is before its start, or no time';

CREATE VIEW olly.spans WITH (security_invoker = true) AS
SELECT
  f.tenant_id, f.connection_id,
  f.trace_id,
  lpad(to_hex(f.span_id), 16, '0') AS span_id,
  lpad(to_hex(f.parent_span_id), 16, '0') AS parent_span_id,
  f.start_time,
  CASE WHEN olly.duration_known(f.start_time_unix_nano, f.duration_nano) THEN olly.at(f.start_time_unix_nano + f.duration_nano) END AS end_time,
  CASE WHEN olly.duration_known(f.start_time_unix_nano, f.duration_nano) THEN f.duration_nano / 1e6::double precision END AS duration_ms,
  s.name AS service, s.namespace AS service_namespace,
  o.name AS name,
  CASE f.kind WHEN 1 THEN 'internal' WHEN 2 THEN 'server' WHEN 3 THEN 'client' WHEN 4 THEN 'producer' WHEN 5 THEN 'consumer' ELSE 'unspecified' END AS kind,
  CASE f.status_code WHEN 1 THEN 'ok' WHEN 2 THEN 'error' ELSE 'unset' END AS status,
  f.status_message, f.trace_state, f.flags,
  coalesce(f.attributes, '{}') AS attributes,
  r.attributes AS resource, r.schema_url AS resource_schema_url,
  c.name AS scope_name, c.version AS scope_version, c.attributes AS scope, c.schema_url AS scope_schema_url,
  f.events, f.links,
  f.dropped_attributes_count, f.dropped_events_count, f.dropped_links_count,
  f.start_time_unix_nano, f.duration_nano, f.service_id, f.operation_id, f.resource_id, f.scope_id, f.status_code
FROM public.spans_fact f
LEFT JOIN public.service_dim s ON s.tenant_id = f.tenant_id AND s.service_id = f.service_id
LEFT JOIN public.operation_dim o ON o.tenant_id = f.tenant_id AND o.operation_id = f.operation_id
LEFT JOIN public.resource_dim r ON r.tenant_id = f.tenant_id AND r.resource_id = f.resource_id
LEFT JOIN public.scope_dim c ON c.tenant_id = f.tenant_id AND c.scope_id = f.scope_id;

CREATE VIEW olly.logs WITH (security_invoker = true) AS
SELECT
  f.tenant_id, f.connection_id,
  f."time",
  olly.at(f.observed_time_unix_nano) AS observed_time,
  s.name AS service, s.namespace AS service_namespace,
  f.severity_number, f.severity_text, f.event_name,
  f.body, f.body_json,
  coalesce(f.attributes, '{}') AS attributes,
  f.trace_id,
  lpad(to_hex(f.span_id), 16, '0') AS span_id,
  r.attributes AS resource, r.schema_url AS resource_schema_url,
  c.name AS scope_name, c.version AS scope_version, c.attributes AS scope, c.schema_url AS scope_schema_url,
  f.flags, f.dropped_attributes_count,
  f.time_unix_nano, f.observed_time_unix_nano, f.service_id, f.resource_id, f.scope_id
FROM public.logs_fact f
LEFT JOIN public.service_dim s ON s.tenant_id = f.tenant_id AND s.service_id = f.service_id
LEFT JOIN public.resource_dim r ON r.tenant_id = f.tenant_id AND r.resource_id = f.resource_id
LEFT JOIN public.scope_dim c ON c.tenant_id = f.tenant_id AND c.scope_id = f.scope_id;

CREATE VIEW olly.metrics WITH (security_invoker = true) AS
SELECT
  f.tenant_id, f.connection_id,
  f."time",
  olly.at(f.start_time_unix_nano) AS start_time,
  s.name AS service, s.namespace AS service_namespace,
  m.metric_name AS name,
  CASE m.metric_type WHEN 1 THEN 'gauge' WHEN 2 THEN 'sum' WHEN 3 THEN 'histogram' WHEN 4 THEN 'exponential_histogram' WHEN 5 THEN 'summary' END AS type,
  CASE m.temporality WHEN 1 THEN 'delta' WHEN 2 THEN 'cumulative' END AS temporality,
  m.monotonic, m.unit, m.description,
  m.attributes,
  coalesce(f.value_double, f.value_int::double precision) AS value,
  f.value_int, f.value_double, f.count, f.sum, f.min, f.max,
  f.explicit_bounds, f.bucket_counts,
  f.scale, f.zero_count, f.zero_threshold, f.positive_offset, f.positive_bucket_counts, f.negative_offset, f.negative_bucket_counts,
  f.quantiles, f.quantile_values,
  f.exemplars, f.flags,
  r.attributes AS resource, r.schema_url AS resource_schema_url,
  c.name AS scope_name, c.version AS scope_version, c.attributes AS scope, c.schema_url AS scope_schema_url,
  f.time_unix_nano, f.start_time_unix_nano, f.series_id, f.service_id, m.resource_id, m.scope_id
FROM public.metrics_fact f
LEFT JOIN public.series_dim m ON m.tenant_id = f.tenant_id AND m.series_id = f.series_id
LEFT JOIN public.service_dim s ON s.tenant_id = f.tenant_id AND s.service_id = f.service_id
LEFT JOIN public.resource_dim r ON r.tenant_id = m.tenant_id AND r.resource_id = m.resource_id
LEFT JOIN public.scope_dim c ON c.tenant_id = m.tenant_id AND c.scope_id = m.scope_id;

-- A row a root span. What is told of a trace's other spans is looked up where it is asked for and not otherwise: a list of roots costs what the roots cost.
CREATE VIEW olly.traces WITH (security_invoker = true) AS
SELECT
  f.tenant_id, f.trace_id,
  f.start_time,
  CASE WHEN olly.duration_known(f.start_time_unix_nano, f.duration_nano) THEN f.duration_nano / 1e6::double precision END AS duration_ms,
  s.name AS service, s.namespace AS service_namespace,
  o.name AS name,
  CASE f.kind WHEN 1 THEN 'internal' WHEN 2 THEN 'server' WHEN 3 THEN 'client' WHEN 4 THEN 'producer' WHEN 5 THEN 'consumer' ELSE 'unspecified' END AS kind,
  CASE f.status_code WHEN 1 THEN 'ok' WHEN 2 THEN 'error' ELSE 'unset' END AS status,
  f.status_message,
  coalesce(f.attributes, '{}') AS attributes,
  r.attributes AS resource,
  lpad(to_hex(f.span_id), 16, '0') AS root_span_id,
  t.spans, t.errors, t.services,
  t.first_time, olly.at(t.last_ns) AS last_time,
  f.start_time_unix_nano, f.duration_nano, f.service_id, f.operation_id, f.resource_id
FROM public.spans_fact f
LEFT JOIN public.service_dim s ON s.tenant_id = f.tenant_id AND s.service_id = f.service_id
LEFT JOIN public.operation_dim o ON o.tenant_id = f.tenant_id AND o.operation_id = f.operation_id
LEFT JOIN public.resource_dim r ON r.tenant_id = f.tenant_id AND r.resource_id = f.resource_id
LEFT JOIN LATERAL (
  SELECT count(*) AS spans, count(*) FILTER (WHERE a.status_code = 2) AS errors,
    array_agg(DISTINCT d.name ORDER BY d.name) AS services,
    min(a.start_time) AS first_time,
    max(a.start_time_unix_nano + CASE WHEN olly.duration_known(a.start_time_unix_nano, a.duration_nano) THEN a.duration_nano ELSE 0 END) AS last_ns
  FROM public.spans_fact a
  LEFT JOIN public.service_dim d ON d.tenant_id = a.tenant_id AND d.service_id = a.service_id
  WHERE a.tenant_id = f.tenant_id AND a.trace_id = f.trace_id
    AND a.start_time >= f.start_time - interval '1 hour' AND a.start_time <= f.start_time + interval '24 hours'
) AS t ON true
WHERE f.parent_span_id IS NULL;

-- What Grafana's trace panel takes of a table, under its own names: https://grafana.com/docs/grafana/latest/panels-visualizations/visualizations/traces/
CREATE FUNCTION olly.grafana_trace(trace text, from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity')
RETURNS TABLE (
  "traceID" text, "spanID" text, "parentSpanID" text, "operationName" text, "serviceName" text, "kind" text, "startTime" double precision,
  "duration" double precision, "statusCode" integer, "statusMessage" text, "tags" jsonb, "serviceTags" jsonb, "logs" jsonb, "references" jsonb,
  "warnings" jsonb, "instrumentationLibraryName" text, "instrumentationLibraryVersion" text, "traceState" text
)
LANGUAGE sql STABLE
AS $$
  SELECT replace(s.trace_id::text, '-', ''), s.span_id, s.parent_span_id, s.name, s.service, s.kind,
    s.start_time_unix_nano / 1e6::double precision, coalesce(s.duration_ms, 0), s.status_code::integer, s.status_message,
    coalesce((SELECT jsonb_agg(jsonb_build_object('key', a.key, 'value', a.value) ORDER BY a.key) FROM jsonb_each(s.attributes) AS a), '[]'),
    coalesce((SELECT jsonb_agg(jsonb_build_object('key', a.key, 'value', a.value) ORDER BY a.key) FROM jsonb_each(s.resource) AS a), '[]'),
    coalesce((SELECT jsonb_agg(jsonb_build_object('name', e.item->'name', 'timestamp', (e.item->>'time_unix_nano')::bigint / 1e6::double precision, 'fields',
        coalesce((SELECT jsonb_agg(jsonb_build_object('key', a.key, 'value', a.value) ORDER BY a.key) FROM jsonb_each(e.item->'attributes') AS a), '[]'))
        ORDER BY e.ordinality) FROM jsonb_array_elements(s.events) WITH ORDINALITY AS e (item)), '[]'),
    coalesce((SELECT jsonb_agg(jsonb_build_object('traceID', l.item->'trace_id', 'spanID', l.item->'span_id', 'tags',
        coalesce((SELECT jsonb_agg(jsonb_build_object('key', a.key, 'value', a.value) ORDER BY a.key) FROM jsonb_each(l.item->'attributes') AS a), '[]'))
        ORDER BY l.ordinality) FROM jsonb_array_elements(s.links) WITH ORDINALITY AS l (item)), '[]'),
    CASE WHEN s.duration_ms IS NULL THEN '["its end is before its start, or no time: how long it took is not known"]'::jsonb ELSE '[]' END,
    s.scope_name, s.scope_version, s.trace_state
  FROM olly.spans s
  WHERE s.trace_id = lpad(replace(btrim(trace), '-', ''), 32, '0')::uuid AND s.start_time >= from_time AND s.start_time <= to_time
  ORDER BY s.start_time_unix_nano, s.span_id
$$;

COMMENT ON FUNCTION olly.grafana_trace(text, timestamptz, timestamptz) IS
  'the spans of a trace, by its id of 32 or 16 hex digits, as Grafana''s trace panel takes them; the times, where they are known, keep it from looking into every hour';

COMMENT ON VIEW olly.spans IS 'spans as rows, where the retention policy asks for them, as far back as olly.rows says. Filter by start_time: it prunes partitions';
COMMENT ON VIEW olly.logs IS 'log records as rows, where the retention policy asks for them, as far back as olly.rows says. Filter by time: it prunes partitions';
COMMENT ON VIEW olly.metrics IS 'data points as rows, where the retention policy asks for them, as far back as olly.rows says. Filter by time: it prunes partitions';
COMMENT ON VIEW olly.traces IS 'a row for each span without a parent: the traces of olly.spans by their roots; a trace of two roots has two, one whose root was not sent has none. '
  'Filter by start_time: it prunes partitions';

-- Columns that mean the same have the same comment.
DO $$
DECLARE
  said record;
BEGIN
  FOR said IN
    SELECT c.relname, a.attname, t.text FROM (VALUES
      ('tenant_id', 'whose it is'),
      ('connection_id', 'the key by which it was sent; null where none is asked for'),
      ('trace_id', 'as a uuid: its 32 hex digits, with or without hyphens'),
      ('span_id', '16 hex digits'),
      ('parent_span_id', '16 hex digits; null for a root'),
      ('root_span_id', '16 hex digits of the span without a parent'),
      ('start_time', 'when it began, to the microsecond; of a span or trace what partitions are pruned by'),
      ('time', 'when it was, to the microsecond: what partitions are pruned by'),
      ('end_time', 'when it ended; null where its end is before its start, or no time'),
      ('observed_time', 'when it was seen by who collected it'),
      ('duration_ms', 'in milliseconds; null where the end is before the start, or no time. Of a trace, its root''s'),
      ('service', 'service.name of the resource'),
      ('service_namespace', 'service.namespace of the resource; empty for none'),
      ('name', 'of the span, or of the metric; of a trace, its root''s'),
      ('kind', 'internal, server, client, producer, consumer or unspecified'),
      ('status', 'ok, error or unset'),
      ('status_code', '0 unset, 1 ok, 2 error'),
      ('status_message', 'what was said of an error'),
      ('trace_state', 'the W3C tracestate'),
      ('flags', 'the 32 bits of OTLP''s flags, as a signed integer'),
      ('attributes', 'by key, {} for none; a value keeps its type, bytes are {"bytesValue": base64}. Of a trace, its root''s'),
      ('resource', 'attributes of the resource'),
      ('resource_schema_url', 'schema_url of the resource'),
      ('scope', 'attributes of the instrumentation scope'),
      ('scope_name', 'name of the instrumentation scope'),
      ('scope_version', 'version of the instrumentation scope'),
      ('scope_schema_url', 'schema_url of the instrumentation scope'),
      ('events', 'a list of name, time_unix_nano, attributes; null for none'),
      ('links', 'a list of trace_id, span_id, attributes, trace_state, flags; null for none'),
      ('dropped_attributes_count', 'how many attributes the sender left out'),
      ('dropped_events_count', 'how many events the sender left out'),
      ('dropped_links_count', 'how many links the sender left out'),
      ('start_time_unix_nano', 'start_time in nanoseconds since 1970; prunes no partitions'),
      ('time_unix_nano', 'time in nanoseconds since 1970; prunes no partitions'),
      ('observed_time_unix_nano', 'observed_time in nanoseconds since 1970'),
      ('duration_nano', 'the end less the start as they were sent, in nanoseconds, sensible or not'),
      ('service_id', 'of public.service_dim'),
      ('operation_id', 'of public.operation_dim'),
      ('resource_id', 'of public.resource_dim'),
      ('scope_id', 'of public.scope_dim'),
      ('series_id', 'of public.series_dim: the same for all points of a series'),
      ('severity_number', '1 to 24: the number that was sent, or that the text stands for; 0 where there is neither'),
      ('severity_text', 'as it was sent'),
      ('event_name', 'what kind of event the record is'),
      ('body', 'a text; null where the body is something else'),
      ('body_json', 'a body that is no text: a map, a list, a number'),
      ('type', 'gauge, sum, histogram, exponential_histogram or summary'),
      ('temporality', 'delta or cumulative; null where it has none'),
      ('monotonic', 'whether a sum only grows'),
      ('unit', 'in UCUM, as it was sent'),
      ('description', 'of the metric'),
      ('value', 'of a gauge or sum'),
      ('value_int', 'of a gauge or sum, where it was sent as an integer'),
      ('value_double', 'of a gauge or sum, where it was sent as a double'),
      ('count', 'of a histogram or summary: the 64 bits as a signed integer'),
      ('sum', 'of a histogram or summary'),
      ('min', 'of a histogram'),
      ('max', 'of a histogram'),
      ('explicit_bounds', 'upper bounds of a histogram''s buckets but the last'),
      ('bucket_counts', 'of a histogram'),
      ('scale', 'of an exponential histogram'),
      ('zero_count', 'of an exponential histogram'),
      ('zero_threshold', 'of an exponential histogram'),
      ('positive_offset', 'of an exponential histogram'),
      ('positive_bucket_counts', 'of an exponential histogram'),
      ('negative_offset', 'of an exponential histogram'),
      ('negative_bucket_counts', 'of an exponential histogram'),
      ('quantiles', 'of a summary'),
      ('quantile_values', 'of a summary'),
      ('exemplars', 'a list of value, time_unix_nano, trace_id, span_id, attributes; null for none'),
      ('spans', 'how many spans of the trace are rows, from an hour before its root to a day after'),
      ('errors', 'how many of these failed'),
      ('services', 'service.name of each of these, once'),
      ('first_time', 'when the first of these began'),
      ('last_time', 'when the last of these ended')
    ) AS t (name, text)
    JOIN pg_attribute a ON a.attname = t.name AND a.attnum > 0
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'v' AND c.relnamespace = 'olly'::regnamespace
    WHERE c.relname IN ('spans', 'logs', 'metrics', 'traces')
  LOOP
    EXECUTE format('COMMENT ON COLUMN olly.%I.%I IS %L', said.relname, said.attname, said.text);
  END LOOP;
END
$$;

-- Row-level security as on the tables of before.
DO $$
DECLARE
  tab text;
BEGIN
  FOREACH tab IN ARRAY ARRAY['spans_fact', 'logs_fact', 'metrics_fact'] LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', tab);
    EXECUTE format('CREATE POLICY tenant ON public.%I USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r '
      'WHERE r.reader = to_regrole(quote_ident(current_user)))))', tab);
  END LOOP;
END
$$;

-- What a role may see that was let in: the one list of it.
CREATE FUNCTION olly.grant_views(reader name) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA olly, public TO %I', reader);
  EXECUTE format('GRANT SELECT ON olly.spans, olly.logs, olly.metrics, olly.traces, olly.reader TO %I', reader);
  EXECUTE format('GRANT EXECUTE ON FUNCTION olly.ns(timestamptz), olly.at(bigint), olly.duration_known(bigint, bigint), '
    'olly.grafana_trace(text, timestamptz, timestamptz) TO %I', reader);
  EXECUTE format('GRANT SELECT ON public.spans_fact, public.logs_fact, public.metrics_fact, public.service_dim, public.operation_dim, '
    'public.resource_dim, public.scope_dim, public.series_dim TO %I', reader);
END
$$;

COMMENT ON FUNCTION olly.grant_views(name) IS 'the part of olly.grant_read that is the same for every tenant';

REVOKE EXECUTE ON FUNCTION olly.grant_views(name) FROM PUBLIC;

CREATE OR REPLACE FUNCTION olly.grant_read(reader name, tenant text, timeout interval DEFAULT '60 seconds') RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = reader) THEN
    RAISE EXCEPTION 'role % is above row-level security and would read every tenant: take another role', reader;
  END IF;
  IF pg_has_role(reader, (SELECT relowner FROM pg_class WHERE oid = 'public.spans_fact'::regclass), 'MEMBER') THEN
    RAISE EXCEPTION 'role % may become the owner of the tables and would read every tenant: take another role', reader;
  END IF;
  INSERT INTO olly.reader (reader, tenant_id) VALUES (quote_ident(reader)::regrole, tenant) ON CONFLICT DO NOTHING;
  PERFORM olly.grant_views(reader);
  BEGIN
    EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', reader, (extract(epoch FROM timeout) * 1000)::bigint);
    EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', reader);
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', reader, '10min');
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'role % has no statement_timeout: only who may alter the role can set one', reader;
  END;
  BEGIN
    EXECUTE format('ALTER ROLE %I SET temp_file_limit = %L', reader, '1GB'); -- which a session cannot change
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'role % may fill the disk with sorts: only a superuser can set a temp_file_limit', reader;
  END;
END
$$;

-- Who was let in, stays so.
SELECT olly.grant_views(r.rolname) FROM pg_roles r WHERE r.oid IN (SELECT l.reader FROM olly.reader l);

UPDATE public.retention_policy SET rows_since = clock_timestamp() + interval '1 minute' WHERE rows_since IS NOT NULL;

SET LOCAL lock_timeout = DEFAULT;
