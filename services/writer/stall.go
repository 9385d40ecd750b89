package writer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// stalledAfter is how long a writer that has work may write nothing before it says so: ten times what a slow flush takes.
const stalledAfter = 10 * time.Second

// stall knows for how long there has been work of a signal and none of it was done. A flush that waits for a lock of another session fails in nothing, and
// so is told by nobody else. Safe for concurrent use.
type stall struct {
	mu    sync.Mutex
	held  int       // deliveries that are fetched and not settled
	moved time.Time // when the first of them came, or one of them left the writer for good last
}

// hold notes n more deliveries.
func (s *stall) hold(n int, now time.Time) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == 0 {
		s.moved = now
	}
	s.held += n
}

// move notes that a delivery has left the writer for good, though others of its flush may not have.
func (s *stall) move(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = now
}

// done notes that a flush of n deliveries came to its end, written or given back.
func (s *stall) done(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= n
}

// since tells for how long nothing was written; ok where that is too long.
func (s *stall) since(now time.Time) (d time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == 0 {
		return 0, false
	}
	d = now.Sub(s.moved)
	return d, d >= stalledAfter
}

// watchStalls logs when a signal begins to stall, and when it goes on, until ctx ends.
func watchStalls(ctx context.Context, log *slog.Logger, now func() time.Time, pipelines []*pipeline) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	stalled := map[telemetry.Signal]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, p := range pipelines {
			since, ok := p.stalling.since(now())
			switch {
			case ok && !stalled[p.signal]:
				log.LogAttrs(ctx, slog.LevelWarn, "nothing is written although there is work: see what holds locks in the database (pg_locks, pg_stat_activity)",
					slog.String("signal", p.signal.String()), slog.Duration("since", since))
			case !ok && stalled[p.signal]:
				log.LogAttrs(ctx, slog.LevelInfo, "writing goes on", slog.String("signal", p.signal.String()))
			}
			stalled[p.signal] = ok
		}
	}
}

// longestStall is for how long the signal that waits longest has written nothing although there is work, in seconds; 0 where all go on.
func longestStall(now time.Time, pipelines []*pipeline) int64 {
	var longest time.Duration
	for _, p := range pipelines {
		if since, ok := p.stalling.since(now); ok {
			longest = max(longest, since)
		}
	}
	return int64(longest / time.Second)
}
