-- What two roles ask of the lives of streams is reckoned in one place. A view: nothing is written.
CREATE VIEW public.queue_loss WITH (security_invoker = true) AS
SELECT signal, base, least(whole_at, until) AS since, until, unsettled, seen_at, noticed
FROM (
  SELECT signal, base, whole_at, seen_at, unsettled, lead(noticed_at) OVER lives AS noticed,
    CASE WHEN lead(began) OVER lives > began THEN lead(began) OVER lives ELSE lead(noticed_at) OVER lives END AS until
  FROM public.queue_life
  WINDOW lives AS (PARTITION BY signal ORDER BY base)
) AS l
WHERE until IS NOT NULL;

COMMENT ON VIEW public.queue_loss IS 'each time that a stream was made anew, by the life that it ended: from when to when what was accepted may be lost. A stream that is an old copy of itself was made when it was. What a clock said that was ahead begins no later than it ends';
COMMENT ON COLUMN public.queue_loss.unsettled IS 'messages that were not stored at the last look before';
COMMENT ON COLUMN public.queue_loss.seen_at IS 'of the last look before';
COMMENT ON COLUMN public.queue_loss.noticed IS 'when a writer noticed it';
