-- What time it is, and the life of a stream that began last, if there is one.
SELECT clock_timestamp(), base, began, seen, settled, seen_at, unsettled, whole_at
FROM (VALUES (1)) AS once (row)
LEFT JOIN (SELECT base, began, seen, settled, seen_at, unsettled, whole_at FROM public.queue_life WHERE signal = $1 ORDER BY base DESC LIMIT 1) AS l ON true
