-- For each group of segments in the range, the blocks of their filters that each hash meets, in the order of $5 (upper halves of hashes of tokens)
-- and $6 (of traces): of all its segments, one after the other.
SELECT group_id, segments, ARRAY(
    SELECT substring(token_filter FROM (((h.high * token_blocks) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
    FROM unnest($5::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  ), ARRAY(
    SELECT substring(trace_filter FROM (((h.high * trace_blocks) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
    FROM unnest($6::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  )
FROM {{.Table}}
WHERE tenant_id = $1 AND max_time >= $2 AND min_time >= $3 AND min_time <= $4
