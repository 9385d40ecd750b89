-- The segments below level $4 of one placement whose first item lies in [$2, $3), in order of time. Bytes are the body's; one that is nowhere has none.
SELECT s.segment_id, s.min_time, s.items, s.slot, coalesce(octet_length(fresh.body), 0)::bigint AS bytes, s.directory
FROM {{.From}}
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time >= $2 AND s.min_time < $3 AND s.level < $4 AND s.level < 2 AND s.slot >= 0
ORDER BY s.min_time, s.segment_id
