-- Days before $1 without a filter for which nothing was settled since $2, oldest first, behind day $3 of placement $4.
SELECT placement, day, state
FROM public.{{.Table}}
WHERE filter IS NULL AND day < $1 AND changed_at < $2 AND (day, placement) > ($3, $4)
ORDER BY day, placement
LIMIT $5
