SELECT state FROM public.{{.Table}} WHERE tenant_id = $1 AND placement = $2 AND grain = $3 AND start = $4
