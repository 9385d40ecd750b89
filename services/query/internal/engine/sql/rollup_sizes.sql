-- How many rollups the tenants $1 (null: all) have, and how many bytes they take, by their lengths.
SELECT tenant_id, count(*), sum(octet_length(low) + octet_length(high) + octet_length(total) + octet_length(minutes))::bigint
FROM public.{{.Table}}
WHERE {{if .All}}$1::text[] IS NULL{{else}}tenant_id = ANY ($1::text[]){{end}}
GROUP BY tenant_id
LIMIT $2
