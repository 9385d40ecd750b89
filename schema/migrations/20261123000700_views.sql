-- Schema olly: what people with SQL see. Views join the dimensions in and turn nanoseconds into timestamptz. They run with the
-- rights of who asks (security_invoker), so that the row-level security below holds through them.
--
-- For speed bound the time by the raw column, which prunes partitions:
--   SELECT * FROM olly.spans WHERE start_time_unix_nano >= olly.ns(now() - interval '1 hour') AND service = 'cart';

CREATE SCHEMA olly;

CREATE FUNCTION olly.ns(at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (extract(epoch FROM at) * 1000000)::bigint * 1000 $$;

COMMENT ON FUNCTION olly.ns(timestamptz) IS 'an instant as Unix nanoseconds';

CREATE FUNCTION olly.at(ns bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT timestamptz '1970-01-01 00:00:00+00' + (ns / 1000) * interval '1 microsecond' $$;

COMMENT ON FUNCTION olly.at(bigint) IS 'Unix nanoseconds as an instant, to the microsecond';

CREATE VIEW olly.spans WITH (security_invoker = true) AS
SELECT
  f.tenant_id, f.connection_id,
  f.trace_id,
  lpad(to_hex(f.span_id), 16, '0') AS span_id,
  lpad(to_hex(f.parent_span_id), 16, '0') AS parent_span_id,
  olly.at(f.start_time_unix_nano) AS start_time,
  olly.at(f.start_time_unix_nano + f.duration_nano) AS end_time,
  f.duration_nano / 1e6::double precision AS duration_ms,
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
  olly.at(f.time_unix_nano) AS time,
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
  olly.at(f.time_unix_nano) AS time,
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

-- Row-level security: a role other than the owner (the services) sees one tenant's rows, the one it has set for its session:
--   SET olly.tenant = 'default';
-- Without it, it sees none. Leaves have no grants, so the policies on the parents cannot be walked around.
DO $$
DECLARE
  tab text;
BEGIN
  FOREACH tab IN ARRAY ARRAY[
    'spans_fact', 'logs_fact', 'metrics_fact', 'spans_segment', 'logs_segment', 'metrics_segment',
    'tenant_dim', 'service_dim', 'operation_dim', 'resource_dim', 'scope_dim', 'series_dim',
    'red_minute', 'ingest_batch', 'retention_policy', 'janitor_audit'
  ] LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', tab);
    EXECUTE format('CREATE POLICY tenant ON public.%I USING (tenant_id = current_setting(''olly.tenant'', true))', tab);
  END LOOP;
END
$$;

-- grant_read lets a role read telemetry by SQL, one tenant at a time.
CREATE FUNCTION olly.grant_read(reader name) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA olly, public TO %I', reader);
  EXECUTE format('GRANT SELECT ON olly.spans, olly.logs, olly.metrics TO %I', reader);
  EXECUTE format('GRANT EXECUTE ON FUNCTION olly.ns(timestamptz), olly.at(bigint) TO %I', reader);
  EXECUTE format('GRANT SELECT ON public.spans_fact, public.logs_fact, public.metrics_fact, public.service_dim, public.operation_dim, '
    'public.resource_dim, public.scope_dim, public.series_dim, public.red_minute TO %I', reader);
END
$$;

COMMENT ON FUNCTION olly.grant_read(name) IS 'lets a role read the views of schema olly and the tables below them, for the tenant it sets in olly.tenant';
