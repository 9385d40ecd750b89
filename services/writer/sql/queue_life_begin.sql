-- A new life, unless another writer has entered one after the last that is known ($6). The table is locked.
INSERT INTO public.queue_life (signal, base, began, seen, settled, noted, lost, seen_at, unsettled, whole_at, noticed_at)
SELECT $1, $2, $3, $4, $7, $7, $8, clock_timestamp(), $5, least($3, clock_timestamp()), clock_timestamp()
WHERE NOT EXISTS (SELECT FROM public.queue_life WHERE signal = $1 AND base > $6)
ON CONFLICT DO NOTHING
