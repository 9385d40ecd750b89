SELECT tenant_id, since, buckets FROM public.tenant_placement
