-- The lives of the queue's streams. JetStream counts from one again in a stream that was made anew, as after its store was lost: the positions in
-- the ledger and in the segments are above the stream's then. Each life has a base, which is added to what its stream counts, so that a position
-- is never given twice; and says until when what was accepted in the life before is known to be stored. A row a signal and life: a handful.
CREATE TABLE public.queue_life (
  signal smallint NOT NULL,
  base bigint NOT NULL,
  began timestamptz NOT NULL,
  seen bigint NOT NULL,
  seen_at timestamptz NOT NULL,
  unsettled bigint NOT NULL,
  whole_at timestamptz NOT NULL,
  noticed_at timestamptz NOT NULL,
  PRIMARY KEY (signal, base)
);

COMMENT ON TABLE public.queue_life IS 'lives of the queue''s streams, one for each time that one was made';
COMMENT ON COLUMN public.queue_life.signal IS '0 traces, 1 logs, 2 metrics';
COMMENT ON COLUMN public.queue_life.base IS 'is added to what the stream counts; what that makes is a position';
COMMENT ON COLUMN public.queue_life.began IS 'when the stream was made, by its server';
COMMENT ON COLUMN public.queue_life.seen IS 'highest number of the stream, at the last look';
COMMENT ON COLUMN public.queue_life.seen_at IS 'of the last look';
COMMENT ON COLUMN public.queue_life.unsettled IS 'messages that were not stored yet, at the last look';
COMMENT ON COLUMN public.queue_life.whole_at IS 'all that was accepted before is stored';
COMMENT ON COLUMN public.queue_life.noticed_at IS 'when a writer noticed that it had begun';
