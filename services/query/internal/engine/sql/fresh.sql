-- The segments of $2 to before $4 that are in no rollup yet. Of a minute that begins before $5 either all are told, by the time of their newest item, or none;
-- what reaches beyond it, until before $6, is there where it begins in the range. $3 is the hour of $2: a segment never crosses one.
{{- if .Places}} Of the minutes of $7.{{else}} Of
-- each minute a number tells which segments these are.{{end}}
SELECT {{if .Places}}segment_id, min_time, max_time{{else}}max_time - max_time % 60000000000, false, count(*), bit_xor(uuid_hash_extended(segment_id, 1)){{end}}
FROM public.{{.Table}}
WHERE tenant_id = $1 AND level = 0 AND max_time >= $2 AND max_time < $6 AND min_time >= $3 AND min_time < $5 AND (min_time < $4 OR max_time < $5)
{{- if .Places}}
  AND max_time - max_time % 60000000000 IN (SELECT unnest($7::bigint[])){{else}}
GROUP BY 1{{end}}
