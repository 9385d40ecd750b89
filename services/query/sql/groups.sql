-- For each group of segments in the range, the blocks of their filters that each hash meets: of all its segments, one after the other.
SELECT group_id, segments, ARRAY[
{{- range $i, $r := .Runs}}{{if $i}},{{end}}
  substring({{$r.Filter}} FROM ((({{$r.High}}::bigint * {{$r.Blocks}}) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
{{- end}}]::bytea[]
FROM {{.Table}}
WHERE tenant_id = $1 AND max_time >= $2 AND min_time >= $3 AND min_time <= $4
