DELETE FROM public.{{.Table}}
WHERE tenant_id = $1 AND placement = $5 AND min_time BETWEEN $2 AND $3 AND segment_id = ANY($4)
