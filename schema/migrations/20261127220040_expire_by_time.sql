-- atlas:nolint

-- What expires is deleted by time, and the keys of headers, groups and rollups begin with the tenant: a day was looked for in all rows of its month, 2 kB
-- each. A BRIN index by time, some 30 bytes a megabyte of rows, leads to the pages of that day. What the janitor looks for in each pass, segments in slots
-- that will be put together, has their slots in its index now: those without one, damaged ones, stay until they expire, and were read each time.
--
-- Building them reads headers, groups and rollups once, with writers waiting: who has a large database takes a quiet hour.

SET LOCAL lock_timeout = '5s';

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['spans', 'logs', 'metrics'] LOOP
    EXECUTE format('CREATE INDEX %1$s_segment_time ON public.%1$s_segment USING brin (min_time) WITH (autosummarize = true)', name);
    EXECUTE format('CREATE INDEX %1$s_group_time ON public.%1$s_group USING brin (min_time) WITH (autosummarize = true)', name);
    EXECUTE format('DROP INDEX public.%1$s_segment_unsettled', name);
    EXECUTE format('CREATE INDEX %1$s_segment_unsettled ON public.%1$s_segment (min_time, slot) WHERE level < 2', name);
  END LOOP;
END
$$;

CREATE INDEX rollup_time ON public.rollup USING brin (start) WITH (autosummarize = true);

SET LOCAL lock_timeout = DEFAULT;
