-- Moves last_seen_day of entries of a tenant that were last seen on another day, and says of which. The day after counts as seen, since the writers'
-- clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. A row that somebody else is moving at this moment is left
-- to them, who may yet be rolled back.
UPDATE public.{{.Table}} d SET last_seen_day = $2::date
WHERE d.tenant_id = $1::text AND d.{{.Key}} = ANY($3::bigint[]) AND d.{{.Key}} IN (
  SELECT t.{{.Key}} FROM public.{{.Table}} t
  WHERE t.tenant_id = $1::text AND t.{{.Key}} = ANY($3::bigint[]) AND t.last_seen_day NOT BETWEEN $2::date AND $2::date + 1
  ORDER BY t.{{.Key}} FOR NO KEY UPDATE SKIP LOCKED)
RETURNING d.{{.Key}}
