-- Hours with parts to fold, of kinds $8: once the hour has ended before $1, several ($2) or one made before $3; of any hour, many ($4). And hours from $5
-- on that have ended and were folded while they were open, which was so until $6 after they began: they keep more of what may come than an hour that is
-- over. Oldest first, behind hour $9 of placement $10 and kind $11.
SELECT placement, kind, start
FROM (
  SELECT placement, kind, start
  FROM public.{{.Table}}
  WHERE grain = 0 AND kind = ANY($8::smallint[]) AND (start, placement, kind) > ($9::bigint, $10::text, $11::smallint)
  GROUP BY placement, kind, start
  HAVING start < $1 AND (count(*) >= $2 OR min(made_at) < $3) OR count(*) >= $4
  UNION
  SELECT placement, kind, start
  FROM public.{{.Table}}
  WHERE grain = 1 AND start >= $5 AND start < $1 AND made_at < start + $6
    AND kind = ANY($8::smallint[]) AND (start, placement, kind) > ($9::bigint, $10::text, $11::smallint)
) AS due
ORDER BY start, placement, kind
LIMIT $7
