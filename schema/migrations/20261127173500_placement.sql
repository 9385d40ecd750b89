-- atlas:nolint

-- A shape that distributes. PLACEMENT says what lies together: it is the tenant, or tenant/n for n of the buckets over which a tenant is spread. A
-- transaction that stores or merges telemetry touches one placement, so that tables which are distributed by it are written on one node. Every
-- primary and unique key holds the tenant, and the placement where a table has one; row tables have one level of partitions.
--
-- Nothing of this is released: keys are made anew and tables rewritten under their locks, which is why the linter is told to be silent. What
-- development builds have stored of segments, dimensions and the ledger stays, with the tenant for its placement; ROWS FOR SQL ARE NOT KEPT.

SET LOCAL lock_timeout = '5s';

-- Over how many buckets a tenant is spread, from when on; one where nothing is said. Rows are added and never changed: what was stored before
-- keeps its placement, and for some days the ledger is asked where a request would have been before, too.
CREATE TABLE public.tenant_placement (
  tenant_id text NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  buckets integer NOT NULL CHECK (buckets BETWEEN 1 AND 256),
  PRIMARY KEY (tenant_id, since)
);

COMMENT ON TABLE public.tenant_placement IS 'over how many buckets a tenant is spread from a time on; add rows, change none';

ALTER TABLE public.tenant_placement ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.tenant_placement USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r
  WHERE r.reader = to_regrole(quote_ident(current_user)))));

-- Headers, groups, bodies: the placement is the last column, and the last of the key, so that a tenant's segments are found as before.
DO $$
DECLARE
  name text;
  tab record;
BEGIN
  FOREACH name IN ARRAY ARRAY['spans', 'logs', 'metrics'] LOOP
    FOR tab IN SELECT * FROM (VALUES
      ('segment', 'tenant_id, min_time, segment_id, placement'),
      ('group', 'tenant_id, min_time, group_id, placement'),
      ('fresh', 'tenant_id, segment_id, slot, placement'),
      ('body', 'tenant_id, segment_id, min_time, placement')
    ) AS t (suffix, key) LOOP
      EXECUTE format('ALTER TABLE public.%I ADD COLUMN placement text', name || '_' || tab.suffix);
      EXECUTE format('UPDATE public.%I SET placement = tenant_id', name || '_' || tab.suffix);
      EXECUTE format('ALTER TABLE public.%1$I ALTER COLUMN placement SET NOT NULL, DROP CONSTRAINT %2$I, ADD PRIMARY KEY (%3$s)',
        name || '_' || tab.suffix, name || '_' || tab.suffix || '_pkey', tab.key);
    END LOOP;
    EXECUTE format('COMMENT ON COLUMN public.%I.placement IS %L', name || '_segment', 'what lies together: the tenant, or tenant/n of one that is spread');
  END LOOP;
END
$$;

-- The ledger. A request lies where its items do.
ALTER TABLE public.ingest_batch ADD COLUMN placement text;
UPDATE public.ingest_batch SET placement = tenant_id;
ALTER TABLE public.ingest_batch ALTER COLUMN placement SET NOT NULL, DROP CONSTRAINT ingest_batch_pkey, ADD PRIMARY KEY (tenant_id, batch_id, day, placement);

-- Claims are statements of the writer, which a planner that distributes can read; a function with parameters it cannot.
DROP FUNCTION public.claim_batches(date, uuid[], text[], smallint[], bigint[], integer[]);
DROP FUNCTION public.claim_requests(date, uuid[], text[], smallint[], bigint[], integer[], text[]);

-- Rows. An hour's leaf hangs on its table, without a day between.
DO $$
DECLARE
  leaf text;
BEGIN
  FOR leaf IN SELECT i.inhrelid::regclass::text FROM pg_inherits i
    WHERE i.inhparent IN ('public.spans_fact'::regclass, 'public.logs_fact'::regclass, 'public.metrics_fact'::regclass) LOOP
    EXECUTE format('DROP TABLE %s', leaf);
  END LOOP;
END
$$;

DROP FUNCTION public.ensure_partition(text, bigint, boolean);
DROP FUNCTION public.attach_partition(public.partitioned_table, text, text, bigint, bigint, boolean);

-- attach_partition makes one partition of a table and attaches it. A table is made apart and then attached because ATTACH needs only SHARE
-- UPDATE EXCLUSIVE on the parent, which lets COPY and SELECT go on; CREATE TABLE … PARTITION OF would stop both.
CREATE FUNCTION public.attach_partition(table_name text, partition text, from_ns bigint, to_ns bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
  lower_bound text := from_ns::text;
  upper_bound text := to_ns::text;
  scheme record;
  column_name text;
BEGIN
  SELECT t.key_type, t.leaf_options, t.no_statistics INTO scheme FROM partitioned_table t WHERE t.table_name = attach_partition.table_name;
  IF scheme.key_type = 'date' THEN
    lower_bound := to_char(timestamp 'epoch' + (from_ns / 1000) * interval '1 microsecond', 'YYYY-MM-DD');
    upper_bound := to_char(timestamp 'epoch' + (to_ns / 1000) * interval '1 microsecond', 'YYYY-MM-DD');
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION) WITH (%s)',
    partition, table_name, scheme.leaf_options);
  FOREACH column_name IN ARRAY scheme.no_statistics LOOP
    EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET STATISTICS 0', partition, column_name);
  END LOOP;
  EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', table_name, partition, lower_bound, upper_bound);
END
$$;

-- ensure_partition makes the partition of table_name that holds the instant at_ns, unless it is there, and returns its name. Callers that want
-- the same one at the same time wait for one another (until the maker commits).
CREATE FUNCTION public.ensure_partition(table_name text, at_ns bigint) RETURNS text
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
  length CONSTANT jsonb := '{"hour": 3600000000000, "day": 86400000000000}';
  leaf text;
  from_ns bigint;
  to_ns bigint;
  partition text;
BEGIN
  SELECT t.leaf INTO leaf FROM partitioned_table t WHERE t.table_name = ensure_partition.table_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'table % is not partitioned', table_name USING ERRCODE = 'undefined_table';
  END IF;
  IF at_ns IS NULL OR at_ns < 0 OR at_ns > 9223000000000000000 THEN
    RAISE EXCEPTION 'no partition of % for the time % ns: out of range', table_name, at_ns USING ERRCODE = 'datetime_field_overflow';
  END IF;
  partition := partition_name(table_name, at_ns, leaf);
  IF NOT is_partition(partition) THEN
    PERFORM pg_advisory_xact_lock(8029470360155001);
    IF NOT is_partition(partition) THEN
      IF leaf = 'month' THEN
        from_ns := month_ns(at_ns);
        to_ns := month_ns(at_ns, 1);
      ELSE
        from_ns := at_ns - at_ns % (length->leaf)::bigint;
        to_ns := from_ns + (length->leaf)::bigint;
      END IF;
      PERFORM attach_partition(table_name, partition, from_ns, to_ns);
    END IF;
  END IF;
  -- It may have been made by another session since this transaction began. A lock makes this session take note of it, so that the
  -- caller's next INSERT or COPY finds it.
  EXECUTE format('LOCK TABLE %I IN ACCESS SHARE MODE', partition);
  RETURN partition;
END
$$;

COMMENT ON FUNCTION public.ensure_partition(text, bigint) IS 'makes the partition that holds an instant (Unix ns), unless it is there; returns its name';

-- ensure_partitions makes the partitions of every table for [from_ns, to_ns], those of hours only up to hours_to_ns (hundreds of empty leaves would
-- cost the planner more than making them a day ahead saves). Returns how many it made.
CREATE OR REPLACE FUNCTION public.ensure_partitions(from_ns bigint, to_ns bigint, hours_to_ns bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
  scheme record;
  step bigint;
  at_ns bigint;
  made integer := 0;
BEGIN
  FOR scheme IN SELECT t.table_name, t.leaf FROM partitioned_table t ORDER BY t.table_name LOOP
    step := CASE scheme.leaf WHEN 'hour' THEN 3600000000000 ELSE 86400000000000 END; -- no month is stepped over by days
    at_ns := from_ns - from_ns % step;
    WHILE at_ns <= CASE scheme.leaf WHEN 'hour' THEN least(to_ns, coalesce(hours_to_ns, to_ns)) ELSE to_ns END LOOP
      IF NOT is_partition(partition_name(scheme.table_name, at_ns, scheme.leaf)) THEN
        PERFORM ensure_partition(scheme.table_name, at_ns);
        made := made + 1;
      END IF;
      at_ns := at_ns + step;
    END LOOP;
  END LOOP;
  RETURN made;
END
$$;

-- partitions lists the partitions of a table, oldest first, with their bounds [from_ns, to_ns).
DROP FUNCTION public.partitions_before(text, bigint);
DROP FUNCTION public.partitions(text);

CREATE FUNCTION public.partitions(table_name text)
RETURNS TABLE (partition text, leaf text, from_ns bigint, to_ns bigint)
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
  WITH named AS (
    SELECT c.relname::text AS partition, regexp_match(c.relname, '_y(\d{4})_m(\d\d)(?:_d(\d\d)(?:_h(\d\d))?)?$') AS part
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(quote_ident(partitions.table_name)) AND NOT i.inhdetachpending
  ), bounds AS (
    SELECT n.partition, CASE WHEN part[3] IS NULL THEN 'month' WHEN part[4] IS NULL THEN 'day' ELSE 'hour' END AS leaf,
      extract(epoch FROM make_timestamp(part[1]::int, part[2]::int, coalesce(part[3], '1')::int, coalesce(part[4], '0')::int, 0, 0))::bigint * 1000000000 AS from_ns
    FROM named n WHERE part IS NOT NULL
  )
  SELECT b.partition, b.leaf, b.from_ns,
    CASE b.leaf WHEN 'month' THEN month_ns(b.from_ns, 1) WHEN 'day' THEN b.from_ns + 86400000000000 ELSE b.from_ns + 3600000000000 END
  FROM bounds b ORDER BY b.from_ns, b.partition
$$;

-- partitions_before lists the partitions of a table that lie wholly before an instant.
CREATE FUNCTION public.partitions_before(table_name text, before_ns bigint)
RETURNS TABLE (partition text, leaf text, from_ns bigint, to_ns bigint)
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
  SELECT p.partition, p.leaf, p.from_ns, p.to_ns FROM partitions(table_name) p WHERE p.to_ns <= before_ns
$$;

SET LOCAL lock_timeout = DEFAULT;
