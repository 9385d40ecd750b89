// Package testbed is what tests stand on: a fresh migrated database on a real PostgreSQL, an in-process NATS, a clock that tests move,
// sample OTLP. Nothing but tests links it.
package testbed

import (
	"context"
	"errors"
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

// Patience is how long a test waits for what another goroutine or process does before it takes it for stuck. It costs nothing where the thing comes, and
// where it does not, is no measure of speed: what takes five seconds on a calm machine took more than a minute under the race detector on a busy one.
const Patience = 3 * time.Minute

// Prompt is within what time something is done that waits for nothing, on a machine many times slower than a calm one. A test that shows that nobody waits
// makes what is not to be waited for last longer, Patience where it can choose, and so tells the two apart on any machine.
const Prompt = 20 * time.Second

// Context ends after ten minutes: a cluster that is made anew and migrated takes a minute on a busy machine, before a test has begun.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
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

// Eventually asks again until ok is true, and fails the test after Patience. It asks the less often the longer it takes: who asks a database takes the
// time of those that are waited for. It is for what another goroutine or process does.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	began := time.Now()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for !ok() {
		waited := time.Since(began)
		if waited > Patience {
			t.Fatalf("waited %s for: %s", Patience, what)
		}
		pause.Reset(min(max(waited/16, 5*time.Millisecond), 100*time.Millisecond))
		<-pause.C
	}
}

// InTime runs f, which is over within limit and says what it knows then, with a limit that is doubled until f came as far as to know anything: until its
// error is not that of the limit. What is known in a fifth of a second on a calm machine takes seconds on a busy one.
func InTime(f func(limit time.Duration) error) error {
	for limit := 200 * time.Millisecond; ; limit *= 2 {
		if err := f(limit); !errors.Is(err, context.DeadlineExceeded) || limit > Patience {
			return err
		}
	}
}

// Some yields the numbers below n that a sweep is to try: each, or one of Slowdown, beginning with 0, under the race detector. It is for sweeps of
// one goroutine, in which the detector has nothing to find. `make sweep` runs each test that asks without the detector, and so every number.
func Some(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < n; i += Share() {
			if !yield(i) {
				return
			}
		}
	}
}

// Share is one of how many cases Some yields, for a sweep that Some does not fit: Slowdown. Its test says `testbed.Share(` in its own body, as with Some, so
// that `make sweep` finds it.
func Share() int { return Slowdown }

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
