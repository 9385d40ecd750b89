DELETE FROM public.{{.Table}} WHERE at < $1
