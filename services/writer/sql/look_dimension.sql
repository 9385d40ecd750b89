-- On which day entries of a tenant were last seen: of those that are there.
SELECT {{.Key}}, last_seen_day FROM public.{{.Table}} WHERE tenant_id = $1::text AND {{.Key}} = ANY($2::bigint[])
