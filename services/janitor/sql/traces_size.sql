-- What the settled segments of a placement from $3 to before $4 are: how many, bytes of their trace filters, items, highest position.
SELECT count(*), coalesce(sum(octet_length(trace_filter)), 0), coalesce(sum(items), 0), coalesce(max(max_position), 0)
FROM public.{{.Table}}
WHERE tenant_id = $1 AND placement = $2 AND min_time >= $3 AND min_time < $4 AND level = 2
