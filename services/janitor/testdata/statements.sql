---- audit
INSERT INTO public.janitor_audit (at, action, tenant_id, signal, target, items, bytes, details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

---- expireAudit
DELETE FROM public.janitor_audit WHERE at < $1

---- expireKeys
-- least() passes over what is missing: a key that is neither revoked nor expires has no end.
DELETE FROM public.api_key k
WHERE least(k.revoked_at, k.expires_at) < $1
  AND NOT EXISTS (SELECT FROM public.retention_policy p WHERE p.tenant_id = k.tenant_id AND p.legal_hold)

---- expireUsage
DELETE FROM public.tenant_usage WHERE day < $1

---- policies
-- The longest retention, the longest rows window and any legal hold of each signal, over all tenants: what has expired for all of them
-- can be dropped as a whole. A tenant without a row has the policy of the tenant default.
SELECT signal, max(days), (extract(epoch FROM max(rows_window)) * 1000000)::bigint * 1000, bool_or(legal_hold)
FROM public.retention_policy
GROUP BY signal

---- ensurePartition
SELECT public.ensure_partition($1, $2)

---- ensurePartitions
SELECT public.ensure_partitions($1, $2, $3)

---- dropPartition
SELECT public.drop_partition($1, $2)

---- partitionSize
-- Rows by the planner's estimate (counting them would read what is to be dropped), bytes with indexes and TOAST, of a partition and all below.
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_partition_tree(to_regclass('public.' || quote_ident($1))) p JOIN pg_class c ON c.oid = p.relid
WHERE p.isleaf

---- partitionsBefore
SELECT partition, leaf FROM public.partitions_before($1, $2)

---- of[0].candidates
-- Windows ($1 ns long, ended before $2) in which one tenant has several segments below level $3; oldest first.
SELECT tenant_id, min_time / $1 * $1 AS window_start
FROM public.spans_segment
WHERE level < 2 AND level < $3 AND min_time < $2
GROUP BY tenant_id, window_start
HAVING count(*) > 1
ORDER BY window_start, tenant_id
LIMIT $4

---- of[0].members
-- The segments below level $4 of one tenant whose first item lies in [$2, $3), in order of time.
SELECT segment_id, min_time, items, octet_length(directory)::bigint + octet_length(body) AS bytes
FROM public.spans_segment
WHERE tenant_id = $1 AND min_time >= $2 AND min_time < $3 AND level < $4
ORDER BY min_time, segment_id

---- of[0].read
-- Whole segments by id; the bounds of time are for the index.
SELECT s.segment_id, s.items, s.format, s.checksum, s.directory, s.body
FROM public.spans_segment AS s
WHERE s.tenant_id = $1 AND s.min_time BETWEEN $2 AND $3 AND s.segment_id = ANY($4)
ORDER BY s.min_time, s.segment_id

---- of[0].remove
DELETE FROM public.spans_segment
WHERE tenant_id = $1 AND min_time BETWEEN $2 AND $3 AND segment_id = ANY($4)

---- of[1].candidates
-- Windows ($1 ns long, ended before $2) in which one tenant has several segments below level $3; oldest first.
SELECT tenant_id, min_time / $1 * $1 AS window_start
FROM public.logs_segment
WHERE level < 2 AND level < $3 AND min_time < $2
GROUP BY tenant_id, window_start
HAVING count(*) > 1
ORDER BY window_start, tenant_id
LIMIT $4

---- of[1].members
-- The segments below level $4 of one tenant whose first item lies in [$2, $3), in order of time.
SELECT segment_id, min_time, items, octet_length(directory)::bigint + octet_length(body) AS bytes
FROM public.logs_segment
WHERE tenant_id = $1 AND min_time >= $2 AND min_time < $3 AND level < $4
ORDER BY min_time, segment_id

---- of[1].read
-- Whole segments by id; the bounds of time are for the index.
SELECT s.segment_id, s.items, s.format, s.checksum, s.directory, s.body
FROM public.logs_segment AS s
WHERE s.tenant_id = $1 AND s.min_time BETWEEN $2 AND $3 AND s.segment_id = ANY($4)
ORDER BY s.min_time, s.segment_id

---- of[1].remove
DELETE FROM public.logs_segment
WHERE tenant_id = $1 AND min_time BETWEEN $2 AND $3 AND segment_id = ANY($4)

---- of[2].candidates
-- Windows ($1 ns long, ended before $2) in which one tenant has several segments below level $3; oldest first.
SELECT tenant_id, min_time / $1 * $1 AS window_start
FROM public.metrics_segment
WHERE level < 2 AND level < $3 AND min_time < $2
GROUP BY tenant_id, window_start
HAVING count(*) > 1
ORDER BY window_start, tenant_id
LIMIT $4

---- of[2].members
-- The segments below level $4 of one tenant whose first item lies in [$2, $3), in order of time.
SELECT segment_id, min_time, items, octet_length(directory)::bigint + octet_length(body) AS bytes
FROM public.metrics_segment
WHERE tenant_id = $1 AND min_time >= $2 AND min_time < $3 AND level < $4
ORDER BY min_time, segment_id

---- of[2].read
-- Whole segments by id; the bounds of time are for the index.
SELECT s.segment_id, s.items, s.format, s.checksum, s.directory, s.body
FROM public.metrics_segment AS s
WHERE s.tenant_id = $1 AND s.min_time BETWEEN $2 AND $3 AND s.segment_id = ANY($4)
ORDER BY s.min_time, s.segment_id

---- of[2].remove
DELETE FROM public.metrics_segment
WHERE tenant_id = $1 AND min_time BETWEEN $2 AND $3 AND segment_id = ANY($4)

---- segmentItems
SELECT coalesce(sum(items), 0)::bigint FROM public."spans_segment_y2026_m11_d23"

