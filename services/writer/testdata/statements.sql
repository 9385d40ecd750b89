---- claimRequests
-- Enters requests, each once in each of its homes, into the ledger for the UTC day on which they are written and for the day after, and says which
-- rows are new. A request of which all are is claimed with all that it covers. Of any other, some items are stored: what is new of it, the rows
-- say that were there before. A concurrent claim of the same request waits for this transaction. Only the row of today in the home where the
-- items lie counts. One order for all, so that concurrent claims cannot deadlock. The arrays run along with one another.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard)
SELECT $1::date + later, c.batch_id, c.tenant_id, c.placement, $2::smallint, c.position, c.items, c.covered, c.guard OR later > 0
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::integer[], $8::text[], $9::boolean[])
  AS c (batch_id, tenant_id, placement, position, items, covered, guard)
CROSS JOIN generate_series(0, 1) AS later
ORDER BY c.batch_id, c.placement, later
ON CONFLICT DO NOTHING
RETURNING batch_id, placement, day > $1::date

---- readClaims
-- What is in the ledger of a tenant's requests of which some items are stored, wherever it lies, held until the end of the transaction. One order for
-- all, so that concurrent writers cannot deadlock.
SELECT batch_id, placement, day > $1::date AS tomorrow, covered
FROM public.ingest_batch
WHERE tenant_id = $2::text AND day BETWEEN $1::date AND $1::date + 1 AND batch_id = ANY($3::uuid[]) AND placement = ANY($4::text[])
ORDER BY batch_id, placement, day
FOR UPDATE

---- extendClaim
-- What is stored of a request now, in one of its homes, and how many items of it by this transaction there ($6). A row that only guarded its day
-- counts from now on; one that this transaction has entered ($7) said that it stores all.
UPDATE public.ingest_batch SET
  covered = $5::text,
  items = CASE WHEN day > $1::date THEN items WHEN $7::boolean THEN $6::integer WHEN $6::integer = 0 THEN items WHEN guard THEN $6::integer ELSE items + $6::integer END,
  guard = CASE WHEN day > $1::date THEN guard WHEN $7::boolean THEN $6::integer = 0 ELSE guard AND $6::integer = 0 END
WHERE tenant_id = $2::text AND batch_id = $3::uuid AND placement = $4::text AND day BETWEEN $1::date AND $1::date + 1

---- claimNew[0]
-- Claims requests of one placement of which nobody has stored anything: a row of the day and one that guards the day after. Where somebody has, the
-- unique key refuses it, and the transaction with it.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard) VALUES
  ($1::date, $5::uuid, $2::text, $3::text, $4::smallint, $6::bigint, $7::integer, $8::text, false),
  ($1::date + 1, $5::uuid, $2::text, $3::text, $4::smallint, $6::bigint, $7::integer, $8::text, true)

---- claimNew[1]
-- Claims requests of one placement of which nobody has stored anything: a row of the day and one that guards the day after. Where somebody has, the
-- unique key refuses it, and the transaction with it.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard) VALUES
  ($1::date, $5::uuid, $2::text, $3::text, $4::smallint, $6::bigint, $7::integer, $8::text, false),
  ($1::date + 1, $5::uuid, $2::text, $3::text, $4::smallint, $6::bigint, $7::integer, $8::text, true),
  ($1::date, $9::uuid, $2::text, $3::text, $4::smallint, $10::bigint, $11::integer, $12::text, false),
  ($1::date + 1, $9::uuid, $2::text, $3::text, $4::smallint, $10::bigint, $11::integer, $12::text, true),
  ($1::date, $13::uuid, $2::text, $3::text, $4::smallint, $14::bigint, $15::integer, $16::text, false),
  ($1::date + 1, $13::uuid, $2::text, $3::text, $4::smallint, $14::bigint, $15::integer, $16::text, true),
  ($1::date, $17::uuid, $2::text, $3::text, $4::smallint, $18::bigint, $19::integer, $20::text, false),
  ($1::date + 1, $17::uuid, $2::text, $3::text, $4::smallint, $18::bigint, $19::integer, $20::text, true),
  ($1::date, $21::uuid, $2::text, $3::text, $4::smallint, $22::bigint, $23::integer, $24::text, false),
  ($1::date + 1, $21::uuid, $2::text, $3::text, $4::smallint, $22::bigint, $23::integer, $24::text, true),
  ($1::date, $25::uuid, $2::text, $3::text, $4::smallint, $26::bigint, $27::integer, $28::text, false),
  ($1::date + 1, $25::uuid, $2::text, $3::text, $4::smallint, $26::bigint, $27::integer, $28::text, true),
  ($1::date, $29::uuid, $2::text, $3::text, $4::smallint, $30::bigint, $31::integer, $32::text, false),
  ($1::date + 1, $29::uuid, $2::text, $3::text, $4::smallint, $30::bigint, $31::integer, $32::text, true),
  ($1::date, $33::uuid, $2::text, $3::text, $4::smallint, $34::bigint, $35::integer, $36::text, false),
  ($1::date + 1, $33::uuid, $2::text, $3::text, $4::smallint, $34::bigint, $35::integer, $36::text, true)

---- ensurePartition
SELECT public.ensure_partition($1::text, $2::bigint)

---- retention
-- One row at least: the moment at which it was so. A policy's days are null where there is no policy at all.
SELECT clock_timestamp(), coalesce(tenant_id, ''), coalesce(signal, ''), coalesce(days, 0), coalesce(legal_hold, false),
    coalesce(extract(epoch FROM rows_window)::bigint, 0)
FROM (SELECT) AS always
LEFT JOIN public.retention_policy ON true
ORDER BY tenant_id, signal

---- spreads
SELECT tenant_id, since, buckets FROM public.tenant_placement

---- enterTenants
INSERT INTO public.tenant_dim (tenant_id) SELECT unnest($1::text[]) ORDER BY 1 ON CONFLICT DO NOTHING

---- tryWrite
-- Takes some new pages of the database's disk, in a transaction that is rolled back: a disk without room refuses them, so that a writer finds out without
-- a batch whether there is room again.
CREATE TEMPORARY TABLE olly_try_write ON COMMIT DROP AS
SELECT g AS id, md5(g::text) AS filling FROM generate_series(1, 10000) AS g

---- addUsage
-- Adds what a flush stores of a tenant's day to the row of a part ($4) that its flusher has for itself: nobody waits for anybody. Readers add
-- the parts up.
INSERT INTO public.tenant_usage AS u (tenant_id, day, signal, part, items, bytes, series)
VALUES ($1::text, $2::date, $3::smallint, $4::integer, $5::bigint, $6::bigint, $7::bigint)
ON CONFLICT (tenant_id, day, signal, part) DO UPDATE SET items = u.items + excluded.items, bytes = u.bytes + excluded.bytes,
  series = u.series + excluded.series

---- queueLife
-- What time it is, and the life of a stream that began last, if there is one.
SELECT clock_timestamp(), base, began, seen, seen_at, unsettled, whole_at
FROM (VALUES (1)) AS once (row)
LEFT JOIN (SELECT base, began, seen, seen_at, unsettled, whole_at FROM public.queue_life WHERE signal = $1 ORDER BY base DESC LIMIT 1) AS l ON true

---- queueLifeBegin
-- A new life, unless another writer has entered one after the last that is known ($6). The table is locked.
INSERT INTO public.queue_life (signal, base, began, seen, seen_at, unsettled, whole_at, noticed_at)
SELECT $1, $2, $3, $4, clock_timestamp(), $5, least($3, clock_timestamp()), clock_timestamp()
WHERE NOT EXISTS (SELECT FROM public.queue_life WHERE signal = $1 AND base > $6)
ON CONFLICT DO NOTHING

---- queueLifeLook
-- What a look saw. Looks of several writers come in any order. What is said of a time that is still to come was said while the clock was ahead, and says
-- nothing: what this look saw counts then, which may be less.
UPDATE public.queue_life
SET seen = greatest(seen, $3), seen_at = clock_timestamp(), unsettled = $4,
  whole_at = least(CASE WHEN whole_at > clock_timestamp() THEN $5 ELSE greatest(whole_at, $5) END, clock_timestamp())
WHERE signal = $1 AND base = $2

---- queueLosses
-- Of each signal the last time that its stream was made anew: since when and until when what was accepted may be lost, how many messages were not
-- stored at the last look before, how long nobody had looked, in seconds, and how many seconds ago it was noticed. A stream that is an old copy of
-- itself was made when it was. What a clock said that was ahead begins no later than it ends.
SELECT DISTINCT ON (signal) signal, least(whole_at, until), until, unsettled,
  extract(epoch FROM until - seen_at)::double precision, extract(epoch FROM clock_timestamp() - noticed)::double precision
FROM (
  SELECT signal, base, whole_at, seen_at, unsettled, lead(noticed_at) OVER lives AS noticed,
    CASE WHEN lead(began) OVER lives > began THEN lead(began) OVER lives ELSE lead(noticed_at) OVER lives END AS until
  FROM public.queue_life
  WINDOW lives AS (PARTITION BY signal ORDER BY base)
) AS l
WHERE until IS NOT NULL
ORDER BY signal, base DESC

---- enter[0]
-- Enters what is new, and moves last_seen_day of what was last seen on another day; what is there for this day is looked up once and
-- touched by nothing. Concurrent writers must never wait for one another in a circle: what is there already is not inserted (that would
-- wait for whoever is moving it), what is new is inserted in order of its key, all of it before anything is moved (the count of it, always
-- true, sees to that), and a row that somebody else is moving at this moment is left to them. The day after counts as seen, since the
-- writers' clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. It answers how many of each tenant were
-- not seen on this day before (whoever enters or moves an entry counts it, and nobody else does), and then, with 0, each that was left to
-- others, who may yet be rolled back.
WITH seen AS MATERIALIZED (
  SELECT s.*, d.last_seen_day AS before FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[])
    AS s (tenant_id, service_id, name, namespace)
  LEFT JOIN public.service_dim d ON d.tenant_id = s.tenant_id AND d.service_id = s.service_id
  WHERE d.last_seen_day IS NULL OR d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1
), entered AS (
  INSERT INTO public.service_dim (tenant_id, service_id, name, namespace, last_seen_day)
  SELECT s.tenant_id, s.service_id, s.name, s.namespace, $1::date FROM seen s WHERE s.before IS NULL
  ORDER BY s.tenant_id, s.service_id
  ON CONFLICT DO NOTHING
  RETURNING tenant_id
), stale AS (
  SELECT s.tenant_id, s.service_id FROM seen s WHERE s.before IS NOT NULL
), taken AS (
  SELECT d.tenant_id, d.service_id FROM public.service_dim d JOIN stale ON stale.tenant_id = d.tenant_id AND stale.service_id = d.service_id
  WHERE d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1 AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.service_id FOR NO KEY UPDATE OF d SKIP LOCKED
), moved AS (
  UPDATE public.service_dim d SET last_seen_day = $1::date FROM taken
  WHERE d.tenant_id = taken.tenant_id AND d.service_id = taken.service_id
  RETURNING d.tenant_id, d.service_id
)
SELECT a.tenant_id, count(*), 0::bigint FROM (SELECT tenant_id FROM entered UNION ALL SELECT tenant_id FROM moved) AS a GROUP BY a.tenant_id
UNION ALL
SELECT s.tenant_id, 0, s.service_id FROM stale s
WHERE NOT EXISTS (SELECT FROM moved m WHERE m.tenant_id = s.tenant_id AND m.service_id = s.service_id)

---- enter[1]
-- Enters what is new, and moves last_seen_day of what was last seen on another day; what is there for this day is looked up once and
-- touched by nothing. Concurrent writers must never wait for one another in a circle: what is there already is not inserted (that would
-- wait for whoever is moving it), what is new is inserted in order of its key, all of it before anything is moved (the count of it, always
-- true, sees to that), and a row that somebody else is moving at this moment is left to them. The day after counts as seen, since the
-- writers' clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. It answers how many of each tenant were
-- not seen on this day before (whoever enters or moves an entry counts it, and nobody else does), and then, with 0, each that was left to
-- others, who may yet be rolled back.
WITH seen AS MATERIALIZED (
  SELECT s.*, d.last_seen_day AS before FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::smallint[])
    AS s (tenant_id, operation_id, service_id, name, kind)
  LEFT JOIN public.operation_dim d ON d.tenant_id = s.tenant_id AND d.operation_id = s.operation_id
  WHERE d.last_seen_day IS NULL OR d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1
), entered AS (
  INSERT INTO public.operation_dim (tenant_id, operation_id, service_id, name, kind, last_seen_day)
  SELECT s.tenant_id, s.operation_id, s.service_id, s.name, s.kind, $1::date FROM seen s WHERE s.before IS NULL
  ORDER BY s.tenant_id, s.operation_id
  ON CONFLICT DO NOTHING
  RETURNING tenant_id
), stale AS (
  SELECT s.tenant_id, s.operation_id FROM seen s WHERE s.before IS NOT NULL
), taken AS (
  SELECT d.tenant_id, d.operation_id FROM public.operation_dim d JOIN stale ON stale.tenant_id = d.tenant_id AND stale.operation_id = d.operation_id
  WHERE d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1 AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.operation_id FOR NO KEY UPDATE OF d SKIP LOCKED
), moved AS (
  UPDATE public.operation_dim d SET last_seen_day = $1::date FROM taken
  WHERE d.tenant_id = taken.tenant_id AND d.operation_id = taken.operation_id
  RETURNING d.tenant_id, d.operation_id
)
SELECT a.tenant_id, count(*), 0::bigint FROM (SELECT tenant_id FROM entered UNION ALL SELECT tenant_id FROM moved) AS a GROUP BY a.tenant_id
UNION ALL
SELECT s.tenant_id, 0, s.operation_id FROM stale s
WHERE NOT EXISTS (SELECT FROM moved m WHERE m.tenant_id = s.tenant_id AND m.operation_id = s.operation_id)

---- enter[2]
-- Enters what is new, and moves last_seen_day of what was last seen on another day; what is there for this day is looked up once and
-- touched by nothing. Concurrent writers must never wait for one another in a circle: what is there already is not inserted (that would
-- wait for whoever is moving it), what is new is inserted in order of its key, all of it before anything is moved (the count of it, always
-- true, sees to that), and a row that somebody else is moving at this moment is left to them. The day after counts as seen, since the
-- writers' clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. It answers how many of each tenant were
-- not seen on this day before (whoever enters or moves an entry counts it, and nobody else does), and then, with 0, each that was left to
-- others, who may yet be rolled back.
WITH seen AS MATERIALIZED (
  SELECT s.*, d.last_seen_day AS before FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::jsonb[], $6::text[], $7::integer[])
    AS s (tenant_id, resource_id, service_id, attributes, schema_url, dropped_attributes_count)
  LEFT JOIN public.resource_dim d ON d.tenant_id = s.tenant_id AND d.resource_id = s.resource_id
  WHERE d.last_seen_day IS NULL OR d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1
), entered AS (
  INSERT INTO public.resource_dim (tenant_id, resource_id, service_id, attributes, schema_url, dropped_attributes_count, last_seen_day)
  SELECT s.tenant_id, s.resource_id, s.service_id, s.attributes, s.schema_url, s.dropped_attributes_count, $1::date FROM seen s WHERE s.before IS NULL
  ORDER BY s.tenant_id, s.resource_id
  ON CONFLICT DO NOTHING
  RETURNING tenant_id
), stale AS (
  SELECT s.tenant_id, s.resource_id FROM seen s WHERE s.before IS NOT NULL
), taken AS (
  SELECT d.tenant_id, d.resource_id FROM public.resource_dim d JOIN stale ON stale.tenant_id = d.tenant_id AND stale.resource_id = d.resource_id
  WHERE d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1 AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.resource_id FOR NO KEY UPDATE OF d SKIP LOCKED
), moved AS (
  UPDATE public.resource_dim d SET last_seen_day = $1::date FROM taken
  WHERE d.tenant_id = taken.tenant_id AND d.resource_id = taken.resource_id
  RETURNING d.tenant_id, d.resource_id
)
SELECT a.tenant_id, count(*), 0::bigint FROM (SELECT tenant_id FROM entered UNION ALL SELECT tenant_id FROM moved) AS a GROUP BY a.tenant_id
UNION ALL
SELECT s.tenant_id, 0, s.resource_id FROM stale s
WHERE NOT EXISTS (SELECT FROM moved m WHERE m.tenant_id = s.tenant_id AND m.resource_id = s.resource_id)

---- enter[3]
-- Enters what is new, and moves last_seen_day of what was last seen on another day; what is there for this day is looked up once and
-- touched by nothing. Concurrent writers must never wait for one another in a circle: what is there already is not inserted (that would
-- wait for whoever is moving it), what is new is inserted in order of its key, all of it before anything is moved (the count of it, always
-- true, sees to that), and a row that somebody else is moving at this moment is left to them. The day after counts as seen, since the
-- writers' clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. It answers how many of each tenant were
-- not seen on this day before (whoever enters or moves an entry counts it, and nobody else does), and then, with 0, each that was left to
-- others, who may yet be rolled back.
WITH seen AS MATERIALIZED (
  SELECT s.*, d.last_seen_day AS before FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::integer[])
    AS s (tenant_id, scope_id, name, version, attributes, schema_url, dropped_attributes_count)
  LEFT JOIN public.scope_dim d ON d.tenant_id = s.tenant_id AND d.scope_id = s.scope_id
  WHERE d.last_seen_day IS NULL OR d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1
), entered AS (
  INSERT INTO public.scope_dim (tenant_id, scope_id, name, version, attributes, schema_url, dropped_attributes_count, last_seen_day)
  SELECT s.tenant_id, s.scope_id, s.name, s.version, s.attributes, s.schema_url, s.dropped_attributes_count, $1::date FROM seen s WHERE s.before IS NULL
  ORDER BY s.tenant_id, s.scope_id
  ON CONFLICT DO NOTHING
  RETURNING tenant_id
), stale AS (
  SELECT s.tenant_id, s.scope_id FROM seen s WHERE s.before IS NOT NULL
), taken AS (
  SELECT d.tenant_id, d.scope_id FROM public.scope_dim d JOIN stale ON stale.tenant_id = d.tenant_id AND stale.scope_id = d.scope_id
  WHERE d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1 AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.scope_id FOR NO KEY UPDATE OF d SKIP LOCKED
), moved AS (
  UPDATE public.scope_dim d SET last_seen_day = $1::date FROM taken
  WHERE d.tenant_id = taken.tenant_id AND d.scope_id = taken.scope_id
  RETURNING d.tenant_id, d.scope_id
)
SELECT a.tenant_id, count(*), 0::bigint FROM (SELECT tenant_id FROM entered UNION ALL SELECT tenant_id FROM moved) AS a GROUP BY a.tenant_id
UNION ALL
SELECT s.tenant_id, 0, s.scope_id FROM stale s
WHERE NOT EXISTS (SELECT FROM moved m WHERE m.tenant_id = s.tenant_id AND m.scope_id = s.scope_id)

---- enter[4]
-- Enters what is new, and moves last_seen_day of what was last seen on another day; what is there for this day is looked up once and
-- touched by nothing. Concurrent writers must never wait for one another in a circle: what is there already is not inserted (that would
-- wait for whoever is moving it), what is new is inserted in order of its key, all of it before anything is moved (the count of it, always
-- true, sees to that), and a row that somebody else is moving at this moment is left to them. The day after counts as seen, since the
-- writers' clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. It answers how many of each tenant were
-- not seen on this day before (whoever enters or moves an entry counts it, and nobody else does), and then, with 0, each that was left to
-- others, who may yet be rolled back.
WITH seen AS MATERIALIZED (
  SELECT s.*, d.last_seen_day AS before FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::smallint[], $9::smallint[], $10::boolean[], $11::text[], $12::text[], $13::jsonb[], $14::jsonb[])
    AS s (tenant_id, series_id, service_id, resource_id, scope_id, metric_name, metric_type, temporality, monotonic, unit, description, attributes, metadata)
  LEFT JOIN public.series_dim d ON d.tenant_id = s.tenant_id AND d.series_id = s.series_id
  WHERE d.last_seen_day IS NULL OR d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1
), entered AS (
  INSERT INTO public.series_dim (tenant_id, series_id, service_id, resource_id, scope_id, metric_name, metric_type, temporality, monotonic, unit, description, attributes, metadata, last_seen_day)
  SELECT s.tenant_id, s.series_id, s.service_id, s.resource_id, s.scope_id, s.metric_name, s.metric_type, s.temporality, s.monotonic, s.unit, s.description, s.attributes, s.metadata, $1::date FROM seen s WHERE s.before IS NULL
  ORDER BY s.tenant_id, s.series_id
  ON CONFLICT DO NOTHING
  RETURNING tenant_id
), stale AS (
  SELECT s.tenant_id, s.series_id FROM seen s WHERE s.before IS NOT NULL
), taken AS (
  SELECT d.tenant_id, d.series_id FROM public.series_dim d JOIN stale ON stale.tenant_id = d.tenant_id AND stale.series_id = d.series_id
  WHERE d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1 AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.series_id FOR NO KEY UPDATE OF d SKIP LOCKED
), moved AS (
  UPDATE public.series_dim d SET last_seen_day = $1::date FROM taken
  WHERE d.tenant_id = taken.tenant_id AND d.series_id = taken.series_id
  RETURNING d.tenant_id, d.series_id
)
SELECT a.tenant_id, count(*), 0::bigint FROM (SELECT tenant_id FROM entered UNION ALL SELECT tenant_id FROM moved) AS a GROUP BY a.tenant_id
UNION ALL
SELECT s.tenant_id, 0, s.series_id FROM stale s
WHERE NOT EXISTS (SELECT FROM moved m WHERE m.tenant_id = s.tenant_id AND m.series_id = s.series_id)

---- copyFacts[0]
COPY public.spans_fact (
  start_time_unix_nano, duration_nano, trace_id, span_id, parent_span_id, service_id, operation_id, resource_id, scope_id,
  flags, dropped_attributes_count, dropped_events_count, dropped_links_count, kind, status_code,
  tenant_id, connection_id, status_message, trace_state, attributes, events, links
) FROM STDIN (FORMAT binary)

---- copyFacts[1]
COPY public.logs_fact (
  time_unix_nano, observed_time_unix_nano, trace_id, span_id, service_id, resource_id, scope_id,
  flags, dropped_attributes_count, severity_number,
  tenant_id, connection_id, severity_text, event_name, body, body_json, attributes
) FROM STDIN (FORMAT binary)

---- copyFacts[2]
COPY public.metrics_fact (
  time_unix_nano, start_time_unix_nano, series_id, service_id, value_int, value_double, count, sum, min, max, zero_count, zero_threshold,
  flags, scale, positive_offset, negative_offset, tenant_id, connection_id,
  explicit_bounds, bucket_counts, positive_bucket_counts, negative_bucket_counts, quantiles, quantile_values, exemplars
) FROM STDIN (FORMAT binary)

