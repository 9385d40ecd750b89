SELECT public.ensure_partition($1, $2)
