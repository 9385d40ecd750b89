-- Byte ranges of bodies: substring() on an EXTERNAL column reads only the TOAST chunks of the range. The table is one leaf, of a slot or of a day,
-- so that no other is planned, opened or locked. OFFSET 0 keeps this a look-up by primary key for each range, whatever the planner thinks of the
-- size of the list.
SELECT part.bytes
FROM unnest($2::uuid[], $3::int[], $4::int[]) WITH ORDINALITY AS wanted(segment_id, first, length, number)
CROSS JOIN LATERAL (
  SELECT substring(body FROM wanted.first FOR wanted.length) AS bytes
  FROM {{.Table}} AS s
  WHERE s.tenant_id = $1 AND s.segment_id = wanted.segment_id
  OFFSET 0
) AS part
ORDER BY wanted.number
