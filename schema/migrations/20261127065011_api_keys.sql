-- Keys by which programs send and ask. Only a hash of a key is kept: it has 256 random bits, so that nobody finds it from the hash, and a
-- slow hash, which is for what people think up, would buy nothing. Revoked and expired keys stay: rows of telemetry name them as
-- connection_id.
CREATE TABLE public.api_key (
  tenant_id text NOT NULL,
  key_id text NOT NULL CHECK (key_id ~ '^[a-z2-7]{16}$'),
  name text NOT NULL,
  scopes text[] NOT NULL CHECK (scopes <@ ARRAY['ingest', 'query', 'admin'] AND cardinality(scopes) > 0),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL DEFAULT '',
  expires_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, key_id)
);

COMMENT ON TABLE public.api_key IS 'keys by which programs send and ask; the services read it, SQL readers do not';
COMMENT ON COLUMN public.api_key.key_id IS 'the part of the key that is no secret; connection_id of what was sent with it';
COMMENT ON COLUMN public.api_key.hash IS 'SHA-256 of the whole key';
COMMENT ON COLUMN public.api_key.created_by IS 'the key or the person that made it; empty for the command line';

ALTER TABLE public.api_key ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.api_key USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r
  WHERE r.reader = to_regrole(quote_ident(current_user)))));
