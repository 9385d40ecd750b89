-- The policies that somebody set, and since when there are rows by each.
SELECT tenant_id, signal, days, legal_hold, extract(epoch FROM rows_window)::bigint,
    greatest(rows_since, now() - public.rows_horizon(rows_window, days, legal_hold))
FROM public.retention_policy
ORDER BY tenant_id, signal
