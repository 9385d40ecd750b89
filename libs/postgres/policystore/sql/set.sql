-- Of tenant $1 and signals $2: days $3, seconds of rows $4, hold $5; null leaves what the tenant has, or the tenant default where it has no policy of
-- its own. What the tenant has is read where it is changed: two changes at once, of days and of hold, keep each other's. $6 says who wants it so, for the record.
WITH said AS (
  INSERT INTO public.retention_policy AS o (tenant_id, signal, days, rows_window, legal_hold)
  SELECT $1, s.signal, coalesce($3::integer, p.days), coalesce($4::bigint * interval '1 second', p.rows_window), coalesce($5::boolean, p.legal_hold)
  FROM unnest($2::text[]) AS s(signal)
  JOIN LATERAL (
    SELECT q.days, q.rows_window, q.legal_hold
    FROM public.retention_policy q
    WHERE q.signal = s.signal AND q.tenant_id IN ($1, 'default')
    ORDER BY q.tenant_id = $1 DESC
    LIMIT 1
  ) AS p ON true
  ON CONFLICT (tenant_id, signal) DO UPDATE
  SET days = coalesce($3::integer, o.days), rows_window = coalesce($4::bigint * interval '1 second', o.rows_window),
    legal_hold = coalesce($5::boolean, o.legal_hold), updated_at = now()
  RETURNING tenant_id, signal, days, rows_window, legal_hold
)
INSERT INTO public.janitor_audit (action, tenant_id, signal, target, details)
SELECT 'policy', tenant_id, signal, 'retention_policy',
  jsonb_build_object('by', $6::text, 'days', days, 'rows_seconds', extract(epoch FROM rows_window)::bigint, 'hold', legal_hold)
FROM said
