-- Of each signal the last times, at most 100, that its queue was made anew though something was in it, or nobody had looked for five seconds: from
-- when to when what was accepted may be lost, newest first. A queue that is an old copy of itself was made when it was. What a clock said
-- that was ahead begins no later than it ends.
SELECT signal, least(whole_at, until), until
FROM (
  SELECT signal, base, whole_at, until, row_number() OVER (PARTITION BY signal ORDER BY base DESC) AS n
  FROM (
    SELECT signal, base, whole_at, seen_at, unsettled, lead(noticed_at) OVER lives AS noticed,
      CASE WHEN lead(began) OVER lives > began THEN lead(began) OVER lives ELSE lead(noticed_at) OVER lives END AS until
    FROM public.queue_life
    WINDOW lives AS (PARTITION BY signal ORDER BY base)
  ) AS l
  WHERE noticed > clock_timestamp() - interval '30 days' AND (unsettled > 0 OR until - seen_at > interval '5 seconds')
) AS lost
WHERE n <= 100
ORDER BY signal, base DESC
