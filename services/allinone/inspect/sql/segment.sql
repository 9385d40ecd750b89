-- One segment by its id. No index leads to it, so every partition is looked through: bodies lie apart and are read for the one found only.
SELECT {{.Columns}}
FROM public.{{.Table}} AS s
WHERE s.segment_id = $1
