-- The segments that begin last, without their bytes.
SELECT s.segment_id, s.tenant_id, s.min_time, s.max_time, s.items, s.level, octet_length(s.directory) + octet_length(s.body)
FROM public.{{.Table}} AS s
ORDER BY s.min_time DESC, s.segment_id
LIMIT $1
