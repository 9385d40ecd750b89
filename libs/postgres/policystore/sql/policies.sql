-- The policies that somebody set, and since when there are rows by each.
SELECT tenant_id, signal, days, legal_hold, extract(epoch FROM rows_window)::bigint,
    greatest(rows_since, now() - nullif(rows_window, '0'), CASE WHEN rows_window > '0' AND NOT legal_hold THEN now() - days * interval '1 day' END)
FROM public.retention_policy
ORDER BY tenant_id, signal
