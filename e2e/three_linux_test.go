package e2e

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// TestFireThreeServers kills one of three NATS servers after another, which hold every stream together, and has it come back. Nobody says that it cannot work
// meanwhile, unless the servers need longer than usual to choose, and whoever sends to a stream without a leader is told soon.
func TestFireThreeServers(t *testing.T) {
	const servers = 3
	all := []string{"ingest", "query", "writer 1", "writer 2"}
	var faults []failure
	for n := range servers {
		faults = append(faults, failure{
			name: "NATS server " + strconv.Itoa(n) + " of three killed", hold: 8 * time.Second, begin: func(f *fire) { f.cluster[n].kill() },
			end: func(f *fire) { f.cluster[n].run(); f.gathered() }, stays: all,
		})
	}
	for _, signal := range telemetry.Signals() {
		var led *process
		faults = append(faults, failure{
			name: "leader of " + signal.String() + " killed", hold: 8 * time.Second, begin: func(f *fire) {
				led = f.leader(bus.StreamName(signal))
				led.kill()
			}, end: func(f *fire) { led.run(); f.gathered() }, stays: all,
		})
	}
	faults = chosen(t, append(faults, failure{
		name: "each of three NATS servers stopped and started", begin: func(f *fire) {
			for _, p := range f.cluster {
				p.stop()
				p.run()
				f.gathered()
			}
		}, stays: all,
	}))
	if len(faults) == 0 {
		return
	}
	f := unlit(t)
	votes := &elections{lost: map[string]time.Time{}}
	f.excused = votes.long
	f.inParts(layout{servers: servers})
	watch, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { votes.watch(watch, f.monitors) })
	t.Cleanup(func() { stop(); watching.Wait() })
	f.gathered()
	f.burn(faults, minutes(t)/10)
	require.Less(t, f.told, 2*time.Second, "a sender to a stream without a leader is told, and does not wait for a timeout")
	t.Logf("the longest that a sender waited for a refusal: %s; the longest that a stream or a consumer had no leader: %s", f.told, votes.longest)
}

// electing is how long every role lets servers choose a new leader before it says that it cannot work. They need 4 to 9 s, and as much again for each vote that
// nobody wins: who says then that he cannot work says the truth.
const electing = 15 * time.Second

// elections is when streams and consumers had no leader, as the servers say themselves: one that leads says so, and of one that does not answer it is not believed.
type elections struct {
	mu      sync.Mutex
	lost    map[string]time.Time // those without a leader, since when
	over    []election           // those that took longer than electing
	longest time.Duration
}

type election struct{ from, to time.Time }

// watch asks the servers until ctx ends.
func (e *elections) watch(ctx context.Context, monitors []string) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		e.note(time.Now(), ledIn(ctx, monitors))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// note takes in which streams and consumers there are at a moment, and whether they are led. What no server knows any more is gone, as ordered consumers go.
func (e *elections) note(now time.Time, led map[string]bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.lost, func(name string, _ time.Time) bool {
		_, known := led[name]
		return !known && len(led) > 0
	})
	for name, is := range led {
		from, lost := e.lost[name]
		switch {
		case !is && !lost:
			e.lost[name] = now
		case is && lost:
			delete(e.lost, name)
			e.longest = max(e.longest, now.Sub(from))
			if now.Sub(from) >= electing {
				e.over = append(e.over, election{from, now})
			}
		}
	}
}

// long says whether at a moment something had been without a leader for so long that roles may say so, or had been a moment before: a stream is tried every 500 ms.
func (e *elections) long(at time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	const early, late = time.Second, 3 * time.Second
	for _, from := range e.lost {
		if at.Sub(from) >= electing-early {
			return true
		}
	}
	return slices.ContainsFunc(e.over, func(v election) bool { return at.Sub(v.from) >= electing-early && at.Sub(v.to) <= late })
}

// ledIn names the streams and consumers that the servers know, each with whether one that answers leads it.
func ledIn(ctx context.Context, monitors []string) map[string]bool {
	led := map[string]bool{}
	for i, monitor := range monitors {
		for _, stream := range answeredBy(ctx, monitor) {
			led[stream.Name] = led[stream.Name] || stream.Cluster.Leader == serverName(i)
			for _, c := range stream.Consumers {
				name := stream.Name + " " + c.Name
				led[name] = led[name] || c.Cluster.Leader == serverName(i)
			}
		}
	}
	return led
}

// answeredBy is a server's streams; none where it does not answer at once.
func answeredBy(ctx context.Context, monitor string) []streamSeen {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	streams, err := streamsOf(ctx, monitor)
	if err != nil {
		return nil
	}
	return streams
}

// leader is the server that leads a stream.
func (f *fire) leader(stream string) (led *process) {
	f.t.Helper()
	waitFor(f.t, time.Minute, stream+" has a leader", func() bool {
		for i, monitor := range f.monitors {
			for _, s := range answeredBy(f.t.Context(), monitor) {
				if s.Name == stream && s.Cluster.Leader == serverName(i) {
					led = f.cluster[i]
				}
			}
		}
		return led != nil
	})
	return led
}

// gathered waits until another server may go: each says that it is well, every stream and every consumer has a leader, what waited meanwhile has been written,
// and every stream takes again. That takes seconds more: the servers choose anew who leads what when one comes back, and a second choice on top of the first
// is time in which nothing is taken at all.
func (f *fire) gathered() {
	f.t.Helper()
	waitFor(f.t, time.Minute, "all servers are well", func() bool {
		for _, monitor := range f.monitors {
			if status(f.t, monitor+"/healthz") != http.StatusOK {
				return false
			}
		}
		return true
	})
	waitFor(f.t, 2*time.Minute, "everything has a leader, and what waited is written", func() bool {
		led := ledIn(f.t.Context(), f.monitors)
		for _, signal := range telemetry.Signals() {
			if !led[bus.StreamName(signal)] || !led[bus.StreamName(signal)+" writer"] {
				return false
			}
		}
		for _, is := range led {
			if !is {
				return false
			}
		}
		return !slices.ContainsFunc(answeredBy(f.t.Context(), f.monitors[0]), func(s streamSeen) bool {
			return strings.HasPrefix(s.Name, "OLLY_") && s.State.Messages > 20 // two seconds' load
		})
	})
	last := func() map[string]uint64 {
		m := map[string]uint64{}
		for _, monitor := range f.monitors {
			for _, s := range answeredBy(f.t.Context(), monitor) {
				m[s.Name] = max(m[s.Name], s.State.LastSeq)
			}
		}
		return m
	}
	before := last()
	waitFor(f.t, time.Minute, "every stream takes again", func() bool {
		now := last()
		for _, signal := range telemetry.Signals() {
			if name := bus.StreamName(signal); now[name] <= before[name] {
				return false
			}
		}
		return true
	})
}

// Whoever leads says so himself; a choice that takes no longer than the roles wait for excuses nobody, and a longer one does while it lasts and a moment after.
func TestLongElectionsExcuse(t *testing.T) {
	t.Parallel()
	e := &elections{lost: map[string]time.Time{}}
	begin := time.Now()
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	all, one := map[string]bool{"a": true, "b": true}, map[string]bool{"a": true, "b": false}
	e.note(at(0), all)
	e.note(at(1), one)
	e.note(at(10), all)
	require.False(t, e.long(at(10)))
	require.Equal(t, 9*time.Second, e.longest)
	e.note(at(20), one)
	require.False(t, e.long(at(33)))
	require.True(t, e.long(at(36)), "while it lasts")
	e.note(at(40), all)
	require.False(t, e.long(at(33)))
	require.True(t, e.long(at(36)))
	require.True(t, e.long(at(42)), "a moment after")
	require.False(t, e.long(at(44)))
	e.note(at(50), one)
	e.note(at(60), map[string]bool{})
	require.True(t, e.long(at(66)), "that nobody answers says nothing")
	e.note(at(67), map[string]bool{"a": true})
	require.False(t, e.long(at(70)), "gone")
	require.Equal(t, 20*time.Second, e.longest)
}
