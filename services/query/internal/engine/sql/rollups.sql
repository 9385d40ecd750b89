-- Rollups of a kind ($2) that have something from $6 to before $7 and may tell of a key ($5; none for all): days and hours that are all in the range, $3 to
-- before $4, in one, unless they are longer than $8; other hours by minutes, unless their day is told in one, and so those that nothing tells in one; parts,
-- which are in no hour and no day, by minutes.
SELECT start, grain, true AS whole, total
FROM public.{{.Table}}
WHERE tenant_id = $1 AND kind = $2 AND grain = 2 AND $8::bigint >= 86400000000000 AND start >= $3 AND start <= $4 - 86400000000000
  AND ($5::bytea IS NULL OR low <= $5 AND high >= $5)
UNION ALL
SELECT start, grain, false, minutes
FROM public.{{.Table}}
WHERE tenant_id = $1 AND kind = $2 AND grain = 0 AND start >= $6 - $6 % 3600000000000 AND start < $7
  AND max_time >= $6 AND min_time < $7 AND ($5::bytea IS NULL OR low <= $5 AND high >= $5)
UNION ALL
SELECT start, grain, whole, CASE WHEN whole AND total <> '' THEN total ELSE minutes END
FROM public.{{.Table}} h
CROSS JOIN LATERAL (SELECT $8 >= 3600000000000 AND start >= $3 AND start <= $4 - 3600000000000 AS whole) AS w
WHERE tenant_id = $1 AND kind = $2 AND grain = 1 AND start >= $6 - $6 % 3600000000000 AND start < $7
  AND max_time >= $6 AND min_time < $7 AND ($5::bytea IS NULL OR low <= $5 AND high >= $5)
  AND NOT EXISTS (
    SELECT FROM public.{{.Table}} d
    WHERE $8 >= 86400000000000 AND d.tenant_id = $1 AND d.kind = $2 AND d.grain = 2 AND d.start = h.start - h.start % 86400000000000 AND d.placement = h.placement
      AND d.start >= $3 AND d.start <= $4 - 86400000000000)
