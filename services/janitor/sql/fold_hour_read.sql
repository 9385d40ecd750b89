-- The parts of an hour, and what was folded of it before, in the order of their keys.
SELECT {{.Columns}}
FROM public.{{.Table}}
WHERE tenant_id = $1 AND kind = $2 AND grain IN (0, 1) AND start = $3 AND placement = $4
ORDER BY low, rollup_id
