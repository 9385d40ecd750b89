-- The days from $2 to $3 with segments that are not settled: no filter of a day knows of them.
SELECT DISTINCT min_time / 86400000000000 * 86400000000000
FROM public.{{.Table}}
WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND min_time >= $2 AND min_time < $3 + 86400000000000
