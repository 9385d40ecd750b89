-- The segments that are not settled of whole minutes, by the time of their newest item, from $2 to before $4; $3 is the hour of $2. The order is there for no
-- index but that by max_time to be taken.
{{- if .Places}} Those of the minutes of $5.{{else}} Of each minute a number tells which these are.{{end}}
SELECT {{if .Places}}segment_id, min_time, max_time{{else}}max_time - max_time % 60000000000, false, count(*), bit_xor(uuid_hash_extended(segment_id, 1)){{end}}
FROM (
  SELECT segment_id, min_time, max_time
  FROM public.{{.Table}}
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time < $4 AND min_time >= $3 AND min_time < $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0
) AS s
{{- if .Places}}
WHERE max_time - max_time % 60000000000 IN (SELECT unnest($5::bigint[])){{else}}
GROUP BY 1{{end}}
