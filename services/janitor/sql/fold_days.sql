-- Days from $1 on of kinds $4, all of whose hours have ended before $2, that are not made of their hours yet; oldest first, behind day $5 of placement $6
-- and kind $7.
SELECT DISTINCT h.placement, h.kind, h.start / 86400000000000 * 86400000000000 AS day
FROM public.{{.Table}} h
WHERE h.grain = 1 AND h.start >= $1 AND h.start < $2 / 86400000000000 * 86400000000000 AND h.kind = ANY($4::smallint[])
  AND (h.start / 86400000000000 * 86400000000000, h.placement, h.kind) > ($5::bigint, $6::text, $7::smallint)
  AND NOT EXISTS (
    SELECT FROM public.{{.Table}} d
    WHERE d.tenant_id = h.tenant_id AND d.kind = h.kind AND d.grain = 2 AND d.start = h.start / 86400000000000 * 86400000000000
      AND d.placement = h.placement)
ORDER BY day, h.placement, h.kind
LIMIT $3
