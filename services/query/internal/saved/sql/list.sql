-- Without documents: all of a tenant's are some megabytes at most.
SELECT saved_id, kind, page, name, description, version, created_at, created_by, updated_at, updated_by
FROM public.saved_query
WHERE tenant_id = $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR page = $3)
ORDER BY lower(name), saved_id
