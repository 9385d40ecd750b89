SELECT public.ensure_partition($1::text, $2::bigint)
