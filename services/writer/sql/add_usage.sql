-- Adds what a flush stores to a row of its tenant and day that no other transaction holds, or makes one: nobody waits for anybody. A row
-- of the same random part that somebody is making at this moment is waited for, and added to.
WITH stored AS (
  SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[]) AS s (tenant_id, day, items, bytes, series)
), free AS (
  SELECT s.tenant_id, s.day, f.part FROM stored s CROSS JOIN LATERAL (
    SELECT u.part FROM public.tenant_usage u WHERE u.tenant_id = s.tenant_id AND u.day = s.day AND u.signal = $6::smallint
    LIMIT 1 FOR UPDATE SKIP LOCKED
  ) f
)
INSERT INTO public.tenant_usage AS u (day, tenant_id, signal, part, items, bytes, series)
SELECT s.day, s.tenant_id, $6::smallint, coalesce(f.part, (random() * 2147483646)::integer), s.items, s.bytes, s.series
FROM stored s LEFT JOIN free f ON f.tenant_id = s.tenant_id AND f.day = s.day
ORDER BY s.tenant_id, s.day
ON CONFLICT (tenant_id, day, signal, part) DO UPDATE SET items = u.items + excluded.items, bytes = u.bytes + excluded.bytes,
  series = u.series + excluded.series
