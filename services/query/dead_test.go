package query

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// bury publishes a batch and makes a dead letter of it, as a writer does.
func (f *fixture) bury(tenant telemetry.Tenant, signal telemetry.Signal, payload []byte, code string) telemetry.Batch {
	f.t.Helper()
	b := telemetry.Batch{
		Request: telemetry.NewRequestID(tenant, signal, payload), Tenant: tenant, Signal: signal, Received: time.Now(), Items: 7, Payload: payload,
	}
	ctx := testbed.Context(f.t)
	require.NoError(f.t, f.svc.bus.EnsureStreams(ctx))
	p, err := f.svc.bus.Publisher()
	require.NoError(f.t, err)
	defer p.Close()
	_, err = p.Publish(ctx, []telemetry.Batch{b})
	require.NoError(f.t, err)
	for _, d := range f.waiting(signal) {
		require.NoError(f.t, d.Settle(ctx, fault.Kind{Class: fault.Invalid, Code: code}.New("no room for "+code)))
	}
	return b
}

// waiting are the batches that wait for a writer, one at least.
func (f *fixture) waiting(signal telemetry.Signal) []bus.Delivery {
	f.t.Helper()
	c, err := f.svc.bus.Consumer(testbed.Context(f.t), signal)
	require.NoError(f.t, err)
	defer c.Close()
	var got []bus.Delivery
	testbed.Eventually(f.t, "a batch waits", func() bool {
		got, err = c.Fetch(testbed.Context(f.t), 2000, 64<<20, 100*time.Millisecond)
		require.NoError(f.t, err)
		return len(got) > 0
	})
	return got
}

func (f *fixture) deadLetters(query string, header ...string) api.DeadLetterPage {
	f.t.Helper()
	var page api.DeadLetterPage
	f.get("/api/dead-letters"+query, &page, header...)
	return page
}

func (f *fixture) moved(action, selection string, header ...string) api.DeadLettersDone {
	f.t.Helper()
	status, body := f.call(http.MethodPost, "/api/dead-letters/"+action, selection, header...)
	require.Equal(f.t, http.StatusOK, status, "%s", body)
	var done api.DeadLettersDone
	decode(f.t, body, &done)
	return done
}

func TestDeadLettersAreListedPageByPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 5 {
		f.bury("default", telemetry.Logs, testbed.LogsPayload(newDice(uint64(i)).logs(3)), "test.odd")
		f.bury("other", telemetry.Logs, testbed.LogsPayload(newDice(uint64(i)).logs(3)), "test.odd")
		f.bury("default", telemetry.Metrics, testbed.MetricsPayload(newDice(uint64(i)).metrics(3)), "test.even")
	}
	sequences := func(filter string, limit int) (all []int64) {
		for after, more := int64(0), true; more; {
			page := f.deadLetters(fmt.Sprintf("?limit=%d&after=%d%s", limit, after, filter))
			require.LessOrEqual(t, len(page.Letters), limit)
			for _, l := range page.Letters {
				all = append(all, l.Sequence)
			}
			after, more = page.After, page.HasMore
		}
		return all
	}
	for _, limit := range []int{1, 3, 9, 10, 100} {
		require.Equal(t, []int64{1, 3, 4, 6, 7, 9, 10, 12, 13, 15}, sequences("", limit))
		require.Equal(t, []int64{3, 6, 9, 12, 15}, sequences("&signal=metrics", limit))
		require.Equal(t, []int64{1, 4, 7, 10, 13}, sequences("&code=test.odd", limit))
		require.Empty(t, sequences("&signal=metrics&code=test.odd", limit))
		require.Empty(t, sequences("&signal=traces", limit))
	}
	require.Len(t, f.deadLetters("", "X-Scope-OrgID", "other").Letters, 5)
	require.Empty(t, f.deadLetters("", "X-Scope-OrgID", "nobody").Letters)
	for query, code := range map[string]string{"?limit=0": "pagination.limit", "?after=-1": "request.sequence", "?signal=profiles": "request.signal"} {
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodGet, "/api/dead-letters"+query, "").Code)
	}
}

func TestADeadLetterIsShownWithItsReasonAndItsItems(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	show := func(sequence int) (detail api.DeadLetterDetail) {
		f.get(fmt.Sprintf("/api/dead-letters/%d", sequence), &detail)
		return detail
	}
	b := f.bury("default", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(50)), "test.refused")
	f.bury("default", telemetry.Logs, testbed.LogsPayload(newDice(1).logs(50)), "test.refused")
	f.bury("default", telemetry.Metrics, testbed.MetricsPayload(newDice(1).metrics(50)), "test.refused")
	f.bury("default", telemetry.Logs, []byte("\x0a\xff\xff no OTLP"), "test.refused")

	detail := show(1)
	l := detail.Letter
	require.WithinDuration(t, time.Now(), l.DiedAt, time.Minute)
	require.Equal(t, []any{"test.refused", "invalid", 1, 7, "otlp.traces.default", b.ID().String()}, []any{l.Code, l.Class, l.Attempts, l.Items, l.Subject, l.Batch})
	require.Contains(t, l.Reason, "no room for test.refused")
	require.Positive(t, l.Bytes)
	require.Equal(t, l.Bytes, f.deadLetters("?limit=1").Letters[0].Bytes)
	require.Equal(t, []string{"default"}, detail.Headers[bus.HeaderTenant])
	for sequence, items := range map[int]string{1: "spanId", 2: "observedTimeUnixNano", 3: "dataPoints"} {
		detail := show(sequence)
		require.Equal(t, 5, detail.PreviewItems)
		require.Contains(t, string(detail.Preview), items)
		require.Less(t, len(detail.Preview), 20_000)
		require.True(t, json.Valid(detail.Preview))
		require.Empty(t, detail.PreviewError)
	}
	detail = show(4)
	require.Empty(t, detail.Preview)
	require.Equal(t, "the body is not OTLP", detail.PreviewError)
	for _, path := range []string{"5", "999999999", "0", "-1"} {
		require.Equal(t, "bus.no_dead_letter", f.problem(http.StatusNotFound, http.MethodGet, "/api/dead-letters/"+path, "").Code)
	}
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/dead-letters/first", "")
}

func TestReplayedLettersComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	payload := testbed.LogsPayload(newDice(1).logs(3))
	b := f.bury("default", telemetry.Logs, payload, "test.refused")
	f.problem(http.StatusNotFound, http.MethodPost, "/api/dead-letters/1/replay", "", "X-Scope-OrgID", "other")
	status, body := f.call(http.MethodPost, "/api/dead-letters/1/replay", "")
	require.Equal(t, http.StatusNoContent, status, "%s", body)
	f.problem(http.StatusNotFound, http.MethodPost, "/api/dead-letters/1/replay", "")
	require.Empty(t, f.deadLetters("").Letters)
	back := f.waiting(telemetry.Logs)
	require.Len(t, back, 1)
	require.Equal(t, payload, back[0].Payload)
	require.Equal(t, b.ID(), back[0].ID())
	require.Equal(t, b.Tenant, back[0].Tenant)
	require.NoError(t, back[0].Settle(testbed.Context(t), fault.Kind{Class: fault.Invalid, Code: "test.again"}.New("once more")))
	require.Equal(t, b.ID().String(), f.deadLetters("?code=test.again").Letters[0].Batch)
}

func TestManyLettersAreReplayedAndDropped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 6 {
		code := []string{"test.one", "test.two"}[i%2]
		f.bury("default", telemetry.Logs, testbed.LogsPayload(newDice(uint64(i)).logs(3)), code)
	}
	f.bury("other", telemetry.Logs, testbed.LogsPayload(newDice(1).logs(3)), "test.one")
	done := f.moved("drop", `{"code":"test.one","through":3}`)
	require.Equal(t, 2, done.Done)
	require.False(t, done.HasMore)
	done = f.moved("replay", `{"signal":"logs","code":"test.one"}`)
	require.Equal(t, 1, done.Done)
	require.Len(t, f.waiting(telemetry.Logs), 1)
	require.Len(t, f.deadLetters("").Letters, 3)
	require.Equal(t, 3, f.moved("replay", `{}`).Done)
	require.Zero(t, f.moved("drop", `{}`).Done)
	require.Len(t, f.deadLetters("", "X-Scope-OrgID", "other").Letters, 1)
	for _, wrong := range []string{``, `[]`, `{"tenant":"other"}`, `{"signal":"profiles"}`, `{"after":-1}`} {
		status, _ := f.call(http.MethodPost, "/api/dead-letters/drop", wrong, "X-Scope-OrgID", "other")
		require.Equal(t, http.StatusBadRequest, status, wrong)
	}
	require.Equal(t, 1, f.moved("drop", `{}`, "X-Scope-OrgID", "other").Done)
}

// What dies while others are replayed does not make a client go round in circles.
func TestASelectionEndsWhereItBegan(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var all []telemetry.Batch
	for i := range 1100 {
		all = append(all, telemetry.Batch{
			Request: telemetry.NewRequestID("default", telemetry.Logs, []byte(fmt.Sprint(i))),
			Tenant:  "default", Signal: telemetry.Logs, Received: time.Now(), Items: 1, Payload: []byte("x"),
		})
	}
	ctx := testbed.Context(t)
	f.bury("default", telemetry.Logs, []byte("first"), "test.refused")
	p, err := f.svc.bus.Publisher()
	require.NoError(t, err)
	defer p.Close()
	_, err = p.Publish(ctx, all)
	require.NoError(t, err)
	bury := func() (n int) {
		for _, d := range f.waiting(telemetry.Logs) {
			require.NoError(t, d.Settle(ctx, fault.Kind{Class: fault.Invalid, Code: "test.refused"}.New("refused")))
			n++
		}
		return n
	}
	for n := 0; n < len(all); {
		n += bury()
	}
	done := f.moved("replay", `{}`)
	require.Equal(t, 1000, done.Done)
	require.True(t, done.HasMore)
	require.EqualValues(t, len(all)+1, done.Selection.Through)
	bury()
	selection, err := json.Marshal(done.Selection)
	require.NoError(t, err)
	done = f.moved("replay", string(selection))
	require.Equal(t, 101, done.Done)
	require.False(t, done.HasMore)
}

func TestCompletenessCountsDeadLettersOfTheTenantAndSignal(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, cancel := context.WithCancel(testbed.Context(t))
	defer cancel()
	for range 2 {
		f.bury("shop", telemetry.Traces, []byte(time.Now().String()), "test.refused")
	}
	f.bury("shop", telemetry.Logs, []byte("x"), "test.refused")
	ended := make(chan error, 1)
	go func() { ended <- f.svc.engine.Watch(ctx, 5*time.Millisecond) }()
	count := func(tenant string) *int64 {
		var list api.ServiceList
		f.get("/api/services"+hour(), &list, "X-Scope-OrgID", tenant)
		return list.Completeness.DeadLetters
	}
	testbed.Eventually(t, "dead letters are counted", func() bool { return count("shop") != nil })
	require.EqualValues(t, 2, *count("shop"))
	require.Zero(t, *count("bank"))
	require.Equal(t, 2, f.moved("drop", `{"signal":"traces"}`, "X-Scope-OrgID", "shop").Done)
	testbed.Eventually(t, "they are gone", func() bool { return *count("shop") == 0 })
	cancel()
	require.NoError(t, <-ended)
}

func TestWithoutABusDeadLettersAreUnavailable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) {
		c.Bus = bus.DefaultConfig()
		c.Bus.URL, c.Bus.RequestTimeout = "nats://127.0.0.1:1", 100*time.Millisecond
	})
	f.problem(http.StatusServiceUnavailable, http.MethodGet, "/api/dead-letters", "")
	f.problem(http.StatusServiceUnavailable, http.MethodGet, "/api/dead-letters/1", "")
	f.problem(http.StatusServiceUnavailable, http.MethodPost, "/api/dead-letters/1/replay", "")
	f.problem(http.StatusServiceUnavailable, http.MethodPost, "/api/dead-letters/drop", "{}")
}
