-- Enters what is new, and moves last_seen_day of what was last seen on an earlier day. Concurrent writers must never wait for one
-- another in a circle: what is there already is not inserted (that would wait for whoever is moving it), what is new is inserted
-- in order of its key, all of it before anything is moved (the count of it, always true, sees to that), and a row that somebody
-- else is moving at this moment is left to them.
WITH seen AS (
  SELECT s.* FROM unnest(
    $2::text[],
    $3::bigint[],
    $4::bigint[],
    $5::jsonb[],
    $6::text[],
    $7::integer[]
  ) AS s (tenant_id, resource_id, service_id, attributes, schema_url, dropped_attributes_count)
), entered AS (
  INSERT INTO public.resource_dim (tenant_id, resource_id, service_id, attributes, schema_url, dropped_attributes_count, last_seen_day)
  SELECT s.tenant_id, s.resource_id, s.service_id, s.attributes, s.schema_url, s.dropped_attributes_count, $1::date FROM seen s
  WHERE NOT EXISTS (SELECT FROM public.resource_dim d WHERE d.tenant_id = s.tenant_id AND d.resource_id = s.resource_id)
  ORDER BY s.tenant_id, s.resource_id
  ON CONFLICT DO NOTHING
  RETURNING 1
), stale AS (
  SELECT d.tenant_id, d.resource_id FROM public.resource_dim d JOIN seen s ON s.tenant_id = d.tenant_id AND s.resource_id = d.resource_id
  WHERE d.last_seen_day < $1::date AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.resource_id FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE public.resource_dim d SET last_seen_day = $1::date FROM stale
WHERE d.tenant_id = stale.tenant_id AND d.resource_id = stale.resource_id
