-- The segments that can hold what a query looks for, newest first: the first few at once, more by a cursor, to be fetched as far as they are
-- needed. A segment never crosses an hour, so the hour of the range's start bounds min_time from below and with it the partitions, and an hour after
-- its end bounds max_time from above, by which the index is sorted: what is not needed is not read.
{{- if .Groups}} Which segments the groups leave is in
-- the index, too: of the others no header is read.{{end}}
{{define "ranks"}}service_ids, service_max_duration, service_max_error_duration{{end}}
{{- define "header conditions"}}
{{- if .Services}}
  AND service_ids && {{.Services}}::bigint[]{{end}}
{{- if .Errors}}
  AND errors > 0{{end}}
{{- if .Roots}}
  AND roots > 0{{end}}
{{- if .MaxPosition}}
  AND min_position <= {{.MaxPosition}}{{end}}
{{- if .Beyond}}
  AND max_position >= {{.Beyond}}{{end}}
{{- range .Probes}}
  AND (octet_length({{.Filter}}) = 0{{$filter := .Filter}}{{range .Blocks}}
    OR (SELECT get_bit(b, ({{.Bits}}::int[])[1]) = 1 AND get_bit(b, ({{.Bits}}::int[])[2]) = 1 AND get_bit(b, ({{.Bits}}::int[])[3]) = 1
        AND get_bit(b, ({{.Bits}}::int[])[4]) = 1 AND get_bit(b, ({{.Bits}}::int[])[5]) = 1 AND get_bit(b, ({{.Bits}}::int[])[6]) = 1
        AND get_bit(b, ({{.Bits}}::int[])[7]) = 1 AND get_bit(b, ({{.Bits}}::int[])[8]) = 1
      FROM (SELECT substring({{$filter}} FROM (({{.High}}::bigint * (octet_length({{$filter}}) / 32)) >> 32)::int * 32 + 1 FOR 32) AS b OFFSET 0) AS block)
    {{- end}}){{end}}
{{- end}}
{{- if not (or .First .Ranked)}}DECLARE headers NO SCROLL CURSOR FOR
{{end -}}
SELECT {{if .Groups}}found.segment_id, found.min_time, found.max_time{{if .Ranked}}, header.*{{end}}
FROM (
  SELECT {{end}}segment_id, min_time, max_time{{if and .Ranked (not .Groups)}}, {{template "ranks"}}{{end}}
FROM {{.Table}}
WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
  AND min_time >= $3 AND min_time <= $4
{{- if .Stage}}
  AND {{.Stage}}{{end}}
{{- if .AfterTime}}
  AND (max_time, segment_id) < ({{.AfterTime}}, {{.AfterID}}){{end}}
{{- if .Groups}}
  AND (group_id IS NULL OR segment_id IN (SELECT unnest({{.Passed}}::uuid[])) OR group_id NOT IN (SELECT unnest({{.Groups}}::uuid[])))
ORDER BY max_time DESC, segment_id DESC
OFFSET 0) AS found
CROSS JOIN LATERAL (
  SELECT{{if .Ranked}} {{template "ranks"}}{{end}}
  FROM {{.Table}} AS s
  WHERE s.tenant_id = $1 AND s.min_time = found.min_time AND s.max_time = found.max_time AND s.segment_id = found.segment_id AND s.min_time >= $3 AND s.min_time <= $4
{{- template "header conditions" .}}
  OFFSET 0) AS header
ORDER BY found.max_time DESC, found.segment_id DESC
{{- else}}
{{- template "header conditions" .}}
ORDER BY max_time DESC, segment_id DESC
{{- end}}
{{- if .First}}
LIMIT {{.First}}{{end}}
