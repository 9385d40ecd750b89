COPY public.logs_fact (
  time, time_unix_nano, observed_time_unix_nano, trace_id, span_id, service_id, resource_id, scope_id,
  flags, dropped_attributes_count, severity_number,
  tenant_id, connection_id, severity_text, event_name, body, body_json, attributes
) FROM STDIN (FORMAT binary)
