-- atlas:txmode none

-- The leaves of rows for SQL go one by one, each in a transaction of its own: a statement that drops a month of hours, with their indexes, takes more locks than
-- a server has (max_locks_per_transaction). The next file says why they go.
DO $$
DECLARE
  leaf text;
BEGIN
  FOR leaf IN SELECT i.inhrelid::regclass::text FROM pg_inherits i
    WHERE i.inhparent IN (to_regclass('public.spans_fact'), to_regclass('public.logs_fact'), to_regclass('public.metrics_fact')) LOOP
    EXECUTE format('DROP TABLE IF EXISTS %s', leaf);
    COMMIT;
  END LOOP;
END
$$;
