-- Of each day in the range whose traces are known in one filter, the blocks that the hashes meet, in the order of $4 (upper halves of hashes); newest first.
-- A day of a placement whose filter is not made has none.
SELECT day, segments, max_position, filter IS NOT NULL, ARRAY(
    SELECT substring(filter FROM (h.high * (octet_length(filter) / 32) >> 32)::int * 32 + 1 FOR 32)
    FROM unnest($4::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  )
FROM public.{{.Table}}
WHERE tenant_id = $1 AND day >= $2 AND day <= $3
ORDER BY day DESC
