-- The segments below level $4 of one placement whose first item lies in [$2, $3), in order of time. A body that is nowhere has no bytes.
SELECT s.segment_id, s.min_time, s.items, s.slot, octet_length(s.directory)::bigint + coalesce(octet_length(fresh.body), 0) AS bytes
FROM {{.From}}
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time >= $2 AND s.min_time < $3 AND s.level < $4 AND s.level < 2 AND s.slot >= 0
ORDER BY s.min_time, s.segment_id
