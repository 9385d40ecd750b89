-- What a stream of the queue calls settled is compared with what the database knows of it, so that a database that was put back to an older copy of itself, and a
-- stream that was emptied by somebody else, are noticed by whoever looks next, also by a writer that has only just started. Before the stream is told that a
-- message may go, its number is noted here, after what is in it was stored; once a second what is noted becomes the number up to which all is settled. So
-- whatever is settled above that number and not noted is not in this database. A handful of rows, of no tenant: written once a flush, folded once a second.
CREATE TABLE public.queue_noted (
  signal smallint NOT NULL,
  stored timestamptz NOT NULL,
  numbers int8multirange NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

COMMENT ON TABLE public.queue_noted IS 'messages of the queue''s streams that are stored, or were set aside, and that queue_life does not tell as settled yet';
COMMENT ON COLUMN public.queue_noted.signal IS '0 traces, 1 logs, 2 metrics';
COMMENT ON COLUMN public.queue_noted.stored IS 'when the stream took the last of them, by its server';
COMMENT ON COLUMN public.queue_noted.numbers IS 'of the messages in the stream';

SET LOCAL lock_timeout = '5s';
ALTER TABLE public.queue_life ADD COLUMN noted bigint, ADD COLUMN lost bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN public.queue_life.noted IS 'the number up to which what is settled was compared with what is noted; less than settled, or null, where a writer settled that notes nothing';
COMMENT ON COLUMN public.queue_life.lost IS 'messages that the stream called settled when this life was entered, and that the database does not know';

-- A life that was entered because messages are lost is told whatever was seen before, also where it is the first.
CREATE OR REPLACE VIEW public.queue_loss WITH (security_invoker = true) AS
SELECT signal, base, least(since, until) AS since, until, unsettled, seen_at, noticed, lost
FROM (
  SELECT signal, coalesce(lag(base) OVER lives, -1) AS base, coalesce(lag(whole_at) OVER lives, began) AS since,
    CASE WHEN lost = 0 AND began > lag(began) OVER lives THEN began ELSE noticed_at END AS until,
    coalesce(lag(unsettled) OVER lives, 0) AS unsettled, coalesce(lag(seen_at) OVER lives, noticed_at) AS seen_at, noticed_at AS noticed, lost,
    lost > 0 OR lag(base) OVER lives IS NOT NULL AS told
  FROM public.queue_life
  WINDOW lives AS (PARTITION BY signal ORDER BY base)
) AS l
WHERE told;

COMMENT ON VIEW public.queue_loss IS 'each time that a stream was made anew, or that what it called settled was not in the database, by the life that it ended: from when to when what was accepted may be lost. A stream that is an old copy of itself was made when it was. What a clock said that was ahead begins no later than it ends';
COMMENT ON COLUMN public.queue_loss.lost IS 'messages that the stream called settled then, and that the database does not know';
