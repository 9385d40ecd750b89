SELECT partition, from_ns, to_ns FROM public.partitions_before($1, $2)
