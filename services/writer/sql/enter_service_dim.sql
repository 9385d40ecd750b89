-- Enters what is new, and moves last_seen_day of what was last seen on an earlier day. Sorted by key, so that concurrent
-- writers wait for one another in one order; a row that somebody else is moving at this moment is left to them.
WITH seen AS (
  SELECT s.* FROM unnest(
    $2::text[],
    $3::bigint[],
    $4::text[],
    $5::text[]
  ) AS s (tenant_id, service_id, name, namespace)
), entered AS (
  INSERT INTO public.service_dim (tenant_id, service_id, name, namespace, last_seen_day)
  SELECT s.tenant_id, s.service_id, s.name, s.namespace, $1::date FROM seen s ORDER BY s.tenant_id, s.service_id
  ON CONFLICT DO NOTHING
), stale AS (
  SELECT d.tenant_id, d.service_id FROM public.service_dim d JOIN seen s ON s.tenant_id = d.tenant_id AND s.service_id = d.service_id
  WHERE d.last_seen_day < $1::date
  ORDER BY d.tenant_id, d.service_id FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE public.service_dim d SET last_seen_day = $1::date FROM stale
WHERE d.tenant_id = stale.tenant_id AND d.service_id = stale.service_id
