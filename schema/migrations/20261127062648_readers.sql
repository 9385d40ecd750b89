-- People who read by SQL are bound to a tenant by their role, and not by a setting, which anybody may set: a policy compares with what
-- stands in olly.reader for current_user. A role that was let in before this file sees nothing until grant_read names its tenant.
-- Nothing is scanned or rewritten; each table is locked for as long as its policy is replaced.
SET LOCAL lock_timeout = '5s';

CREATE TABLE olly.reader (
  reader regrole NOT NULL,
  tenant_id text NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (reader, tenant_id)
);

COMMENT ON TABLE olly.reader IS 'which role reads which tenants by SQL; filled by olly.grant_read';
COMMENT ON COLUMN olly.reader.reader IS 'the role itself and not its name: one that is dropped and made again is another';

-- A role may see which tenants it reads, and nobody else's.
ALTER TABLE olly.reader ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON olly.reader FOR SELECT USING (reader = to_regrole(quote_ident(current_user)));

-- The sub-select is asked once for a statement, and an index on tenant_id can take what it gives.
DO $$
DECLARE
  tab regclass;
BEGIN
  FOR tab IN SELECT polrelid FROM pg_policy WHERE polname = 'tenant' LOOP
    EXECUTE format('DROP POLICY tenant ON %s', tab);
    EXECUTE format('CREATE POLICY tenant ON %s USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r '
      'WHERE r.reader = to_regrole(quote_ident(current_user)))))', tab);
  END LOOP;
END
$$;

-- atlas:nolint
DROP FUNCTION olly.grant_read(name);

CREATE FUNCTION olly.grant_read(reader name, tenant text, timeout interval DEFAULT '60 seconds') RETURNS void
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
    'public.resource_dim, public.scope_dim, public.series_dim, public.red_minute TO %I', reader);
  BEGIN
    EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', reader, (extract(epoch FROM timeout) * 1000)::bigint);
    EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', reader);
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'role % has no statement_timeout: only who may alter the role can set one', reader;
  END;
END
$$;

COMMENT ON FUNCTION olly.grant_read(name, text, interval) IS
  'lets a role read the views of schema olly and the tables below them, the rows of one tenant; called again, also those of another. '
  'Its statements end after timeout, unless it sets another';

CREATE FUNCTION olly.revoke_read(reader name, tenant text DEFAULT NULL) RETURNS integer
LANGUAGE sql
AS $$
  WITH gone AS (
    DELETE FROM olly.reader r WHERE r.reader = to_regrole(quote_ident($1)) AND ($2 IS NULL OR r.tenant_id = $2) RETURNING 1
  )
  SELECT count(*)::integer FROM gone
$$;

COMMENT ON FUNCTION olly.revoke_read(name, text) IS 'ends what grant_read began, for one tenant or for all: how many that were. The role sees nothing of them in its next statement';

-- Functions are for everybody unless it is said. These are for who owns the tables.
REVOKE EXECUTE ON FUNCTION olly.grant_read(name, text, interval), olly.revoke_read(name, text) FROM PUBLIC;
