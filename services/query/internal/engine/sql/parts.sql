-- Byte ranges of segments' bodies: substring() on an EXTERNAL column reads only the TOAST chunks of the range. OFFSET 0 keeps this a
-- look-up by primary key for each range, whatever the planner thinks of the size of the list. $6 and $7 bound min_time: partitions outside are
-- not even opened.
SELECT part.bytes
FROM unnest($2::uuid[], $3::bigint[], $4::int[], $5::int[]) WITH ORDINALITY AS wanted(segment_id, min_time, first, length, number)
CROSS JOIN LATERAL (
  SELECT substring(body FROM wanted.first FOR wanted.length) AS bytes
  FROM {{.Table}} AS s
  WHERE s.tenant_id = $1 AND s.min_time = wanted.min_time AND s.segment_id = wanted.segment_id
    AND s.min_time >= $6 AND s.min_time <= $7
  OFFSET 0
) AS part
ORDER BY wanted.number
