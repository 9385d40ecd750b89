-- A day that is no longer the sum of its hours.
DELETE FROM public.{{.Table}}
WHERE tenant_id = $1 AND kind = $2 AND grain = 2 AND start = $3 / 86400000000000 * 86400000000000 AND placement = $4
