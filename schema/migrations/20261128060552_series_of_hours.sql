-- Rollups that say which metrics an hour has and how many series each (kind 4): made where segments are settled, of what is settled, as those of values
-- are. Points that were settled before are in no such rollup: their segments become level 1, where the catalogue reads them until they expire. That
-- writes each of their headers once.

SET LOCAL lock_timeout = '5s';

UPDATE public.metrics_segment SET level = 1 WHERE level = 2;

COMMENT ON TABLE public.rollup IS 'sums by time of what is in segments, of spans above level 0 or of what is settled; can be made again from them';
COMMENT ON COLUMN public.rollup.kind IS '0 requests, errors and durations by service and operation; 1 calls; 2 values of spans; 3 values of log records; 4 metrics and their series';
COMMENT ON COLUMN public.rollup.total IS 'the hour or day in one; none in a part, nor in an hour of kind 4';

SET LOCAL lock_timeout = DEFAULT;
