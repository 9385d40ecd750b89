-- The hours from $2 to before $3 with segments that are not settled: no filter of their traces knows of them.
SELECT DISTINCT min_time / 3600000000000 * 3600000000000
FROM public.{{.Table}}
WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND min_time >= $2 AND min_time < $3
