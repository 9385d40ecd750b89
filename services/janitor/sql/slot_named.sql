SELECT EXISTS (SELECT FROM public.{{.Table}} WHERE level < 2 AND slot = $1::smallint)
