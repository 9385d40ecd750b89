-- Notes messages of a stream, by their numbers, as stored or set aside: after their commit, and before the stream is told.
INSERT INTO public.queue_noted (signal, stored, numbers) VALUES ($1, $2, $3::text::int8multirange)
