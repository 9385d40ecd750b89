-- The base of a stream's last life, if there is one, and how many messages that the stream, made at a time ($2), calls settled ($3) are not known to be: they are
-- neither up to the number that was told as settled before, nor noted. One statement, so that what is folded is seen in one of the two. Where a writer settled
-- that notes nothing, all is taken for known. Of another stream than that of the last life nothing was told, and what was noted of messages that are older than
-- it is not of it.
SELECT base, coalesce((
  SELECT sum(upper(r) - lower(r))
  FROM unnest(int8multirange(int8range(least(coalesce(known, 0), $3::bigint), $3::bigint, '(]')) - coalesce(
    (SELECT range_agg(numbers) FROM public.queue_noted WHERE signal = $1 AND (coalesce(same, true) OR stored >= $2)), '{}')) AS r
), 0)::bigint
FROM (VALUES (1)) AS once (row)
LEFT JOIN (
  SELECT base, began = $2 AS same, CASE WHEN began <> $2 THEN 0 WHEN noted IS NULL OR settled > noted THEN $3 ELSE settled END AS known
  FROM public.queue_life WHERE signal = $1 ORDER BY base DESC LIMIT 1
) AS l ON true
