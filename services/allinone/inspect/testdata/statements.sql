---- find
-- One segment by its id. No index leads to it, so every partition of headers is looked through: bodies lie apart and are read for the one found only.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.slot, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.group_id, s.placement, coalesce(fresh.body, settled.body, '')
FROM public.spans_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.spans_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
LEFT JOIN LATERAL (
  SELECT b.body FROM public.spans_body AS b WHERE s.slot = -1 AND b.tenant_id = s.tenant_id AND b.segment_id = s.segment_id AND b.min_time = s.min_time
    AND b.placement = s.placement OFFSET 0
) AS settled ON true
WHERE s.segment_id = $1

---- newest
-- The segments that begin last, without their bytes.
SELECT s.segment_id, s.tenant_id, s.min_time, s.max_time, s.items, s.level, octet_length(s.directory) + octet_length(coalesce(fresh.body, settled.body, ''))
FROM public.spans_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.spans_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
LEFT JOIN LATERAL (
  SELECT b.body FROM public.spans_body AS b WHERE s.slot = -1 AND b.tenant_id = s.tenant_id AND b.segment_id = s.segment_id AND b.min_time = s.min_time
    AND b.placement = s.placement OFFSET 0
) AS settled ON true
WHERE s.segment_id IN (SELECT segment_id FROM public.spans_segment ORDER BY min_time DESC, segment_id LIMIT $1)
ORDER BY s.min_time DESC, s.segment_id

---- find
-- One segment by its id. No index leads to it, so every partition of headers is looked through: bodies lie apart and are read for the one found only.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.slot, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.group_id, s.placement, coalesce(fresh.body, settled.body, '')
FROM public.logs_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.logs_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
LEFT JOIN LATERAL (
  SELECT b.body FROM public.logs_body AS b WHERE s.slot = -1 AND b.tenant_id = s.tenant_id AND b.segment_id = s.segment_id AND b.min_time = s.min_time
    AND b.placement = s.placement OFFSET 0
) AS settled ON true
WHERE s.segment_id = $1

---- newest
-- The segments that begin last, without their bytes.
SELECT s.segment_id, s.tenant_id, s.min_time, s.max_time, s.items, s.level, octet_length(s.directory) + octet_length(coalesce(fresh.body, settled.body, ''))
FROM public.logs_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.logs_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
LEFT JOIN LATERAL (
  SELECT b.body FROM public.logs_body AS b WHERE s.slot = -1 AND b.tenant_id = s.tenant_id AND b.segment_id = s.segment_id AND b.min_time = s.min_time
    AND b.placement = s.placement OFFSET 0
) AS settled ON true
WHERE s.segment_id IN (SELECT segment_id FROM public.logs_segment ORDER BY min_time DESC, segment_id LIMIT $1)
ORDER BY s.min_time DESC, s.segment_id

---- find
-- One segment by its id. No index leads to it, so every partition of headers is looked through: bodies lie apart and are read for the one found only.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.slot, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.group_id, s.placement, coalesce(fresh.body, settled.body, '')
FROM public.metrics_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.metrics_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
LEFT JOIN LATERAL (
  SELECT b.body FROM public.metrics_body AS b WHERE s.slot = -1 AND b.tenant_id = s.tenant_id AND b.segment_id = s.segment_id AND b.min_time = s.min_time
    AND b.placement = s.placement OFFSET 0
) AS settled ON true
WHERE s.segment_id = $1

---- newest
-- The segments that begin last, without their bytes.
SELECT s.segment_id, s.tenant_id, s.min_time, s.max_time, s.items, s.level, octet_length(s.directory) + octet_length(coalesce(fresh.body, settled.body, ''))
FROM public.metrics_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.metrics_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
LEFT JOIN LATERAL (
  SELECT b.body FROM public.metrics_body AS b WHERE s.slot = -1 AND b.tenant_id = s.tenant_id AND b.segment_id = s.segment_id AND b.min_time = s.min_time
    AND b.placement = s.placement OFFSET 0
) AS settled ON true
WHERE s.segment_id IN (SELECT segment_id FROM public.metrics_segment ORDER BY min_time DESC, segment_id LIMIT $1)
ORDER BY s.min_time DESC, s.segment_id

