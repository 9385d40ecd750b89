package e2e

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// TestFireThreeServers kills one of three NATS servers after another, which hold every stream together, and has it come back. Nobody says that it cannot work
// meanwhile, and whoever sends to a stream without a leader is told soon.
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
				stream, err := f.js.Stream(t.Context(), bus.StreamName(signal))
				require.NoError(t, err)
				leader := stream.CachedInfo().Cluster.Leader
				led = f.cluster[slices.IndexFunc(f.cluster, func(p *process) bool { return p.name == leader })]
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
	f.inParts(layout{servers: servers})
	f.gathered()
	f.burn(faults, minutes(t)/10)
	require.Less(t, f.told, 2*time.Second, "a sender to a stream without a leader is told, and does not wait for a timeout")
	t.Logf("the longest that a sender waited for a refusal: %s", f.told)
}

// gathered waits until another server may go: each says that it is well, every consumer has a leader, what waited meanwhile has been written, and every stream takes again. That takes
// seconds more: the servers choose anew who leads what when one comes back, and a second choice on top of the first is time in which nothing is taken at all.
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
	waitFor(f.t, time.Minute, "what waited is written", func() bool {
		for _, signal := range telemetry.Signals() {
			stream, err := f.js.Stream(f.t.Context(), bus.StreamName(signal))
			if err != nil || stream.CachedInfo().State.Msgs > 20 { // two seconds' load
				return false
			}
			// It answers by its leader, which it may be without for longer than its stream is.
			limited, cancel := context.WithTimeout(f.t.Context(), time.Second)
			consumer, err := stream.Consumer(limited, "writer")
			cancel()
			if err != nil || consumer.CachedInfo().Cluster.Leader == "" {
				return false
			}
		}
		return true
	})
	before := map[telemetry.Signal]uint64{}
	waitFor(f.t, time.Minute, "every stream takes again", func() bool {
		for _, signal := range telemetry.Signals() {
			stream, err := f.js.Stream(f.t.Context(), bus.StreamName(signal))
			if err != nil {
				return false
			}
			last, was := stream.CachedInfo().State.LastSeq, before[signal]
			if was == 0 {
				before[signal] = last
			}
			if was == 0 || last <= was {
				return false
			}
		}
		return true
	})
}
