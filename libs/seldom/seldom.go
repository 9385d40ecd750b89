// Package seldom logs what may come in floods: the first time at once, then once a minute how often it came.
package seldom

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Every is how often one reason is logged.
const Every = time.Minute

// maxReasons bounds what is remembered; beyond it, reasons share one.
const maxReasons = 256

// Log counts lines by message and reason. Safe for concurrent use.
type Log struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	reasons map[reason]*count
}

type reason struct{ message, reason string }

// count is of one reason since its last line.
type count struct {
	since  time.Time // of that line
	unsaid int
}

// New makes a Log. now may be nil.
func New(log *slog.Logger, now func() time.Time) *Log {
	if now == nil {
		now = time.Now
	}
	return &Log{log: log, now: now, reasons: map[reason]*count{}}
}

// Note logs message with its reason unless it did so within the last minute; then it is counted, and a line at the minute's end (see Tell, and
// the next Note) says how often it came. why must have few values (an error's code); attrs are those of the occurrence that is logged.
func (l *Log) Note(ctx context.Context, level slog.Level, message, why string, attrs ...slog.Attr) {
	times, ok := l.due(reason{message, why})
	if !ok {
		return
	}
	l.log.LogAttrs(ctx, level, message, append(attrs, slog.String("reason", why), slog.Int("times", times))...) //nolint:sloglint // the caller's
}

func (l *Log) due(r reason) (times int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	c := l.reasons[r]
	if c == nil {
		if len(l.reasons) >= maxReasons {
			l.forget(now)
		}
		if len(l.reasons) >= maxReasons {
			r.reason = "others"
			c = l.reasons[r]
		}
		if c == nil {
			l.reasons[r] = &count{since: now}
			return 1, true
		}
	}
	c.unsaid++
	if now.Sub(c.since) < Every {
		return 0, false
	}
	times = c.unsaid
	c.since, c.unsaid = now, 0
	return times, true
}

// forget drops the reasons of which nothing was heard for a minute.
func (l *Log) forget(now time.Time) {
	for r, c := range l.reasons {
		if c.unsaid == 0 && now.Sub(c.since) >= Every {
			delete(l.reasons, r)
		}
	}
}

// Tell logs, at level, what was counted and not said yet and is older than a minute; call it now and then, so that a flood that has ended is
// told to its end.
func (l *Log) Tell(ctx context.Context, level slog.Level) {
	l.mu.Lock()
	now := l.now()
	unsaid := map[reason]int{}
	for r, c := range l.reasons {
		if c.unsaid > 0 && now.Sub(c.since) >= Every {
			unsaid[r] = c.unsaid
			c.since, c.unsaid = now, 0
		}
	}
	l.forget(now)
	l.mu.Unlock()
	for r, n := range unsaid {
		l.log.LogAttrs(ctx, level, r.message, slog.String("reason", r.reason), slog.Int("times", n)) //nolint:sloglint // that of Note
	}
}
