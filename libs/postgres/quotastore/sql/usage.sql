-- Of tenants $1, or of all where it is null.
SELECT tenant_id, day, signal, sum(items)::bigint, sum(bytes)::bigint, sum(series)::bigint
FROM public.tenant_usage
WHERE ($1::text[] IS NULL OR tenant_id = ANY ($1::text[])) AND day BETWEEN $2 AND $3
GROUP BY tenant_id, day, signal
ORDER BY tenant_id, day, signal
LIMIT $4
