-- The segments that begin last, without their bytes.
SELECT s.segment_id, s.tenant_id, s.min_time, s.max_time, s.items, s.level, octet_length(s.directory) + octet_length({{.Body}})
FROM {{.From}}
WHERE s.segment_id IN (SELECT segment_id FROM public.{{.Table}} ORDER BY min_time DESC, segment_id LIMIT $1)
ORDER BY s.min_time DESC, s.segment_id
