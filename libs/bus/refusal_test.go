package bus_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// A stream that refuses everything is told after five seconds, with the reason, also when nobody sends any more; and it is well within a second of taking
// again, found out by a probe that no reader ever sees.
func TestAStreamThatRefusesIsToldAndFoundWellAgain(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg := s.Config()
	cfg.MaxBytes, cfg.Compression = 1<<20, "none"
	b := connect(t, cfg)
	p := publisher(t, b)
	var err error
	for n := 0; err == nil; n++ {
		_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Logs, "default", fmt.Sprintf("%0200000d", n))})
	}
	require.Equal(t, fault.Overloaded, fault.ClassOf(err))
	require.NoError(t, b.Publishing(t.Context()), "a hiccup is not told")
	testbed.Eventually(t, "it is told", func() bool { return b.Publishing(t.Context()) != nil })
	require.ErrorContains(t, b.Publishing(t.Context()), "refused logs for 5s: the queue is full")
	require.NoError(t, b.Healthy(t.Context()), "NATS is well")

	stream, err := js(t, s).Stream(t.Context(), bus.StreamName(telemetry.Logs))
	require.NoError(t, err)
	require.NoError(t, stream.Purge(t.Context()))
	freed := time.Now()
	testbed.Eventually(t, "it is well", func() bool { return b.Publishing(t.Context()) == nil })
	require.Less(t, time.Since(freed), testbed.Prompt)
	_, err = p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Logs, "default", "again")})
	require.NoError(t, err)
	got := fetch(t, consumer(t, b, telemetry.Logs), 1)
	require.Equal(t, "again", string(got[0].Payload), "the probe is nobody's batch")
	require.NoError(t, got[0].Settle(t.Context(), nil))
	dead, err := b.DeadLetters(t.Context())
	require.NoError(t, err)
	require.Zero(t, dead, "nor a dead letter")
}

// What the log knows stands in health: streams that are larger than the store name what to lower.
func TestHealthNamesWhatToLowerWhereTheStoreIsTooSmall(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t, func(o *server.Options) { o.JetStreamMaxStore = 100 << 20 })
	cfg := s.Config()
	cfg.MaxBytes = 2 << 30
	b, err := bus.Connect(t.Context(), cfg, nil, nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.Error(t, b.EnsureStreams(t.Context()))
	require.ErrorContains(t, b.Healthy(t.Context()), "lower bus.max_bytes")
	require.Equal(t, "bus.no_storage", fault.From(b.Healthy(t.Context())).Code)
}

// A fetch does not wait for an answer that cannot come because the connection was cut.
func TestAFetchEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	s := testbed.NATSServer(t)
	cfg, wire := s.Config(), &wire{server: s}
	cfg.InProcess = wire
	b := connect(t, cfg)
	c := consumer(t, b, telemetry.Traces)
	_, err := c.Fetch(t.Context(), 1, 1<<20, 10*time.Millisecond)
	require.NoError(t, err)
	type end struct {
		err  error
		took time.Duration
	}
	ended := make(chan end, 1)
	go func() {
		begin := time.Now()
		_, err := c.Fetch(t.Context(), 1, 1<<20, testbed.Patience)
		ended <- end{err, time.Since(begin)}
	}()
	testbed.Eventually(t, "the fetch is on its way", func() bool {
		durable, err := js(t, s).Consumer(t.Context(), bus.StreamName(telemetry.Traces), "writer")
		return err == nil && durable.CachedInfo().NumWaiting == 1
	})
	wire.cut()
	e := <-ended
	require.Equal(t, "bus.disconnected", fault.From(e.err).Code)
	require.Less(t, e.took, testbed.Prompt)
	testbed.Eventually(t, "it is connected again", func() bool { return b.Healthy(t.Context()) == nil })
}

// wire is the way to a server, which a test can cut without a word to either side.
type wire struct {
	server *testbed.Server
	mu     sync.Mutex
	conns  []net.Conn
}

func (w *wire) InProcessConn() (net.Conn, error) {
	conn, err := w.server.InProcessConn()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, conn)
	return conn, err
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
}

// cluster starts three servers that keep every stream together; the returned ones are by name.
func cluster(t *testing.T) (servers map[string]*server.Server, urls string) {
	t.Helper()
	servers = map[string]*server.Server{}
	routes, all := make([]*url.URL, 3), make([]string, 3)
	ports := make([]int, 3)
	for i := range routes {
		ports[i] = testbed.Port(t)
		routes[i] = &url.URL{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", fmt.Sprint(ports[i]))}
	}
	for i := range routes {
		o := &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: testbed.Port(t), NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
			JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 1 << 20,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]}, Routes: routes,
		}
		s, err := server.NewServer(o)
		require.NoError(t, err)
		s.Start()
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
		servers[o.ServerName], all[i] = s, fmt.Sprintf("nats://127.0.0.1:%d", o.Port)
	}
	for _, s := range servers {
		require.True(t, s.ReadyForConnections(testbed.Patience))
	}
	return servers, strings.Join(all, ",")
}

// The loss of one of three servers makes nothing unready. While a stream has no leader each sender is told so within a second and a half, and what it repeats is
// taken when there is one again.
func TestOneOfThreeServersGoesAway(t *testing.T) {
	t.Parallel()
	servers, urls := cluster(t)
	cfg := bus.DefaultConfig()
	cfg.URL, cfg.Replicas, cfg.MaxBytes, cfg.DeadMaxBytes = urls, 3, 64<<20, 16<<20
	cfg.PublishTimeout = testbed.Patience
	b, err := bus.Connect(t.Context(), cfg, testbed.NewLog(t), nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.WaitReady(testbed.Context(t)))
	p := publisher(t, b)
	nc, err := nats.Connect(urls)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	plain, err := jetstream.New(nc)
	require.NoError(t, err)
	leader := func() string {
		stream, err := plain.Stream(testbed.Context(t), bus.StreamName(telemetry.Traces))
		if err != nil || stream.CachedInfo().Cluster == nil {
			return ""
		}
		return stream.CachedInfo().Cluster.Leader
	}
	var n int
	send := func() (time.Duration, error) {
		n++
		begin := time.Now()
		_, err := p.Publish(t.Context(), []telemetry.Batch{batch(telemetry.Traces, "default", fmt.Sprint(n))})
		return time.Since(begin), err
	}
	testbed.Eventually(t, "a server leads", func() bool { _, err := send(); return err == nil && leader() != "" })
	require.NoError(t, b.Healthy(t.Context()))

	servers[leader()].Shutdown()
	var slowest time.Duration
	refusals := map[string]int{}
	testbed.Eventually(t, "another server leads", func() bool {
		took, err := send()
		if err != nil {
			refusals[fault.From(err).Code]++
			slowest = max(slowest, took)
			ctx, cancel := context.WithTimeout(t.Context(), testbed.Prompt)
			defer cancel()
			require.NoError(t, b.Healthy(ctx), "one of three is away")
			require.NoError(t, b.Publishing(ctx), "an election is not told")
		}
		return err == nil && n > 20
	})
	t.Logf("refused %v, the slowest after %s", refusals, slowest)
	require.Less(t, slowest, testbed.Prompt, "a sender is told, and does not wait for a timeout")
}

// No tenant may have the name that stands in the subject of what is nobody's.
func TestWhatIsNobodysHasTheNameOfNoTenant(t *testing.T) {
	t.Parallel()
	for _, name := range []telemetry.Tenant{bus.ProbeTenant, bus.StrayTenant} {
		_, err := telemetry.ParseTenant(string(name))
		require.Error(t, err, name)
	}
}

// leaders answers who leads a stream.
type leaders struct {
	jetstream.JetStream
	answer func(ctx context.Context) (*jetstream.ClusterInfo, error)
}

func (l *leaders) Stream(ctx context.Context, _ string) (jetstream.Stream, error) {
	cluster, err := l.answer(ctx)
	return &led{info: &jetstream.StreamInfo{Cluster: cluster}}, err
}

type led struct {
	jetstream.Stream
	info *jetstream.StreamInfo
}

func (l *led) CachedInfo() *jetstream.StreamInfo { return l.info }

// A leader that is slow is one, and so is one that acknowledges; none is where a server says so, or nobody says anything twice in a row.
func TestASlowLeaderIsOne(t *testing.T) {
	t.Parallel()
	silence := func(ctx context.Context) (*jetstream.ClusterInfo, error) { <-ctx.Done(); return nil, ctx.Err() }
	says := func(leader string) func(context.Context) (*jetstream.ClusterInfo, error) {
		return func(context.Context) (*jetstream.ClusterInfo, error) {
			return &jetstream.ClusterInfo{Leader: leader}, nil
		}
	}
	refuses := func(code jetstream.ErrorCode) func(context.Context) (*jetstream.ClusterInfo, error) {
		return func(context.Context) (*jetstream.ClusterInfo, error) {
			return nil, &jetstream.APIError{Code: 503, ErrorCode: code}
		}
	}
	type answers []func(context.Context) (*jetstream.ClusterInfo, error)
	for name, test := range map[string]struct {
		answers
		acknowledges bool
		want         bool
	}{
		"slow once":          {answers: answers{silence, says("n1")}},
		"slow, then none":    {answers: answers{silence, says("")}, want: true},
		"there":              {answers: answers{says("n1")}},
		"none":               {answers: answers{says("")}, want: true},
		"silent":             {answers: answers{silence, silence}, want: true},
		"silent, and writes": {answers: answers{silence, silence}, acknowledges: true},
		"servers say so":     {answers: answers{refuses(10008)}, want: true},
		"something else":     {answers: answers{refuses(10059)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				l := &leaders{}
				b := bus.Replicated(l)
				l.answer = func(ctx context.Context) (*jetstream.ClusterInfo, error) {
					asked++
					if test.acknowledges {
						b.Took(telemetry.Logs)
					}
					return test.answers[asked-1](ctx)
				}
				begin := time.Now()
				require.Equal(t, test.want, b.Leaderless(t.Context(), telemetry.Logs))
				require.Len(t, test.answers, asked)
				require.LessOrEqual(t, time.Since(begin), 1200*time.Millisecond, "with the 300 ms before, a second and a half")
			})
		})
	}
}
