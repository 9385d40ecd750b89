DELETE FROM public.tenant_limit WHERE tenant_id = $1 AND name = $2
