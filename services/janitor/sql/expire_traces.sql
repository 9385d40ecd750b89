DELETE FROM public.{{.Table}} WHERE start >= $1 AND start < $2
