COPY public.metrics_segment (
  tenant_id, segment_id, min_time, max_time, min_position, max_position, checksum, items, errors, roots, level, format,
  service_ids, service_items, service_max_duration, service_max_error_duration,
  trace_filter, token_filter, directory, body
) FROM STDIN (FORMAT binary)
