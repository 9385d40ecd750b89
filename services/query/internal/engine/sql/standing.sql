-- How far the database is, by this snapshot of it: of each signal the life of its queue that began last, up to which number of the stream and until
-- which moment all that was accepted is stored, and when a writer last looked. All of it is of the past where the server is a standby that is behind.
SELECT pg_is_in_recovery(), clock_timestamp(), signal, base, began, settled, whole_at, seen_at
FROM (VALUES (1)) AS once (row)
LEFT JOIN (
  SELECT DISTINCT ON (signal) signal, base, began, settled, whole_at, seen_at
  FROM public.queue_life
  ORDER BY signal, base DESC
) AS l ON true
