COPY public.red_minute (
  minute, service_id, operation_id, count, errors, duration_sum, kind, status, tenant_id, histogram
) FROM STDIN (FORMAT binary)
