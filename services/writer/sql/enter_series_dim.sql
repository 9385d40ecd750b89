-- Enters what is new, and moves last_seen_day of what was last seen on an earlier day. Concurrent writers must never wait for one
-- another in a circle: what is there already is not inserted (that would wait for whoever is moving it), what is new is inserted
-- in order of its key, all of it before anything is moved (the count of it, always true, sees to that), and a row that somebody
-- else is moving at this moment is left to them.
WITH seen AS (
  SELECT s.* FROM unnest(
    $2::text[],
    $3::bigint[],
    $4::bigint[],
    $5::bigint[],
    $6::bigint[],
    $7::text[],
    $8::smallint[],
    $9::smallint[],
    $10::boolean[],
    $11::text[],
    $12::text[],
    $13::jsonb[],
    $14::jsonb[]
  ) AS s (tenant_id, series_id, service_id, resource_id, scope_id, metric_name, metric_type, temporality, monotonic, unit, description, attributes, metadata)
), entered AS (
  INSERT INTO public.series_dim (tenant_id, series_id, service_id, resource_id, scope_id, metric_name, metric_type, temporality, monotonic, unit, description, attributes, metadata, last_seen_day)
  SELECT s.tenant_id, s.series_id, s.service_id, s.resource_id, s.scope_id, s.metric_name, s.metric_type, s.temporality, s.monotonic, s.unit, s.description, s.attributes, s.metadata, $1::date FROM seen s
  WHERE NOT EXISTS (SELECT FROM public.series_dim d WHERE d.tenant_id = s.tenant_id AND d.series_id = s.series_id)
  ORDER BY s.tenant_id, s.series_id
  ON CONFLICT DO NOTHING
  RETURNING 1
), stale AS (
  SELECT d.tenant_id, d.series_id FROM public.series_dim d JOIN seen s ON s.tenant_id = d.tenant_id AND s.series_id = d.series_id
  WHERE d.last_seen_day < $1::date AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.series_id FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE public.series_dim d SET last_seen_day = $1::date FROM stale
WHERE d.tenant_id = stale.tenant_id AND d.series_id = stale.series_id
