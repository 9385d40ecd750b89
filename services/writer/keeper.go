package writer

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// keeper keeps the bus from delivering again what this writer holds: from the fetch on, also while it is gathered or waits for a worker,
// until it is settled. Safe for concurrent use.
type keeper struct {
	every time.Duration // well below the time after which the bus gives a batch to somebody else
	log   *slog.Logger

	mu   sync.Mutex
	held map[*held]struct{}
}

func newKeeper(every time.Duration, log *slog.Logger) *keeper {
	return &keeper{every: every, log: log, held: map[*held]struct{}{}}
}

// add takes deliveries into care.
func (k *keeper) add(deliveries []*held) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range deliveries {
		k.held[h] = struct{}{}
	}
}

// drop leaves settled deliveries alone.
func (k *keeper) drop(deliveries []*held) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range deliveries {
		delete(k.held, h)
	}
}

// run tells the bus of what is held, again and again, until ctx ends.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(k.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, h := range k.all() {
			if err := h.keep(); err != nil {
				k.log.LogAttrs(ctx, slog.LevelDebug, "keep a batch", slog.Any("error", err))
			}
		}
	}
}

func (k *keeper) all() []*held {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*held, 0, len(k.held))
	for h := range k.held {
		all = append(all, h)
	}
	return all
}
