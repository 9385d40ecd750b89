-- When the first item of a tenant began that is there: in the first hour of its rollups of a kind ($2), or of its segments that are in none; none crosses an hour.
SELECT least(
  (SELECT min_time FROM public.{{.Rollup}} WHERE tenant_id = $1 AND kind = $2 AND grain = 1 ORDER BY start, min_time LIMIT 1),
  (SELECT min_time FROM public.{{.Rollup}} WHERE tenant_id = $1 AND kind = $2 AND grain = 0 ORDER BY start, min_time LIMIT 1),
  (SELECT min(min_time) FROM public.{{.Segment}} WHERE tenant_id = $1 AND {{.Untold}} AND max_time < 3600000000000 + (
    SELECT max_time - max_time % 3600000000000 FROM public.{{.Segment}} WHERE tenant_id = $1 AND {{.Untold}} ORDER BY max_time LIMIT 1))
)
