-- Of each signal the last times, at most 100, that its queue was made anew though something was in it, or nobody had looked for five seconds, or that
-- what it called settled was not in the database: from when to when what was accepted may be lost, newest first.
SELECT signal, since, until
FROM (
  SELECT signal, base, since, until, row_number() OVER (PARTITION BY signal ORDER BY base DESC) AS n
  FROM public.queue_loss
  WHERE noticed > clock_timestamp() - interval '30 days' AND (unsettled > 0 OR lost > 0 OR until - seen_at > interval '5 seconds')
) AS lost
WHERE n <= 100
ORDER BY signal, base DESC
