-- atlas:nolint

-- What a list asks of headers first, how many segments its range has and which are the newest of them, is answered by the index alone. The rows are 2 kB
-- each: at 2,500 segments a day of 10 M spans, a list of 50 spans read 5 MB of headers to find the one that it needed. It costs 50 bytes a segment.
--
-- The index is made anew under a lock on tables that no release has.

SET LOCAL lock_timeout = '5s';

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['spans', 'logs', 'metrics'] LOOP
    EXECUTE format('DROP INDEX public.%s_segment_max_time', name);
    EXECUTE format('CREATE INDEX %1$s_segment_newest ON public.%1$s_segment (tenant_id, max_time, segment_id) INCLUDE (min_time, max_position, level)', name);
  END LOOP;
END
$$;

SET LOCAL lock_timeout = DEFAULT;
