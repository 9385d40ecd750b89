-- Hours ($1 ns long) in which one placement has segments to settle: several, once the hour has ended before $2, or then one that is in a slot ($3) which
-- is to be emptied; whatever hour it is, where one is in a slot ($4) that will be written to again; oldest first, behind window $6 of placement $7.
SELECT placement, min_time / $1 * $1 AS window_start
FROM public.{{.Table}}
WHERE level < 2 AND slot >= 0 AND (min_time / $1 * $1, placement) > ($6::bigint, $7::text)
GROUP BY placement, window_start
HAVING min_time / $1 * $1 < $2 AND (count(*) > 1 OR bool_or(slot = ANY($3::smallint[]))) OR bool_or(slot = ANY($4::smallint[]))
ORDER BY window_start, placement
LIMIT $5
