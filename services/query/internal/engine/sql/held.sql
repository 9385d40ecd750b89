-- What the tenants $1 have (null: all) in segments, by level, and apart what is not settled though its hour ended before $2: how many, of how many items, how
-- many bytes of headers and of bodies that will be merged, from when to when. Of what lies apart only its length is looked at.
SELECT s.tenant_id, s.level, s.level < 2 AND s.min_time < $2, count(*), sum(s.items)::bigint,
  sum(octet_length(s.directory) + octet_length(s.trace_filter) + octet_length(s.token_filter) + coalesce(octet_length(fresh.body), 0))::bigint,
  min(s.min_time), max(s.max_time)
FROM {{.From}}
WHERE {{if .All}}$1::text[] IS NULL{{else}}s.tenant_id = ANY ($1::text[]){{end}}
GROUP BY s.tenant_id, s.level, 3
LIMIT $3
