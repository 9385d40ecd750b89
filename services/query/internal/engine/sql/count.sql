-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned.
SELECT count(*), coalesce(max(max_position), 0) FROM {{.Table}} WHERE tenant_id = $1 AND max_time >= $2 AND min_time >= $3 AND min_time <= $4
{{- if .Stage}}
  AND {{.Stage}}{{end}}
