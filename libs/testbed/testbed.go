// Package testbed is what tests stand on: a fresh migrated database on a real PostgreSQL, an in-process NATS, a clock that tests move,
// sample OTLP. Nothing but tests links it.
package testbed

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/ollyscale/ollyscale/libs/service"
)

// Env is an environment for a role under test: its log goes to the test's, its telemetry nowhere, its clock is the machine's.
func Env(t testing.TB) service.Env {
	t.Helper()
	env := service.NewEnv(t.Name(), NewLog(t))
	env.Meter = noop.NewMeterProvider().Meter(t.Name())
	env.Tracer = nooptrace.NewTracerProvider().Tracer(t.Name())
	return env
}

// Context ends after five minutes: a cluster that is made anew and migrated takes thirty seconds on a busy machine, before a test has begun.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Clock is a clock that stands still until a test moves it. Its Now fits service.Env. Safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock stops a clock at an instant.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on and returns its new time.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// Set moves the clock to an instant.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = at
}

// Eventually asks again until ok is true, and fails the test after a minute: what takes five seconds on a calm machine took forty under the race
// detector on a busy one. It is for what another goroutine or process does.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("waited a minute for: %s", what)
		case <-tick.C:
		}
	}
}

// Some yields the numbers below n that a sweep is to try: each, or one of Slowdown, beginning with 0, under the race detector. It is for sweeps of
// one goroutine, in which the detector has nothing to find. `make sweep` runs each package that asks without the detector, and so every number.
func Some(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range (n + Slowdown - 1) / Slowdown {
			if !yield(i * Slowdown) {
				return
			}
		}
	}
}

// Root is the root of the repository: the directory with go.work.
func Root(t testing.TB) string {
	t.Helper()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
}
