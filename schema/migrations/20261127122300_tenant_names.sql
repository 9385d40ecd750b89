-- Tenants may be called by domains, namespaces and versions: names have dots, too, and up to 128 characters (telemetry.ParseTenant checks the
-- same). The table has a row a tenant; every row of before meets the new check, so that it is looked through in no time. The build before works on: it
-- refuses the names that are new.
SET LOCAL lock_timeout = '5s';
ALTER TABLE public.tenant_dim
  DROP CONSTRAINT tenant_dim_token,
  ADD CONSTRAINT tenant_dim_token CHECK (tenant_id ~ '^[A-Za-z0-9._-]{1,128}$' AND tenant_id NOT IN ('.', '..'));
