-- About when the first span of a tenant began that is there: in the first hour of its rollups of a kind ($2), or in the first of its segments that are in none.
SELECT least(
  (SELECT min_time FROM public.{{.Rollup}} WHERE tenant_id = $1 AND kind = $2 AND grain = 1 ORDER BY start LIMIT 1),
  (SELECT min_time FROM public.{{.Rollup}} WHERE tenant_id = $1 AND kind = $2 AND grain = 0 ORDER BY start LIMIT 1),
  (SELECT min_time FROM public.{{.Segment}} WHERE tenant_id = $1 AND level = 0 ORDER BY max_time LIMIT 1)
)
