-- Enters what is new, and moves last_seen_day of what was last seen on an earlier day. Concurrent writers must never wait for one
-- another in a circle: what is there already is not inserted (that would wait for whoever is moving it), what is new is inserted
-- in order of its key, all of it before anything is moved (the count of it, always true, sees to that), and a row that somebody
-- else is moving at this moment is left to them.
WITH seen AS (
  SELECT s.* FROM unnest(
    $2::text[],
    $3::bigint[],
    $4::text[],
    $5::text[]
  ) AS s (tenant_id, service_id, name, namespace)
), entered AS (
  INSERT INTO public.service_dim (tenant_id, service_id, name, namespace, last_seen_day)
  SELECT s.tenant_id, s.service_id, s.name, s.namespace, $1::date FROM seen s
  WHERE NOT EXISTS (SELECT FROM public.service_dim d WHERE d.tenant_id = s.tenant_id AND d.service_id = s.service_id)
  ORDER BY s.tenant_id, s.service_id
  ON CONFLICT DO NOTHING
  RETURNING 1
), stale AS (
  SELECT d.tenant_id, d.service_id FROM public.service_dim d JOIN seen s ON s.tenant_id = d.tenant_id AND s.service_id = d.service_id
  WHERE d.last_seen_day < $1::date AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.service_id FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE public.service_dim d SET last_seen_day = $1::date FROM stale
WHERE d.tenant_id = stale.tenant_id AND d.service_id = stale.service_id
