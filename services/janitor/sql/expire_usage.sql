DELETE FROM public.tenant_usage WHERE day < $1
