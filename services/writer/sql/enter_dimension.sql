-- Enters what is new, and moves last_seen_day of what was last seen on an earlier day. Concurrent writers must never wait for one
-- another in a circle: what is there already is not inserted (that would wait for whoever is moving it), what is new is inserted
-- in order of its key, all of it before anything is moved (the count of it, always true, sees to that), and a row that somebody
-- else is moving at this moment is left to them. It answers how many of each tenant were not seen on this day before: whoever enters or
-- moves an entry counts it, and nobody else does.
WITH seen AS (
  SELECT s.* FROM unnest({{range $i, $c := .Columns}}{{if $i}}, {{end}}${{$c.Parameter}}::{{$c.Type}}[]{{end}})
    AS s ({{range $i, $c := .Columns}}{{if $i}}, {{end}}{{$c.Name}}{{end}})
), entered AS (
  INSERT INTO public.{{.Table}} ({{range .Columns}}{{.Name}}, {{end}}last_seen_day)
  SELECT {{range .Columns}}s.{{.Name}}, {{end}}$1::date FROM seen s
  WHERE NOT EXISTS (SELECT FROM public.{{.Table}} d WHERE d.tenant_id = s.tenant_id AND d.{{.Key}} = s.{{.Key}})
  ORDER BY s.tenant_id, s.{{.Key}}
  ON CONFLICT DO NOTHING
  RETURNING tenant_id
), stale AS (
  SELECT d.tenant_id, d.{{.Key}} FROM public.{{.Table}} d JOIN seen s ON s.tenant_id = d.tenant_id AND s.{{.Key}} = d.{{.Key}}
  WHERE d.last_seen_day < $1::date AND (SELECT count(*) FROM entered) >= 0
  ORDER BY d.tenant_id, d.{{.Key}} FOR NO KEY UPDATE OF d SKIP LOCKED
), moved AS (
  UPDATE public.{{.Table}} d SET last_seen_day = $1::date FROM stale
  WHERE d.tenant_id = stale.tenant_id AND d.{{.Key}} = stale.{{.Key}}
  RETURNING d.tenant_id
)
SELECT a.tenant_id, count(*) FROM (SELECT tenant_id FROM entered UNION ALL SELECT tenant_id FROM moved) AS a GROUP BY a.tenant_id
