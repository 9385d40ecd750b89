-- Of each signal the last time that its stream was made anew: since when and until when what was accepted may be lost, how many messages were not
-- stored at the last look before, how many of those that were called settled are not known, how long nobody had looked, in seconds, and how many seconds ago it
-- was noticed.
SELECT DISTINCT ON (signal) signal, since, until, unsettled, lost,
  extract(epoch FROM until - seen_at)::double precision, extract(epoch FROM clock_timestamp() - noticed)::double precision
FROM public.queue_loss
ORDER BY signal, base DESC
