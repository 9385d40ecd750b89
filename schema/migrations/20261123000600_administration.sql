-- Administration: how long data is kept, who may send and read it, what the janitor did.

CREATE TABLE public.retention_policy (
  tenant_id text NOT NULL,
  signal text NOT NULL CHECK (signal IN ('traces', 'logs', 'metrics')),
  days integer NOT NULL CHECK (days BETWEEN 1 AND 3650),
  rows_window interval NOT NULL DEFAULT '24 hours' CHECK (rows_window >= '0'),
  legal_hold boolean NOT NULL DEFAULT false,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, signal)
);

COMMENT ON TABLE public.retention_policy IS 'how long a tenant''s data is kept; a tenant without a row has the policy of the tenant default';
COMMENT ON COLUMN public.retention_policy.rows_window IS 'how long rows for SQL are kept beside the segments; zero writes none';
COMMENT ON COLUMN public.retention_policy.legal_hold IS 'true: nothing of this tenant and signal is dropped';

CREATE TABLE public.janitor_audit (
  audit_id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL DEFAULT now(),
  action text NOT NULL,
  tenant_id text NOT NULL DEFAULT '',
  signal text NOT NULL DEFAULT '',
  target text NOT NULL,
  items bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  details jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, audit_id)
);

CREATE INDEX janitor_audit_at ON public.janitor_audit (at);

COMMENT ON TABLE public.janitor_audit IS 'what the janitor did to stored data';

CREATE TABLE public.api_key (
  tenant_id text NOT NULL,
  key_id text NOT NULL,
  key_hash bytea NOT NULL,
  name text NOT NULL DEFAULT '',
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, key_id),
  CONSTRAINT api_key_scopes CHECK (scopes <@ ARRAY['ingest', 'query', 'admin'])
);

CREATE INDEX api_key_hash ON public.api_key (key_hash);

COMMENT ON COLUMN public.api_key.key_hash IS 'SHA-256 of the key; the key itself is shown once and stored nowhere';
COMMENT ON COLUMN public.api_key.key_id IS 'the connection_id of the rows that this key sent';

CREATE TABLE public.saved_query (
  tenant_id text NOT NULL,
  query_id uuid NOT NULL,
  name text NOT NULL,
  page text NOT NULL,
  query jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, query_id)
);

-- First rows.
INSERT INTO public.tenant_dim (tenant_id, name) VALUES ('default', 'Default');

INSERT INTO public.retention_policy (tenant_id, signal, days, rows_window) VALUES
  ('default', 'traces', 7, '24 hours'),
  ('default', 'logs', 3, '24 hours'),
  ('default', 'metrics', 30, '24 hours');
