-- Administration: how long data is kept, what the janitor did.

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

-- First rows. The days are those of telemetry.DefaultRetention: ingest takes nothing older.
INSERT INTO public.tenant_dim (tenant_id, name) VALUES ('default', 'Default');

INSERT INTO public.retention_policy (tenant_id, signal, days, rows_window) VALUES
  ('default', 'traces', 7, '24 hours'),
  ('default', 'logs', 3, '24 hours'),
  ('default', 'metrics', 30, '24 hours');
