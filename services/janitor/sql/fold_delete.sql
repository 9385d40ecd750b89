DELETE FROM public.{{.Table}}
WHERE tenant_id = $1 AND kind = $2 AND grain IN (0, 1) AND start = $3 AND placement = $4 AND rollup_id = ANY($5)
