-- Groups: the filters of the segments that one merge of an hour made, side by side. Looking for a value in the filters of a thousand segments
-- one by one takes PostgreSQL 20 ms; in a group, the 32 bytes of every segment that can tell lie next to each other, so that
-- one substring() of a TOAST chunk or two answers for all of them.
--
-- A segment that is in a group has no token filter of its own; its trace filter is in both.

-- A new column needs each table for itself for an instant. Queries of up to 30 s may be in the way, and everybody else would queue behind this
-- statement: it gives up instead, and the migrator is run again.
SET LOCAL lock_timeout = '5s';

ALTER TABLE public.spans_segment ADD COLUMN group_id uuid;
ALTER TABLE public.logs_segment ADD COLUMN group_id uuid;
ALTER TABLE public.metrics_segment ADD COLUMN group_id uuid;

COMMENT ON COLUMN public.spans_segment.group_id IS 'of spans_group: where its token filter is; null: in the segment itself';

CREATE TABLE public.spans_group (
  tenant_id text NOT NULL,
  group_id uuid NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  trace_blocks integer NOT NULL,
  token_blocks integer NOT NULL,
  segments uuid[] NOT NULL,
  trace_filter bytea NOT NULL,
  token_filter bytea NOT NULL,
  PRIMARY KEY (tenant_id, min_time, group_id),
  CONSTRAINT spans_group_bounds CHECK (min_time <= max_time AND min_time / 3600000000000 = max_time / 3600000000000),
  CONSTRAINT spans_group_lengths CHECK (
    octet_length(trace_filter) = trace_blocks * cardinality(segments) * 32 AND octet_length(token_filter) = token_blocks * cardinality(segments) * 32)
) PARTITION BY RANGE (min_time);

ALTER TABLE public.spans_group
  ALTER COLUMN trace_filter SET STORAGE EXTERNAL,
  ALTER COLUMN token_filter SET STORAGE EXTERNAL;

COMMENT ON TABLE public.spans_group IS 'filters of the segments of one merge, block by block: block 0 of every segment in the order of segments, block 1 of every one, …';

CREATE TABLE public.logs_group (LIKE public.spans_group INCLUDING STORAGE INCLUDING CONSTRAINTS, PRIMARY KEY (tenant_id, min_time, group_id))
PARTITION BY RANGE (min_time);

CREATE TABLE public.metrics_group (LIKE public.spans_group INCLUDING STORAGE INCLUDING CONSTRAINTS, PRIMARY KEY (tenant_id, min_time, group_id))
PARTITION BY RANGE (min_time);

COMMENT ON TABLE public.logs_group IS 'filters of segments of log records, as in spans_group';
COMMENT ON TABLE public.metrics_group IS 'filters of segments of metric data points, as in spans_group';

INSERT INTO public.partitioned_table (table_name, key_column, key_type, leaf, leaf_options, no_statistics)
SELECT name, 'min_time', 'ns', 'day', 'autovacuum_analyze_threshold = 20', '{trace_filter,token_filter,segments}'
FROM unnest(ARRAY['spans_group', 'logs_group', 'metrics_group']) AS name;

DO $$
DECLARE
  tab text;
BEGIN
  FOREACH tab IN ARRAY ARRAY['spans_group', 'logs_group', 'metrics_group'] LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', tab);
    EXECUTE format('CREATE POLICY tenant ON public.%I USING (tenant_id = current_setting(''olly.tenant'', true))', tab);
  END LOOP;
END
$$;

SET LOCAL lock_timeout = DEFAULT;
