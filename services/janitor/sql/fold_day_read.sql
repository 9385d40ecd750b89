-- The hours of a day, without their minutes, in the order of their keys.
SELECT {{.Columns}}
FROM public.{{.Table}}
WHERE tenant_id = $1 AND kind = $2 AND grain = 1 AND start >= $3 AND start < $3 + 86400000000000 AND placement = $4
ORDER BY low, start, rollup_id
