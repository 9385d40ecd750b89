INSERT INTO public.{{.Table}} (at, action, tenant_id, signal, target, items, bytes, details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
