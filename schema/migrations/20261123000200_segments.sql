-- Segments: the truth. One row holds up to 4,000 items of one tenant, one signal and one hour as compressed columns; the typed
-- columns before the bytes are what planner and reader prune by. The bytes are specified in docs/segment-format.md.
--
-- A segment never crosses an hour of UTC, so a reader of [a, b] needs min_time in (a - 1 h, b] and max_time >= a: the first bound
-- prunes partitions, the second is the index on (tenant_id, max_time).

CREATE TABLE public.spans_segment (
  tenant_id text NOT NULL,
  segment_id uuid NOT NULL,
  min_time bigint NOT NULL,
  max_time bigint NOT NULL,
  min_position bigint NOT NULL,
  max_position bigint NOT NULL,
  checksum bigint NOT NULL,
  items integer NOT NULL,
  errors integer NOT NULL,
  roots integer NOT NULL,
  level smallint NOT NULL,
  format smallint NOT NULL,
  service_ids bigint[] NOT NULL,
  service_items integer[] NOT NULL,
  service_max_duration bigint[] NOT NULL,
  service_max_error_duration bigint[] NOT NULL,
  trace_filter bytea NOT NULL,
  token_filter bytea NOT NULL,
  directory bytea NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (tenant_id, min_time, segment_id),
  CONSTRAINT spans_segment_bounds CHECK (min_time <= max_time AND min_time / 3600000000000 = max_time / 3600000000000),
  CONSTRAINT spans_segment_items CHECK (items > 0)
) PARTITION BY RANGE (min_time);

-- EXTERNAL: PostgreSQL neither compresses the bytes again nor rewrites them, and substring() reads only the chunks it needs.
ALTER TABLE public.spans_segment
  ALTER COLUMN trace_filter SET STORAGE EXTERNAL,
  ALTER COLUMN token_filter SET STORAGE EXTERNAL,
  ALTER COLUMN directory SET STORAGE EXTERNAL,
  ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE INDEX spans_segment_max_time ON public.spans_segment (tenant_id, max_time);

-- What the janitor has yet to merge.
CREATE INDEX spans_segment_unmerged ON public.spans_segment (min_time) WHERE level < 2;

COMMENT ON TABLE public.spans_segment IS 'column segments of spans: the truth; everything else can be made again from them';
COMMENT ON COLUMN public.spans_segment.level IS '0 a flush, 1 a closed minute, 2 a closed hour';
COMMENT ON COLUMN public.spans_segment.service_ids IS 'sorted; the three arrays after it run along with it';

CREATE TABLE public.logs_segment (LIKE public.spans_segment INCLUDING STORAGE INCLUDING DEFAULTS, PRIMARY KEY (tenant_id, min_time, segment_id),
  CONSTRAINT logs_segment_bounds CHECK (min_time <= max_time AND min_time / 3600000000000 = max_time / 3600000000000),
  CONSTRAINT logs_segment_items CHECK (items > 0)
) PARTITION BY RANGE (min_time);

CREATE INDEX logs_segment_max_time ON public.logs_segment (tenant_id, max_time);

CREATE INDEX logs_segment_unmerged ON public.logs_segment (min_time) WHERE level < 2;

COMMENT ON TABLE public.logs_segment IS 'column segments of log records';

CREATE TABLE public.metrics_segment (LIKE public.spans_segment INCLUDING STORAGE INCLUDING DEFAULTS, PRIMARY KEY (tenant_id, min_time, segment_id),
  CONSTRAINT metrics_segment_bounds CHECK (min_time <= max_time AND min_time / 3600000000000 = max_time / 3600000000000),
  CONSTRAINT metrics_segment_items CHECK (items > 0)
) PARTITION BY RANGE (min_time);

CREATE INDEX metrics_segment_max_time ON public.metrics_segment (tenant_id, max_time);

CREATE INDEX metrics_segment_unmerged ON public.metrics_segment (min_time) WHERE level < 2;

COMMENT ON TABLE public.metrics_segment IS 'column segments of metric data points';

-- Merging deletes as many small segments as flushes made: vacuum early, so that their space is used again within the day.
INSERT INTO public.partitioned_table (table_name, key_column, key_type, leaf, leaf_options, no_statistics)
SELECT name, 'min_time', 'ns', 'day',
  'autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_insert_scale_factor = 0.2, '
  'autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 100, '
  'toast.autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_threshold = 1000',
  '{trace_filter,token_filter,directory,body}'
FROM unnest(ARRAY['spans_segment', 'logs_segment', 'metrics_segment']) AS name;
