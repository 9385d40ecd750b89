-- Hours or days ($1 the grain) before $2 without a filter for which nothing was settled since $3, oldest first, behind that from $4 of placement $5.
SELECT placement, grain, start, state
FROM public.{{.Table}}
WHERE filter IS NULL AND grain = $1 AND start < $2 AND changed_at < $3 AND (start, placement) > ($4, $5)
ORDER BY start, placement
LIMIT $6
