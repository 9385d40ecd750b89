SELECT partition, leaf FROM public.partitions_before($1, $2)
