SELECT coalesce(sum(items), 0)::bigint FROM public.{{.Table}}
