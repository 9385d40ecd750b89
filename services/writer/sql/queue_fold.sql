-- What is noted of a stream becomes one row of what its last life does not tell as settled, usually none. Where that life is of a stream that has only just been
-- seen ($2), what was noted of messages that are older than it is of one that is gone. The life's row is held: one does this at a time.
WITH life AS (SELECT began, settled FROM public.queue_life WHERE signal = $1 ORDER BY base DESC LIMIT 1),
gone AS (DELETE FROM public.queue_noted WHERE signal = $1 RETURNING stored, numbers)
INSERT INTO public.queue_noted (signal, stored, numbers)
SELECT $1, stored, numbers
FROM (
  SELECT max(gone.stored) AS stored, range_agg(numbers) - int8multirange(int8range(NULL, min(life.settled), '[]')) AS numbers
  FROM gone, life WHERE NOT $2::boolean OR gone.stored >= life.began
) AS folded
WHERE NOT isempty(numbers)
