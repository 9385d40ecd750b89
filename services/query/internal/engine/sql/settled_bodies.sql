-- How many bytes the bodies of settled segments of the tenants $1 (null: all) take, by their lengths.
SELECT tenant_id, sum(octet_length(body))::bigint
FROM public.{{.Table}}
WHERE {{if .All}}$1::text[] IS NULL{{else}}tenant_id = ANY ($1::text[]){{end}}
GROUP BY tenant_id
LIMIT $2
