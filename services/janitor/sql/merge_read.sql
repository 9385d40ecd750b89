-- Whole segments of a placement by id; the bounds of time are for the index.
SELECT {{.Columns}}
FROM {{.From}}
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time BETWEEN $2 AND $3 AND s.segment_id = ANY($4) AND s.level < 2
ORDER BY s.min_time, s.segment_id
