-- What has expired is found by the names of partitions, which sort as their times do: names of those that are kept are not taken apart. With 400 days of
-- bodies an upkeep of the janitor spent most of its time on that, and mostly to find nothing.
--
-- Functions alone; no table is touched.

-- partition_span is which time a partition holds, [from_ns, to_ns), by its name; nothing where it is none.
CREATE FUNCTION public.partition_span(partition text) RETURNS TABLE (leaf text, from_ns bigint, to_ns bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE -- and neither strict nor with a path of its own: it is inlined
AS $$
  WITH named AS (
    SELECT regexp_match(partition, '_y(\d{4})_m(\d\d)(?:_d(\d\d)(?:_h(\d\d))?)?$') AS part
  ), begins AS (
    SELECT CASE WHEN part[3] IS NULL THEN 'month' WHEN part[4] IS NULL THEN 'day' ELSE 'hour' END AS leaf,
      extract(epoch FROM make_timestamp(part[1]::int, part[2]::int, coalesce(part[3], '1')::int, coalesce(part[4], '0')::int, 0, 0))::bigint * 1000000000 AS from_ns
    FROM named WHERE part IS NOT NULL
  )
  SELECT b.leaf, b.from_ns, CASE b.leaf WHEN 'month' THEN public.month_ns(b.from_ns, 1) WHEN 'day' THEN b.from_ns + 86400000000000 ELSE b.from_ns + 3600000000000 END
  FROM begins b
$$;

-- partitions lists the partitions of a table, oldest first, with their bounds [from_ns, to_ns).
CREATE OR REPLACE FUNCTION public.partitions(table_name text)
RETURNS TABLE (partition text, leaf text, from_ns bigint, to_ns bigint)
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
  SELECT c.relname::text, s.leaf, s.from_ns, s.to_ns
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid CROSS JOIN LATERAL partition_span(c.relname::text) s
  WHERE i.inhparent = to_regclass(quote_ident(partitions.table_name)) AND NOT i.inhdetachpending
  ORDER BY s.from_ns, c.relname
$$;

-- partitions_before lists the partitions of a table that lie wholly before an instant: those whose names sort before that of the one which holds it.
CREATE OR REPLACE FUNCTION public.partitions_before(table_name text, before_ns bigint)
RETURNS TABLE (partition text, leaf text, from_ns bigint, to_ns bigint)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
  first_kept name;
BEGIN
  SELECT partition_name(t.table_name, before_ns, t.leaf) INTO first_kept FROM partitioned_table t WHERE t.table_name = partitions_before.table_name;
  RETURN QUERY
  SELECT c.relname::text, s.leaf, s.from_ns, s.to_ns
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid CROSS JOIN LATERAL partition_span(c.relname::text) s
  WHERE i.inhparent = to_regclass(quote_ident(partitions_before.table_name)) AND NOT i.inhdetachpending AND c.relname < first_kept
  ORDER BY s.from_ns, c.relname;
END
$$;
