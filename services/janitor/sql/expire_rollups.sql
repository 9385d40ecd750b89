-- What rollups of kinds $3 tell of a time that has expired.
DELETE FROM public.{{.Table}} WHERE start >= $1 AND start < $2 AND kind = ANY($3::smallint[])
