-- Hours with parts to fold, of kinds $6: once the hour has ended before $1, several ($2) or one made before $3; of any hour, many ($4). Oldest first, behind
-- hour $7 of placement $8 and kind $9.
SELECT placement, kind, start
FROM public.{{.Table}}
WHERE grain = 0 AND kind = ANY($6::smallint[]) AND (start, placement, kind) > ($7::bigint, $8::text, $9::smallint)
GROUP BY placement, kind, start
HAVING start < $1 AND (count(*) >= $2 OR min(made_at) < $3) OR count(*) >= $4
ORDER BY start, placement, kind
LIMIT $5
