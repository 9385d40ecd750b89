-- One segment by its id. No index leads to it, so every partition of headers is looked through: bodies lie apart and are read for the one found only.
SELECT {{.Columns}}
FROM {{.From}}
WHERE s.segment_id = $1
