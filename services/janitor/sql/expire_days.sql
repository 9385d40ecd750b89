DELETE FROM public.{{.Table}} WHERE day >= $1 AND day < $2
