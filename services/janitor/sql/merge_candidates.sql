-- Windows ($1 ns long, ended before $2) in which one tenant has several segments below level $3; oldest first.
SELECT tenant_id, min_time / $1 * $1 AS window_start
FROM public.{{.Table}}
WHERE level < 2 AND level < $3 AND min_time < $2
GROUP BY tenant_id, window_start
HAVING count(*) > 1
ORDER BY window_start, tenant_id
LIMIT $4
