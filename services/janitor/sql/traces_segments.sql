-- The settled segments of a placement from $3 to before $4, in order of time.
SELECT {{.Columns}}
FROM public.{{.Table}} AS s
WHERE s.tenant_id = $1 AND s.placement = $2 AND s.min_time >= $3 AND s.min_time < $4 AND s.level = 2
ORDER BY s.min_time, s.segment_id
