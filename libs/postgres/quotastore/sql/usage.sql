SELECT day, signal, sum(items)::bigint, sum(bytes)::bigint
FROM public.tenant_usage
WHERE tenant_id = $1 AND day BETWEEN $2 AND $3
GROUP BY day, signal
ORDER BY day, signal
