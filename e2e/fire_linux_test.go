package e2e

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/e2e/load"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// envMinutes is how long the fire burns at least, in minutes; each fault comes once in any case. `make fire MINUTES=n` sets it.
const envMinutes = "OLLY_E2E_FIRE_MINUTES"

// envFaults is a regular expression that chooses faults by their names; `make fire FAULTS=disk` sets it.
const envFaults = "OLLY_E2E_FIRE_FAULTS"

const (
	// ready is how long after a fault's end every role says 200: 5 s from its first success, which a link or a server that starts again
	// lets it have seconds after the end, and as much again for a machine that does other things too.
	ready = 20 * time.Second
	// drained is how long after that everything that was acknowledged is stored.
	drained = 90 * time.Second
	// resident is the most memory that a role may ever have held: ingest and writer 384 MiB, readers and the janitor 512 MiB.
	resident = 512 << 20
)

// TestFire sends all three signals without a pause while one fault after another befalls a whole ollyScale, every part a process of its own, and proves
// at the end that what was acknowledged is stored once, that the dead letters are the poison and nothing else, that the roll-up counts what
// the segments hold, and that health said the truth in time.
func TestFire(t *testing.T) {
	if faults := chosen(t, faults(clocksMove(), t.Log)); len(faults) > 0 {
		newFire(t).burn(faults, minutes(t))
	}
}

// minutes is how long the fire is asked to burn.
func minutes(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(envMinutes)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, envMinutes)
	return time.Duration(n) * time.Minute
}

// chosen are the faults that are asked for.
func chosen(t *testing.T, all []failure) (faults []failure) {
	t.Helper()
	names, err := regexp.Compile(os.Getenv(envFaults))
	require.NoError(t, err, envFaults)
	for _, f := range all {
		if names.MatchString(f.name) {
			faults = append(faults, f)
		}
	}
	return faults
}

// burn brings the faults in turn, each once and for as long as is demanded, and counts what is left.
func (f *fire) burn(faults []failure, least time.Duration) {
	f.t.Helper()
	end := time.Now().Add(least)
	for round := 0; round == 0 || time.Now().Before(end); round++ {
		for _, failure := range faults {
			if round == 0 || time.Now().Before(end) {
				f.suffer(failure)
			}
		}
	}
	f.extinguish()
}

// fire is a stack under load, with all that is known about what was done to it.
type fire struct {
	*stack
	t             *testing.T
	links         *links
	databaseDisk  *testbed.Disk
	queueDisk     *testbed.Disk
	writers       []*process
	janitor       *process
	whole         *process // an all-in-one, which has no other parts
	watched       []watched
	js            jetstream.JetStream
	excused       func(at time.Time) bool // when who could work may say that he cannot; nil is never
	cancelSending context.CancelFunc
	sent          chan struct{}

	mu       sync.Mutex
	plans    []load.Plan // acknowledged whole
	sendErr  error
	requests int
	retries  int
	told     time.Duration // the longest that an attempt took that failed

	poison  int // messages that nobody can read, published past ingest
	suffers []suffered
	peak    map[string]int // most kB resident, by role
	seen    map[string][]look
}

// watched is a role whose health is looked at.
type watched struct{ role, url string }

// look is what a role said at a moment; code 0 is no answer.
type look struct {
	at   time.Time
	code int
}

// suffered is what a fault did.
type suffered struct {
	failure failure
	first   map[string]time.Duration // by role: when it first did not say 200
	ready   time.Duration
	stood   time.Duration
}

// unlit is a fire before anything runs.
func unlit(t *testing.T) *fire {
	t.Helper()
	return &fire{t: t, sent: make(chan struct{}), peak: map[string]int{}, seen: map[string][]look{}}
}

func newFire(t *testing.T) *fire {
	t.Helper()
	f := unlit(t)
	f.links, f.databaseDisk, f.queueDisk = newLinks(t), testbed.NewDisk(t, 8<<30), testbed.NewDisk(t, 4<<30)
	f.inParts(layout{
		postgres: filepath.Join(f.databaseDisk.Dir, "postgres"), queue: filepath.Join(f.queueDisk.Dir, "nats"), link: f.links.through,
	})
	return f
}

// inParts starts a stack of which every part is a process of its own, and the load.
func (f *fire) inParts(l layout) {
	t := f.t
	t.Helper()
	f.stack = newStackOn(t, l,
		// The janitor merges what the faults are about to hit, and the bus may hold less than its disk.
		"OLLY_INTERVAL=1s", "OLLY_UPKEEP=2s", "OLLY_MERGE_MINUTE_GRACE=1s", "OLLY_BUS_MAX_BYTES=512MiB", "OLLY_BUS_DEAD_MAX_BYTES=64MiB",
		// An ingest whose clock is two days back takes what is of today.
		"OLLY_ADMIT_MAX_AHEAD=49h", "OLLY_FLUSH_MAX_AHEAD=50h")
	f.watched = []watched{{"ingest", f.http}, {"query", f.api}}
	for range 2 {
		p, health := f.writer()
		f.ready(health)
		f.writers = append(f.writers, p)
		f.watched = append(f.watched, watched{"writer " + strconv.Itoa(len(f.writers)), health})
	}
	f.janitor = f.stack.janitor()

	connection, err := nats.Connect(f.bus, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(connection.Close)
	f.js, err = jetstream.New(connection)
	require.NoError(t, err)
	f.kindle()
}

// kindle starts the load, and looks at what is watched from then on.
func (f *fire) kindle() {
	t := f.t
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f.cancelSending = cancel
	go f.keepSending(ctx)
	watch, stopWatching := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	for _, w := range f.watched {
		watching.Go(func() { f.keepLooking(watch, w) })
	}
	t.Cleanup(func() {
		cancel()
		stopWatching()
		<-f.sent
		watching.Wait()
	})
}

// keepSending sends plan after plan until ctx ends, and finishes the one it is at: an answer that nobody waits for would leave open whether
// its items count.
func (f *fire) keepSending(ctx context.Context) {
	defer close(f.sent)
	for n := uint64(0); ctx.Err() == nil; n++ {
		const perSignal, batch, workers = 1500, 50, 4
		plan := load.NewPlan(uint64(time.Now().UnixNano())+n, perSignal, batch, time.Now(), 3*time.Second)
		sent, err := load.Send(f.t.Context(), plan, load.Target{
			GRPC: f.grpc, HTTP: f.http, Workers: workers, Again: 0.05, Attempt: 8 * time.Second,
			Pace: 3 * time.Second * workers / time.Duration(3*plan.Requests()),
		})
		f.mu.Lock()
		f.requests, f.retries, f.told = f.requests+sent.Requests, f.retries+sent.Retries, max(f.told, sent.Told)
		if err != nil {
			f.sendErr = err
			f.mu.Unlock()
			return
		}
		f.plans = append(f.plans, plan)
		f.mu.Unlock()
	}
}

func (f *fire) keepLooking(ctx context.Context, w watched) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		code := 0
		if request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/health", http.NoBody); err == nil {
			if answer, err := client.Do(request); err == nil {
				code = answer.StatusCode
				_ = answer.Body.Close()
			}
		}
		f.mu.Lock()
		f.seen[w.role] = append(f.seen[w.role], look{time.Now(), code})
		f.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// last is what a role said last, and when.
func (f *fire) last(role string) look {
	f.mu.Lock()
	defer f.mu.Unlock()
	if all := f.seen[role]; len(all) > 0 {
		return all[len(all)-1]
	}
	return look{}
}

// unready is when a role first did not say 200 after since, and whether it ever did not.
func (f *fire) unready(role string, since time.Time) (time.Duration, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.seen[role] {
		if l.at.After(since) && l.code != http.StatusOK {
			return l.at.Sub(since), true
		}
	}
	return 0, false
}

// said is when a role first said in a period that it cannot work. That it did not answer at all is not said: the machine may have been busy.
func (f *fire) said(role string, since, until time.Time) (time.Duration, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.seen[role] {
		if l.at.After(since) && l.at.Before(until) && l.code != http.StatusOK && l.code != 0 && (f.excused == nil || !f.excused(l.at)) {
			return l.at.Sub(since), true
		}
	}
	return 0, false
}

// suffer brings a fault, holds it, ends it, and waits until all is well again.
func (f *fire) suffer(failure failure) {
	f.t.Helper()
	f.measure()
	start := time.Now()
	failure.begin(f)
	f.hold(max(0, failure.hold-time.Since(start)))
	s := suffered{failure: failure, first: map[string]time.Duration{}}
	for _, w := range f.watched {
		if after, ok := f.unready(w.role, start); ok {
			s.first[w.role] = after
		}
	}
	stood := time.Now()
	s.stood = stood.Sub(start)
	if failure.end != nil {
		failure.end(f)
	}
	for _, w := range f.watched {
		waitFor(f.t, ready, failure.name+": "+w.role+" says 200 again", func() bool {
			l := f.last(w.role)
			return l.at.After(stood) && l.code == http.StatusOK
		})
	}
	s.ready = time.Since(stood)
	for _, role := range slices.Sorted(maps.Keys(failure.unready)) {
		after, ok := s.first[role]
		require.True(f.t, ok, "%s: %s said 200 for all of %s", failure.name, role, s.stood)
		require.LessOrEqual(f.t, after, failure.unready[role], "%s: %s said so late that it could not work", failure.name, role)
	}
	for _, role := range failure.stays {
		after, lied := f.said(role, start, stood)
		require.False(f.t, lied, "%s: %s, which could work, said after %s that it cannot", failure.name, role, after)
	}
	f.suffers = append(f.suffers, s)
	f.mu.Lock()
	err := f.sendErr
	f.mu.Unlock()
	require.NoError(f.t, err, "%s: a sender got an answer that is final", failure.name)
}

// hold lets a fault last.
func (f *fire) hold(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.t.Context().Done():
	}
}

// measure notes the most that each process has held of memory since it was started.
func (f *fire) measure() {
	for role, p := range f.processes() {
		f.peak[role] = max(f.peak[role], highWater(p.cmd.Process.Pid))
	}
}

func (f *fire) processes() map[string]*process {
	if f.whole != nil {
		return map[string]*process{allInOne: f.whole}
	}
	all := map[string]*process{"ingest": f.ingest, "query": f.query, "janitor": f.janitor}
	for i, w := range f.writers {
		all["writer "+strconv.Itoa(i+1)] = w
	}
	return all
}

// highWater is a process's VmHWM in kB, 0 when it has ended.
func highWater(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return n
		}
	}
	return 0
}

// extinguish ends the load and counts.
func (f *fire) extinguish() {
	t := f.t
	t.Helper()
	f.cancelSending()
	<-f.sent
	require.NoError(t, f.sendErr)
	f.settledBut(f.poison)
	f.measure()
	ctx, cancel := context.WithTimeout(t.Context(), drained+time.Duration(len(f.plans))*2*time.Second)
	defer cancel()
	pool := f.pool()
	want := counts{}
	for _, plan := range f.plans {
		for _, signal := range load.Signals() {
			require.NoError(t, load.Settled(ctx, func(ctx context.Context) (*load.Tally, error) {
				return load.TallyRows(ctx, pool, plan, signal)
			}), "%s by SQL", signal)
			require.NoError(t, load.Settled(ctx, func(ctx context.Context) (*load.Tally, error) {
				return load.API{URL: f.api}.Tally(ctx, plan, signal)
			}), "%s by the API", signal)
		}
		want.Spans, want.Logs, want.Points, want.Rollup = want.Spans+plan.Items, want.Logs+plan.Items, want.Points+plan.Items, want.Rollup+plan.Items
	}
	require.Equal(t, want, f.counts(ctx, pool), "items in the segments and in the roll-up")
	dead, err := f.dead()
	require.NoError(t, err)
	require.Equal(t, f.poison, dead, "dead letters")
	for role, kB := range f.peak {
		require.Less(t, kB<<10, resident, "memory of %s", role)
	}
	t.Log(f.report())
}

// report is the table that docs/reliability.md shows.
func (f *fire) report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults, %d items of each signal acknowledged in %d requests after %d retries, %d poisoned messages\n",
		len(f.suffers), len(f.plans)*f.plans[0].Items, f.requests, f.retries, f.poison)
	fmt.Fprintf(&b, "\n| fault | lasted | first not 200 | ready again |\n|---|---|---|---|\n")
	worst := map[string]suffered{}
	for _, s := range f.suffers {
		if w, ok := worst[s.failure.name]; !ok || s.ready > w.ready {
			worst[s.failure.name] = s
		}
	}
	for _, s := range slices.SortedFunc(maps.Values(worst), func(a, b suffered) int { return cmp.Compare(a.failure.name, b.failure.name) }) {
		var said []string
		for _, role := range slices.Sorted(maps.Keys(s.first)) {
			said = append(said, fmt.Sprintf("%s %.1f s", role, s.first[role].Seconds()))
		}
		fmt.Fprintf(&b, "| %s | %.1f s | %s | %.1f s |\n", s.failure.name, s.stood.Seconds(), cmp.Or(strings.Join(said, ", "), "–"), s.ready.Seconds())
	}
	fmt.Fprintf(&b, "\n| role | most resident, MB |\n|---|---|\n")
	for _, role := range slices.Sorted(maps.Keys(f.peak)) {
		fmt.Fprintf(&b, "| %s | %d |\n", role, f.peak[role]>>10)
	}
	return b.String()
}

// connect opens a connection to a database of the server, past every link.
func (f *fire) connect(database string) *pgx.Conn {
	f.t.Helper()
	var c *pgx.Conn
	waitFor(f.t, 10*time.Second, "a connection to "+database, func() bool {
		var err error
		c, err = pgx.Connect(f.t.Context(), f.database.URL(database))
		return err == nil
	})
	return c
}

// execute runs statements, one transaction each, in a session of their own on the template database, which no fault touches.
func (f *fire) execute(statements ...string) {
	f.t.Helper()
	c := f.connect("template1")
	defer func() { _ = c.Close(context.WithoutCancel(f.t.Context())) }()
	for _, statement := range statements {
		_, err := c.Exec(f.t.Context(), statement)
		require.NoError(f.t, err, statement)
	}
}

// dead is how many dead letters there are.
func (f *fire) dead() (int, error) {
	if f.js == nil { // an all-in-one's bus has no socket
		var answer struct {
			Letters []struct{} `json:"letters"`
		}
		err := get(f.t.Context(), f.api+"/api/dead-letters", &answer)
		return len(answer.Letters), err
	}
	stream, err := f.js.Stream(f.t.Context(), "OLLY_DEAD")
	if err != nil {
		return 0, err
	}
	return int(stream.CachedInfo().State.Msgs), nil
}

// settledBut waits until the bus holds only so many dead letters. That of an all-in-one is not asked: what is in it is missing elsewhere.
func (f *fire) settledBut(dead int) {
	f.t.Helper()
	if f.js == nil {
		return
	}
	waitFor(f.t, drained, "all that was acknowledged is stored", func() bool {
		for _, signal := range load.Signals() {
			stream, err := f.js.Stream(f.t.Context(), "OLLY_"+strings.ToUpper(string(signal)))
			if err != nil || stream.CachedInfo().State.Msgs > 0 {
				return false
			}
		}
		n, err := f.dead()
		return err == nil && n == dead
	})
}
