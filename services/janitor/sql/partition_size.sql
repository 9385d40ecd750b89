-- Rows by the planner's estimate (counting them would read what is to be dropped), bytes with indexes and TOAST, of a partition and all below.
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_partition_tree(to_regclass('public.' || quote_ident($1))) p JOIN pg_class c ON c.oid = p.relid
WHERE p.isleaf
