-- One row at least: the moment at which it was so. A policy's days are null where there is no policy at all.
SELECT clock_timestamp(), coalesce(tenant_id, ''), coalesce(signal, ''), coalesce(days, 0), coalesce(legal_hold, false),
    coalesce(extract(epoch FROM rows_window)::bigint, 0)
FROM (SELECT) AS always
LEFT JOIN public.retention_policy ON true
ORDER BY tenant_id, signal
