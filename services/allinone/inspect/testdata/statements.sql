---- find
-- One segment by its id. No index leads to it, so every partition is looked through: bodies lie apart and are read for the one found only.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.body, s.group_id
FROM public.spans_segment AS s
WHERE s.segment_id = $1

---- newest
-- The segments that begin last, without their bytes.
SELECT s.segment_id, s.tenant_id, s.min_time, s.max_time, s.items, s.level, octet_length(s.directory) + octet_length(s.body)
FROM public.spans_segment AS s
ORDER BY s.min_time DESC, s.segment_id
LIMIT $1

---- find
-- One segment by its id. No index leads to it, so every partition is looked through: bodies lie apart and are read for the one found only.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.body, s.group_id
FROM public.logs_segment AS s
WHERE s.segment_id = $1

---- newest
-- The segments that begin last, without their bytes.
SELECT s.segment_id, s.tenant_id, s.min_time, s.max_time, s.items, s.level, octet_length(s.directory) + octet_length(s.body)
FROM public.logs_segment AS s
ORDER BY s.min_time DESC, s.segment_id
LIMIT $1

---- find
-- One segment by its id. No index leads to it, so every partition is looked through: bodies lie apart and are read for the one found only.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.body, s.group_id
FROM public.metrics_segment AS s
WHERE s.segment_id = $1

---- newest
-- The segments that begin last, without their bytes.
SELECT s.segment_id, s.tenant_id, s.min_time, s.max_time, s.items, s.level, octet_length(s.directory) + octet_length(s.body)
FROM public.metrics_segment AS s
ORDER BY s.min_time DESC, s.segment_id
LIMIT $1

