DELETE FROM public.retention_policy WHERE tenant_id = $1 AND signal = ANY ($2::text[])
