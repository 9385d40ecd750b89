INSERT INTO public.tenant_dim (tenant_id) VALUES ($1::text) ON CONFLICT DO NOTHING
