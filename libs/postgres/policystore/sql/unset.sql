-- Takes the policies of tenant $1 for signals $2 away. $3 says who wants it so, for the record.
WITH gone AS (
  DELETE FROM public.retention_policy WHERE tenant_id = $1 AND signal = ANY ($2::text[]) RETURNING tenant_id, signal
)
INSERT INTO public.janitor_audit (action, tenant_id, signal, target, details)
SELECT 'policy', tenant_id, signal, 'retention_policy', jsonb_build_object('by', $3::text, 'unset', true)
FROM gone
