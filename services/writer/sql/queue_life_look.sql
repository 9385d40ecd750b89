-- What a look saw. Looks of several writers come in any order.
UPDATE public.queue_life
SET seen = greatest(seen, $3), seen_at = clock_timestamp(), unsettled = $4, whole_at = greatest(whole_at, $5)
WHERE signal = $1 AND base = $2
