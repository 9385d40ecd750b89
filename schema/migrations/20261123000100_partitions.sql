-- Partitions: which tables have them, how their leaves are named and made. One scheme for all of them, so that writers (on
-- demand), the janitor (ahead, expiry) and the Go constants of package schema agree.
--
-- Days and hours are UTC. Keys are Unix nanoseconds (bigint) or a date; a leaf is named after its first instant:
-- spans_segment_y2026_m11_d23 (a day), spans_fact_y2026_m11_d23_h05 (an hour inside a day).

CREATE TABLE public.partitioned_table (
  table_name text PRIMARY KEY,
  key_column text NOT NULL,
  key_type text NOT NULL CHECK (key_type IN ('ns', 'date')),
  leaf text NOT NULL CHECK (leaf IN ('day', 'hour')),
  -- Storage parameters of every leaf: PostgreSQL keeps none on a partitioned table.
  leaf_options text NOT NULL,
  -- Columns without planner statistics: PostgreSQL does not hand the statistics target down to new partitions, and sampling
  -- wide jsonb values makes ANALYZE several times dearer.
  no_statistics text[] NOT NULL DEFAULT '{}'
);

COMMENT ON TABLE public.partitioned_table IS 'the tables that ensure_partition knows, with the form of their leaves';

CREATE FUNCTION public.partition_name(table_name text, at_ns bigint, leaf text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT table_name || to_char(timestamp 'epoch' + (at_ns / 1000) * interval '1 microsecond',
    CASE leaf WHEN 'hour' THEN '"_y"YYYY"_m"MM"_d"DD"_h"HH24' ELSE '"_y"YYYY"_m"MM"_d"DD' END)
$$;

-- attach_partition makes one partition and attaches it. A table is made apart and then attached because ATTACH needs only SHARE
-- UPDATE EXCLUSIVE on the parent, which lets COPY and SELECT go on; CREATE TABLE … PARTITION OF would stop both.
CREATE FUNCTION public.attach_partition(
  scheme public.partitioned_table, parent text, partition text, from_ns bigint, to_ns bigint, is_leaf boolean
) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
  lower_bound text := from_ns::text;
  upper_bound text := to_ns::text;
  column_name text;
BEGIN
  IF scheme.key_type = 'date' THEN
    lower_bound := to_char(timestamp 'epoch' + (from_ns / 1000) * interval '1 microsecond', 'YYYY-MM-DD');
    upper_bound := to_char(timestamp 'epoch' + (to_ns / 1000) * interval '1 microsecond', 'YYYY-MM-DD');
  END IF;
  EXECUTE format(
    'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION) %s',
    partition, parent,
    CASE WHEN is_leaf THEN format('WITH (%s)', scheme.leaf_options)
         ELSE format('PARTITION BY RANGE (%I)', scheme.key_column) END);
  FOREACH column_name IN ARRAY scheme.no_statistics LOOP
    EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET STATISTICS 0', partition, column_name);
  END LOOP;
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, partition, lower_bound, upper_bound);
END
$$;

-- is_partition asks the catalog through the statement's snapshot. to_regclass would ask a cache, which may still hold the answer from
-- before the caller waited for a lock.
CREATE FUNCTION public.is_partition(partition text) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = public, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE c.relname = partition AND c.relnamespace = 'public'::regnamespace
  )
$$;

-- ensure_partition makes the leaf of table_name that holds the instant at_ns (and the day above an hour), unless it is there, and
-- returns its name. Callers that want the same leaf at the same time wait for one another (until the maker commits).
CREATE FUNCTION public.ensure_partition(table_name text, at_ns bigint, day_only boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
  hour_ns CONSTANT bigint := 3600000000000;
  day_ns CONSTANT bigint := 86400000000000;
  scheme partitioned_table%ROWTYPE;
  day_from bigint;
  hour_from bigint;
  day_name text;
  leaf_name text;
BEGIN
  SELECT t.* INTO scheme FROM partitioned_table t WHERE t.table_name = ensure_partition.table_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'table % is not partitioned', table_name USING ERRCODE = 'undefined_table';
  END IF;
  IF at_ns IS NULL OR at_ns < 0 OR at_ns > 9223000000000000000 THEN
    RAISE EXCEPTION 'no partition of % for the time % ns: out of range', table_name, at_ns USING ERRCODE = 'datetime_field_overflow';
  END IF;
  day_from := at_ns - at_ns % day_ns;
  hour_from := at_ns - at_ns % hour_ns;
  day_name := partition_name(table_name, at_ns, 'day');
  leaf_name := CASE WHEN scheme.leaf = 'hour' AND NOT day_only THEN partition_name(table_name, at_ns, 'hour') ELSE day_name END;

  IF is_partition(leaf_name) THEN
    -- It may have been made by another session since this transaction began. A lock makes this session take note of it, so that the
    -- caller's next INSERT or COPY finds it.
    EXECUTE format('LOCK TABLE %I IN ACCESS SHARE MODE', leaf_name);
    RETURN leaf_name;
  END IF;
  PERFORM pg_advisory_xact_lock(8029470360155001);
  IF NOT is_partition(day_name) THEN
    PERFORM attach_partition(scheme, table_name, day_name, day_from, day_from + day_ns, scheme.leaf = 'day');
  END IF;
  IF leaf_name <> day_name AND NOT is_partition(leaf_name) THEN
    PERFORM attach_partition(scheme, day_name, leaf_name, hour_from, hour_from + hour_ns, true);
  END IF;
  EXECUTE format('LOCK TABLE %I IN ACCESS SHARE MODE', leaf_name);
  RETURN leaf_name;
END
$$;

COMMENT ON FUNCTION public.ensure_partition(text, bigint, boolean) IS 'makes the leaf that holds an instant (Unix ns), unless it is there; returns its name';

-- ensure_partitions makes the partitions of every table for [from_ns, to_ns]: the days of all of it, hour leaves only up to
-- hours_to_ns (hundreds of empty leaves would cost the planner more than making them a day ahead saves). Returns how many it made.
CREATE FUNCTION public.ensure_partitions(from_ns bigint, to_ns bigint, hours_to_ns bigint DEFAULT NULL) RETURNS integer
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
      IF NOT is_partition(partition_name(scheme.table_name, at_ns, 'day')) THEN
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

-- partitions lists the partitions of a table, days and hours, oldest first, with their bounds [from_ns, to_ns).
CREATE FUNCTION public.partitions(table_name text)
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
      regexp_match(c.relname, '_y(\d{4})_m(\d\d)_d(\d\d)(?:_h(\d\d))?$') AS part
    FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_class p ON p.oid = t.parent
  ), bounds AS (
    SELECT n.partition, n.parent, CASE WHEN part[4] IS NULL THEN 'day' ELSE 'hour' END AS leaf,
      extract(epoch FROM make_timestamp(part[1]::int, part[2]::int, part[3]::int, coalesce(part[4], '0')::int, 0, 0))::bigint * 1000000000 AS from_ns
    FROM named n WHERE part IS NOT NULL
  )
  SELECT b.partition, b.parent, b.leaf, b.from_ns, b.from_ns + CASE b.leaf WHEN 'day' THEN 86400000000000 ELSE 3600000000000 END
  FROM bounds b ORDER BY b.from_ns, b.leaf, b.partition
$$;

-- partitions_before lists the partitions of a table that lie wholly before an instant; a day whose hours are listed too comes first.
CREATE FUNCTION public.partitions_before(table_name text, before_ns bigint)
RETURNS TABLE (partition text, leaf text, from_ns bigint, to_ns bigint)
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
  SELECT p.partition, p.leaf, p.from_ns, p.to_ns FROM partitions(table_name) p WHERE p.to_ns <= before_ns
$$;

-- drop_partition drops one partition with all below it; it refuses anything that is not a partition of a known table.
-- It waits for readers of the table, so call it under a short lock_timeout. Returns false when there is no such partition.
CREATE FUNCTION public.drop_partition(table_name text, partition text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM partitioned_table t WHERE t.table_name = drop_partition.table_name) THEN
    RAISE EXCEPTION 'table % is not partitioned', table_name USING ERRCODE = 'undefined_table';
  END IF;
  IF NOT EXISTS (SELECT FROM partitions(drop_partition.table_name) p WHERE p.partition = drop_partition.partition) THEN
    RETURN false;
  END IF;
  PERFORM pg_advisory_xact_lock(8029470360155001);
  EXECUTE format('DROP TABLE IF EXISTS %I', partition);
  RETURN true;
END
$$;
