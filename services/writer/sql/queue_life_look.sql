-- What a look saw. Looks of several writers come in any order. What is said of a time that is still to come was said while the clock was ahead, and says
-- nothing: what this look saw counts then, which may be less.
UPDATE public.queue_life
SET seen = greatest(seen, $3), settled = greatest(settled, $6), noted = greatest(settled, $6), seen_at = clock_timestamp(), unsettled = $4,
  whole_at = least(CASE WHEN whole_at > clock_timestamp() THEN $5 ELSE greatest(whole_at, $5) END, clock_timestamp())
WHERE signal = $1 AND base = $2
