-- Of whoever has seen version $9, and of nobody else.
WITH made AS (
  UPDATE public.saved_query
  SET kind = $3, page = $4, name = $5, description = $6, document = $7::json, version = version + 1, updated_at = now(), updated_by = $8
  WHERE tenant_id = $1 AND saved_id = $2 AND version = $9
  RETURNING saved_id, kind, page, name, description, version, created_at, created_by, updated_at, updated_by, document::text AS document
), recorded AS (
  INSERT INTO public.janitor_audit (action, tenant_id, target, details)
  SELECT 'saved', $1, 'saved_query', jsonb_build_object('did', 'replace', 'by', $8::text, 'id', saved_id, 'name', name, 'version', version)
  FROM made
)
SELECT saved_id, kind, page, name, description, version, created_at, created_by, updated_at, updated_by, document
FROM made
