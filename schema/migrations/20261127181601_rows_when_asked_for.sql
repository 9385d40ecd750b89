-- Rows for SQL are written of what somebody asked them for: they take twenty times the disk of segments and five times the CPU
-- (docs/benchmarks.md), which nobody should pay without knowing. So the default policy writes none, and a policy says since when there are
-- rows. A database of before stops writing them with this file, unless its policy says another time than the one day that was the default;
-- those that are there go at the janitor's next upkeep. A small table: nothing is rewritten.
SET LOCAL lock_timeout = '5s';

ALTER TABLE public.retention_policy ADD COLUMN rows_since timestamptz;

ALTER TABLE public.retention_policy ALTER COLUMN rows_window SET DEFAULT '0';

UPDATE public.retention_policy SET rows_window = '0' WHERE rows_window = '24 hours';

UPDATE public.retention_policy SET rows_since = updated_at WHERE rows_window > '0';

COMMENT ON COLUMN public.retention_policy.rows_window IS 'how long rows for SQL are kept beside the segments; zero, the default, writes none';
COMMENT ON COLUMN public.retention_policy.rows_since IS 'items from this time on are rows, where they are no older than rows_window; null where none are written. Kept by a trigger';

-- What had no rows before has them from a minute after it was asked for: by then every writer goes by the new policy (flush.policy_refresh).
-- Where there were some, a longer window makes none of what is older.
CREATE FUNCTION public.tell_rows_since() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  before public.retention_policy;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    before := OLD;
  ELSE
    SELECT * INTO before FROM public.retention_policy p WHERE p.tenant_id = 'default' AND p.signal = NEW.signal;
  END IF;
  NEW.rows_since := CASE
    WHEN NEW.rows_window = '0' THEN NULL
    WHEN before.rows_window > '0' THEN greatest(before.rows_since, now() - before.rows_window)
    ELSE now() + interval '1 minute'
  END;
  RETURN NEW;
END
$$;

CREATE TRIGGER rows_since BEFORE INSERT OR UPDATE OF rows_window ON public.retention_policy
FOR EACH ROW EXECUTE FUNCTION public.tell_rows_since();

-- A tenant that loses its own policy has that of the tenant default from then on, whose rows may be told to be older than this tenant's.
CREATE FUNCTION public.tell_rows_since_deleted() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE public.retention_policy p SET rows_since = now() + interval '1 minute'
  WHERE p.tenant_id = 'default' AND p.signal = OLD.signal AND p.rows_window > OLD.rows_window;
  RETURN NULL;
END
$$;

CREATE TRIGGER rows_since_deleted AFTER DELETE ON public.retention_policy
FOR EACH ROW EXECUTE FUNCTION public.tell_rows_since_deleted();

-- With its owner's rights, because the policy of the tenant default holds for others too; who is bound to tenants sees those.
CREATE VIEW olly.rows WITH (security_barrier = true) AS
SELECT t.tenant_id, s.signal, p.rows_window AS kept, greatest(p.rows_since, now() - p.rows_window, now() - p.days) AS since
FROM (
  SELECT tenant_id FROM public.tenant_dim UNION SELECT tenant_id FROM public.retention_policy UNION SELECT tenant_id FROM olly.reader
) AS t
CROSS JOIN unnest(ARRAY['traces', 'logs', 'metrics']) AS s(signal)
LEFT JOIN LATERAL (
  SELECT nullif(o.rows_window, '0') AS rows_window, o.rows_since,
    CASE WHEN o.rows_window > '0' AND NOT o.legal_hold THEN o.days * interval '1 day' END AS days
  FROM public.retention_policy o
  WHERE o.signal = s.signal AND o.tenant_id IN (t.tenant_id, 'default')
  ORDER BY o.tenant_id = t.tenant_id DESC
  LIMIT 1
) AS p ON true
WHERE t.tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r WHERE r.reader = to_regrole(quote_ident(current_user))))
  OR pg_has_role(current_user, (SELECT c.relowner FROM pg_class c WHERE c.oid = 'public.retention_policy'::regclass), 'MEMBER');

COMMENT ON VIEW olly.rows IS 'of which tenants and signals olly.spans, olly.logs and olly.metrics hold rows, and since when; null where none are written';
COMMENT ON VIEW olly.spans IS 'spans as rows, where the retention policy asks for them, as far back as olly.rows says';
COMMENT ON VIEW olly.logs IS 'log records as rows, where the retention policy asks for them, as far back as olly.rows says';
COMMENT ON VIEW olly.metrics IS 'data points as rows, where the retention policy asks for them, as far back as olly.rows says';

-- It shows nobody more than the tenants that grant_read let him in to, who has the right to enter the schema.
GRANT SELECT ON olly.rows TO PUBLIC;
