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
SELECT partition, from_ns, to_ns FROM public.partitions_before($1, $2)

---- ensureRollups
SELECT public.ensure_partition('rollup', $1)

---- expireRollups
-- What rollups of kinds $3 tell of a time that has expired.
DELETE FROM public.rollup WHERE start >= $1 AND start < $2 AND kind = ANY($3::smallint[])

---- foldHours
-- Hours with parts to fold, of kinds $8: once the hour has ended before $1, several ($2) or one made before $3; of any hour, many ($4). And hours from $5
-- on that have ended and were folded while they were open, which was so until $6 after they began: they keep more of what may come than an hour that is
-- over. Oldest first, behind hour $9 of placement $10 and kind $11.
SELECT placement, kind, start
FROM (
  SELECT placement, kind, start
  FROM public.rollup
  WHERE grain = 0 AND kind = ANY($8::smallint[]) AND (start, placement, kind) > ($9::bigint, $10::text, $11::smallint)
  GROUP BY placement, kind, start
  HAVING start < $1 AND (count(*) >= $2 OR min(made_at) < $3) OR count(*) >= $4
  UNION
  SELECT placement, kind, start
  FROM public.rollup
  WHERE grain = 1 AND start >= $5 AND start < $1 AND made_at < start + $6
    AND kind = ANY($8::smallint[]) AND (start, placement, kind) > ($9::bigint, $10::text, $11::smallint)
) AS due
ORDER BY start, placement, kind
LIMIT $7

---- foldHourRead
-- The parts of an hour, and what was folded of it before, in the order of their keys.
SELECT tenant_id, kind, grain, start, rollup_id, min_time, max_time, made_at, low, high, total, minutes, placement
FROM public.rollup
WHERE tenant_id = $1 AND kind = $2 AND grain IN (0, 1) AND start = $3 AND placement = $4
ORDER BY low, rollup_id

---- foldDays
-- Days from $1 on of kinds $4, all of whose hours have ended before $2, that are not made of their hours yet; oldest first, behind day $5 of placement $6
-- and kind $7.
SELECT DISTINCT h.placement, h.kind, h.start / 86400000000000 * 86400000000000 AS day
FROM public.rollup h
WHERE h.grain = 1 AND h.start >= $1 AND h.start < $2 / 86400000000000 * 86400000000000 AND h.kind = ANY($4::smallint[])
  AND (h.start / 86400000000000 * 86400000000000, h.placement, h.kind) > ($5::bigint, $6::text, $7::smallint)
  AND NOT EXISTS (
    SELECT FROM public.rollup d
    WHERE d.tenant_id = h.tenant_id AND d.kind = h.kind AND d.grain = 2 AND d.start = h.start / 86400000000000 * 86400000000000
      AND d.placement = h.placement)
ORDER BY day, h.placement, h.kind
LIMIT $3

---- foldDayRead
-- The hours of a day, in the order of their keys: whole, but for kinds that tell of an hour by minutes alone.
SELECT tenant_id, kind, grain, start, rollup_id, min_time, max_time, made_at, low, high, total, minutes, placement
FROM public.rollup
WHERE tenant_id = $1 AND kind = $2 AND grain = 1 AND start >= $3 AND start < $3 + 86400000000000 AND placement = $4
ORDER BY low, start, rollup_id

---- foldDelete
DELETE FROM public.rollup
WHERE tenant_id = $1 AND kind = $2 AND grain IN (0, 1) AND start = $3 AND placement = $4 AND rollup_id = ANY($5)

---- foldDayDelete
-- A day that is no longer the sum of its hours.
DELETE FROM public.rollup
WHERE tenant_id = $1 AND kind = $2 AND grain = 2 AND start = $3 / 86400000000000 * 86400000000000 AND placement = $4

---- tracesChange
-- A segment is settled for a time ($3 its grain, $4 its start): what was known of its traces is no longer all.
INSERT INTO public.trace_time (tenant_id, placement, grain, start, state, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, grain, start, placement) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at, filter = NULL

---- tracesUnmade
-- Hours or days ($1 the grain) before $2 without a filter for which nothing was settled since $3, oldest first, behind that from $4 of placement $5.
SELECT placement, grain, start, state
FROM public.trace_time
WHERE filter IS NULL AND grain = $1 AND start < $2 AND changed_at < $3 AND (start, placement) > ($4, $5)
ORDER BY start, placement
LIMIT $6

---- tracesState
SELECT state FROM public.trace_time WHERE tenant_id = $1 AND placement = $2 AND grain = $3 AND start = $4

---- tracesSegments
-- The settled segments of a placement from $3 to before $4, in order of time.
SELECT s.segment_id, s.directory
FROM public.spans_segment AS s
WHERE s.tenant_id = $1 AND s.placement = $2 AND s.min_time >= $3 AND s.min_time < $4 AND s.level = 2
ORDER BY s.min_time, s.segment_id

---- tracesMake
-- Unless a segment was settled for the time since: its state is another then.
UPDATE public.trace_time SET filter = $6, segments = $7, max_position = $8
WHERE tenant_id = $1 AND placement = $2 AND grain = $3 AND start = $4 AND state = $5

---- tracesSize
-- What the settled segments of a placement from $3 to before $4 are: how many, bytes of their trace filters, items, highest position.
SELECT count(*), coalesce(sum(octet_length(trace_filter)), 0), coalesce(sum(items), 0), coalesce(max(max_position), 0)
FROM public.spans_segment
WHERE tenant_id = $1 AND placement = $2 AND min_time >= $3 AND min_time < $4 AND level = 2

---- expireTraces
DELETE FROM public.trace_time WHERE start >= $1 AND start < $2

---- of[0].gather
-- Minutes ($1 ns long) of hours from $3 on, in which one placement has flushes to put together: several, once the minute has ended before $2, or one
-- that is in a slot ($4) which is to be emptied; oldest first, behind window $6 of placement $7.
SELECT placement, min_time / $1 * $1 AS window_start
FROM public.spans_segment
WHERE level < 2 AND level = 0 AND slot >= 0 AND min_time >= $3 AND (min_time / $1 * $1, placement) > ($6::bigint, $7::text)
GROUP BY placement, window_start
HAVING count(*) > 1 AND min_time / $1 * $1 < $2 OR bool_or(slot = ANY($4::smallint[]))
ORDER BY window_start, placement
LIMIT $5

---- of[0].settle
-- Hours ($1 ns long) in which one placement has segments to settle: several, once the hour has ended before $2, or then one that is in a slot ($3) which
-- is to be emptied; whatever hour it is, where one is in a slot ($4) that will be written to again; oldest first, behind window $6 of placement $7.
SELECT placement, min_time / $1 * $1 AS window_start
FROM public.spans_segment
WHERE level < 2 AND slot >= 0 AND (min_time / $1 * $1, placement) > ($6::bigint, $7::text)
GROUP BY placement, window_start
HAVING min_time / $1 * $1 < $2 AND (count(*) > 1 OR bool_or(slot = ANY($3::smallint[]))) OR bool_or(slot = ANY($4::smallint[]))
ORDER BY window_start, placement
LIMIT $5

---- of[0].members
-- The segments below level $4 of one placement whose first item lies in [$2, $3), in order of time. Bytes are the body's; one that is nowhere has none.
SELECT s.segment_id, s.min_time, s.items, s.slot, coalesce(octet_length(fresh.body), 0)::bigint AS bytes, s.directory
FROM public.spans_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.spans_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time >= $2 AND s.min_time < $3 AND s.level < $4 AND s.level < 2 AND s.slot >= 0
ORDER BY s.min_time, s.segment_id

---- of[0].read
-- Whole segments of a placement by id; the bounds of time are for the index.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.slot, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.group_id, s.placement, coalesce(fresh.body, '')
FROM public.spans_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.spans_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time BETWEEN $2 AND $3 AND s.segment_id = ANY($4) AND s.level < 2
ORDER BY s.min_time, s.segment_id

---- of[0].remove
DELETE FROM public.spans_segment
WHERE tenant_id = $1 AND placement = $5 AND min_time BETWEEN $2 AND $3 AND segment_id = ANY($4)

---- of[0].ensure
-- What a settled segment needs: the day of its body, and the month of its group.
SELECT public.ensure_partition('spans_body', $1), public.ensure_partition('spans_group', $1)

---- of[0].slots
-- The slots in which bodies are, with how many headers name each and how many bytes it has.
SELECT l.slot, coalesce(n.headers, 0), pg_total_relation_size(l.leaf)
FROM (SELECT slot, to_regclass('public.' || leaf) AS leaf FROM unnest($1::smallint[], $2::text[]) AS ring (slot, leaf)) AS l
LEFT JOIN (SELECT slot, count(*) AS headers FROM public.spans_segment WHERE level < 2 GROUP BY slot) AS n ON n.slot = l.slot
WHERE pg_relation_size(l.leaf) > 0
ORDER BY l.slot

---- of[0].named
SELECT EXISTS (SELECT FROM public.spans_segment WHERE level < 2 AND slot = $1::smallint)

---- of[0].expireHeaders
-- The headers whose first item lies in [$1, $2): how many, and how many items they have.
WITH gone AS (DELETE FROM public.spans_segment WHERE min_time >= $1 AND min_time < $2 RETURNING items)
SELECT count(*), coalesce(sum(items), 0)::bigint FROM gone

---- of[0].expireGroups
DELETE FROM public.spans_group WHERE min_time >= $1 AND min_time < $2

---- of[0].lock[0]
LOCK TABLE public.spans_fresh_00 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[1]
LOCK TABLE public.spans_fresh_01 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[2]
LOCK TABLE public.spans_fresh_02 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[3]
LOCK TABLE public.spans_fresh_03 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[4]
LOCK TABLE public.spans_fresh_04 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[5]
LOCK TABLE public.spans_fresh_05 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[6]
LOCK TABLE public.spans_fresh_06 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[7]
LOCK TABLE public.spans_fresh_07 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[8]
LOCK TABLE public.spans_fresh_08 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[9]
LOCK TABLE public.spans_fresh_09 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[10]
LOCK TABLE public.spans_fresh_10 IN ACCESS EXCLUSIVE MODE

---- of[0].lock[11]
LOCK TABLE public.spans_fresh_11 IN ACCESS EXCLUSIVE MODE

---- of[0].empty[0]
TRUNCATE public.spans_fresh_00

---- of[0].empty[1]
TRUNCATE public.spans_fresh_01

---- of[0].empty[2]
TRUNCATE public.spans_fresh_02

---- of[0].empty[3]
TRUNCATE public.spans_fresh_03

---- of[0].empty[4]
TRUNCATE public.spans_fresh_04

---- of[0].empty[5]
TRUNCATE public.spans_fresh_05

---- of[0].empty[6]
TRUNCATE public.spans_fresh_06

---- of[0].empty[7]
TRUNCATE public.spans_fresh_07

---- of[0].empty[8]
TRUNCATE public.spans_fresh_08

---- of[0].empty[9]
TRUNCATE public.spans_fresh_09

---- of[0].empty[10]
TRUNCATE public.spans_fresh_10

---- of[0].empty[11]
TRUNCATE public.spans_fresh_11

---- of[1].gather
-- Minutes ($1 ns long) of hours from $3 on, in which one placement has flushes to put together: several, once the minute has ended before $2, or one
-- that is in a slot ($4) which is to be emptied; oldest first, behind window $6 of placement $7.
SELECT placement, min_time / $1 * $1 AS window_start
FROM public.logs_segment
WHERE level < 2 AND level = 0 AND slot >= 0 AND min_time >= $3 AND (min_time / $1 * $1, placement) > ($6::bigint, $7::text)
GROUP BY placement, window_start
HAVING count(*) > 1 AND min_time / $1 * $1 < $2 OR bool_or(slot = ANY($4::smallint[]))
ORDER BY window_start, placement
LIMIT $5

---- of[1].settle
-- Hours ($1 ns long) in which one placement has segments to settle: several, once the hour has ended before $2, or then one that is in a slot ($3) which
-- is to be emptied; whatever hour it is, where one is in a slot ($4) that will be written to again; oldest first, behind window $6 of placement $7.
SELECT placement, min_time / $1 * $1 AS window_start
FROM public.logs_segment
WHERE level < 2 AND slot >= 0 AND (min_time / $1 * $1, placement) > ($6::bigint, $7::text)
GROUP BY placement, window_start
HAVING min_time / $1 * $1 < $2 AND (count(*) > 1 OR bool_or(slot = ANY($3::smallint[]))) OR bool_or(slot = ANY($4::smallint[]))
ORDER BY window_start, placement
LIMIT $5

---- of[1].members
-- The segments below level $4 of one placement whose first item lies in [$2, $3), in order of time. Bytes are the body's; one that is nowhere has none.
SELECT s.segment_id, s.min_time, s.items, s.slot, coalesce(octet_length(fresh.body), 0)::bigint AS bytes, s.directory
FROM public.logs_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.logs_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time >= $2 AND s.min_time < $3 AND s.level < $4 AND s.level < 2 AND s.slot >= 0
ORDER BY s.min_time, s.segment_id

---- of[1].read
-- Whole segments of a placement by id; the bounds of time are for the index.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.slot, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.group_id, s.placement, coalesce(fresh.body, '')
FROM public.logs_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.logs_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time BETWEEN $2 AND $3 AND s.segment_id = ANY($4) AND s.level < 2
ORDER BY s.min_time, s.segment_id

---- of[1].remove
DELETE FROM public.logs_segment
WHERE tenant_id = $1 AND placement = $5 AND min_time BETWEEN $2 AND $3 AND segment_id = ANY($4)

---- of[1].ensure
-- What a settled segment needs: the day of its body, and the month of its group.
SELECT public.ensure_partition('logs_body', $1), public.ensure_partition('logs_group', $1)

---- of[1].slots
-- The slots in which bodies are, with how many headers name each and how many bytes it has.
SELECT l.slot, coalesce(n.headers, 0), pg_total_relation_size(l.leaf)
FROM (SELECT slot, to_regclass('public.' || leaf) AS leaf FROM unnest($1::smallint[], $2::text[]) AS ring (slot, leaf)) AS l
LEFT JOIN (SELECT slot, count(*) AS headers FROM public.logs_segment WHERE level < 2 GROUP BY slot) AS n ON n.slot = l.slot
WHERE pg_relation_size(l.leaf) > 0
ORDER BY l.slot

---- of[1].named
SELECT EXISTS (SELECT FROM public.logs_segment WHERE level < 2 AND slot = $1::smallint)

---- of[1].expireHeaders
-- The headers whose first item lies in [$1, $2): how many, and how many items they have.
WITH gone AS (DELETE FROM public.logs_segment WHERE min_time >= $1 AND min_time < $2 RETURNING items)
SELECT count(*), coalesce(sum(items), 0)::bigint FROM gone

---- of[1].expireGroups
DELETE FROM public.logs_group WHERE min_time >= $1 AND min_time < $2

---- of[1].lock[0]
LOCK TABLE public.logs_fresh_00 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[1]
LOCK TABLE public.logs_fresh_01 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[2]
LOCK TABLE public.logs_fresh_02 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[3]
LOCK TABLE public.logs_fresh_03 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[4]
LOCK TABLE public.logs_fresh_04 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[5]
LOCK TABLE public.logs_fresh_05 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[6]
LOCK TABLE public.logs_fresh_06 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[7]
LOCK TABLE public.logs_fresh_07 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[8]
LOCK TABLE public.logs_fresh_08 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[9]
LOCK TABLE public.logs_fresh_09 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[10]
LOCK TABLE public.logs_fresh_10 IN ACCESS EXCLUSIVE MODE

---- of[1].lock[11]
LOCK TABLE public.logs_fresh_11 IN ACCESS EXCLUSIVE MODE

---- of[1].empty[0]
TRUNCATE public.logs_fresh_00

---- of[1].empty[1]
TRUNCATE public.logs_fresh_01

---- of[1].empty[2]
TRUNCATE public.logs_fresh_02

---- of[1].empty[3]
TRUNCATE public.logs_fresh_03

---- of[1].empty[4]
TRUNCATE public.logs_fresh_04

---- of[1].empty[5]
TRUNCATE public.logs_fresh_05

---- of[1].empty[6]
TRUNCATE public.logs_fresh_06

---- of[1].empty[7]
TRUNCATE public.logs_fresh_07

---- of[1].empty[8]
TRUNCATE public.logs_fresh_08

---- of[1].empty[9]
TRUNCATE public.logs_fresh_09

---- of[1].empty[10]
TRUNCATE public.logs_fresh_10

---- of[1].empty[11]
TRUNCATE public.logs_fresh_11

---- of[2].gather
-- Minutes ($1 ns long) of hours from $3 on, in which one placement has flushes to put together: several, once the minute has ended before $2, or one
-- that is in a slot ($4) which is to be emptied; oldest first, behind window $6 of placement $7.
SELECT placement, min_time / $1 * $1 AS window_start
FROM public.metrics_segment
WHERE level < 2 AND level = 0 AND slot >= 0 AND min_time >= $3 AND (min_time / $1 * $1, placement) > ($6::bigint, $7::text)
GROUP BY placement, window_start
HAVING count(*) > 1 AND min_time / $1 * $1 < $2 OR bool_or(slot = ANY($4::smallint[]))
ORDER BY window_start, placement
LIMIT $5

---- of[2].settle
-- Hours ($1 ns long) in which one placement has segments to settle: several, once the hour has ended before $2, or then one that is in a slot ($3) which
-- is to be emptied; whatever hour it is, where one is in a slot ($4) that will be written to again; oldest first, behind window $6 of placement $7.
SELECT placement, min_time / $1 * $1 AS window_start
FROM public.metrics_segment
WHERE level < 2 AND slot >= 0 AND (min_time / $1 * $1, placement) > ($6::bigint, $7::text)
GROUP BY placement, window_start
HAVING min_time / $1 * $1 < $2 AND (count(*) > 1 OR bool_or(slot = ANY($3::smallint[]))) OR bool_or(slot = ANY($4::smallint[]))
ORDER BY window_start, placement
LIMIT $5

---- of[2].members
-- The segments below level $4 of one placement whose first item lies in [$2, $3), in order of time. Bytes are the body's; one that is nowhere has none.
SELECT s.segment_id, s.min_time, s.items, s.slot, coalesce(octet_length(fresh.body), 0)::bigint AS bytes, s.directory
FROM public.metrics_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.metrics_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time >= $2 AND s.min_time < $3 AND s.level < $4 AND s.level < 2 AND s.slot >= 0
ORDER BY s.min_time, s.segment_id

---- of[2].read
-- Whole segments of a placement by id; the bounds of time are for the index.
SELECT s.tenant_id, s.segment_id, s.min_time, s.max_time, s.min_position, s.max_position, s.checksum, s.items, s.errors, s.roots, s.level, s.format, s.slot, s.service_ids, s.service_items, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter, s.directory, s.group_id, s.placement, coalesce(fresh.body, '')
FROM public.metrics_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.metrics_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = $1 AND s.placement = $5 AND s.min_time BETWEEN $2 AND $3 AND s.segment_id = ANY($4) AND s.level < 2
ORDER BY s.min_time, s.segment_id

---- of[2].remove
DELETE FROM public.metrics_segment
WHERE tenant_id = $1 AND placement = $5 AND min_time BETWEEN $2 AND $3 AND segment_id = ANY($4)

---- of[2].ensure
-- What a settled segment needs: the day of its body, and the month of its group.
SELECT public.ensure_partition('metrics_body', $1), public.ensure_partition('metrics_group', $1)

---- of[2].slots
-- The slots in which bodies are, with how many headers name each and how many bytes it has.
SELECT l.slot, coalesce(n.headers, 0), pg_total_relation_size(l.leaf)
FROM (SELECT slot, to_regclass('public.' || leaf) AS leaf FROM unnest($1::smallint[], $2::text[]) AS ring (slot, leaf)) AS l
LEFT JOIN (SELECT slot, count(*) AS headers FROM public.metrics_segment WHERE level < 2 GROUP BY slot) AS n ON n.slot = l.slot
WHERE pg_relation_size(l.leaf) > 0
ORDER BY l.slot

---- of[2].named
SELECT EXISTS (SELECT FROM public.metrics_segment WHERE level < 2 AND slot = $1::smallint)

---- of[2].expireHeaders
-- The headers whose first item lies in [$1, $2): how many, and how many items they have.
WITH gone AS (DELETE FROM public.metrics_segment WHERE min_time >= $1 AND min_time < $2 RETURNING items)
SELECT count(*), coalesce(sum(items), 0)::bigint FROM gone

---- of[2].expireGroups
DELETE FROM public.metrics_group WHERE min_time >= $1 AND min_time < $2

---- of[2].lock[0]
LOCK TABLE public.metrics_fresh_00 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[1]
LOCK TABLE public.metrics_fresh_01 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[2]
LOCK TABLE public.metrics_fresh_02 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[3]
LOCK TABLE public.metrics_fresh_03 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[4]
LOCK TABLE public.metrics_fresh_04 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[5]
LOCK TABLE public.metrics_fresh_05 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[6]
LOCK TABLE public.metrics_fresh_06 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[7]
LOCK TABLE public.metrics_fresh_07 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[8]
LOCK TABLE public.metrics_fresh_08 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[9]
LOCK TABLE public.metrics_fresh_09 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[10]
LOCK TABLE public.metrics_fresh_10 IN ACCESS EXCLUSIVE MODE

---- of[2].lock[11]
LOCK TABLE public.metrics_fresh_11 IN ACCESS EXCLUSIVE MODE

---- of[2].empty[0]
TRUNCATE public.metrics_fresh_00

---- of[2].empty[1]
TRUNCATE public.metrics_fresh_01

---- of[2].empty[2]
TRUNCATE public.metrics_fresh_02

---- of[2].empty[3]
TRUNCATE public.metrics_fresh_03

---- of[2].empty[4]
TRUNCATE public.metrics_fresh_04

---- of[2].empty[5]
TRUNCATE public.metrics_fresh_05

---- of[2].empty[6]
TRUNCATE public.metrics_fresh_06

---- of[2].empty[7]
TRUNCATE public.metrics_fresh_07

---- of[2].empty[8]
TRUNCATE public.metrics_fresh_08

---- of[2].empty[9]
TRUNCATE public.metrics_fresh_09

---- of[2].empty[10]
TRUNCATE public.metrics_fresh_10

---- of[2].empty[11]
TRUNCATE public.metrics_fresh_11

