-- What a tenant may send, and what of it was stored. Two small tables: a row for what was said of a tenant's limit, and a row or few for
-- each tenant, signal and day.

CREATE TABLE public.tenant_limit (
  tenant_id text NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
  value bigint NOT NULL CHECK (value BETWEEN 0 AND 1125899906842624),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name)
);

COMMENT ON TABLE public.tenant_limit IS 'what a tenant may send; the tenant * stands for all of which nothing else is said';
COMMENT ON COLUMN public.tenant_limit.name IS 'bytes_per_second and others, docs/quotas.md; one that only a later build knows limits nothing';
COMMENT ON COLUMN public.tenant_limit.value IS '0: no limit';

ALTER TABLE public.tenant_limit ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.tenant_limit USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r
  WHERE r.reader = to_regrole(quote_ident(current_user)))));

-- Several rows a day, so that two flushes of a tenant never wait for one another: each adds to one that nobody else holds, and makes one
-- where there is none. So there are as many as there were flushes at a time, ever. Readers add them up.
CREATE TABLE public.tenant_usage (
  day date NOT NULL,
  tenant_id text NOT NULL,
  signal smallint NOT NULL,
  part integer NOT NULL,
  items bigint NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (tenant_id, day, signal, part)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON TABLE public.tenant_usage IS 'what was stored of a tenant''s signal, by the UTC day on which ingest took it: add the parts up';
COMMENT ON COLUMN public.tenant_usage.signal IS '0 traces, 1 logs, 2 metrics';
COMMENT ON COLUMN public.tenant_usage.bytes IS 'OTLP protobuf, decompressed, as it was queued';

ALTER TABLE public.tenant_usage ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.tenant_usage USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r
  WHERE r.reader = to_regrole(quote_ident(current_user)))));
