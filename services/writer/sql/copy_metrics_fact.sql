COPY public.metrics_fact (
  time, time_unix_nano, start_time_unix_nano, series_id, service_id, value_int, value_double, count, sum, min, max, zero_count, zero_threshold,
  flags, scale, positive_offset, negative_offset, tenant_id, connection_id,
  explicit_bounds, bucket_counts, positive_bucket_counts, negative_bucket_counts, quantiles, quantile_values, exemplars
) FROM STDIN (FORMAT binary)
