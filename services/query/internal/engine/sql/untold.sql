-- The segments of a range, $2 to $4 (inclusive; $3 is the hour of $2), that sums do not tell of: those that are not settled, and of settled ones those of
-- parts of the range, $5 to before $6, which lie in hours from $7 to before $8. The order is there for no index but that by max_time to be taken.
{{- if .Places}} Those of the minutes of $9, by their newest items, and those that reach out of the range.{{else}} Of each minute, by their newest items,
-- a number tells which these are, of those that reach out of the range apart.{{end}}
SELECT {{if .Places}}segment_id, min_time, max_time{{else}}max_time - max_time % 60000000000, min_time < $2 OR max_time > $4, count(*),
  bit_xor(uuid_hash_extended(segment_id, 1)){{end}}
FROM (
  (SELECT segment_id, min_time, max_time
  FROM public.{{.Table}}
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0)
  UNION ALL
  SELECT s.segment_id, s.min_time, s.max_time
  FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS part(since, until, hour, before)
  CROSS JOIN LATERAL (
    SELECT segment_id, min_time, max_time
    FROM public.{{.Table}}
    WHERE tenant_id = $1 AND level = 2 AND max_time >= part.since AND max_time < part.before AND min_time >= part.hour AND min_time < part.until
      AND min_time >= $3 AND min_time <= $4
    ORDER BY max_time DESC, segment_id DESC
    OFFSET 0
  ) AS s
) AS u
{{- if .Places}}
WHERE min_time < $2 OR max_time > $4 OR max_time - max_time % 60000000000 IN (SELECT unnest($9::bigint[])){{else}}
GROUP BY 1, 2{{end}}
