-- atlas:nolint

-- Rollups that are small and read, in place of red_minute, which every flush wrote and nobody read: sums of spans by service, operation and time, made
-- by the merge that takes segments out of level 0, in its transaction. A segment of level 0 is in no rollup, one of a higher level is in all. WHAT
-- DEVELOPMENT BUILDS HAVE WRITTEN OF red_minute IS NOT KEPT, and the build before does not work beside this one: it was not released. Segments that
-- were merged before this file are in no rollup: they go back to level 0, so that they are counted from themselves until they expire.

SET LOCAL lock_timeout = '5s';

DROP TABLE public.red_minute;

DELETE FROM public.partitioned_table WHERE table_name = 'red_minute';

-- A segment that cannot be read cannot be counted: it is put by among the settled bodies at level 0, and whoever counts is told.
DO $$
DECLARE
  tab text;
BEGIN
  FOREACH tab IN ARRAY ARRAY['spans_segment', 'logs_segment', 'metrics_segment'] LOOP
    EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT spans_segment_slot, '
      'ADD CONSTRAINT spans_segment_slot CHECK (slot BETWEEN -1 AND 11 AND CASE level WHEN 0 THEN true WHEN 2 THEN slot = -1 ELSE slot >= 0 END)', tab);
    EXECUTE format('COMMENT ON COLUMN public.%I.level IS ''0 a flush, or what cannot be read; 1 put together from a minute''''s; 2 settled''', tab);
  END LOOP;
END
$$;

UPDATE public.spans_segment SET level = 0 WHERE level > 0;

-- What is not in rollups yet.
CREATE INDEX spans_segment_uncounted ON public.spans_segment (tenant_id, max_time) WHERE level = 0;

CREATE TABLE public.rollup (
  tenant_id text NOT NULL,
  kind smallint NOT NULL,
  grain smallint NOT NULL,
  start bigint NOT NULL,
  rollup_id uuid NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  made_at bigint NOT NULL,
  low bytea NOT NULL,
  high bytea NOT NULL,
  total bytea NOT NULL,
  minutes bytea NOT NULL,
  placement text NOT NULL,
  PRIMARY KEY (tenant_id, kind, grain, start, rollup_id, placement),
  CONSTRAINT rollup_grain CHECK (grain BETWEEN 0 AND 2 AND start % CASE grain WHEN 2 THEN 86400000000000 ELSE 3600000000000 END = 0),
  CONSTRAINT rollup_bounds CHECK (start <= min_time AND min_time <= max_time AND max_time < start + CASE grain WHEN 2 THEN 86400000000000 ELSE 3600000000000 END),
  CONSTRAINT rollup_keys CHECK (low <= high)
) PARTITION BY RANGE (start);

ALTER TABLE public.rollup
  ALTER COLUMN total SET STORAGE EXTERNAL,
  ALTER COLUMN minutes SET STORAGE EXTERNAL;

-- What is to be folded.
CREATE INDEX rollup_parts ON public.rollup (start) WHERE grain = 0;
CREATE INDEX rollup_hours ON public.rollup (start) WHERE grain = 1;

COMMENT ON TABLE public.rollup IS 'sums of spans by time, of all that is in segments above level 0; can be made again from them';
COMMENT ON COLUMN public.rollup.kind IS '0 requests, errors and durations by service and operation';
COMMENT ON COLUMN public.rollup.grain IS '0 a part: what one merge added to an hour; 1 an hour; 2 a day, made of its hours, which stay';
COMMENT ON COLUMN public.rollup.start IS 'of the hour or day, Unix ns';
COMMENT ON COLUMN public.rollup.low IS 'least key that is told of, a service''s name; high is the greatest';
COMMENT ON COLUMN public.rollup.total IS 'the hour or day in one; none in a part';
COMMENT ON COLUMN public.rollup.minutes IS 'by minute; none in a day';

ALTER TABLE public.rollup ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.rollup USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r
  WHERE r.reader = to_regrole(quote_ident(current_user)))));

INSERT INTO public.partitioned_table (table_name, key_column, key_type, leaf, leaf_options, no_statistics) VALUES
  ('rollup', 'start', 'ns', 'month',
    'autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500, autovacuum_analyze_threshold = 500, '
    'toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_threshold = 1000', '{low,high,total,minutes}');

-- As before, without red_minute.
CREATE OR REPLACE FUNCTION olly.grant_read(reader name, tenant text, timeout interval DEFAULT '60 seconds') RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = reader) THEN
    RAISE EXCEPTION 'role % is above row-level security and would read every tenant: take another role', reader;
  END IF;
  IF pg_has_role(reader, (SELECT relowner FROM pg_class WHERE oid = 'public.spans_fact'::regclass), 'MEMBER') THEN
    RAISE EXCEPTION 'role % may become the owner of the tables and would read every tenant: take another role', reader;
  END IF;
  INSERT INTO olly.reader (reader, tenant_id) VALUES (quote_ident(reader)::regrole, tenant) ON CONFLICT DO NOTHING;
  EXECUTE format('GRANT USAGE ON SCHEMA olly, public TO %I', reader);
  EXECUTE format('GRANT SELECT ON olly.spans, olly.logs, olly.metrics, olly.reader TO %I', reader);
  EXECUTE format('GRANT EXECUTE ON FUNCTION olly.ns(timestamptz), olly.at(bigint) TO %I', reader);
  EXECUTE format('GRANT SELECT ON public.spans_fact, public.logs_fact, public.metrics_fact, public.service_dim, public.operation_dim, '
    'public.resource_dim, public.scope_dim, public.series_dim TO %I', reader);
  BEGIN
    EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', reader, (extract(epoch FROM timeout) * 1000)::bigint);
    EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', reader);
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'role % has no statement_timeout: only who may alter the role can set one', reader;
  END;
END
$$;

SET LOCAL lock_timeout = DEFAULT;
