INSERT INTO public.tenant_limit (tenant_id, name, value) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value, updated_at = now()
