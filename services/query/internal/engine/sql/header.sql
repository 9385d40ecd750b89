-- Headers of segments by id; min_time is for the index, and $4 and $5 bound it, so that no partition outside is opened. OFFSET 0 keeps this a
-- look-up by primary key for each, whatever the planner thinks of the size of the list.
SELECT h.*
FROM unnest($2::uuid[], $3::bigint[]) AS wanted(segment_id, min_time)
CROSS JOIN LATERAL (
  SELECT {{.Columns}}
  FROM {{.Table}} AS s
  WHERE s.tenant_id = $1 AND s.min_time = wanted.min_time AND s.segment_id = wanted.segment_id
    AND s.min_time >= $4 AND s.min_time <= $5
  OFFSET 0
) AS h
