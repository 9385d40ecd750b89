package ingest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// line is a request of one log record of the time, none for zero.
func line(at time.Time, records int) []byte {
	logs := plog.NewLogs()
	all := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range records {
		record := all.AppendEmpty()
		record.Body().SetStr("heartbeat")
		if !at.IsZero() {
			record.SetTimestamp(pcommon.NewTimestampFromTime(at))
		}
	}
	return testbed.LogsPayload(logs)
}

func whole() time.Time { return epoch().Truncate(time.Second) }

func jsonOf(t testing.TB, payload []byte) []byte {
	t.Helper()
	r := plogotlp.NewExportRequest()
	require.NoError(t, r.UnmarshalProto(payload))
	out, err := r.MarshalJSON()
	require.NoError(t, err)
	return out
}

// client is a sender with a connection of its own.
func (r *running) client() *http.Client {
	transport := &http.Transport{}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 5 * time.Second}
}

// by sends a request by a client, to an address, and returns the answer's text.
func (r *running) by(c *http.Client, url, contentType string, body []byte) (string, error) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", contentType)
	request.GetBody = nil // net/http itself must not try again
	response, err := c.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.Less(r.t, response.StatusCode, 300, "%s", text)
	return string(text), err
}

// records are how many records the bus has, of how many requests, and their observed times.
func (r *running) records(batches int) (n int, requests map[telemetry.RequestID]int, observed map[int64]int) {
	requests, observed = map[telemetry.RequestID]int{}, map[int64]int{}
	for _, b := range r.stored(telemetry.Logs, batches) {
		n += b.Items
		requests[b.Request]++
		in := plogotlp.NewExportRequest()
		require.NoError(r.t, in.UnmarshalProto(b.Payload))
		for _, rl := range in.Logs().ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					observed[int64(record.ObservedTimestamp())]++
				}
			}
		}
	}
	return n, requests, observed
}

func TestEqualEventsAreAllKept(t *testing.T) {
	t.Parallel()
	for _, event := range []struct {
		name string
		body []byte
	}{{"whole second", line(whole(), 1)}, {"untimed", line(time.Time{}, 1)}} {
		for _, way := range []struct{ name, path, contentType string }{
			{"otlp", "/v1/logs", typeProtobuf}, {"otlp json", "/v1/logs", typeJSON}, {"api", "/api/logs", typeJSON},
		} {
			for _, connections := range []string{"one connection", "its own, closed", "its own, kept"} {
				t.Run(event.name+", "+way.name+", "+connections, func(t *testing.T) {
					t.Parallel()
					r := start(t)
					body := event.body
					if way.contentType == typeJSON {
						body = jsonOf(t, body)
					}
					c := r.client()
					for range 5 {
						text, err := r.by(c, r.http+way.path, way.contentType, body)
						require.NoError(t, err)
						require.NotContains(t, text, "repeat")
						if connections == "its own, closed" {
							c.CloseIdleConnections()
						}
						if connections != "one connection" {
							c = r.client()
						}
					}
					n, requests, _ := r.records(5)
					require.Equal(t, 5, n)
					require.Len(t, requests, 5)
				})
			}
		}
		t.Run(event.name+", gRPC", func(t *testing.T) {
			t.Parallel()
			r := start(t)
			for range 2 {
				conn := dial(t, r)
				for range 2 {
					_, err := call(t.Context(), conn, telemetry.Logs, event.body)
					require.NoError(t, err)
				}
			}
			n, requests, _ := r.records(4)
			require.Equal(t, 4, n)
			require.Len(t, requests, 4)
		})
		t.Run(event.name+", at the same time", func(t *testing.T) {
			t.Parallel()
			r := start(t)
			ended := make(chan error, 8)
			for range cap(ended) {
				c := r.client()
				go func() {
					_, err := r.by(c, r.http+"/v1/logs", typeProtobuf, event.body)
					ended <- err
				}()
			}
			for range cap(ended) {
				require.NoError(t, <-ended)
			}
			n, _, _ := r.records(cap(ended))
			require.Equal(t, cap(ended), n)
		})
	}
}

// cutter is a proxy that does not pass on the answers of the first so many connections: it cuts them when the answer comes, before it reads
// it, so that ingest sees a reset.
func cutter(t testing.TB, to string, cuts int) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for n := 0; ; n++ {
			from, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", to)
			if err != nil {
				_ = from.Close()
				return
			}
			go func() {
				defer func() { _, _ = from.Close(), up.Close() }()
				_, _ = io.Copy(up, from)
			}()
			go func() {
				defer func() { _, _ = from.Close(), up.Close() }()
				if n < cuts {
					_, _ = bufio.NewReaderSize(up, 16).Peek(1) // the rest of the answer stays unread
					_ = up.(*net.TCPConn).SetLinger(0)         //nolint:forcetypeassert // it was dialled so
					_ = up.Close()                             // before the sender knows: else its retry may come before the reset
					return
				}
				_, _ = io.Copy(from, up)
			}()
		}
	}()
	return l.Addr().String()
}

// An answer that is lost makes the sender try again, on another connection: the same request, with the times that the first try gave it,
// even when a minute has ended in between.
func TestARequestWhoseAnswerWasLostIsTheSameWhenItComesAgain(t *testing.T) {
	t.Parallel()
	for _, event := range []struct {
		name string
		body []byte
	}{{"exact", line(epoch().Add(-time.Microsecond), 100)}, {"whole second", line(whole(), 100)}, {"untimed", line(time.Time{}, 100)}} {
		for _, path := range []string{"/v1/logs", "/api/logs"} {
			t.Run(event.name+path, func(t *testing.T) {
				t.Parallel()
				r := start(t)
				contentType, body := typeProtobuf, event.body
				if strings.HasPrefix(path, "/api") {
					contentType, body = typeJSON, jsonOf(t, body)
				}
				proxy := "http://" + cutter(t, strings.TrimPrefix(r.http, "http://"), 2)
				for range 2 {
					_, err := r.by(r.client(), proxy+path, contentType, body)
					require.Error(t, err, "the answer was cut")
					r.clock.Advance(61 * time.Second)
				}
				text, err := r.by(r.client(), proxy+path, contentType, body)
				require.NoError(t, err)
				require.Contains(t, text, "100 of 100 accepted were taken for a repeat")
				n, requests, observed := r.records(1)
				require.Equal(t, 100, n)
				require.Len(t, requests, 1)
				require.Len(t, observed, 1)
			})
		}
		t.Run(event.name+", gRPC", func(t *testing.T) {
			t.Parallel()
			r := start(t)
			// A sender that gives up while its request is on its way.
			r.nats.Stop()
			conn := dial(t, r)
			_, err := call(t.Context(), conn, telemetry.Logs, event.body)
			require.Error(t, err)
			r.nats.Start()
			r.clock.Advance(61 * time.Second)
			testbed.Eventually(t, "it is taken", func() bool {
				_, err := call(t.Context(), conn, telemetry.Logs, event.body)
				return err == nil
			})
			n, _, observed := r.records(1)
			require.Equal(t, 100, n)
			require.Len(t, observed, 1)
			for at := range observed {
				require.True(t, at == 0 || at == epoch().UnixNano(), "of the first try")
			}
		})
	}
}

func TestAnAnswerOfGRPCThatWasLostMakesTheNextTryTheSameRequest(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{"exact": line(epoch().Add(-time.Microsecond), 3), "whole second": line(whole(), 3), "untimed": line(time.Time{}, 3)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t)
			var held atomic.Bool
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			cut := make(chan struct{})
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				from, err := l.Accept()
				if err != nil {
					return
				}
				up, err := net.Dial("tcp", r.grpc)
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(up, from) }()
				go func() {
					buf := make([]byte, 1)
					for !held.Load() {
						if _, err := up.Read(buf); err != nil {
							return
						}
						if !held.Load() {
							_, _ = from.Write(buf)
						}
					}
				}()
				<-cut
				_ = up.(*net.TCPConn).SetLinger(0) //nolint:forcetypeassert // it was dialled so
				_, _ = up.Close(), from.Close()
			}()
			through, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
			require.NoError(t, err)
			_, err = call(t.Context(), through, telemetry.Traces, protobuf(t, telemetry.Traces))
			require.NoError(t, err)
			held.Store(true)
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = call(short, through, telemetry.Logs, body)
			require.Error(t, err, "the answer does not come")
			require.NoError(t, l.Close())
			close(cut)
			<-ended
			require.NoError(t, through.Close())
			r.clock.Advance(61 * time.Second)
			answer, err := call(t.Context(), dial(t, r), telemetry.Logs, body)
			require.NoError(t, err)
			require.Contains(t, string(answer), "3 of 3 accepted were taken for a repeat")
			n, _, _ := r.records(1)
			require.Equal(t, 3, n)
		})
	}
}

// Spans are known by their ids, and a record by its exact time: sent again by another connection they are the same, and the answer says so.
func TestWhatIsTakenForARepeatIsSaid(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, signal := range telemetry.Signals() {
		body := testbed.NewShop(1, epoch().Add(-time.Minute)).Payload(signal, 10)
		require.Empty(t, string(r.post("/v1/"+signal.String(), typeProtobuf, body).body))
		text, err := r.by(r.client(), r.http+"/v1/"+signal.String(), typeProtobuf, body)
		require.NoError(t, err)
		require.Contains(t, text, "10 of 10 accepted were taken for a repeat")
		answer, err := call(t.Context(), dial(t, r), signal, body)
		require.NoError(t, err)
		require.Contains(t, string(answer), "taken for a repeat")
		r.stored(signal, 1)
	}
	again := testdata(t, telemetry.Metrics)
	require.NotContains(t, string(r.post("/api/metrics", typeJSON, again).body), "repeated")
	requireJSON(t, `{"status":"accepted","accepted":6,"rejected":0,"repeated":6,"position":"2",
		"message":"6 of 6 accepted were taken for a repeat of a request with the same bytes and are stored once (setting dedup.metrics)"}`,
		r.post("/api/metrics", typeJSON, again).body)
	requireJSON(t, `{"partialSuccess":{"rejectedDataPoints":"0","errorMessage":"6 of 6 accepted were taken for a repeat of a request with the same bytes and are stored once (setting dedup.metrics)"}}`,
		r.post("/v1/metrics", typeJSON, again).body)
}

func TestAnExactTimeDoesNotComeTwice(t *testing.T) {
	t.Parallel()
	r := start(t)
	records := plog.NewLogs()
	all := records.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	all.AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(epoch().Add(-time.Microsecond)))
	all.AppendEmpty().Body().SetStr("untimed, beside one with a time")
	c := r.client()
	for i := range 3 {
		text, err := r.by(c, r.http+"/v1/logs", typeProtobuf, testbed.LogsPayload(records))
		require.NoError(t, err)
		require.Equal(t, i > 0, strings.Contains(text, "2 of 2 accepted were taken for a repeat"), text)
		r.clock.Advance(time.Minute)
	}
	n, _, _ := r.records(1)
	require.Equal(t, 2, n)
}

func TestDedupIsSwitchedByTenantAndSignal(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.Dedup.Metrics = dedupOff
		c.Dedup.Tenants = []string{"a/logs=content", "b/traces=off", "b/metrics=content"}
	})
	for _, test := range []struct {
		tenant string
		signal telemetry.Signal
		want   int
	}{
		{"a", telemetry.Logs, 1},
		{"b", telemetry.Logs, 3},
		{"a", telemetry.Traces, 1},
		{"b", telemetry.Traces, 3},
		{"a", telemetry.Metrics, 3},
		{"b", telemetry.Metrics, 1},
	} {
		body := line(time.Time{}, 1)
		if test.signal != telemetry.Logs {
			body = protobuf(t, test.signal)
		}
		for range 3 {
			got := r.post("/v1/"+test.signal.String(), typeProtobuf, body, "X-Scope-OrgID", test.tenant)
			require.Equal(t, http.StatusOK, got.status)
		}
		r.stored(test.signal, test.want)
	}
	for _, bad := range []string{"", "a=off", "a/logs", "a/logs=on", "a/words=off", "a b/logs=off"} {
		cfg := DefaultConfig()
		cfg.Dedup.Tenants = []string{bad}
		require.ErrorContains(t, cfg.Validate(), "dedup.tenants")
	}
}

// A sender over gRPC may give up just as its answer is written, and try again on the same connection.
func TestAnAnswerAtTheDeadlineMayNotHaveArrived(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit, took time.Duration
		same        bool
	}{
		{10 * time.Second, 5 * time.Millisecond, false},
		{10 * time.Second, 9500 * time.Millisecond, true},
		{10 * time.Second, 8500 * time.Millisecond, false},
		{100 * time.Millisecond, time.Millisecond, false},
		{100 * time.Millisecond, 60 * time.Millisecond, true},
	} {
		clock := testbed.NewClock(time.Now().Add(time.Hour))
		s := newRepeats(defaultDedup(), clock.Now)
		q := asked{of: stream{"t", telemetry.Logs}, now: clock.Now(), peer: &peer{}, coarse: true}
		ctx, cancel := context.WithDeadline(t.Context(), clock.Now().Add(test.limit))
		defer cancel()
		first := s.begin(ctx, q)
		clock.Advance(test.took)
		s.end(first, nil)
		second := s.begin(ctx, q)
		require.Equal(t, test.same, first.request == second.request, "%+v", test)
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	c := defaultDedup()
	c.Remembered = 10
	s := newRepeats(c, epoch)
	for i := range 1000 {
		q := asked{of: stream{"t", telemetry.Logs}, bytes: telemetry.RequestID{byte(i), byte(i >> 8)}, now: epoch(), coarse: true, untimed: i%2 == 0}
		for range 30 {
			s.begin(t.Context(), q)
		}
	}
	require.Len(t, s.tries, 10)
	for _, tries := range s.tries {
		require.LessOrEqual(t, len(tries), maxTries)
	}
}
