-- Hours with parts to fold: once the hour has ended before $1, several ($2) or one made before $3; of any hour, many ($4). Oldest first.
SELECT placement, kind, start
FROM public.{{.Table}}
WHERE grain = 0
GROUP BY placement, kind, start
HAVING start < $1 AND (count(*) >= $2 OR min(made_at) < $3) OR count(*) >= $4
ORDER BY start, placement, kind
LIMIT $5
