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
