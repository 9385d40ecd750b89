SELECT public.ensure_partition('{{.Table}}', $1)
