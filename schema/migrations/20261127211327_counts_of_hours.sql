-- atlas:nolint

-- Rollups that say how many items of an hour have which values (kinds 2 and 3): made where segments are settled, of what is settled. What cannot be counted is
-- put by among the settled bodies at the level that it has, 0 or 1, so that whoever counts meets it. Segments that development builds have settled are in no such
-- rollup: they become level 1, where they are counted from themselves until they expire. The linter is told to be silent: the constraint only becomes wider.

SET LOCAL lock_timeout = '5s';

DO $$
DECLARE
  tab text;
BEGIN
  FOREACH tab IN ARRAY ARRAY['spans_segment', 'logs_segment', 'metrics_segment'] LOOP
    EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT spans_segment_slot, '
      'ADD CONSTRAINT spans_segment_slot CHECK (slot BETWEEN -1 AND 11 AND (level < 2 OR slot = -1))', tab);
    EXECUTE format('COMMENT ON COLUMN public.%I.level IS ''0 a flush; 1 put together from a minute''''s; 2 settled, and counted; what cannot be read stays at 0 or 1''', tab);
  END LOOP;
END
$$;

UPDATE public.spans_segment SET level = 1 WHERE level = 2;
UPDATE public.logs_segment SET level = 1 WHERE level = 2;

COMMENT ON TABLE public.rollup IS 'sums by time of what is in segments, of spans above level 0 or of what is settled; can be made again from them';
COMMENT ON COLUMN public.rollup.kind IS '0 requests, errors and durations by service and operation; 1 calls; 2 values of spans; 3 values of log records';

SET LOCAL lock_timeout = DEFAULT;
