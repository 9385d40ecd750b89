-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM {{.Table}}
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
{{- if .Stage}}
    AND {{.Stage}}{{end}}
  ORDER BY max_time DESC, segment_id DESC
) AS s
