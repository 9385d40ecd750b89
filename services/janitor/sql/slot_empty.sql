TRUNCATE public.{{.Table}}
