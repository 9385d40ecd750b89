-- The segments that can hold what a query looks for, newest first: the first few at once, more by a cursor, to be fetched as far as they are
-- needed. A segment never crosses an hour, so the hour of the range's start bounds min_time from below and with it the partitions, and an hour after
-- its end bounds max_time from above, by which the index is sorted: what is not needed is not read.
-- Hours come by a subquery, which is hashed: under a generic plan an ANY of a parameter is compared value by value, for each segment.
SELECT segment_id, min_time, max_time
FROM spans_segment
WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
  AND min_time >= $3 AND min_time <= $4
  AND (level < 2 OR min_time < $5 OR min_time >= $6 OR min_time - min_time % 3600000000000 IN (SELECT unnest($7::bigint[])))
ORDER BY max_time DESC, segment_id DESC
LIMIT 32
-- $1 = default
-- $2 = 1795397400000000000
-- $3 = 1795395600000000000
-- $4 = 1795435199999999999
-- $5 = 1795399200000000000
-- $6 = 1795435200000000000
-- $7 = [1795410000000000000]
