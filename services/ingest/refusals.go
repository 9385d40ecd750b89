package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/httpserver"
)

// refusalEvery is how often a reason is logged for a tenant while it goes on.
const refusalEvery = time.Minute

// maxRefusals bounds the pairs of reason and tenant that are told apart: tenants are the senders' words.
const maxRefusals = 1000

// refusals logs requests that are not taken, once a minute for each reason and tenant, with how many there were. Safe for concurrent use.
type refusals struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	seen map[refusal]*told
}

type refusal struct{ code, tenant string }

type told struct {
	at    time.Time // when it was last logged
	since int       // refused since then, that line not counted
}

// note logs a refused request, or counts it for the next line. tenant is "" where the request was refused before it had one.
func (r *refusals) note(ctx context.Context, transport, tenant string, err error) {
	problem := httpserver.ProblemOf(err)
	tenant = tenant[:min(len(tenant), 128)] // it may not have been checked yet
	key, now := refusal{problem.Code, tenant}, r.now()
	r.mu.Lock()
	t := r.seen[key]
	if t == nil {
		if r.seen == nil || len(r.seen) >= maxRefusals {
			r.forget(now)
		}
		t = &told{}
		r.seen[key] = t
	}
	if !t.at.IsZero() && now.Sub(t.at) < refusalEvery {
		t.since++
		r.mu.Unlock()
		return
	}
	before := t.since
	t.at, t.since = now, 0
	r.mu.Unlock()
	r.log.LogAttrs(ctx, slog.LevelWarn, "requests refused", slog.String("code", problem.Code), slog.Int("status", problem.Status),
		slog.String("tenant", tenant), slog.String("transport", transport), slog.Int("more_since_last_line", before), slog.String("reason", problem.Detail))
}

// forget makes room: first what has not been seen for a minute, then everything.
func (r *refusals) forget(now time.Time) {
	for key, t := range r.seen {
		if now.Sub(t.at) >= refusalEvery {
			delete(r.seen, key)
		}
	}
	if r.seen == nil || len(r.seen) >= maxRefusals {
		r.seen = map[refusal]*told{}
	}
}
