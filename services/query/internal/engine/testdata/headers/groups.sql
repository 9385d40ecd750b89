-- The segments that can hold what a query looks for, newest first: the first few at once, more by a cursor, to be fetched as far as they are
-- needed. A segment never crosses an hour, so the hour of the range's start bounds min_time from below and with it the partitions, and an hour after
-- its end bounds max_time from above, by which the index is sorted: what is not needed is not read. Which segments the groups leave is in
-- the index, too: of the others no header is read.
SELECT found.segment_id, found.min_time, found.max_time
FROM (
  SELECT segment_id, min_time, max_time
FROM logs_segment
WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
  AND min_time >= $3 AND min_time <= $4
  AND (group_id IS NULL OR segment_id IN (SELECT unnest($6::uuid[])) OR group_id NOT IN (SELECT unnest($5::uuid[])))
ORDER BY max_time DESC, segment_id DESC
OFFSET 0) AS found
CROSS JOIN LATERAL (
  SELECT
  FROM logs_segment AS s
  WHERE s.tenant_id = $1 AND s.min_time = found.min_time AND s.max_time = found.max_time AND s.segment_id = found.segment_id AND s.min_time >= $3 AND s.min_time <= $4
  AND (octet_length(token_filter) = 0
    OR (SELECT get_bit(b, ($8::int[])[1]) = 1 AND get_bit(b, ($8::int[])[2]) = 1 AND get_bit(b, ($8::int[])[3]) = 1
        AND get_bit(b, ($8::int[])[4]) = 1 AND get_bit(b, ($8::int[])[5]) = 1 AND get_bit(b, ($8::int[])[6]) = 1
        AND get_bit(b, ($8::int[])[7]) = 1 AND get_bit(b, ($8::int[])[8]) = 1
      FROM (SELECT substring(token_filter FROM (($7::bigint * (octet_length(token_filter) / 32)) >> 32)::int * 32 + 1 FOR 32) AS b OFFSET 0) AS block))
  OFFSET 0) AS header
ORDER BY found.max_time DESC, found.segment_id DESC
LIMIT 32
-- $1 = default
-- $2 = 1795397400000000000
-- $3 = 1795395600000000000
-- $4 = 1795435199999999999
-- $5 = [[1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0]]
-- $6 = [[2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0] [3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0]]
-- $7 = 4131078682
-- $8 = [27 46 81 117 153 167 193 232]
