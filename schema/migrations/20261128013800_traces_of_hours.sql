-- atlas:nolint

-- The traces of an hour in a filter, beside that of its day: a trace of today, and one of a day whose filter lets it pass, is then looked for in the few hours
-- that may have it. Of a day of 10 M spans that was looked at as a whole, the blocks of 110 groups were read, and as many headers of outliers.
--
-- One table for both: GRAIN says whether a row is of an hour (1) or a day (2), as in rollup. No release has the table that is renamed.

SET LOCAL lock_timeout = '5s';

ALTER TABLE public.trace_day RENAME TO trace_time;
ALTER TABLE public.trace_time RENAME COLUMN day TO start;
ALTER TABLE public.trace_time ADD COLUMN grain smallint NOT NULL DEFAULT 2;
ALTER TABLE public.trace_time ALTER COLUMN grain DROP DEFAULT;

ALTER TABLE public.trace_time
  DROP CONSTRAINT trace_day_pkey,
  DROP CONSTRAINT trace_day_begins,
  ADD CONSTRAINT trace_time_pkey PRIMARY KEY (tenant_id, grain, start, placement),
  ADD CONSTRAINT trace_time_begins CHECK (CASE grain WHEN 1 THEN start % 3600000000000 = 0 WHEN 2 THEN start % 86400000000000 = 0 ELSE false END);
ALTER TABLE public.trace_time RENAME CONSTRAINT trace_day_blocks TO trace_time_blocks;

INSERT INTO public.trace_time (tenant_id, placement, grain, start, state, changed_at)
SELECT tenant_id, placement, 1, min_time / 3600000000000 * 3600000000000 AS hour, gen_random_uuid(), 0 FROM public.spans_segment WHERE level = 2 GROUP BY 1, 2, 4;

DROP INDEX public.trace_day_day, public.trace_day_unmade;
CREATE INDEX trace_time_start ON public.trace_time (start);
CREATE INDEX trace_time_unmade ON public.trace_time (grain, start, placement) WHERE filter IS NULL;

COMMENT ON TABLE public.trace_time IS 'which traces the settled segments of spans of an hour or a day are of; can be made again from them';
COMMENT ON COLUMN public.trace_time.grain IS '1: an hour, 2: a day';
COMMENT ON COLUMN public.trace_time.start IS 'its first instant, Unix ns';
COMMENT ON COLUMN public.trace_time.state IS 'another each time that a segment is settled for it';

SET LOCAL lock_timeout = DEFAULT;
