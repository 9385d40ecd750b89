-- The hours of a day, in the order of their keys: whole, but for kinds that tell of an hour by minutes alone.
SELECT {{.Columns}}
FROM public.{{.Table}}
WHERE tenant_id = $1 AND kind = $2 AND grain = 1 AND start >= $3 AND start < $3 + 86400000000000 AND placement = $4
ORDER BY low, start, rollup_id
