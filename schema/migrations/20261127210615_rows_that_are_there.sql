-- olly.rows says since when there are rows. It compared a policy with what it was by rows_window alone, though rows go with their data too: with days of 1 and
-- rows of 48 hours, 24 hours are there, and seven days said from then on did not bring the others back. Now what is compared is how far back rows are kept
-- in all, by window, days and hold, whichever of them is changed, by an insert and a delete as well.
--
-- Who sets policies is put on record in janitor_audit. No table is read or rewritten; what olly.rows said until now stays said.
SET LOCAL lock_timeout = '5s';

-- How far back a policy keeps rows; null where it writes none. A day is 24 hours, whatever the session's time zone does on it.
CREATE FUNCTION public.rows_horizon(rows_window interval, days integer, legal_hold boolean) RETURNS interval
LANGUAGE sql
IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN rows_window > '0' THEN least(rows_window, CASE WHEN NOT legal_hold THEN days * interval '24 hours' END) END;

-- Since when there are rows of who goes by the policy asked from now on, and went by before until now. Writers go by the one of before for up to a minute
-- (flush.policy_refresh), which is counted as time without the rows that only the new one asks for.
CREATE FUNCTION public.rows_there(before public.retention_policy, asked public.retention_policy) RETURNS timestamptz
LANGUAGE plpgsql
AS $$
DECLARE
  had interval := public.rows_horizon(before.rows_window, before.days, before.legal_hold);
  wants interval := public.rows_horizon(asked.rows_window, asked.days, asked.legal_hold);
BEGIN
  RETURN CASE
    WHEN wants IS NULL THEN NULL
    WHEN had IS NULL THEN clock_timestamp() + interval '1 minute'
    WHEN wants > had THEN greatest(before.rows_since, clock_timestamp() - had + interval '1 minute')
    ELSE before.rows_since
  END;
END
$$;

CREATE OR REPLACE FUNCTION public.tell_rows_since() RETURNS trigger
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
  NEW.rows_since := public.rows_there(before, NEW);
  RETURN NEW;
END
$$;

DROP TRIGGER rows_since ON public.retention_policy;

CREATE TRIGGER rows_since BEFORE INSERT OR UPDATE OF rows_window, days, legal_hold ON public.retention_policy
FOR EACH ROW EXECUTE FUNCTION public.tell_rows_since();

-- A tenant that loses its own policy has that of the tenant default from then on. It is told of all what holds for each.
CREATE OR REPLACE FUNCTION public.tell_rows_since_deleted() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE public.retention_policy p SET rows_since = greatest(p.rows_since, public.rows_there(OLD, p))
  WHERE p.tenant_id = 'default' AND p.signal = OLD.signal AND p.rows_window > '0';
  RETURN NULL;
END
$$;

CREATE OR REPLACE VIEW olly.rows WITH (security_barrier = true) AS
SELECT t.tenant_id, s.signal, p.rows_window AS kept, greatest(p.rows_since, now() - p.horizon) AS since
FROM (
  SELECT tenant_id FROM public.tenant_dim UNION SELECT tenant_id FROM public.retention_policy UNION SELECT tenant_id FROM olly.reader
) AS t
CROSS JOIN unnest(ARRAY['traces', 'logs', 'metrics']) AS s(signal)
LEFT JOIN LATERAL (
  SELECT nullif(o.rows_window, '0') AS rows_window, o.rows_since, public.rows_horizon(o.rows_window, o.days, o.legal_hold) AS horizon
  FROM public.retention_policy o
  WHERE o.signal = s.signal AND o.tenant_id IN (t.tenant_id, 'default')
  ORDER BY o.tenant_id = t.tenant_id DESC
  LIMIT 1
) AS p ON true
WHERE t.tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM olly.reader r WHERE r.reader = to_regrole(quote_ident(current_user))))
  OR pg_has_role(current_user, (SELECT c.relowner FROM pg_class c WHERE c.oid = 'public.retention_policy'::regclass), 'MEMBER');

COMMENT ON VIEW olly.rows IS 'of which tenants and signals olly.spans, olly.logs and olly.metrics hold rows, and since when: every item whose time is since or later is a row, '
  'but one that was stored before rows were asked for, by a clock that ran ahead; null where none are written';
COMMENT ON COLUMN public.retention_policy.rows_since IS 'items from this time on are rows, where they are no older than rows_window and days; null where none are written. Kept by a trigger';
COMMENT ON TABLE public.janitor_audit IS 'what the janitor did to stored data, and who said how long it is to be kept';

SET LOCAL lock_timeout = DEFAULT;
