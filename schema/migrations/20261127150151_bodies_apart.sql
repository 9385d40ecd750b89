-- atlas:nolint

-- Segments in two tables, the second edition: headers, by which readers and planner choose, and bodies, which are written once and never deleted
-- row by row. WHAT DEVELOPMENT BUILDS HAVE STORED OF SEGMENTS AND GROUPS IS NOT KEPT: nothing of it was released. Rows for SQL, dimensions,
-- rollups and the ledger stay, and so do the queue and what is in it. That is why the linter is told to be silent, and why the build before
-- does not work beside this one.
--
--   X_segment   headers: a few hundred bytes to 3 kB each, ordinary rows. A merge deletes those of its parts and inserts those of the whole in one
--               transaction. One partition a month, so that plans do not grow with the days that are kept.
--   X_fresh     bodies of segments that will be merged: a ring of slots, each emptied as a whole (TRUNCATE) once no header names it. Slots 0 to
--               7 are of the minute in which a writer wrote, 8 to 11 of the hour in which the janitor put together what a minute has.
--   X_body      bodies of settled segments, a partition a day of their data, dropped as a whole.
--   X_group     filters of segments that were settled together, a partition a month.
--
-- A header names the slot of its body; -1 says that it is in X_body. Readers and writers find the leaf by its name and not by the parent, so that
-- nothing is planned or locked for all of them.

SET LOCAL lock_timeout = '5s';

DROP TABLE public.spans_segment, public.logs_segment, public.metrics_segment, public.spans_group, public.logs_group, public.metrics_group;

DELETE FROM public.partitioned_table WHERE table_name IN ('spans_segment', 'logs_segment', 'metrics_segment', 'spans_group', 'logs_group', 'metrics_group');

-- Months. A leaf is named after its first instant, as before: spans_segment_y2026_m11.

ALTER TABLE public.partitioned_table DROP CONSTRAINT partitioned_table_leaf_check,
  ADD CONSTRAINT partitioned_table_leaf_check CHECK (leaf IN ('month', 'day', 'hour'));

CREATE OR REPLACE FUNCTION public.partition_name(table_name text, at_ns bigint, leaf text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT table_name || to_char(timestamp 'epoch' + (at_ns / 1000) * interval '1 microsecond',
    CASE leaf WHEN 'hour' THEN '"_y"YYYY"_m"MM"_d"DD"_h"HH24' WHEN 'month' THEN '"_y"YYYY"_m"MM' ELSE '"_y"YYYY"_m"MM"_d"DD' END)
$$;

-- month_ns is the first instant of the month of UTC that holds an instant, or of one so many months later.
CREATE FUNCTION public.month_ns(at_ns bigint, later integer DEFAULT 0) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT extract(epoch FROM date_trunc('month', timestamp 'epoch' + (at_ns / 1000) * interval '1 microsecond') + later * interval '1 month')::bigint * 1000000000
$$;

CREATE OR REPLACE FUNCTION public.ensure_partition(table_name text, at_ns bigint, day_only boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
  hour_ns CONSTANT bigint := 3600000000000;
  day_ns CONSTANT bigint := 86400000000000;
  scheme partitioned_table%ROWTYPE;
  top_from bigint;
  top_to bigint;
  hour_from bigint;
  top_name text;
  leaf_name text;
BEGIN
  SELECT t.* INTO scheme FROM partitioned_table t WHERE t.table_name = ensure_partition.table_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'table % is not partitioned', table_name USING ERRCODE = 'undefined_table';
  END IF;
  IF at_ns IS NULL OR at_ns < 0 OR at_ns > 9223000000000000000 THEN
    RAISE EXCEPTION 'no partition of % for the time % ns: out of range', table_name, at_ns USING ERRCODE = 'datetime_field_overflow';
  END IF;
  IF scheme.leaf = 'month' THEN
    top_name := partition_name(table_name, at_ns, 'month');
    top_from := month_ns(at_ns);
    top_to := month_ns(at_ns, 1);
  ELSE
    top_name := partition_name(table_name, at_ns, 'day');
    top_from := at_ns - at_ns % day_ns;
    top_to := top_from + day_ns;
  END IF;
  hour_from := at_ns - at_ns % hour_ns;
  leaf_name := CASE WHEN scheme.leaf = 'hour' AND NOT day_only THEN partition_name(table_name, at_ns, 'hour') ELSE top_name END;

  IF is_partition(leaf_name) THEN
    -- It may have been made by another session since this transaction began. A lock makes this session take note of it, so that the
    -- caller's next INSERT or COPY finds it.
    EXECUTE format('LOCK TABLE %I IN ACCESS SHARE MODE', leaf_name);
    RETURN leaf_name;
  END IF;
  PERFORM pg_advisory_xact_lock(8029470360155001);
  IF NOT is_partition(top_name) THEN
    PERFORM attach_partition(scheme, table_name, top_name, top_from, top_to, scheme.leaf <> 'hour');
  END IF;
  IF leaf_name <> top_name AND NOT is_partition(leaf_name) THEN
    PERFORM attach_partition(scheme, top_name, leaf_name, hour_from, hour_from + hour_ns, true);
  END IF;
  EXECUTE format('LOCK TABLE %I IN ACCESS SHARE MODE', leaf_name);
  RETURN leaf_name;
END
$$;

-- As before; a table of months has a month's partition where the others have a day's.
CREATE OR REPLACE FUNCTION public.ensure_partitions(from_ns bigint, to_ns bigint, hours_to_ns bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
  hour_ns CONSTANT bigint := 3600000000000;
  day_ns CONSTANT bigint := 86400000000000;
  scheme partitioned_table%ROWTYPE;
  at_ns bigint;
  made integer := 0;
BEGIN
  FOR scheme IN SELECT * FROM partitioned_table ORDER BY table_name LOOP
    at_ns := from_ns - from_ns % day_ns;
    WHILE at_ns <= to_ns LOOP
      IF NOT is_partition(partition_name(scheme.table_name, at_ns, CASE scheme.leaf WHEN 'month' THEN 'month' ELSE 'day' END)) THEN
        PERFORM ensure_partition(scheme.table_name, at_ns, true);
        made := made + 1;
      END IF;
      at_ns := at_ns + day_ns;
    END LOOP;
    IF scheme.leaf = 'hour' THEN
      at_ns := from_ns - from_ns % hour_ns;
      WHILE at_ns <= least(to_ns, coalesce(hours_to_ns, to_ns)) LOOP
        IF NOT is_partition(partition_name(scheme.table_name, at_ns, 'hour')) THEN
          PERFORM ensure_partition(scheme.table_name, at_ns);
          made := made + 1;
        END IF;
        at_ns := at_ns + hour_ns;
      END LOOP;
    END IF;
  END LOOP;
  RETURN made;
END
$$;

-- partitions lists the partitions of a table, months, days and hours, oldest first, with their bounds [from_ns, to_ns).
CREATE OR REPLACE FUNCTION public.partitions(table_name text)
RETURNS TABLE (partition text, parent text, leaf text, from_ns bigint, to_ns bigint)
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
  WITH RECURSIVE tree AS (
    SELECT i.inhrelid AS oid, i.inhparent AS parent FROM pg_inherits i
    WHERE i.inhparent = to_regclass(quote_ident(partitions.table_name)) AND NOT i.inhdetachpending
    UNION ALL
    SELECT i.inhrelid, i.inhparent FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid WHERE NOT i.inhdetachpending
  ), named AS (
    SELECT c.relname::text AS partition, p.relname::text AS parent,
      regexp_match(c.relname, '_y(\d{4})_m(\d\d)(?:_d(\d\d)(?:_h(\d\d))?)?$') AS part
    FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_class p ON p.oid = t.parent
  ), bounds AS (
    SELECT n.partition, n.parent, CASE WHEN part[3] IS NULL THEN 'month' WHEN part[4] IS NULL THEN 'day' ELSE 'hour' END AS leaf,
      extract(epoch FROM make_timestamp(part[1]::int, part[2]::int, coalesce(part[3], '1')::int, coalesce(part[4], '0')::int, 0, 0))::bigint * 1000000000 AS from_ns
    FROM named n WHERE part IS NOT NULL
  )
  SELECT b.partition, b.parent, b.leaf, b.from_ns,
    CASE b.leaf WHEN 'month' THEN month_ns(b.from_ns, 1) WHEN 'day' THEN b.from_ns + 86400000000000 ELSE b.from_ns + 3600000000000 END
  FROM bounds b ORDER BY b.from_ns, b.leaf, b.partition
$$;

-- Headers. A segment never crosses an hour of UTC, so a reader of [a, b] needs min_time in (a - 1 h, b] and max_time >= a: the first bound
-- prunes partitions, the second is the index on (tenant_id, max_time).

CREATE TABLE public.spans_segment (
  tenant_id text NOT NULL,
  segment_id uuid NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  min_position bigint NOT NULL,
  max_position bigint NOT NULL,
  checksum bigint NOT NULL,
  items integer NOT NULL,
  errors integer NOT NULL,
  roots integer NOT NULL,
  level smallint NOT NULL,
  format smallint NOT NULL,
  slot smallint NOT NULL,
  service_ids bigint[] NOT NULL,
  service_items integer[] NOT NULL,
  service_max_duration bigint[] NOT NULL,
  service_max_error_duration bigint[] NOT NULL,
  trace_filter bytea NOT NULL,
  token_filter bytea NOT NULL,
  directory bytea NOT NULL,
  group_id uuid,
  PRIMARY KEY (tenant_id, min_time, segment_id),
  CONSTRAINT spans_segment_bounds CHECK (min_time <= max_time AND min_time / 3600000000000 = max_time / 3600000000000),
  CONSTRAINT spans_segment_items CHECK (items > 0),
  CONSTRAINT spans_segment_slot CHECK (slot BETWEEN -1 AND 11 AND (slot = -1) = (level = 2))
) PARTITION BY RANGE (min_time);

-- EXTERNAL: PostgreSQL neither compresses the bytes again nor rewrites them, and substring() reads only the chunks it needs.
ALTER TABLE public.spans_segment
  ALTER COLUMN trace_filter SET STORAGE EXTERNAL,
  ALTER COLUMN token_filter SET STORAGE EXTERNAL,
  ALTER COLUMN directory SET STORAGE EXTERNAL;

COMMENT ON TABLE public.spans_segment IS 'headers of the column segments of spans: the truth, with spans_fresh and spans_body; everything else can be made again from them';
COMMENT ON COLUMN public.spans_segment.level IS '0 a flush, 1 put together from a minute''s, 2 settled';
COMMENT ON COLUMN public.spans_segment.slot IS 'of spans_fresh, where the body is; -1: in spans_body';
COMMENT ON COLUMN public.spans_segment.service_ids IS 'sorted; the three arrays after it run along with it';
COMMENT ON COLUMN public.spans_segment.group_id IS 'of spans_group: where its token filter is; null: in the segment itself';

CREATE TABLE public.spans_group (
  tenant_id text NOT NULL,
  group_id uuid NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  trace_blocks integer NOT NULL,
  token_blocks integer NOT NULL,
  segments uuid[] NOT NULL,
  trace_filter bytea NOT NULL,
  token_filter bytea NOT NULL,
  PRIMARY KEY (tenant_id, min_time, group_id),
  CONSTRAINT spans_group_bounds CHECK (min_time <= max_time AND min_time / 3600000000000 = max_time / 3600000000000),
  CONSTRAINT spans_group_lengths CHECK (
    octet_length(trace_filter) = trace_blocks * cardinality(segments) * 32 AND octet_length(token_filter) = token_blocks * cardinality(segments) * 32)
) PARTITION BY RANGE (min_time);

ALTER TABLE public.spans_group
  ALTER COLUMN trace_filter SET STORAGE EXTERNAL,
  ALTER COLUMN token_filter SET STORAGE EXTERNAL;

COMMENT ON TABLE public.spans_group IS 'filters of segments that were settled together, block by block: block 0 of every segment in the order of segments, block 1 of every one, …';

CREATE TABLE public.spans_fresh (
  slot smallint NOT NULL,
  tenant_id text NOT NULL,
  segment_id uuid NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (tenant_id, segment_id, slot)
) PARTITION BY LIST (slot);

ALTER TABLE public.spans_fresh ALTER COLUMN body SET STORAGE EXTERNAL;

COMMENT ON TABLE public.spans_fresh IS 'bodies of segments that will be merged, in a ring of slots that are emptied as a whole';

CREATE TABLE public.spans_body (
  tenant_id text NOT NULL,
  segment_id uuid NOT NULL,
  min_time bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (tenant_id, segment_id, min_time)
) PARTITION BY RANGE (min_time);

ALTER TABLE public.spans_body ALTER COLUMN body SET STORAGE EXTERNAL;

COMMENT ON TABLE public.spans_body IS 'bodies of settled segments, by the day of their data; min_time is the segment''s';

-- Logs and metrics have the same.
CREATE TABLE public.logs_segment (LIKE public.spans_segment INCLUDING STORAGE INCLUDING CONSTRAINTS, PRIMARY KEY (tenant_id, min_time, segment_id)) PARTITION BY RANGE (min_time);
CREATE TABLE public.metrics_segment (LIKE public.spans_segment INCLUDING STORAGE INCLUDING CONSTRAINTS, PRIMARY KEY (tenant_id, min_time, segment_id)) PARTITION BY RANGE (min_time);
CREATE TABLE public.logs_group (LIKE public.spans_group INCLUDING STORAGE INCLUDING CONSTRAINTS, PRIMARY KEY (tenant_id, min_time, group_id)) PARTITION BY RANGE (min_time);
CREATE TABLE public.metrics_group (LIKE public.spans_group INCLUDING STORAGE INCLUDING CONSTRAINTS, PRIMARY KEY (tenant_id, min_time, group_id)) PARTITION BY RANGE (min_time);
CREATE TABLE public.logs_fresh (LIKE public.spans_fresh INCLUDING STORAGE, PRIMARY KEY (tenant_id, segment_id, slot)) PARTITION BY LIST (slot);
CREATE TABLE public.metrics_fresh (LIKE public.spans_fresh INCLUDING STORAGE, PRIMARY KEY (tenant_id, segment_id, slot)) PARTITION BY LIST (slot);
CREATE TABLE public.logs_body (LIKE public.spans_body INCLUDING STORAGE, PRIMARY KEY (tenant_id, segment_id, min_time)) PARTITION BY RANGE (min_time);
CREATE TABLE public.metrics_body (LIKE public.spans_body INCLUDING STORAGE, PRIMARY KEY (tenant_id, segment_id, min_time)) PARTITION BY RANGE (min_time);

COMMENT ON TABLE public.logs_segment IS 'headers of the column segments of log records';
COMMENT ON TABLE public.metrics_segment IS 'headers of the column segments of metric data points';

-- Merging deletes the headers of as many small segments as flushes made: vacuum by their number, whatever a month holds beside them. A slot is
-- emptied before anything in it is worth a vacuum.
INSERT INTO public.partitioned_table (table_name, key_column, key_type, leaf, leaf_options, no_statistics)
SELECT name || '_segment', 'min_time', 'ns', 'month',
  'autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_insert_scale_factor = 0.2, '
  'autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 100, '
  'toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_threshold = 1000',
  '{trace_filter,token_filter,directory}'::text[]
FROM unnest(ARRAY['spans', 'logs', 'metrics']) AS name
UNION ALL
SELECT name || '_group', 'min_time', 'ns', 'month', 'autovacuum_analyze_threshold = 20', '{trace_filter,token_filter,segments}'
FROM unnest(ARRAY['spans', 'logs', 'metrics']) AS name
UNION ALL
SELECT name || '_body', 'min_time', 'ns', 'day', 'autovacuum_analyze_threshold = 100', '{body}'
FROM unnest(ARRAY['spans', 'logs', 'metrics']) AS name;

DO $$
DECLARE
  name text;
  tab text;
BEGIN
  FOREACH name IN ARRAY ARRAY['spans', 'logs', 'metrics'] LOOP
    EXECUTE format('CREATE INDEX %1$s_segment_max_time ON public.%1$s_segment (tenant_id, max_time)', name);
    -- What the janitor has yet to merge, and what keeps a slot.
    EXECUTE format('CREATE INDEX %1$s_segment_unsettled ON public.%1$s_segment (min_time) WHERE level < 2', name);
    FOR slot IN 0 .. 11 LOOP
      EXECUTE format('CREATE TABLE public.%1$s_fresh_%2$s PARTITION OF public.%1$s_fresh FOR VALUES IN (%3$s) '
        'WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)', name, to_char(slot, 'FM00'), slot);
      EXECUTE format('ALTER TABLE public.%s_fresh_%s ALTER COLUMN body SET STATISTICS 0', name, to_char(slot, 'FM00'));
    END LOOP;
    FOREACH tab IN ARRAY ARRAY['segment', 'group', 'fresh', 'body'] LOOP
      EXECUTE format('ALTER TABLE public.%s_%s ENABLE ROW LEVEL SECURITY', name, tab);
      EXECUTE format('CREATE POLICY tenant ON public.%s_%s USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r '
        'WHERE r.reader = to_regrole(quote_ident(current_user)))))', name, tab);
    END LOOP;
  END LOOP;
END
$$;

SET LOCAL lock_timeout = DEFAULT;
