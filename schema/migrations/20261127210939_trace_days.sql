-- atlas:nolint

-- The traces of a day in one filter, so that a trace whose time is not known is looked for by one look a day and not in every hour: with it, 400 days
-- without the trace are 400 looks.
--
-- A row a placement and day of settled segments. Who settles a segment makes the row anew, in its transaction and before the segment: STATE is another
-- then, and there is no filter. Who makes the filter reads the segments of a state and enters it only if the state still is that one: so a filter is always of
-- all settled segments of its day, whatever comes late. What is not settled is in none.
--
-- It takes a row of 100 bytes a day, and 8 to 12 bits for each trace. The index is made anew under a lock on a table that no release has.

SET LOCAL lock_timeout = '5s';

CREATE TABLE public.trace_day (
  tenant_id text NOT NULL,
  placement text NOT NULL,
  day bigint NOT NULL,
  state uuid NOT NULL,
  changed_at bigint NOT NULL,
  segments integer NOT NULL DEFAULT 0,
  max_position bigint NOT NULL DEFAULT 0,
  filter bytea,
  PRIMARY KEY (tenant_id, day, placement),
  CONSTRAINT trace_day_begins CHECK (day % 86400000000000 = 0),
  CONSTRAINT trace_day_blocks CHECK (octet_length(filter) % 32 = 0)
);

ALTER TABLE public.trace_day ALTER COLUMN filter SET STORAGE EXTERNAL, ALTER COLUMN filter SET STATISTICS 0;

-- What has expired, and what is to be made.
CREATE INDEX trace_day_day ON public.trace_day (day);
CREATE INDEX trace_day_unmade ON public.trace_day (day, placement) WHERE filter IS NULL;

COMMENT ON TABLE public.trace_day IS 'which traces the settled segments of spans of a day are of; can be made again from them';
COMMENT ON COLUMN public.trace_day.day IS 'its first instant, Unix ns';
COMMENT ON COLUMN public.trace_day.state IS 'another each time that a segment is settled for the day';
COMMENT ON COLUMN public.trace_day.changed_at IS 'when that was, Unix ns';
COMMENT ON COLUMN public.trace_day.segments IS 'that the filter is of; max_position is the highest of them';
COMMENT ON COLUMN public.trace_day.filter IS 'a Bloom filter of trace ids as that of a segment; empty: it may hold every trace; null: not made, or no longer true';

ALTER TABLE public.trace_day ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.trace_day USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r
  WHERE r.reader = to_regrole(quote_ident(current_user)))));

INSERT INTO public.trace_day (tenant_id, placement, day, state, changed_at)
SELECT tenant_id, placement, min_time / 86400000000000 * 86400000000000 AS day, gen_random_uuid(), 0 FROM public.spans_segment WHERE level = 2 GROUP BY 1, 2, 3;

-- What is not settled, by time: what a filter of a day does not know.
CREATE INDEX spans_segment_unfiltered ON public.spans_segment (tenant_id, max_time, segment_id) INCLUDE (min_time, max_position, level) WHERE level < 2;

SET LOCAL lock_timeout = DEFAULT;
