-- The policies that hold for tenant $1: its own, else those of the tenant default.
SELECT DISTINCT ON (signal) tenant_id, signal, days, legal_hold, extract(epoch FROM rows_window)::bigint,
    greatest(rows_since, now() - public.rows_horizon(rows_window, days, legal_hold))
FROM public.retention_policy
WHERE tenant_id IN ($1, 'default')
ORDER BY signal, tenant_id = $1 DESC
