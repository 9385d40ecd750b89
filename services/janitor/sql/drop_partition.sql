SELECT public.drop_partition($1, $2)
