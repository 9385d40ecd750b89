-- The sizes of the TOAST tables of leaves ($1), those of them that are there: to tell them, the tables and their indexes are opened, and the connection
-- remembers what the catalogue says of them. Nothing is read of what they hold.
SELECT coalesce(sum(pg_relation_size(c.reltoastrelid) + pg_indexes_size(c.reltoastrelid)), 0)::bigint
FROM pg_class c
WHERE c.reltoastrelid > 0 AND c.oid IN (SELECT to_regclass('public.' || leaf) FROM unnest($1::text[]) AS leaf)
