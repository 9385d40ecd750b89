-- Minutes ($1 ns long) of hours from $3 on, in which one placement has flushes to put together: several, once the minute has ended before $2, or one
-- that is in a slot ($4) which is to be emptied; oldest first, behind window $6 of placement $7.
SELECT placement, min_time / $1 * $1 AS window_start
FROM public.{{.Table}}
WHERE level < 2 AND level = 0 AND slot >= 0 AND min_time >= $3 AND (min_time / $1 * $1, placement) > ($6::bigint, $7::text)
GROUP BY placement, window_start
HAVING count(*) > 1 AND min_time / $1 * $1 < $2 OR bool_or(slot = ANY($4::smallint[]))
ORDER BY window_start, placement
LIMIT $5
