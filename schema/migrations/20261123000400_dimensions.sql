-- Dimensions: what rows and segments refer to by id. Ids are 64-bit hashes of tenant and canonical content, so that writers look
-- nothing up, a replay changes nothing and a cluster can be sharded by tenant. Writers insert ON CONFLICT DO NOTHING, sorted by key,
-- the first time they see an entry on a day; last_seen_day lets the janitor collect what nothing refers to any more.

CREATE TABLE public.tenant_dim (
  tenant_id text PRIMARY KEY,
  name text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT tenant_dim_token CHECK (tenant_id ~ '^[A-Za-z0-9_-]{1,64}$')
);

CREATE TABLE public.service_dim (
  tenant_id text NOT NULL,
  service_id bigint NOT NULL,
  name text NOT NULL,
  namespace text NOT NULL DEFAULT '',
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen_day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  PRIMARY KEY (tenant_id, service_id)
);

CREATE INDEX service_dim_name ON public.service_dim (tenant_id, name);

CREATE TABLE public.operation_dim (
  tenant_id text NOT NULL,
  operation_id bigint NOT NULL,
  service_id bigint NOT NULL,
  name text NOT NULL,
  kind smallint NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen_day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  PRIMARY KEY (tenant_id, operation_id)
);

CREATE INDEX operation_dim_service ON public.operation_dim (tenant_id, service_id);

CREATE TABLE public.resource_dim (
  tenant_id text NOT NULL,
  resource_id bigint NOT NULL,
  service_id bigint NOT NULL,
  attributes jsonb NOT NULL,
  schema_url text NOT NULL DEFAULT '',
  dropped_attributes_count integer NOT NULL DEFAULT 0,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen_day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  PRIMARY KEY (tenant_id, resource_id)
);

CREATE INDEX resource_dim_service ON public.resource_dim (tenant_id, service_id);

CREATE TABLE public.scope_dim (
  tenant_id text NOT NULL,
  scope_id bigint NOT NULL,
  name text NOT NULL DEFAULT '',
  version text NOT NULL DEFAULT '',
  attributes jsonb NOT NULL,
  schema_url text NOT NULL DEFAULT '',
  dropped_attributes_count integer NOT NULL DEFAULT 0,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen_day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  PRIMARY KEY (tenant_id, scope_id)
);

CREATE TABLE public.series_dim (
  tenant_id text NOT NULL,
  series_id bigint NOT NULL,
  service_id bigint NOT NULL,
  resource_id bigint NOT NULL,
  scope_id bigint NOT NULL,
  metric_name text NOT NULL,
  metric_type smallint NOT NULL,
  temporality smallint NOT NULL DEFAULT 0,
  monotonic boolean NOT NULL DEFAULT false,
  unit text NOT NULL DEFAULT '',
  description text NOT NULL DEFAULT '',
  attributes jsonb NOT NULL,
  metadata jsonb,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen_day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  PRIMARY KEY (tenant_id, series_id)
);

CREATE INDEX series_dim_metric ON public.series_dim (tenant_id, metric_name);

CREATE INDEX series_dim_attributes ON public.series_dim USING gin (attributes jsonb_path_ops);

COMMENT ON COLUMN public.series_dim.metric_type IS '1 gauge, 2 sum, 3 histogram, 4 exponential histogram, 5 summary';
COMMENT ON COLUMN public.series_dim.temporality IS '0 none, 1 delta, 2 cumulative';
