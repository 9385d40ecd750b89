COPY public.spans_fact (
  start_time, start_time_unix_nano, duration_nano, trace_id, span_id, parent_span_id, service_id, operation_id, resource_id, scope_id,
  flags, dropped_attributes_count, dropped_events_count, dropped_links_count, kind, status_code,
  tenant_id, connection_id, status_message, trace_state, attributes, events, links
) FROM STDIN (FORMAT binary)
