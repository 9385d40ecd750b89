-- Nothing comes of it where the tenant has $9 already.
WITH made AS (
  INSERT INTO public.saved_query (tenant_id, saved_id, kind, page, name, description, document, created_by, updated_by)
  SELECT $1, $2, $3, $4, $5, $6, $7::json, $8, $8
  WHERE (SELECT count(*) FROM public.saved_query WHERE tenant_id = $1) < $9
  RETURNING saved_id, kind, page, name, description, version, created_at, created_by, updated_at, updated_by, document::text AS document
), recorded AS (
  INSERT INTO public.janitor_audit (action, tenant_id, target, details)
  SELECT 'saved', $1, 'saved_query', jsonb_build_object('did', 'create', 'by', $8::text, 'id', saved_id, 'name', name, 'version', version)
  FROM made
)
SELECT saved_id, kind, page, name, description, version, created_at, created_by, updated_at, updated_by, document
FROM made
