---- queueLosses
-- Of each signal the last times, at most 100, that its queue was made anew though something was in it, or nobody had looked for five seconds, or that
-- what it called settled was not in the database: from when to when what was accepted may be lost, newest first.
SELECT signal, since, until
FROM (
  SELECT signal, base, since, until, row_number() OVER (PARTITION BY signal ORDER BY base DESC) AS n
  FROM public.queue_loss
  WHERE noticed > clock_timestamp() - interval '30 days' AND (unsettled > 0 OR lost > 0 OR until - seen_at > interval '5 seconds')
) AS lost
WHERE n <= 100
ORDER BY signal, base DESC

---- standing
-- How far the database is, by this snapshot of it: of each signal the life of its queue that began last, up to which number of the stream and until
-- which moment all that was accepted is stored, and when a writer last looked. All of it is of the past where the server is a standby that is behind.
SELECT pg_is_in_recovery(), clock_timestamp(), signal, base, began, settled, whole_at, seen_at
FROM (VALUES (1)) AS once (row)
LEFT JOIN (
  SELECT DISTINCT ON (signal) signal, base, began, settled, whole_at, seen_at
  FROM public.queue_life
  ORDER BY signal, base DESC
) AS l ON true

---- services
-- The ids of services by name, in every namespace.
SELECT service_id FROM service_dim WHERE tenant_id = $1 AND name = ANY($2)

---- rollups
-- Rollups of a kind ($2) that have something from $6 to before $7 and may tell of a key ($5; none for all): days and hours that are all in the range, $3 to
-- before $4, in one, unless they are longer than $8; other hours by minutes, unless their day is told in one, and so those that nothing tells in one; parts,
-- which are in no hour and no day, by minutes.
SELECT start, grain, true AS whole, total
FROM public.rollup
WHERE tenant_id = $1 AND kind = $2 AND grain = 2 AND $8::bigint >= 86400000000000 AND start >= $3 AND start <= $4 - 86400000000000
  AND ($5::bytea IS NULL OR low <= $5 AND high >= $5)
UNION ALL
SELECT start, grain, false, minutes
FROM public.rollup
WHERE tenant_id = $1 AND kind = $2 AND grain = 0 AND start >= $6 - $6 % 3600000000000 AND start < $7
  AND max_time >= $6 AND min_time < $7 AND ($5::bytea IS NULL OR low <= $5 AND high >= $5)
UNION ALL
SELECT start, grain, whole, CASE WHEN whole AND total <> '' THEN total ELSE minutes END
FROM public.rollup h
CROSS JOIN LATERAL (SELECT $8 >= 3600000000000 AND start >= $3 AND start <= $4 - 3600000000000 AS whole) AS w
WHERE tenant_id = $1 AND kind = $2 AND grain = 1 AND start >= $6 - $6 % 3600000000000 AND start < $7
  AND max_time >= $6 AND min_time < $7 AND ($5::bytea IS NULL OR low <= $5 AND high >= $5)
  AND NOT EXISTS (
    SELECT FROM public.rollup d
    WHERE $8 >= 86400000000000 AND d.tenant_id = $1 AND d.kind = $2 AND d.grain = 2 AND d.start = h.start - h.start % 86400000000000 AND d.placement = h.placement
      AND d.start >= $3 AND d.start <= $4 - 86400000000000)

---- fresh
-- The segments of $2 to before $4 that are in no rollup yet. Of a minute that begins before $5 either all are told, by the time of their newest item, or none;
-- what reaches beyond it, until before $6, is there where it begins in the range. $3 is the hour of $2: a segment never crosses one. Of
-- each minute a number tells which segments these are.
SELECT max_time - max_time % 60000000000, false, count(*), bit_xor(uuid_hash_extended(segment_id, 1))
FROM public.spans_segment
WHERE tenant_id = $1 AND level = 0 AND max_time >= $2 AND max_time < $6 AND min_time >= $3 AND min_time < $5 AND (min_time < $4 OR max_time < $5)
GROUP BY 1

---- first[0]
-- When the first item of a tenant began that is there: in the first hour of its rollups of a kind ($2), or in a segment that is in none of these and begins before
-- it, of which there is hardly one but of a tenant without rollups: what is settled is not walked to find the others.
WITH told AS (
  SELECT least(
    (SELECT min_time FROM public.rollup WHERE tenant_id = $1 AND kind = $2 AND grain = 1 ORDER BY start, min_time LIMIT 1),
    (SELECT min_time FROM public.rollup WHERE tenant_id = $1 AND kind = $2 AND grain = 0 ORDER BY start, min_time LIMIT 1)
  ) AS first
)
SELECT least(
  (SELECT first FROM told),
  (SELECT min(min_time) FROM public.spans_segment WHERE tenant_id = $1 AND level = 0 AND min_time < coalesce((SELECT first FROM told), 9223372036854775807))
)

---- first[1]
-- When the first item of a tenant began that is there: in the first hour of its rollups of a kind ($2), or in a segment that is in none of these and begins before
-- it, of which there is hardly one but of a tenant without rollups: what is settled is not walked to find the others.
WITH told AS (
  SELECT least(
    (SELECT min_time FROM public.rollup WHERE tenant_id = $1 AND kind = $2 AND grain = 1 ORDER BY start, min_time LIMIT 1),
    (SELECT min_time FROM public.rollup WHERE tenant_id = $1 AND kind = $2 AND grain = 0 ORDER BY start, min_time LIMIT 1)
  ) AS first
)
SELECT least(
  (SELECT first FROM told),
  (SELECT min(min_time) FROM public.logs_segment WHERE tenant_id = $1 AND level < 2 AND min_time < coalesce((SELECT first FROM told), 9223372036854775807))
)

---- first[2]
-- When the first item of a tenant began that is there: in the first hour of its rollups of a kind ($2), or in a segment that is in none of these and begins before
-- it, of which there is hardly one but of a tenant without rollups: what is settled is not walked to find the others.
WITH told AS (
  SELECT least(
    (SELECT min_time FROM public.rollup WHERE tenant_id = $1 AND kind = $2 AND grain = 1 ORDER BY start, min_time LIMIT 1),
    (SELECT min_time FROM public.rollup WHERE tenant_id = $1 AND kind = $2 AND grain = 0 ORDER BY start, min_time LIMIT 1)
  ) AS first
)
SELECT least(
  (SELECT first FROM told),
  (SELECT min(min_time) FROM public.metrics_segment WHERE tenant_id = $1 AND level < 2 AND min_time < coalesce((SELECT first FROM told), 9223372036854775807))
)

---- freshPlaces
-- The segments of $2 to before $4 that are in no rollup yet. Of a minute that begins before $5 either all are told, by the time of their newest item, or none;
-- what reaches beyond it, until before $6, is there where it begins in the range. $3 is the hour of $2: a segment never crosses one. Of the minutes of $7.
SELECT segment_id, min_time, max_time
FROM public.spans_segment
WHERE tenant_id = $1 AND level = 0 AND max_time >= $2 AND max_time < $6 AND min_time >= $3 AND min_time < $5 AND (min_time < $4 OR max_time < $5)
  AND max_time - max_time % 60000000000 IN (SELECT unnest($7::bigint[]))

---- untold[0]
-- The segments of a range, $2 to $4 (inclusive; $3 is the hour of $2), that sums do not tell of: those that are not settled, and of settled ones those of
-- parts of the range, $5 to before $6, which lie in hours from $7 to before $8. The order is there for no index but that by max_time to be taken. Of each minute, by their newest items,
-- a number tells which these are, of those that reach out of the range apart.
SELECT max_time - max_time % 60000000000, min_time < $2 OR max_time > $4, count(*),
  bit_xor(uuid_hash_extended(segment_id, 1))
FROM (
  (SELECT segment_id, min_time, max_time
  FROM public.spans_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0)
  UNION ALL
  SELECT s.segment_id, s.min_time, s.max_time
  FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS part(since, until, hour, before)
  CROSS JOIN LATERAL (
    SELECT segment_id, min_time, max_time
    FROM public.spans_segment
    WHERE tenant_id = $1 AND level = 2 AND max_time >= part.since AND max_time < part.before AND min_time >= part.hour AND min_time < part.until
      AND min_time >= $3 AND min_time <= $4
    ORDER BY max_time DESC, segment_id DESC
    OFFSET 0
  ) AS s
) AS u
GROUP BY 1, 2

---- untold[1]
-- The segments of a range, $2 to $4 (inclusive; $3 is the hour of $2), that sums do not tell of: those that are not settled, and of settled ones those of
-- parts of the range, $5 to before $6, which lie in hours from $7 to before $8. The order is there for no index but that by max_time to be taken. Of each minute, by their newest items,
-- a number tells which these are, of those that reach out of the range apart.
SELECT max_time - max_time % 60000000000, min_time < $2 OR max_time > $4, count(*),
  bit_xor(uuid_hash_extended(segment_id, 1))
FROM (
  (SELECT segment_id, min_time, max_time
  FROM public.logs_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0)
  UNION ALL
  SELECT s.segment_id, s.min_time, s.max_time
  FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS part(since, until, hour, before)
  CROSS JOIN LATERAL (
    SELECT segment_id, min_time, max_time
    FROM public.logs_segment
    WHERE tenant_id = $1 AND level = 2 AND max_time >= part.since AND max_time < part.before AND min_time >= part.hour AND min_time < part.until
      AND min_time >= $3 AND min_time <= $4
    ORDER BY max_time DESC, segment_id DESC
    OFFSET 0
  ) AS s
) AS u
GROUP BY 1, 2

---- untold[2]
-- The segments of a range, $2 to $4 (inclusive; $3 is the hour of $2), that sums do not tell of: those that are not settled, and of settled ones those of
-- parts of the range, $5 to before $6, which lie in hours from $7 to before $8. The order is there for no index but that by max_time to be taken. Of each minute, by their newest items,
-- a number tells which these are, of those that reach out of the range apart.
SELECT max_time - max_time % 60000000000, min_time < $2 OR max_time > $4, count(*),
  bit_xor(uuid_hash_extended(segment_id, 1))
FROM (
  (SELECT segment_id, min_time, max_time
  FROM public.metrics_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0)
  UNION ALL
  SELECT s.segment_id, s.min_time, s.max_time
  FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS part(since, until, hour, before)
  CROSS JOIN LATERAL (
    SELECT segment_id, min_time, max_time
    FROM public.metrics_segment
    WHERE tenant_id = $1 AND level = 2 AND max_time >= part.since AND max_time < part.before AND min_time >= part.hour AND min_time < part.until
      AND min_time >= $3 AND min_time <= $4
    ORDER BY max_time DESC, segment_id DESC
    OFFSET 0
  ) AS s
) AS u
GROUP BY 1, 2

---- untoldPlaces[0]
-- The segments of a range, $2 to $4 (inclusive; $3 is the hour of $2), that sums do not tell of: those that are not settled, and of settled ones those of
-- parts of the range, $5 to before $6, which lie in hours from $7 to before $8. The order is there for no index but that by max_time to be taken. Those of the minutes of $9, by their newest items, and those that reach out of the range.
SELECT segment_id, min_time, max_time
FROM (
  (SELECT segment_id, min_time, max_time
  FROM public.spans_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0)
  UNION ALL
  SELECT s.segment_id, s.min_time, s.max_time
  FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS part(since, until, hour, before)
  CROSS JOIN LATERAL (
    SELECT segment_id, min_time, max_time
    FROM public.spans_segment
    WHERE tenant_id = $1 AND level = 2 AND max_time >= part.since AND max_time < part.before AND min_time >= part.hour AND min_time < part.until
      AND min_time >= $3 AND min_time <= $4
    ORDER BY max_time DESC, segment_id DESC
    OFFSET 0
  ) AS s
) AS u
WHERE min_time < $2 OR max_time > $4 OR max_time - max_time % 60000000000 IN (SELECT unnest($9::bigint[]))

---- untoldPlaces[1]
-- The segments of a range, $2 to $4 (inclusive; $3 is the hour of $2), that sums do not tell of: those that are not settled, and of settled ones those of
-- parts of the range, $5 to before $6, which lie in hours from $7 to before $8. The order is there for no index but that by max_time to be taken. Those of the minutes of $9, by their newest items, and those that reach out of the range.
SELECT segment_id, min_time, max_time
FROM (
  (SELECT segment_id, min_time, max_time
  FROM public.logs_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0)
  UNION ALL
  SELECT s.segment_id, s.min_time, s.max_time
  FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS part(since, until, hour, before)
  CROSS JOIN LATERAL (
    SELECT segment_id, min_time, max_time
    FROM public.logs_segment
    WHERE tenant_id = $1 AND level = 2 AND max_time >= part.since AND max_time < part.before AND min_time >= part.hour AND min_time < part.until
      AND min_time >= $3 AND min_time <= $4
    ORDER BY max_time DESC, segment_id DESC
    OFFSET 0
  ) AS s
) AS u
WHERE min_time < $2 OR max_time > $4 OR max_time - max_time % 60000000000 IN (SELECT unnest($9::bigint[]))

---- untoldPlaces[2]
-- The segments of a range, $2 to $4 (inclusive; $3 is the hour of $2), that sums do not tell of: those that are not settled, and of settled ones those of
-- parts of the range, $5 to before $6, which lie in hours from $7 to before $8. The order is there for no index but that by max_time to be taken. Those of the minutes of $9, by their newest items, and those that reach out of the range.
SELECT segment_id, min_time, max_time
FROM (
  (SELECT segment_id, min_time, max_time
  FROM public.metrics_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0)
  UNION ALL
  SELECT s.segment_id, s.min_time, s.max_time
  FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS part(since, until, hour, before)
  CROSS JOIN LATERAL (
    SELECT segment_id, min_time, max_time
    FROM public.metrics_segment
    WHERE tenant_id = $1 AND level = 2 AND max_time >= part.since AND max_time < part.before AND min_time >= part.hour AND min_time < part.until
      AND min_time >= $3 AND min_time <= $4
    ORDER BY max_time DESC, segment_id DESC
    OFFSET 0
  ) AS s
) AS u
WHERE min_time < $2 OR max_time > $4 OR max_time - max_time % 60000000000 IN (SELECT unnest($9::bigint[]))

---- heads[0]
-- The segments that are not settled of whole minutes, by the time of their newest item, from $2 to before $4; $3 is the hour of $2. The order is there for no
-- index but that by max_time to be taken. Of each minute a number tells which these are.
SELECT max_time - max_time % 60000000000, false, count(*), bit_xor(uuid_hash_extended(segment_id, 1))
FROM (
  SELECT segment_id, min_time, max_time
  FROM public.spans_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time < $4 AND min_time >= $3 AND min_time < $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0
) AS s
GROUP BY 1

---- heads[1]
-- The segments that are not settled of whole minutes, by the time of their newest item, from $2 to before $4; $3 is the hour of $2. The order is there for no
-- index but that by max_time to be taken. Of each minute a number tells which these are.
SELECT max_time - max_time % 60000000000, false, count(*), bit_xor(uuid_hash_extended(segment_id, 1))
FROM (
  SELECT segment_id, min_time, max_time
  FROM public.logs_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time < $4 AND min_time >= $3 AND min_time < $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0
) AS s
GROUP BY 1

---- heads[2]
-- The segments that are not settled of whole minutes, by the time of their newest item, from $2 to before $4; $3 is the hour of $2. The order is there for no
-- index but that by max_time to be taken. Of each minute a number tells which these are.
SELECT max_time - max_time % 60000000000, false, count(*), bit_xor(uuid_hash_extended(segment_id, 1))
FROM (
  SELECT segment_id, min_time, max_time
  FROM public.metrics_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time < $4 AND min_time >= $3 AND min_time < $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0
) AS s
GROUP BY 1

---- headPlaces[0]
-- The segments that are not settled of whole minutes, by the time of their newest item, from $2 to before $4; $3 is the hour of $2. The order is there for no
-- index but that by max_time to be taken. Those of the minutes of $5.
SELECT segment_id, min_time, max_time
FROM (
  SELECT segment_id, min_time, max_time
  FROM public.spans_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time < $4 AND min_time >= $3 AND min_time < $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0
) AS s
WHERE max_time - max_time % 60000000000 IN (SELECT unnest($5::bigint[]))

---- headPlaces[1]
-- The segments that are not settled of whole minutes, by the time of their newest item, from $2 to before $4; $3 is the hour of $2. The order is there for no
-- index but that by max_time to be taken. Those of the minutes of $5.
SELECT segment_id, min_time, max_time
FROM (
  SELECT segment_id, min_time, max_time
  FROM public.logs_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time < $4 AND min_time >= $3 AND min_time < $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0
) AS s
WHERE max_time - max_time % 60000000000 IN (SELECT unnest($5::bigint[]))

---- headPlaces[2]
-- The segments that are not settled of whole minutes, by the time of their newest item, from $2 to before $4; $3 is the hour of $2. The order is there for no
-- index but that by max_time to be taken. Those of the minutes of $5.
SELECT segment_id, min_time, max_time
FROM (
  SELECT segment_id, min_time, max_time
  FROM public.metrics_segment
  WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND max_time < $4 AND min_time >= $3 AND min_time < $4
  ORDER BY max_time DESC, segment_id DESC
  OFFSET 0
) AS s
WHERE max_time - max_time % 60000000000 IN (SELECT unnest($5::bigint[]))

---- head[0]
-- Headers of segments by id; min_time is for the index, and $4 and $5 bound it, so that no partition outside is opened. OFFSET 0 keeps this a
-- look-up by primary key for each, whatever the planner thinks of the size of the list.
SELECT h.*
FROM unnest($2::uuid[], $3::bigint[]) AS wanted(segment_id, min_time)
CROSS JOIN LATERAL (
  SELECT s.segment_id, s.min_time, s.max_time, s.min_position, s.errors, s.roots, s.service_ids, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter
  FROM spans_segment AS s
  WHERE s.tenant_id = $1 AND s.min_time = wanted.min_time AND s.segment_id = wanted.segment_id
    AND s.min_time >= $4 AND s.min_time <= $5
  OFFSET 0
) AS h

---- head[1]
-- Headers of segments by id; min_time is for the index, and $4 and $5 bound it, so that no partition outside is opened. OFFSET 0 keeps this a
-- look-up by primary key for each, whatever the planner thinks of the size of the list.
SELECT h.*
FROM unnest($2::uuid[], $3::bigint[]) AS wanted(segment_id, min_time)
CROSS JOIN LATERAL (
  SELECT s.segment_id, s.min_time, s.max_time, s.min_position, s.errors, s.roots, s.service_ids, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter
  FROM logs_segment AS s
  WHERE s.tenant_id = $1 AND s.min_time = wanted.min_time AND s.segment_id = wanted.segment_id
    AND s.min_time >= $4 AND s.min_time <= $5
  OFFSET 0
) AS h

---- head[2]
-- Headers of segments by id; min_time is for the index, and $4 and $5 bound it, so that no partition outside is opened. OFFSET 0 keeps this a
-- look-up by primary key for each, whatever the planner thinks of the size of the list.
SELECT h.*
FROM unnest($2::uuid[], $3::bigint[]) AS wanted(segment_id, min_time)
CROSS JOIN LATERAL (
  SELECT s.segment_id, s.min_time, s.max_time, s.min_position, s.errors, s.roots, s.service_ids, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.token_filter
  FROM metrics_segment AS s
  WHERE s.tenant_id = $1 AND s.min_time = wanted.min_time AND s.segment_id = wanted.segment_id
    AND s.min_time >= $4 AND s.min_time <= $5
  OFFSET 0
) AS h

---- traces
-- Of the hours or days ($2 the grain) that begin from each of $3 to before the one of $4 beside it, and whose traces are known in a filter, the blocks
-- that the hashes meet, in the order of $5 (upper halves of hashes). One of a placement whose filter is not made has none.
SELECT t.start, t.segments, t.max_position, t.made, t.blocks
FROM unnest($3::bigint[], $4::bigint[]) AS wanted(first, past)
CROSS JOIN LATERAL (
  SELECT start, segments, max_position, filter IS NOT NULL AS made, ARRAY(
      SELECT substring(filter FROM (h.high * (octet_length(filter) / 32) >> 32)::int * 32 + 1 FOR 32)
      FROM unnest($5::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
    ) AS blocks
  FROM public.trace_time
  WHERE tenant_id = $1 AND grain = $2 AND start >= wanted.first AND start < wanted.past
  OFFSET 0
) AS t

---- unsettled
-- The hours from $2 to before $3 with segments that are not settled: no filter of their traces knows of them.
SELECT DISTINCT min_time / 3600000000000 * 3600000000000
FROM public.spans_segment
WHERE tenant_id = $1 AND level < 2 AND max_time >= $2 AND min_time >= $2 AND min_time < $3

---- ready
-- The sizes of the TOAST tables of leaves ($1), those of them that are there: to tell them, the tables and their indexes are opened, and the connection
-- remembers what the catalogue says of them. Nothing is read of what they hold.
SELECT coalesce(sum(pg_relation_size(c.reltoastrelid) + pg_indexes_size(c.reltoastrelid)), 0)::bigint
FROM pg_class c
WHERE c.reltoastrelid > 0 AND c.oid IN (SELECT to_regclass('public.' || leaf) FROM unnest($1::text[]) AS leaf)

---- leaves
-- Those of $1 that are tables.
SELECT leaf FROM unnest($1::text[]) AS leaf WHERE to_regclass('public.' || leaf) IS NOT NULL

---- tables
-- How large the database is, and its tables, with indexes and what lies apart, and in how many leaves. The catalogue is asked for partitions, because
-- pg_partition_tree would take a lock on each and keep it.
WITH RECURSIVE tree AS (
  SELECT c.oid AS root, c.oid, c.relkind
  FROM pg_class AS c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  UNION ALL
  SELECT t.root, i.inhrelid, c.relkind
  FROM tree AS t
  JOIN pg_inherits AS i ON i.inhparent = t.oid
  JOIN pg_class AS c ON c.oid = i.inhrelid
)
SELECT pg_database_size(current_database()), r.relname, count(*) FILTER (WHERE t.relkind = 'r'), sum(pg_total_relation_size(t.oid))::bigint
FROM tree AS t
JOIN pg_class AS r ON r.oid = t.root
GROUP BY r.relname
ORDER BY 4 DESC, r.relname

---- heldByAll.held[0]
-- What the tenants $1 have (null: all) in segments, by level, and apart what is not settled though its hour ended before $2: how many, of how many items, how
-- many bytes of headers and of bodies that will be merged, from when to when. Of what lies apart only its length is looked at.
SELECT s.tenant_id, s.level, s.level < 2 AND s.min_time < $2, count(*), sum(s.items)::bigint,
  sum(octet_length(s.directory) + octet_length(s.trace_filter) + octet_length(s.token_filter) + coalesce(octet_length(fresh.body), 0))::bigint,
  min(s.min_time), max(s.max_time)
FROM public.spans_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.spans_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE $1::text[] IS NULL
GROUP BY s.tenant_id, s.level, 3
LIMIT $3

---- heldByAll.held[1]
-- What the tenants $1 have (null: all) in segments, by level, and apart what is not settled though its hour ended before $2: how many, of how many items, how
-- many bytes of headers and of bodies that will be merged, from when to when. Of what lies apart only its length is looked at.
SELECT s.tenant_id, s.level, s.level < 2 AND s.min_time < $2, count(*), sum(s.items)::bigint,
  sum(octet_length(s.directory) + octet_length(s.trace_filter) + octet_length(s.token_filter) + coalesce(octet_length(fresh.body), 0))::bigint,
  min(s.min_time), max(s.max_time)
FROM public.logs_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.logs_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE $1::text[] IS NULL
GROUP BY s.tenant_id, s.level, 3
LIMIT $3

---- heldByAll.held[2]
-- What the tenants $1 have (null: all) in segments, by level, and apart what is not settled though its hour ended before $2: how many, of how many items, how
-- many bytes of headers and of bodies that will be merged, from when to when. Of what lies apart only its length is looked at.
SELECT s.tenant_id, s.level, s.level < 2 AND s.min_time < $2, count(*), sum(s.items)::bigint,
  sum(octet_length(s.directory) + octet_length(s.trace_filter) + octet_length(s.token_filter) + coalesce(octet_length(fresh.body), 0))::bigint,
  min(s.min_time), max(s.max_time)
FROM public.metrics_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.metrics_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE $1::text[] IS NULL
GROUP BY s.tenant_id, s.level, 3
LIMIT $3

---- heldByAll.bodies[0]
-- How many bytes the bodies of settled segments of the tenants $1 (null: all) take, by their lengths.
SELECT tenant_id, sum(octet_length(body))::bigint
FROM public.spans_body
WHERE $1::text[] IS NULL
GROUP BY tenant_id
LIMIT $2

---- heldByAll.bodies[1]
-- How many bytes the bodies of settled segments of the tenants $1 (null: all) take, by their lengths.
SELECT tenant_id, sum(octet_length(body))::bigint
FROM public.logs_body
WHERE $1::text[] IS NULL
GROUP BY tenant_id
LIMIT $2

---- heldByAll.bodies[2]
-- How many bytes the bodies of settled segments of the tenants $1 (null: all) take, by their lengths.
SELECT tenant_id, sum(octet_length(body))::bigint
FROM public.metrics_body
WHERE $1::text[] IS NULL
GROUP BY tenant_id
LIMIT $2

---- heldByAll.rollups
-- How many rollups the tenants $1 (null: all) have, and how many bytes they take, by their lengths.
SELECT tenant_id, count(*), sum(octet_length(low) + octet_length(high) + octet_length(total) + octet_length(minutes))::bigint
FROM public.rollup
WHERE $1::text[] IS NULL
GROUP BY tenant_id
LIMIT $2

---- heldBySome.held[0]
-- What the tenants $1 have (null: all) in segments, by level, and apart what is not settled though its hour ended before $2: how many, of how many items, how
-- many bytes of headers and of bodies that will be merged, from when to when. Of what lies apart only its length is looked at.
SELECT s.tenant_id, s.level, s.level < 2 AND s.min_time < $2, count(*), sum(s.items)::bigint,
  sum(octet_length(s.directory) + octet_length(s.trace_filter) + octet_length(s.token_filter) + coalesce(octet_length(fresh.body), 0))::bigint,
  min(s.min_time), max(s.max_time)
FROM public.spans_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.spans_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = ANY ($1::text[])
GROUP BY s.tenant_id, s.level, 3
LIMIT $3

---- heldBySome.held[1]
-- What the tenants $1 have (null: all) in segments, by level, and apart what is not settled though its hour ended before $2: how many, of how many items, how
-- many bytes of headers and of bodies that will be merged, from when to when. Of what lies apart only its length is looked at.
SELECT s.tenant_id, s.level, s.level < 2 AND s.min_time < $2, count(*), sum(s.items)::bigint,
  sum(octet_length(s.directory) + octet_length(s.trace_filter) + octet_length(s.token_filter) + coalesce(octet_length(fresh.body), 0))::bigint,
  min(s.min_time), max(s.max_time)
FROM public.logs_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.logs_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = ANY ($1::text[])
GROUP BY s.tenant_id, s.level, 3
LIMIT $3

---- heldBySome.held[2]
-- What the tenants $1 have (null: all) in segments, by level, and apart what is not settled though its hour ended before $2: how many, of how many items, how
-- many bytes of headers and of bodies that will be merged, from when to when. Of what lies apart only its length is looked at.
SELECT s.tenant_id, s.level, s.level < 2 AND s.min_time < $2, count(*), sum(s.items)::bigint,
  sum(octet_length(s.directory) + octet_length(s.trace_filter) + octet_length(s.token_filter) + coalesce(octet_length(fresh.body), 0))::bigint,
  min(s.min_time), max(s.max_time)
FROM public.metrics_segment AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.metrics_fresh AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true
WHERE s.tenant_id = ANY ($1::text[])
GROUP BY s.tenant_id, s.level, 3
LIMIT $3

---- heldBySome.bodies[0]
-- How many bytes the bodies of settled segments of the tenants $1 (null: all) take, by their lengths.
SELECT tenant_id, sum(octet_length(body))::bigint
FROM public.spans_body
WHERE tenant_id = ANY ($1::text[])
GROUP BY tenant_id
LIMIT $2

---- heldBySome.bodies[1]
-- How many bytes the bodies of settled segments of the tenants $1 (null: all) take, by their lengths.
SELECT tenant_id, sum(octet_length(body))::bigint
FROM public.logs_body
WHERE tenant_id = ANY ($1::text[])
GROUP BY tenant_id
LIMIT $2

---- heldBySome.bodies[2]
-- How many bytes the bodies of settled segments of the tenants $1 (null: all) take, by their lengths.
SELECT tenant_id, sum(octet_length(body))::bigint
FROM public.metrics_body
WHERE tenant_id = ANY ($1::text[])
GROUP BY tenant_id
LIMIT $2

---- heldBySome.rollups
-- How many rollups the tenants $1 (null: all) have, and how many bytes they take, by their lengths.
SELECT tenant_id, count(*), sum(octet_length(low) + octet_length(high) + octet_length(total) + octet_length(minutes))::bigint
FROM public.rollup
WHERE tenant_id = ANY ($1::text[])
GROUP BY tenant_id
LIMIT $2

---- count[0][0]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM spans_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[0][1]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM spans_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level = 0
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[0][2]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM spans_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level > 0
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[0][3]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM spans_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level = 2
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[1][0]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM logs_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[1][1]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM logs_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level = 0
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[1][2]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM logs_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level > 0
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[1][3]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM logs_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level = 2
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[2][0]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM metrics_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[2][1]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM metrics_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level = 0
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[2][2]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM metrics_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level > 0
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- count[2][3]
-- How many segments the range has, whether they can match or not (what was pruned is said in every answer), and the highest ingest position
-- in them, to which the pages after the first are pinned. The index by max_time has all of it, and the order is there for no other to be taken: by
-- the primary key, the header of every segment would be read. max_time is less than an hour after min_time.
SELECT count(*), coalesce(max(max_position), 0)
FROM (
  SELECT max_position
  FROM metrics_segment
  WHERE tenant_id = $1 AND max_time >= $2 AND max_time <= least($4, 9223372036854775807 - 3600000000000) + 3600000000000
    AND min_time >= $3 AND min_time <= $4
    AND level = 2
  ORDER BY max_time DESC, segment_id DESC
) AS s

---- header[0]
-- Headers of segments by id; min_time is for the index, and $4 and $5 bound it, so that no partition outside is opened. OFFSET 0 keeps this a
-- look-up by primary key for each, whatever the planner thinks of the size of the list.
SELECT h.*
FROM unnest($2::uuid[], $3::bigint[]) AS wanted(segment_id, min_time)
CROSS JOIN LATERAL (
  SELECT s.segment_id, s.min_time, s.max_time, s.slot, s.items, s.errors, s.service_ids, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.directory
  FROM spans_segment AS s
  WHERE s.tenant_id = $1 AND s.min_time = wanted.min_time AND s.segment_id = wanted.segment_id
    AND s.min_time >= $4 AND s.min_time <= $5
  OFFSET 0
) AS h

---- header[1]
-- Headers of segments by id; min_time is for the index, and $4 and $5 bound it, so that no partition outside is opened. OFFSET 0 keeps this a
-- look-up by primary key for each, whatever the planner thinks of the size of the list.
SELECT h.*
FROM unnest($2::uuid[], $3::bigint[]) AS wanted(segment_id, min_time)
CROSS JOIN LATERAL (
  SELECT s.segment_id, s.min_time, s.max_time, s.slot, s.items, s.errors, s.service_ids, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.directory
  FROM logs_segment AS s
  WHERE s.tenant_id = $1 AND s.min_time = wanted.min_time AND s.segment_id = wanted.segment_id
    AND s.min_time >= $4 AND s.min_time <= $5
  OFFSET 0
) AS h

---- header[2]
-- Headers of segments by id; min_time is for the index, and $4 and $5 bound it, so that no partition outside is opened. OFFSET 0 keeps this a
-- look-up by primary key for each, whatever the planner thinks of the size of the list.
SELECT h.*
FROM unnest($2::uuid[], $3::bigint[]) AS wanted(segment_id, min_time)
CROSS JOIN LATERAL (
  SELECT s.segment_id, s.min_time, s.max_time, s.slot, s.items, s.errors, s.service_ids, s.service_max_duration, s.service_max_error_duration, s.trace_filter, s.directory
  FROM metrics_segment AS s
  WHERE s.tenant_id = $1 AND s.min_time = wanted.min_time AND s.segment_id = wanted.segment_id
    AND s.min_time >= $4 AND s.min_time <= $5
  OFFSET 0
) AS h

---- groups[0]
-- For each group of segments in the range, the blocks of their filters that each hash meets, in the order of $5 (upper halves of hashes of tokens)
-- and $6 (of traces): of all its segments, one after the other.
SELECT group_id, segments, ARRAY(
    SELECT substring(token_filter FROM (((h.high * token_blocks) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
    FROM unnest($5::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  ), ARRAY(
    SELECT substring(trace_filter FROM (((h.high * trace_blocks) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
    FROM unnest($6::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  )
FROM spans_group
WHERE tenant_id = $1 AND max_time >= $2 AND min_time >= $3 AND min_time <= $4

---- groups[1]
-- For each group of segments in the range, the blocks of their filters that each hash meets, in the order of $5 (upper halves of hashes of tokens)
-- and $6 (of traces): of all its segments, one after the other.
SELECT group_id, segments, ARRAY(
    SELECT substring(token_filter FROM (((h.high * token_blocks) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
    FROM unnest($5::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  ), ARRAY(
    SELECT substring(trace_filter FROM (((h.high * trace_blocks) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
    FROM unnest($6::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  )
FROM logs_group
WHERE tenant_id = $1 AND max_time >= $2 AND min_time >= $3 AND min_time <= $4

---- groups[2]
-- For each group of segments in the range, the blocks of their filters that each hash meets, in the order of $5 (upper halves of hashes of tokens)
-- and $6 (of traces): of all its segments, one after the other.
SELECT group_id, segments, ARRAY(
    SELECT substring(token_filter FROM (((h.high * token_blocks) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
    FROM unnest($5::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  ), ARRAY(
    SELECT substring(trace_filter FROM (((h.high * trace_blocks) >> 32) * 32 * cardinality(segments))::int + 1 FOR 32 * cardinality(segments))
    FROM unnest($6::bigint[]) WITH ORDINALITY AS h(high, number) ORDER BY h.number
  )
FROM metrics_group
WHERE tenant_id = $1 AND max_time >= $2 AND min_time >= $3 AND min_time <= $4

SELECT wanted.number, part.bytes
FROM unnest($2::uuid[], $3::int[], $4::int[]) WITH ORDINALITY AS wanted(segment_id, first, last, number)
CROSS JOIN LATERAL (
  SELECT (
    SELECT string_agg(substring(s.body FROM ($5::int[])[i] FOR ($6::int[])[i]), ''::bytea) FROM generate_series(wanted.first, wanted.last) AS i
  ) AS bytes
  FROM logs_fresh_07 AS s
  WHERE s.tenant_id = $1 AND s.segment_id = wanted.segment_id
  OFFSET 0
) AS part
SELECT wanted.number, part.bytes
FROM unnest($2::uuid[], $3::int[], $4::int[]) WITH ORDINALITY AS wanted(segment_id, first, last, number)
CROSS JOIN LATERAL (
  SELECT (
    SELECT string_agg(substring(s.body FROM ($5::int[])[i] FOR ($6::int[])[i]), ''::bytea) FROM generate_series(wanted.first, wanted.last) AS i
  ) AS bytes
  FROM logs_body_y2026_m11_d23 AS s
  WHERE s.tenant_id = $1 AND s.segment_id = wanted.segment_id
  OFFSET 0
) AS part
