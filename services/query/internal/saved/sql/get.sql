SELECT saved_id, kind, page, name, description, version, created_at, created_by, updated_at, updated_by, document::text
FROM public.saved_query
WHERE tenant_id = $1 AND saved_id = $2
