-- Enters what is new, and moves last_seen_day of what was last seen on another day; what is there for this day is looked up once and
-- touched by nothing. Concurrent writers must never wait for one another in a circle: what is there already is not inserted (that would
-- wait for whoever is moving it), what is new is inserted in order of its key, all of it before anything is moved (the count of it, always
-- true, sees to that), and a row that somebody else is moving at this moment is left to them. The day after counts as seen, since the
-- writers' clocks differ a little at midnight; a day beyond it is what a clock said that was ahead. It answers how many of each tenant were
-- not seen on this day before (whoever enters or moves an entry counts it, and nobody else does), and then, with 0, each that was left to
-- others, who may yet be rolled back.
WITH seen AS MATERIALIZED (
  SELECT s.*, d.last_seen_day AS before FROM unnest({{range $i, $c := .Columns}}{{if $i}}, {{end}}${{$c.Parameter}}::{{$c.Type}}[]{{end}})
    AS s ({{range $i, $c := .Columns}}{{if $i}}, {{end}}{{$c.Name}}{{end}})
  LEFT JOIN public.{{.Table}} d ON d.tenant_id = s.tenant_id AND d.{{.Key}} = s.{{.Key}}
  WHERE d.last_seen_day IS NULL OR d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1
), entered AS (
  INSERT INTO public.{{.Table}} ({{range .Columns}}{{.Name}}, {{end}}last_seen_day)
  SELECT {{range .Columns}}s.{{.Name}}, {{end}}$1::date FROM seen s WHERE s.before IS NULL
  ORDER BY s.tenant_id, s.{{.Key}}
  ON CONFLICT DO NOTHING
  RETURNING tenant_id
), stale AS (
  SELECT s.tenant_id, s.{{.Key}} FROM seen s WHERE s.before IS NOT NULL
), taken AS (
  SELECT d.tenant_id, d.{{.Key}} FROM public.{{.Table}} d JOIN stale ON stale.tenant_id = d.tenant_id AND stale.{{.Key}} = d.{{.Key}}
  WHERE d.last_seen_day NOT BETWEEN $1::date AND $1::date + 1 AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.{{.Key}} FOR NO KEY UPDATE OF d SKIP LOCKED
), moved AS (
  UPDATE public.{{.Table}} d SET last_seen_day = $1::date FROM taken
  WHERE d.tenant_id = taken.tenant_id AND d.{{.Key}} = taken.{{.Key}}
  RETURNING d.tenant_id, d.{{.Key}}
)
SELECT a.tenant_id, count(*), 0::bigint FROM (SELECT tenant_id FROM entered UNION ALL SELECT tenant_id FROM moved) AS a GROUP BY a.tenant_id
UNION ALL
SELECT s.tenant_id, 0, s.{{.Key}} FROM stale s
WHERE NOT EXISTS (SELECT FROM moved m WHERE m.tenant_id = s.tenant_id AND m.{{.Key}} = s.{{.Key}})
