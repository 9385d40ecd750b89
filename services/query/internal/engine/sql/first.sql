-- When the first item of a tenant began that is there: in the first hour of its rollups of a kind ($2), or in a segment that is in none of these and begins before
-- it, of which there is hardly one but of a tenant without rollups: what is settled is not walked to find the others.
WITH told AS (
  SELECT least(
    (SELECT min_time FROM public.{{.Rollup}} WHERE tenant_id = $1 AND kind = $2 AND grain = 1 ORDER BY start, min_time LIMIT 1),
    (SELECT min_time FROM public.{{.Rollup}} WHERE tenant_id = $1 AND kind = $2 AND grain = 0 ORDER BY start, min_time LIMIT 1)
  ) AS first
)
SELECT least(
  (SELECT first FROM told),
  (SELECT min(min_time) FROM public.{{.Segment}} WHERE tenant_id = $1 AND {{.Untold}} AND min_time < coalesce((SELECT first FROM told), 9223372036854775807))
)
