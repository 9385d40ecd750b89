-- The segments below level $4 of one tenant whose first item lies in [$2, $3), in order of time.
SELECT segment_id, min_time, items, octet_length(directory)::bigint + octet_length(body) AS bytes
FROM public.{{.Table}}
WHERE tenant_id = $1 AND min_time >= $2 AND min_time < $3 AND level < $4
ORDER BY min_time, segment_id
