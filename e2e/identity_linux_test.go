package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/ollyscale/ollyscale/e2e/load"
)

// envBinBefore is the directory of the binaries of another build, whose ingest takes the first tries of TestARetryIsTheSameRequest. Without it,
// that is another process of the same build.
const envBinBefore = "OLLY_E2E_BIN_BEFORE"

// A request that comes again is the same request, whatever has changed since: the process, its build, the clock past the limits of age, the split by
// bus.max_message_bytes and by the server's max_payload. An equal one whose answer arrived is another one. None of them fits a message of the bus, but at last. That an
// answer was lost is known on Linux only (ADR-019).
func TestARetryIsTheSameRequest(t *testing.T) {
	const (
		window = time.Second // of the bus: after that only the ledger knows what is stored
		age    = time.Hour   // that an item may have, and how far it may be ahead
		most   = 8000        // items of a request
		margin = 20 * time.Second
	)
	s := newStack(t, "OLLY_BUS_DUPLICATE_WINDOW="+window.String(), "OLLY_BUS_MAX_MESSAGE_BYTES=256KiB",
		"OLLY_ADMIT_MAX_AGE_TRACES="+age.String(), "OLLY_ADMIT_MAX_AGE_LOGS="+age.String(), "OLLY_ADMIT_MAX_AGE_METRICS="+age.String(), "OLLY_ADMIT_MAX_AHEAD="+age.String())
	writer, writerHealth := s.writer()
	s.ready(writerHealth)
	ingest := s.ingest.path
	if dir := os.Getenv(envBinBefore); dir != "" {
		s.ingest.stop()
		s.ingest.path = filepath.Join(dir, "ingest")
		s.ingest.run()
		s.ready(s.http)
	}
	r := &retries{stack: s, position: map[load.Signal]int{}}
	pool, ctx := s.pool(), t.Context()
	seed := uint64(time.Now().UnixNano())

	// Items of the one are admitted whenever it comes. Of the other the first are past the limit when it comes again, and the last were too far ahead when
	// it came first.
	plain := load.NewPlan(seed, most, most, time.Now(), 10*time.Minute)
	crossing := load.NewPlan(seed+1, most, most, time.Now().Add(age+margin), 2*age)
	want := counts{}
	for _, signal := range load.Signals() {
		answer := r.plan(crossing, signal)
		require.Positive(t, answer.rejected, "%s: the last are too far ahead", signal)
		require.Less(t, answer.rejected, most/10, "%s: %s", signal, answer.message)
		require.NotContains(t, answer.message, "older than", "the test is too slow")
		require.Greater(t, answer.parts, 1, "%s: no message holds it", signal)
		want = want.plus(signal, most-answer.rejected)
	}
	for _, signal := range load.Signals() {
		want = want.plus(signal, most)
	}

	const records = 3000
	untimed, whole := fmt.Sprintf("%016x", seed+2), fmt.Sprintf("%016x", seed+3)
	event, second := heartbeats(t, untimed, time.Time{}, records), heartbeats(t, whole, plain.Start.Truncate(time.Second), records)
	events := 0
	heartbeat := func(posts int) {
		for range posts {
			r.post(load.Logs, event)
			events++
			want = want.plus(load.Logs, records)
		}
	}
	want = want.plus(load.Logs, records) // of the whole second

	splits := map[load.Signal]map[int]bool{}
	for _, step := range []struct {
		name   string
		change func()
		anew   bool // ingest is another process, which knows nothing but the bytes
		fits   bool // a message holds some request
	}{
		{"the first try", func() {}, true, false},
		{"ingest and the writer are started anew", func() {
			s.ingest.stop()
			writer.stop()
			s.ingest.path = ingest
			s.ingest.run()
			writer.run()
		}, true, false},
		{"ingest is started anew and cuts at 128 KiB", func() {
			s.ingest.stop()
			s.ingest.environment = append(s.ingest.environment, "OLLY_BUS_MAX_MESSAGE_BYTES=128KiB")
			s.ingest.run()
		}, true, false},
		{"NATS is started anew and takes 80 KiB", func() {
			s.nats.stop()
			s.nats.args = append(s.nats.args, "-c", s.setting("max_payload: 80KB"))
			s.nats.run()
		}, false, false},
		{"NATS takes 8 MiB, and ingest is killed and cuts at 1 MiB", func() {
			s.nats.stop()
			s.nats.args[len(s.nats.args)-1] = s.setting("max_payload: 8MB")
			s.nats.run()
			s.ingest.kill()
			s.ingest.environment = append(s.ingest.environment, "OLLY_BUS_MAX_MESSAGE_BYTES=8MiB")
			s.ingest.run()
		}, true, true},
	} {
		step.change()
		s.ready(s.http)
		s.ready(writerHealth)
		for _, signal := range load.Signals() {
			answer := r.plan(plain, signal)
			require.Zero(t, answer.rejected, "%s, %s: %s", step.name, signal, answer.message)
			require.True(t, step.fits || answer.parts > 1, "%s, %s: no message holds it", step.name, signal)
			if splits[signal] == nil {
				splits[signal] = map[int]bool{}
			}
			splits[signal][answer.parts] = true
		}
		heartbeat(1)
		if step.anew {
			r.post(load.Logs, second)
		}
		sent := time.Now()
		s.settled()
		require.Equal(t, want, s.counts(ctx, pool), "%s: items in the segments", step.name)
		waitFor(t, 2*window+5*time.Second, "the bus has forgotten", func() bool { return time.Since(sent) > 2*window })
	}
	for _, signal := range load.Signals() {
		require.Len(t, splits[signal], 4, "%s was cut otherwise after each change of a limit", signal)
	}

	// Equal events are kept, each of them; only the one whose answer was lost comes again, as the same.
	heartbeat(2)
	r.loseAnswer(load.Logs, event)
	heartbeat(1)

	waitFor(t, time.Minute, "the first items are past the limit, and the last no more ahead", func() bool { return time.Since(crossing.Start) > age+time.Second })
	for _, signal := range load.Signals() {
		answer := r.plan(crossing, signal)
		require.Positive(t, answer.rejected, "%s: the first are too old now", signal)
		require.Contains(t, answer.message, "older than")
		require.NotContains(t, answer.message, "later than")
	}
	s.settled()
	want = counts{Spans: 2 * most, Logs: 2*most + records*(events+1), Points: 2 * most, Rollup: 2 * most}
	require.Equal(t, want, s.counts(ctx, pool), "items in the segments")
	counting, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for _, plan := range []load.Plan{plain, crossing} {
		for _, signal := range load.Signals() {
			require.NoError(t, load.Settled(counting, func(ctx context.Context) (*load.Tally, error) { return load.TallyRows(ctx, pool, plan, signal) }), "%s by SQL", signal)
			require.NoError(t, load.Settled(counting, func(ctx context.Context) (*load.Tally, error) { return load.API{URL: s.api}.Tally(ctx, plan, signal) }), "%s by the API", signal)
		}
	}
	times := r.observed(untimed, plain.Start)
	require.Len(t, times, events, "each event has the time at which it was first tried")
	for _, n := range times {
		require.Equal(t, records, n)
	}
	times = r.observed(whole, plain.Start)
	require.Equal(t, map[string]int{"0": records}, times)
	t.Logf("parts of the same request: %v; %d equal events kept", splits, events)
}

// plus is the counts with n items more.
func (c counts) plus(signal load.Signal, n int) counts {
	switch signal {
	case load.Traces:
		c.Spans += n
		c.Rollup += n
	case load.Logs:
		c.Logs += n
	case load.Metrics:
		c.Points += n
	}
	return c
}

// retries sends requests again.
type retries struct {
	*stack
	position map[load.Signal]int // of the last message on the bus
}

// taken is what a sender is told, and how many messages became of the request.
type taken struct {
	rejected, parts int
	message         string
}

func (r *retries) plan(p load.Plan, signal load.Signal) taken {
	r.t.Helper()
	body, err := p.Request(signal, 0)
	require.NoError(r.t, err)
	return r.post(signal, body)
}

func (r *retries) request(signal load.Signal, body []byte) *http.Request {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.http+"/v1/"+string(signal), bytes.NewReader(body))
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.GetBody = nil // net/http itself must not try again
	return request
}

// post sends a request that is taken.
func (r *retries) post(signal load.Signal, body []byte) taken {
	r.t.Helper()
	answer, err := http.DefaultClient.Do(r.request(signal, body))
	require.NoError(r.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	require.Equal(r.t, http.StatusOK, answer.StatusCode, "%s", text)
	message := &coltrace.ExportTraceServiceResponse{} // the answers of the three signals look alike
	require.NoError(r.t, proto.Unmarshal(text, message))
	position, err := strconv.Atoi(answer.Header.Get("X-Olly-Position"))
	require.NoError(r.t, err)
	out := taken{
		rejected: int(message.GetPartialSuccess().GetRejectedSpans()), message: message.GetPartialSuccess().GetErrorMessage(),
		parts: position - r.position[signal],
	}
	r.position[signal] = position
	return out
}

// loseAnswer sends a request, and goes away when the answer comes, as a connection that breaks does.
func (r *retries) loseAnswer(signal load.Signal, body []byte) {
	r.t.Helper()
	connection, err := new(net.Dialer).DialContext(r.t.Context(), "tcp", strings.TrimPrefix(r.http, "http://"))
	require.NoError(r.t, err)
	require.NoError(r.t, r.request(signal, body).Write(connection))
	_, err = bufio.NewReaderSize(connection, 16).Peek(1) // the rest of the answer stays unread
	require.NoError(r.t, err)
	require.NoError(r.t, connection.(*net.TCPConn).SetLinger(0)) //nolint:forcetypeassert // it was dialled so
	require.NoError(r.t, connection.Close())
}

// setting writes a file of NATS's configuration.
func (s *stack) setting(line string) string {
	s.t.Helper()
	file, err := os.CreateTemp(s.dir, "nats-*.conf")
	require.NoError(s.t, err)
	_, err = file.WriteString(line + "\n")
	require.NoError(s.t, err)
	require.NoError(s.t, file.Close())
	return file.Name()
}

// heartbeats is a request of equal records of a run, without a time where at is zero.
func heartbeats(t *testing.T, run string, at time.Time, records int) []byte {
	t.Helper()
	text := func(s string) *common.AnyValue {
		return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
	}
	scope := &logs.ScopeLogs{}
	for range records {
		record := &logs.LogRecord{Body: text("heartbeat " + strings.Repeat("lub-dub ", 64))}
		if !at.IsZero() {
			record.TimeUnixNano = uint64(at.UnixNano())
		}
		scope.LogRecords = append(scope.LogRecords, record)
	}
	body, err := proto.Marshal(&collogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource:  &resource.Resource{Attributes: []*common.KeyValue{{Key: load.RunAttribute, Value: text(run)}}},
		ScopeLogs: []*logs.ScopeLogs{scope},
	}}})
	require.NoError(t, err)
	require.Greater(t, len(body), 1<<20)
	return body
}

// observed is how many records of a run the API has, by the time of observation.
func (r *retries) observed(run string, since time.Time) map[string]int {
	r.t.Helper()
	found, until := map[string]int{}, time.Now().Add(time.Second)
	for cursor := ""; ; {
		question := fmt.Sprintf(`{"time_range":{"start_time":"%d","end_time":"%d"},"filters":[{"field":"resource.%s","operator":"eq","value":%q}],
			"pagination":{"limit":1000,"cursor":%q}}`, since.Add(-time.Second).UnixNano(), until.UnixNano(), load.RunAttribute, run, cursor)
		request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.api+"/api/logs/search", strings.NewReader(question))
		require.NoError(r.t, err)
		request.Header.Set("Content-Type", "application/json")
		var page struct {
			Logs []struct {
				Observed string `json:"observed_time_unix_nano"`
			} `json:"logs"`
			Pagination struct {
				Next string `json:"next_cursor"`
			} `json:"pagination"`
		}
		require.NoError(r.t, do(request, &page))
		for _, l := range page.Logs {
			found[l.Observed]++
		}
		if cursor = page.Pagination.Next; cursor == "" {
			return found
		}
	}
}
