-- Version $4, or whichever it is for 0.
WITH gone AS (
  DELETE FROM public.saved_query
  WHERE tenant_id = $1 AND saved_id = $2 AND ($4 = 0 OR version = $4)
  RETURNING saved_id, name, version
)
INSERT INTO public.janitor_audit (action, tenant_id, target, details)
SELECT 'saved', $1, 'saved_query', jsonb_build_object('did', 'delete', 'by', $3::text, 'id', saved_id, 'name', name, 'version', version)
FROM gone
