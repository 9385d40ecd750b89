-- Up to which number of its stream all that was accepted is stored, or is a dead letter, by what a writer saw of the stream before it said so: whoever
-- reads the row sees all of it, on a standby too, however far that is behind. It is what an answer can rely on to be whole; when it falls, the
-- database is an older copy of itself. A handful of rows: adding a column with a default rewrites none.
SET LOCAL lock_timeout = '5s';
ALTER TABLE public.queue_life ADD COLUMN settled bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN public.queue_life.settled IS 'all messages of the stream up to this number are stored, or dead letters';
