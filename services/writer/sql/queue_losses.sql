-- Of each signal the last time that its stream was made anew: since when and until when what was accepted may be lost, how many messages were not
-- stored at the last look before, how long nobody had looked, in seconds, and how many seconds ago it was noticed. A stream that is an old copy of
-- itself was made when it was. What a clock said that was ahead begins no later than it ends.
SELECT DISTINCT ON (signal) signal, least(whole_at, until), until, unsettled,
  extract(epoch FROM until - seen_at)::double precision, extract(epoch FROM clock_timestamp() - noticed)::double precision
FROM (
  SELECT signal, base, whole_at, seen_at, unsettled, lead(noticed_at) OVER lives AS noticed,
    CASE WHEN lead(began) OVER lives > began THEN lead(began) OVER lives ELSE lead(noticed_at) OVER lives END AS until
  FROM public.queue_life
  WINDOW lives AS (PARTITION BY signal ORDER BY base)
) AS l
WHERE until IS NOT NULL
ORDER BY signal, base DESC
