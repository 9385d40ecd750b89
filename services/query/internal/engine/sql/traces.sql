-- Of the hours or days ($2 the grain) that begin from each of $3 to before the one of $4 beside it, and whose traces are known in a filter, the blocks
-- that the hashes meet, in the order of $5 (upper halves of hashes). One of a placement whose filter is not made has none.
SELECT t.start, t.segments, t.max_position, t.made, t.blocks
FROM unnest($3::bigint[], $4::bigint[]) AS wanted(first, past)
CROSS JOIN LATERAL (
  SELECT start, segments, max_position, filter IS NOT NULL AS made, ARRAY(
      SELECT substring(filter FROM (h.high * (octet_length(filter) / 32) >> 32)::int * 32 + 1 FOR 32)
      FROM unnest($5::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
    ) AS blocks
  FROM public.{{.Table}}
  WHERE tenant_id = $1 AND grain = $2 AND start >= wanted.first AND start < wanted.past
  OFFSET 0
) AS t
