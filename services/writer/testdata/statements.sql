---- claimRequests.One
-- Enters requests of one tenant, each once in each of its homes, into the ledger for the UTC day on which they are written and for the day after, which
-- it guards. A concurrent claim of the same request waits for this transaction. One order for all, so that concurrent claims cannot deadlock. Only the
-- row of today in the home where the items lie counts. It says which rows are new: a request of which all are is claimed with all that it covers;
-- of any other, some items are stored, and what is new of it, the rows say that were there before.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard) VALUES
  ($1::date, $4::uuid, $2::text, $5::text, $3::smallint, $6::bigint, $7::integer, $8::text, $9::boolean),
  ($1::date + 1, $4::uuid, $2::text, $5::text, $3::smallint, $6::bigint, $7::integer, $8::text, true)
ON CONFLICT DO NOTHING
RETURNING batch_id, placement, day > $1::date

---- claimRequests.Row
-- Enters requests of one tenant, each once in each of its homes, into the ledger for the UTC day on which they are written and for the day after, which
-- it guards. A concurrent claim of the same request waits for this transaction. One order for all, so that concurrent claims cannot deadlock. Only the
-- row of today in the home where the items lie counts. It says which rows are new: a request of which all are is claimed with all that it covers;
-- of any other, some items are stored, and what is new of it, the rows say that were there before.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard) VALUES
  ($1::date, $4::uuid, $2::text, $5::text, $3::smallint, $6::bigint, $7::integer, $8::text, $9::boolean),
  ($1::date + 1, $4::uuid, $2::text, $5::text, $3::smallint, $6::bigint, $7::integer, $8::text, true),
  ($1::date, $10::uuid, $2::text, $11::text, $3::smallint, $12::bigint, $13::integer, $14::text, $15::boolean),
  ($1::date + 1, $10::uuid, $2::text, $11::text, $3::smallint, $12::bigint, $13::integer, $14::text, true),
  ($1::date, $16::uuid, $2::text, $17::text, $3::smallint, $18::bigint, $19::integer, $20::text, $21::boolean),
  ($1::date + 1, $16::uuid, $2::text, $17::text, $3::smallint, $18::bigint, $19::integer, $20::text, true),
  ($1::date, $22::uuid, $2::text, $23::text, $3::smallint, $24::bigint, $25::integer, $26::text, $27::boolean),
  ($1::date + 1, $22::uuid, $2::text, $23::text, $3::smallint, $24::bigint, $25::integer, $26::text, true),
  ($1::date, $28::uuid, $2::text, $29::text, $3::smallint, $30::bigint, $31::integer, $32::text, $33::boolean),
  ($1::date + 1, $28::uuid, $2::text, $29::text, $3::smallint, $30::bigint, $31::integer, $32::text, true),
  ($1::date, $34::uuid, $2::text, $35::text, $3::smallint, $36::bigint, $37::integer, $38::text, $39::boolean),
  ($1::date + 1, $34::uuid, $2::text, $35::text, $3::smallint, $36::bigint, $37::integer, $38::text, true),
  ($1::date, $40::uuid, $2::text, $41::text, $3::smallint, $42::bigint, $43::integer, $44::text, $45::boolean),
  ($1::date + 1, $40::uuid, $2::text, $41::text, $3::smallint, $42::bigint, $43::integer, $44::text, true),
  ($1::date, $46::uuid, $2::text, $47::text, $3::smallint, $48::bigint, $49::integer, $50::text, $51::boolean),
  ($1::date + 1, $46::uuid, $2::text, $47::text, $3::smallint, $48::bigint, $49::integer, $50::text, true)
ON CONFLICT DO NOTHING
RETURNING batch_id, placement, day > $1::date

---- claimNew.One
-- Enters requests of one tenant, each once in each of its homes, into the ledger for the UTC day on which they are written and for the day after, which
-- it guards. A concurrent claim of the same request waits for this transaction. One order for all, so that concurrent claims cannot deadlock. Only the
-- row of today in the home where the items lie counts. Where somebody has claimed one, the unique key refuses it, and the transaction
-- with it.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard) VALUES
  ($1::date, $4::uuid, $2::text, $5::text, $3::smallint, $6::bigint, $7::integer, $8::text, $9::boolean),
  ($1::date + 1, $4::uuid, $2::text, $5::text, $3::smallint, $6::bigint, $7::integer, $8::text, true)

---- claimNew.Row
-- Enters requests of one tenant, each once in each of its homes, into the ledger for the UTC day on which they are written and for the day after, which
-- it guards. A concurrent claim of the same request waits for this transaction. One order for all, so that concurrent claims cannot deadlock. Only the
-- row of today in the home where the items lie counts. Where somebody has claimed one, the unique key refuses it, and the transaction
-- with it.
INSERT INTO public.ingest_batch (day, batch_id, tenant_id, placement, signal, position, items, covered, guard) VALUES
  ($1::date, $4::uuid, $2::text, $5::text, $3::smallint, $6::bigint, $7::integer, $8::text, $9::boolean),
  ($1::date + 1, $4::uuid, $2::text, $5::text, $3::smallint, $6::bigint, $7::integer, $8::text, true),
  ($1::date, $10::uuid, $2::text, $11::text, $3::smallint, $12::bigint, $13::integer, $14::text, $15::boolean),
  ($1::date + 1, $10::uuid, $2::text, $11::text, $3::smallint, $12::bigint, $13::integer, $14::text, true),
  ($1::date, $16::uuid, $2::text, $17::text, $3::smallint, $18::bigint, $19::integer, $20::text, $21::boolean),
  ($1::date + 1, $16::uuid, $2::text, $17::text, $3::smallint, $18::bigint, $19::integer, $20::text, true),
  ($1::date, $22::uuid, $2::text, $23::text, $3::smallint, $24::bigint, $25::integer, $26::text, $27::boolean),
  ($1::date + 1, $22::uuid, $2::text, $23::text, $3::smallint, $24::bigint, $25::integer, $26::text, true),
  ($1::date, $28::uuid, $2::text, $29::text, $3::smallint, $30::bigint, $31::integer, $32::text, $33::boolean),
  ($1::date + 1, $28::uuid, $2::text, $29::text, $3::smallint, $30::bigint, $31::integer, $32::text, true),
  ($1::date, $34::uuid, $2::text, $35::text, $3::smallint, $36::bigint, $37::integer, $38::text, $39::boolean),
  ($1::date + 1, $34::uuid, $2::text, $35::text, $3::smallint, $36::bigint, $37::integer, $38::text, true),
  ($1::date, $40::uuid, $2::text, $41::text, $3::smallint, $42::bigint, $43::integer, $44::text, $45::boolean),
  ($1::date + 1, $40::uuid, $2::text, $41::text, $3::smallint, $42::bigint, $43::integer, $44::text, true),
  ($1::date, $46::uuid, $2::text, $47::text, $3::smallint, $48::bigint, $49::integer, $50::text, $51::boolean),
  ($1::date + 1, $46::uuid, $2::text, $47::text, $3::smallint, $48::bigint, $49::integer, $50::text, true)

---- readClaims
-- What is in the ledger of a tenant's requests of which some items are stored, in one of their homes, held until the end of the transaction. One order
-- for all, so that concurrent writers cannot deadlock.
SELECT batch_id, placement, day > $1::date AS tomorrow, covered
FROM public.ingest_batch
WHERE tenant_id = $2::text AND day BETWEEN $1::date AND $1::date + 1 AND batch_id = ANY($3::uuid[]) AND placement = $4::text
ORDER BY batch_id, day
FOR UPDATE

---- extendClaim
-- What is stored of a request now, in one of its homes, and how many items of it by this transaction there ($6). A row that only guarded its day
-- counts from now on; one that this transaction has entered ($7) said that it stores all.
UPDATE public.ingest_batch SET
  covered = $5::text,
  items = CASE WHEN day > $1::date THEN items WHEN $7::boolean THEN $6::integer WHEN $6::integer = 0 THEN items WHEN guard THEN $6::integer ELSE items + $6::integer END,
  guard = CASE WHEN day > $1::date THEN guard WHEN $7::boolean THEN $6::integer = 0 ELSE guard AND $6::integer = 0 END
WHERE tenant_id = $2::text AND batch_id = $3::uuid AND placement = $4::text AND day BETWEEN $1::date AND $1::date + 1

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

---- enterTenant
INSERT INTO public.tenant_dim (tenant_id) VALUES ($1::text) ON CONFLICT DO NOTHING

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
SELECT clock_timestamp(), base, began, seen, settled, seen_at, unsettled, whole_at
FROM (VALUES (1)) AS once (row)
LEFT JOIN (SELECT base, began, seen, settled, seen_at, unsettled, whole_at FROM public.queue_life WHERE signal = $1 ORDER BY base DESC LIMIT 1) AS l ON true

---- queueLifeBegin
-- A new life, unless another writer has entered one after the last that is known ($6). The table is locked.
INSERT INTO public.queue_life (signal, base, began, seen, settled, noted, lost, seen_at, unsettled, whole_at, noticed_at)
SELECT $1, $2, $3, $4, $7, $7, $8, clock_timestamp(), $5, least($3, clock_timestamp()), clock_timestamp()
WHERE NOT EXISTS (SELECT FROM public.queue_life WHERE signal = $1 AND base > $6)
ON CONFLICT DO NOTHING

---- queueLifeLook
-- What a look saw. Looks of several writers come in any order. What is said of a time that is still to come was said while the clock was ahead, and says
-- nothing: what this look saw counts then, which may be less.
UPDATE public.queue_life
SET seen = greatest(seen, $3), settled = greatest(settled, $6), noted = greatest(settled, $6), seen_at = clock_timestamp(), unsettled = $4,
  whole_at = least(CASE WHEN whole_at > clock_timestamp() THEN $5 ELSE greatest(whole_at, $5) END, clock_timestamp())
WHERE signal = $1 AND base = $2

---- queueLosses
-- Of each signal the last time that its stream was made anew: since when and until when what was accepted may be lost, how many messages were not
-- stored at the last look before, how many of those that were called settled are not known, how long nobody had looked, in seconds, and how many seconds ago it
-- was noticed.
SELECT DISTINCT ON (signal) signal, since, until, unsettled, lost,
  extract(epoch FROM until - seen_at)::double precision, extract(epoch FROM clock_timestamp() - noticed)::double precision
FROM public.queue_loss
ORDER BY signal, base DESC

---- queueNote
-- Notes messages of a stream, by their numbers, as stored or set aside: after their commit, and before the stream is told.
INSERT INTO public.queue_noted (signal, stored, numbers) VALUES ($1, $2, $3::text::int8multirange)

---- queueUnknown
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

---- queueFold
-- What is noted of a stream becomes one row of what its last life does not tell as settled, usually none. Where that life is of a stream that has only just been
-- seen ($2), what was noted of messages that are older than it is of one that is gone. The life's row is held: one does this at a time.
WITH life AS (SELECT began, settled FROM public.queue_life WHERE signal = $1 ORDER BY base DESC LIMIT 1),
gone AS (DELETE FROM public.queue_noted WHERE signal = $1 RETURNING stored, numbers)
INSERT INTO public.queue_noted (signal, stored, numbers)
SELECT $1, stored, numbers
FROM (
  SELECT max(gone.stored) AS stored, range_agg(numbers) - int8multirange(int8range(NULL, min(life.settled), '[]')) AS numbers
  FROM gone, life WHERE NOT $2::boolean OR gone.stored >= life.began
) AS folded
WHERE NOT isempty(numbers)

---- look[0]
-- On which day entries of a tenant were last seen: of those that are there.
SELECT service_id, last_seen_day FROM public.service_dim WHERE tenant_id = $1::text AND service_id = ANY($2::bigint[])

---- look[1]
-- On which day entries of a tenant were last seen: of those that are there.
SELECT operation_id, last_seen_day FROM public.operation_dim WHERE tenant_id = $1::text AND operation_id = ANY($2::bigint[])

---- look[2]
-- On which day entries of a tenant were last seen: of those that are there.
SELECT resource_id, last_seen_day FROM public.resource_dim WHERE tenant_id = $1::text AND resource_id = ANY($2::bigint[])

---- look[3]
-- On which day entries of a tenant were last seen: of those that are there.
SELECT scope_id, last_seen_day FROM public.scope_dim WHERE tenant_id = $1::text AND scope_id = ANY($2::bigint[])

---- look[4]
-- On which day entries of a tenant were last seen: of those that are there.
SELECT series_id, last_seen_day FROM public.series_dim WHERE tenant_id = $1::text AND series_id = ANY($2::bigint[])

---- move[0]
-- Moves last_seen_day of entries of a tenant that were last seen on another day, and says of which. The day after counts as seen, since the writers'
-- clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. A row that somebody else is moving at this moment is left
-- to them, who may yet be rolled back.
UPDATE public.service_dim d SET last_seen_day = $2::date
WHERE d.tenant_id = $1::text AND d.service_id = ANY($3::bigint[]) AND d.service_id IN (
  SELECT t.service_id FROM public.service_dim t
  WHERE t.tenant_id = $1::text AND t.service_id = ANY($3::bigint[]) AND t.last_seen_day NOT BETWEEN $2::date AND $2::date + 1
  ORDER BY t.service_id FOR NO KEY UPDATE SKIP LOCKED)
RETURNING d.service_id

---- move[1]
-- Moves last_seen_day of entries of a tenant that were last seen on another day, and says of which. The day after counts as seen, since the writers'
-- clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. A row that somebody else is moving at this moment is left
-- to them, who may yet be rolled back.
UPDATE public.operation_dim d SET last_seen_day = $2::date
WHERE d.tenant_id = $1::text AND d.operation_id = ANY($3::bigint[]) AND d.operation_id IN (
  SELECT t.operation_id FROM public.operation_dim t
  WHERE t.tenant_id = $1::text AND t.operation_id = ANY($3::bigint[]) AND t.last_seen_day NOT BETWEEN $2::date AND $2::date + 1
  ORDER BY t.operation_id FOR NO KEY UPDATE SKIP LOCKED)
RETURNING d.operation_id

---- move[2]
-- Moves last_seen_day of entries of a tenant that were last seen on another day, and says of which. The day after counts as seen, since the writers'
-- clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. A row that somebody else is moving at this moment is left
-- to them, who may yet be rolled back.
UPDATE public.resource_dim d SET last_seen_day = $2::date
WHERE d.tenant_id = $1::text AND d.resource_id = ANY($3::bigint[]) AND d.resource_id IN (
  SELECT t.resource_id FROM public.resource_dim t
  WHERE t.tenant_id = $1::text AND t.resource_id = ANY($3::bigint[]) AND t.last_seen_day NOT BETWEEN $2::date AND $2::date + 1
  ORDER BY t.resource_id FOR NO KEY UPDATE SKIP LOCKED)
RETURNING d.resource_id

---- move[3]
-- Moves last_seen_day of entries of a tenant that were last seen on another day, and says of which. The day after counts as seen, since the writers'
-- clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. A row that somebody else is moving at this moment is left
-- to them, who may yet be rolled back.
UPDATE public.scope_dim d SET last_seen_day = $2::date
WHERE d.tenant_id = $1::text AND d.scope_id = ANY($3::bigint[]) AND d.scope_id IN (
  SELECT t.scope_id FROM public.scope_dim t
  WHERE t.tenant_id = $1::text AND t.scope_id = ANY($3::bigint[]) AND t.last_seen_day NOT BETWEEN $2::date AND $2::date + 1
  ORDER BY t.scope_id FOR NO KEY UPDATE SKIP LOCKED)
RETURNING d.scope_id

---- move[4]
-- Moves last_seen_day of entries of a tenant that were last seen on another day, and says of which. The day after counts as seen, since the writers'
-- clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. A row that somebody else is moving at this moment is left
-- to them, who may yet be rolled back.
UPDATE public.series_dim d SET last_seen_day = $2::date
WHERE d.tenant_id = $1::text AND d.series_id = ANY($3::bigint[]) AND d.series_id IN (
  SELECT t.series_id FROM public.series_dim t
  WHERE t.tenant_id = $1::text AND t.series_id = ANY($3::bigint[]) AND t.last_seen_day NOT BETWEEN $2::date AND $2::date + 1
  ORDER BY t.series_id FOR NO KEY UPDATE SKIP LOCKED)
RETURNING d.series_id

---- enter[0].One
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.service_dim (tenant_id, last_seen_day, service_id, name, namespace) VALUES
  ($1::text, $2::date, $3::bigint, $4::text, $5::text)
ON CONFLICT DO NOTHING
RETURNING service_id

---- enter[0].Row
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.service_dim (tenant_id, last_seen_day, service_id, name, namespace) VALUES
  ($1::text, $2::date, $3::bigint, $4::text, $5::text),
  ($1::text, $2::date, $6::bigint, $7::text, $8::text),
  ($1::text, $2::date, $9::bigint, $10::text, $11::text),
  ($1::text, $2::date, $12::bigint, $13::text, $14::text),
  ($1::text, $2::date, $15::bigint, $16::text, $17::text),
  ($1::text, $2::date, $18::bigint, $19::text, $20::text),
  ($1::text, $2::date, $21::bigint, $22::text, $23::text),
  ($1::text, $2::date, $24::bigint, $25::text, $26::text),
  ($1::text, $2::date, $27::bigint, $28::text, $29::text),
  ($1::text, $2::date, $30::bigint, $31::text, $32::text),
  ($1::text, $2::date, $33::bigint, $34::text, $35::text),
  ($1::text, $2::date, $36::bigint, $37::text, $38::text),
  ($1::text, $2::date, $39::bigint, $40::text, $41::text),
  ($1::text, $2::date, $42::bigint, $43::text, $44::text),
  ($1::text, $2::date, $45::bigint, $46::text, $47::text),
  ($1::text, $2::date, $48::bigint, $49::text, $50::text)
ON CONFLICT DO NOTHING
RETURNING service_id

---- enter[1].One
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.operation_dim (tenant_id, last_seen_day, operation_id, service_id, name, kind) VALUES
  ($1::text, $2::date, $3::bigint, $4::bigint, $5::text, $6::smallint)
ON CONFLICT DO NOTHING
RETURNING operation_id

---- enter[1].Row
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.operation_dim (tenant_id, last_seen_day, operation_id, service_id, name, kind) VALUES
  ($1::text, $2::date, $3::bigint, $4::bigint, $5::text, $6::smallint),
  ($1::text, $2::date, $7::bigint, $8::bigint, $9::text, $10::smallint),
  ($1::text, $2::date, $11::bigint, $12::bigint, $13::text, $14::smallint),
  ($1::text, $2::date, $15::bigint, $16::bigint, $17::text, $18::smallint),
  ($1::text, $2::date, $19::bigint, $20::bigint, $21::text, $22::smallint),
  ($1::text, $2::date, $23::bigint, $24::bigint, $25::text, $26::smallint),
  ($1::text, $2::date, $27::bigint, $28::bigint, $29::text, $30::smallint),
  ($1::text, $2::date, $31::bigint, $32::bigint, $33::text, $34::smallint),
  ($1::text, $2::date, $35::bigint, $36::bigint, $37::text, $38::smallint),
  ($1::text, $2::date, $39::bigint, $40::bigint, $41::text, $42::smallint),
  ($1::text, $2::date, $43::bigint, $44::bigint, $45::text, $46::smallint),
  ($1::text, $2::date, $47::bigint, $48::bigint, $49::text, $50::smallint),
  ($1::text, $2::date, $51::bigint, $52::bigint, $53::text, $54::smallint),
  ($1::text, $2::date, $55::bigint, $56::bigint, $57::text, $58::smallint),
  ($1::text, $2::date, $59::bigint, $60::bigint, $61::text, $62::smallint),
  ($1::text, $2::date, $63::bigint, $64::bigint, $65::text, $66::smallint)
ON CONFLICT DO NOTHING
RETURNING operation_id

---- enter[2].One
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.resource_dim (tenant_id, last_seen_day, resource_id, service_id, attributes, schema_url, dropped_attributes_count) VALUES
  ($1::text, $2::date, $3::bigint, $4::bigint, $5::jsonb, $6::text, $7::integer)
ON CONFLICT DO NOTHING
RETURNING resource_id

---- enter[2].Row
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.resource_dim (tenant_id, last_seen_day, resource_id, service_id, attributes, schema_url, dropped_attributes_count) VALUES
  ($1::text, $2::date, $3::bigint, $4::bigint, $5::jsonb, $6::text, $7::integer),
  ($1::text, $2::date, $8::bigint, $9::bigint, $10::jsonb, $11::text, $12::integer),
  ($1::text, $2::date, $13::bigint, $14::bigint, $15::jsonb, $16::text, $17::integer),
  ($1::text, $2::date, $18::bigint, $19::bigint, $20::jsonb, $21::text, $22::integer),
  ($1::text, $2::date, $23::bigint, $24::bigint, $25::jsonb, $26::text, $27::integer),
  ($1::text, $2::date, $28::bigint, $29::bigint, $30::jsonb, $31::text, $32::integer),
  ($1::text, $2::date, $33::bigint, $34::bigint, $35::jsonb, $36::text, $37::integer),
  ($1::text, $2::date, $38::bigint, $39::bigint, $40::jsonb, $41::text, $42::integer),
  ($1::text, $2::date, $43::bigint, $44::bigint, $45::jsonb, $46::text, $47::integer),
  ($1::text, $2::date, $48::bigint, $49::bigint, $50::jsonb, $51::text, $52::integer),
  ($1::text, $2::date, $53::bigint, $54::bigint, $55::jsonb, $56::text, $57::integer),
  ($1::text, $2::date, $58::bigint, $59::bigint, $60::jsonb, $61::text, $62::integer),
  ($1::text, $2::date, $63::bigint, $64::bigint, $65::jsonb, $66::text, $67::integer),
  ($1::text, $2::date, $68::bigint, $69::bigint, $70::jsonb, $71::text, $72::integer),
  ($1::text, $2::date, $73::bigint, $74::bigint, $75::jsonb, $76::text, $77::integer),
  ($1::text, $2::date, $78::bigint, $79::bigint, $80::jsonb, $81::text, $82::integer)
ON CONFLICT DO NOTHING
RETURNING resource_id

---- enter[3].One
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.scope_dim (tenant_id, last_seen_day, scope_id, name, version, attributes, schema_url, dropped_attributes_count) VALUES
  ($1::text, $2::date, $3::bigint, $4::text, $5::text, $6::jsonb, $7::text, $8::integer)
ON CONFLICT DO NOTHING
RETURNING scope_id

---- enter[3].Row
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.scope_dim (tenant_id, last_seen_day, scope_id, name, version, attributes, schema_url, dropped_attributes_count) VALUES
  ($1::text, $2::date, $3::bigint, $4::text, $5::text, $6::jsonb, $7::text, $8::integer),
  ($1::text, $2::date, $9::bigint, $10::text, $11::text, $12::jsonb, $13::text, $14::integer),
  ($1::text, $2::date, $15::bigint, $16::text, $17::text, $18::jsonb, $19::text, $20::integer),
  ($1::text, $2::date, $21::bigint, $22::text, $23::text, $24::jsonb, $25::text, $26::integer),
  ($1::text, $2::date, $27::bigint, $28::text, $29::text, $30::jsonb, $31::text, $32::integer),
  ($1::text, $2::date, $33::bigint, $34::text, $35::text, $36::jsonb, $37::text, $38::integer),
  ($1::text, $2::date, $39::bigint, $40::text, $41::text, $42::jsonb, $43::text, $44::integer),
  ($1::text, $2::date, $45::bigint, $46::text, $47::text, $48::jsonb, $49::text, $50::integer),
  ($1::text, $2::date, $51::bigint, $52::text, $53::text, $54::jsonb, $55::text, $56::integer),
  ($1::text, $2::date, $57::bigint, $58::text, $59::text, $60::jsonb, $61::text, $62::integer),
  ($1::text, $2::date, $63::bigint, $64::text, $65::text, $66::jsonb, $67::text, $68::integer),
  ($1::text, $2::date, $69::bigint, $70::text, $71::text, $72::jsonb, $73::text, $74::integer),
  ($1::text, $2::date, $75::bigint, $76::text, $77::text, $78::jsonb, $79::text, $80::integer),
  ($1::text, $2::date, $81::bigint, $82::text, $83::text, $84::jsonb, $85::text, $86::integer),
  ($1::text, $2::date, $87::bigint, $88::text, $89::text, $90::jsonb, $91::text, $92::integer),
  ($1::text, $2::date, $93::bigint, $94::text, $95::text, $96::jsonb, $97::text, $98::integer)
ON CONFLICT DO NOTHING
RETURNING scope_id

---- enter[4].One
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.series_dim (tenant_id, last_seen_day, series_id, service_id, resource_id, scope_id, metric_name, metric_type, temporality, monotonic, unit, description, attributes, metadata) VALUES
  ($1::text, $2::date, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text, $8::smallint, $9::smallint, $10::boolean, $11::text, $12::text, $13::jsonb, $14::jsonb)
ON CONFLICT DO NOTHING
RETURNING series_id

---- enter[4].Row
-- Enters what is new of a tenant, in order of its key, and says what of it this transaction has entered, and nobody else.
INSERT INTO public.series_dim (tenant_id, last_seen_day, series_id, service_id, resource_id, scope_id, metric_name, metric_type, temporality, monotonic, unit, description, attributes, metadata) VALUES
  ($1::text, $2::date, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text, $8::smallint, $9::smallint, $10::boolean, $11::text, $12::text, $13::jsonb, $14::jsonb),
  ($1::text, $2::date, $15::bigint, $16::bigint, $17::bigint, $18::bigint, $19::text, $20::smallint, $21::smallint, $22::boolean, $23::text, $24::text, $25::jsonb, $26::jsonb),
  ($1::text, $2::date, $27::bigint, $28::bigint, $29::bigint, $30::bigint, $31::text, $32::smallint, $33::smallint, $34::boolean, $35::text, $36::text, $37::jsonb, $38::jsonb),
  ($1::text, $2::date, $39::bigint, $40::bigint, $41::bigint, $42::bigint, $43::text, $44::smallint, $45::smallint, $46::boolean, $47::text, $48::text, $49::jsonb, $50::jsonb),
  ($1::text, $2::date, $51::bigint, $52::bigint, $53::bigint, $54::bigint, $55::text, $56::smallint, $57::smallint, $58::boolean, $59::text, $60::text, $61::jsonb, $62::jsonb),
  ($1::text, $2::date, $63::bigint, $64::bigint, $65::bigint, $66::bigint, $67::text, $68::smallint, $69::smallint, $70::boolean, $71::text, $72::text, $73::jsonb, $74::jsonb),
  ($1::text, $2::date, $75::bigint, $76::bigint, $77::bigint, $78::bigint, $79::text, $80::smallint, $81::smallint, $82::boolean, $83::text, $84::text, $85::jsonb, $86::jsonb),
  ($1::text, $2::date, $87::bigint, $88::bigint, $89::bigint, $90::bigint, $91::text, $92::smallint, $93::smallint, $94::boolean, $95::text, $96::text, $97::jsonb, $98::jsonb),
  ($1::text, $2::date, $99::bigint, $100::bigint, $101::bigint, $102::bigint, $103::text, $104::smallint, $105::smallint, $106::boolean, $107::text, $108::text, $109::jsonb, $110::jsonb),
  ($1::text, $2::date, $111::bigint, $112::bigint, $113::bigint, $114::bigint, $115::text, $116::smallint, $117::smallint, $118::boolean, $119::text, $120::text, $121::jsonb, $122::jsonb),
  ($1::text, $2::date, $123::bigint, $124::bigint, $125::bigint, $126::bigint, $127::text, $128::smallint, $129::smallint, $130::boolean, $131::text, $132::text, $133::jsonb, $134::jsonb),
  ($1::text, $2::date, $135::bigint, $136::bigint, $137::bigint, $138::bigint, $139::text, $140::smallint, $141::smallint, $142::boolean, $143::text, $144::text, $145::jsonb, $146::jsonb),
  ($1::text, $2::date, $147::bigint, $148::bigint, $149::bigint, $150::bigint, $151::text, $152::smallint, $153::smallint, $154::boolean, $155::text, $156::text, $157::jsonb, $158::jsonb),
  ($1::text, $2::date, $159::bigint, $160::bigint, $161::bigint, $162::bigint, $163::text, $164::smallint, $165::smallint, $166::boolean, $167::text, $168::text, $169::jsonb, $170::jsonb),
  ($1::text, $2::date, $171::bigint, $172::bigint, $173::bigint, $174::bigint, $175::text, $176::smallint, $177::smallint, $178::boolean, $179::text, $180::text, $181::jsonb, $182::jsonb),
  ($1::text, $2::date, $183::bigint, $184::bigint, $185::bigint, $186::bigint, $187::text, $188::smallint, $189::smallint, $190::boolean, $191::text, $192::text, $193::jsonb, $194::jsonb)
ON CONFLICT DO NOTHING
RETURNING series_id

---- copyFacts[0]
COPY public.spans_fact (
  start_time, start_time_unix_nano, duration_nano, trace_id, span_id, parent_span_id, service_id, operation_id, resource_id, scope_id,
  flags, dropped_attributes_count, dropped_events_count, dropped_links_count, kind, status_code,
  tenant_id, connection_id, status_message, trace_state, attributes, events, links
) FROM STDIN (FORMAT binary)

---- copyFacts[1]
COPY public.logs_fact (
  time, time_unix_nano, observed_time_unix_nano, trace_id, span_id, service_id, resource_id, scope_id,
  flags, dropped_attributes_count, severity_number,
  tenant_id, connection_id, severity_text, event_name, body, body_json, attributes
) FROM STDIN (FORMAT binary)

---- copyFacts[2]
COPY public.metrics_fact (
  time, time_unix_nano, start_time_unix_nano, series_id, service_id, value_int, value_double, count, sum, min, max, zero_count, zero_threshold,
  flags, scale, positive_offset, negative_offset, tenant_id, connection_id,
  explicit_bounds, bucket_counts, positive_bucket_counts, negative_bucket_counts, quantiles, quantile_values, exemplars
) FROM STDIN (FORMAT binary)

