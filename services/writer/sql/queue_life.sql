-- The life of a stream that began last.
SELECT base, began, seen, seen_at, unsettled, whole_at
FROM public.queue_life
WHERE signal = $1
ORDER BY base DESC
LIMIT 1
