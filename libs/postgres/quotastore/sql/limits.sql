-- One row at least: the moment at which it was so.
SELECT clock_timestamp(), coalesce(tenant_id, ''), coalesce(name, ''), coalesce(value, 0)
FROM (SELECT) AS always
LEFT JOIN public.tenant_limit ON true
ORDER BY tenant_id, name
