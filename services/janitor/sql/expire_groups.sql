DELETE FROM public.{{.Table}} WHERE min_time >= $1 AND min_time < $2
