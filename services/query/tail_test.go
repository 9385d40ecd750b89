package query

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// live is a service with a queue, and what a writer does to it: it is settled up to where it is stored.
type live struct {
	*fixture
	bus       *bus.Bus
	publisher *bus.Publisher
	consumer  *bus.Consumer
}

func newLive(t *testing.T) *live {
	t.Helper()
	f := newFixture(t)
	b, err := bus.Connect(t.Context(), f.cfg.Bus, nil, nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.WaitReady(testbed.Context(t)))
	l := &live{fixture: f, bus: b}
	l.publisher, err = b.Publisher()
	require.NoError(t, err)
	t.Cleanup(l.publisher.Close)
	l.consumer, err = b.Consumer(t.Context(), telemetry.Logs)
	require.NoError(t, err)
	t.Cleanup(l.consumer.Close)
	return l
}

// base is of positions: the queue is in its second life.
const tailBase = 1000

// look does what a writer does once a second.
func (l *live) look() { l.looked(telemetry.Logs, tailBase) }

// looked is what a writer tells of the queue of a signal, whose life begins at a base.
func (f *fixture) looked(signal telemetry.Signal, base int64) {
	f.t.Helper()
	backlog, err := f.svc.bus.Pending(testbed.Context(f.t), signal)
	require.NoError(f.t, err)
	_, err = f.db.Pool.Exec(testbed.Context(f.t), `INSERT INTO queue_life (signal, base, began, seen, settled, seen_at, unsettled, whole_at, noticed_at)
		VALUES ($4, $1, $2, $3, $3, clock_timestamp(), 0, clock_timestamp(), clock_timestamp())
		ON CONFLICT (signal, base) DO UPDATE SET seen = $3, settled = $3, seen_at = clock_timestamp()`, base, backlog.Created.UTC(), int64(backlog.Settled), int16(signal))
	require.NoError(f.t, err)
}

// records are bodies as a request, a severity each: every third failed.
func records(at time.Time, bodies ...string) []byte {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "cart")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("shop.logger")
	for i, body := range bodies {
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(len(bodies)-i) * time.Millisecond))) // not in the order of their times
		r.Body().SetStr(body)
		r.SetSeverityNumber(plog.SeverityNumberInfo)
		if i%3 == 0 {
			r.SetSeverityNumber(plog.SeverityNumberError)
		}
	}
	return testbed.LogsPayload(ld)
}

func (l *live) publish(tenant telemetry.Tenant, payload []byte, items int) {
	l.t.Helper()
	l.publishWith("", tenant, payload, items)
}

// publishWith is publish of what was sent with a key.
func (l *live) publishWith(key string, tenant telemetry.Tenant, payload []byte, items int) {
	l.t.Helper()
	_, err := l.publisher.Publish(testbed.Context(l.t), []telemetry.Batch{{
		Connection: key, Request: telemetry.NewRequestID(tenant, telemetry.Logs, payload), Tenant: tenant, Signal: telemetry.Logs, Received: time.Now(), Items: items, Payload: payload,
	}})
	require.NoError(l.t, err)
}

// write stores what waits, as segments whose positions are those of the deliveries.
func (l *live) write(n int) {
	l.t.Helper()
	for n > 0 {
		list, err := l.consumer.Fetch(testbed.Context(l.t), 100, 1<<20, time.Second)
		require.NoError(l.t, err)
		for _, d := range list {
			l.position = tailBase + int64(d.Position) - 1
			l.store(d.Tenant, telemetry.Logs, d.Payload, 0)
			require.NoError(l.t, d.Settle(testbed.Context(l.t), nil))
			n--
		}
	}
	l.look()
}

// event is one of the stream.
type event struct{ name, id, data string }

func (e event) body() string {
	var log api.LiveLog
	if json.Unmarshal([]byte(e.data), &log) != nil || log.Log.Body == nil {
		return e.data
	}
	var body struct{ StringValue string }
	raw, err := json.Marshal(log.Log.Body)
	if err != nil || json.Unmarshal(raw, &body) != nil {
		return e.data
	}
	return fmt.Sprint(log.Log.ServiceName, " ", log.Resource.ServiceName, " ", log.Scope.Name, " ", body.StringValue)
}

// follow opens the stream; next reads an event, and waits for it.
func (l *live) follow(tenant, query string, header ...string) (next func() event, stop func()) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(testbed.Context(l.t))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+"/api/logs/tail?"+query, nil)
	require.NoError(l.t, err)
	r.Header.Set("X-Scope-OrgID", tenant)
	r.Header.Set("Accept-Encoding", "gzip")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r) //nolint:bodyclose // by stop
	require.NoError(l.t, err)
	require.Equal(l.t, http.StatusOK, response.StatusCode)
	require.Equal(l.t, "text/event-stream", response.Header.Get("Content-Type"))
	require.Empty(l.t, response.Header.Get("Content-Encoding"))
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	next = func() (e event) {
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				e.data = value
			case "":
				if e.name != "" {
					return e
				}
			}
		}
		return event{name: "over"}
	}
	return next, func() {
		cancel()
		_ = response.Body.Close()
	}
}

// Who follows sees what meets the filter as it arrives, in the order in which it was sent; and who comes again what was stored meanwhile, once.
func TestLogsAreFollowed(t *testing.T) {
	t.Parallel()
	l := newLive(t)
	at := time.Now().Add(-time.Minute)
	require.Equal(t, "query.queue", l.problem(http.StatusServiceUnavailable, http.MethodGet, "/api/logs/tail", "").Code, "no writer has told of the queue")
	l.look()
	l.publish("default", records(at, "early"), 1)
	failed := url.Values{"filters": {`[{"field":"severity","operator":"gte","value":"error"}]`}}.Encode()
	next, stop := l.follow("default", failed)
	nextOther, stopOther := l.follow("other", "")
	defer stopOther()
	l.publish("default", records(at, "a", "b", "c", "d"), 4)
	l.publish("other", records(at, "theirs"), 1)
	first, second := next(), next()
	require.Equal(t, []string{"log", "cart cart shop.logger a", "log", "cart cart shop.logger d"}, []string{first.name, first.body(), second.name, second.body()})
	require.Equal(t, []string{fmt.Sprint(tailBase+2, ".0"), fmt.Sprint(tailBase+2, ".3")}, []string{first.id, second.id})
	require.Equal(t, "cart cart shop.logger theirs", nextOther().body(), "and nothing of other tenants")
	stop()

	// What a search finds later has the same ids.
	l.publish("default", records(at, "e", "f"), 2)
	l.write(4)
	next, stop = l.follow("default", failed, "Last-Event-ID", first.id)
	defer stop()
	l.publish("default", records(at, "g"), 1)
	require.Equal(t, []string{"cart cart shop.logger d", "cart cart shop.logger e", "cart cart shop.logger g"}, []string{next().body(), next().body(), next().body()})
	next, stopAgain := l.follow("default", "after="+second.id)
	defer stopAgain()
	l.publish("default", records(at, "h"), 1)
	require.Equal(t, event{name: "missed", data: `{"at_least":true,"records":0}`}, next(), "g is not stored within the time that is waited for it")
	require.Equal(t, []string{"cart cart shop.logger e", "cart cart shop.logger f", "cart cart shop.logger h"}, []string{next().body(), next().body(), next().body()})
	next, stopShort := l.follow("default", "seconds=1")
	defer stopShort()
	require.Equal(t, []event{{name: "end", data: `{"reason":"time"}`}, {name: "over"}}, []event{next(), next()})
	var page api.LogPage
	l.search("logs", searchBody{from: at.Add(-time.Hour), to: at.Add(time.Hour), limit: 100}, &page)
	require.Len(t, page.Logs, 7)
	var ids []string
	for _, record := range page.Logs {
		ids = append(ids, record.ID)
	}
	require.Contains(t, ids, first.id)
	require.Contains(t, ids, second.id)
}

func TestTailsAreRefused(t *testing.T) {
	t.Parallel()
	l := newLive(t)
	l.look()
	for query, code := range map[string]string{
		"after=7": "request.event_id", "seconds=0": "request.seconds", "seconds=3601": "request.seconds", "after=x.y": "request.event_id", "after=-1.0": "request.event_id", url.Values{"filters": {`[{"field":"nothing","operator":"eq","value":1}]`}}.Encode(): "filter.unknown_field",
		"filter=x": "request.parameter",
	} {
		require.Equal(t, code, l.problem(http.StatusBadRequest, http.MethodGet, "/api/logs/tail?"+query, "").Code, query)
	}
	few := &live{l.with(func(c *Config) { c.MaxTails = 2 }), l.bus, l.publisher, l.consumer}
	_, stop := few.follow("default", "")
	require.Equal(t, "query.tails", few.problem(http.StatusTooManyRequests, http.MethodGet, "/api/logs/tail", "").Code, "half of them are one tenant's")
	_, stopOther := few.follow("other", "")
	defer stopOther()
	stop()
	testbed.Eventually(t, "the place to be free again", func() bool {
		ctx, cancel := context.WithTimeout(testbed.Context(t), testbed.Prompt)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, few.url+"/api/logs/tail", nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	})
}

// Who may not read any more is shown nothing from the next heartbeat on.
func TestATailEndsWithItsKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys, func(c *Config) { c.Heartbeat = 20 * time.Millisecond })
	require.NoError(t, f.svc.bus.EnsureStreams(testbed.Context(t)))
	f.looked(telemetry.Logs, 0)
	boss, _ := f.newKey("red", "admin")
	key, id := f.newKey("red", "query")
	l := &live{fixture: f}
	next, stop := l.follow("red", "", "X-Api-Key", key)
	defer stop()
	require.Equal(t, "heartbeat", next().name)
	status, _ := f.call(http.MethodDelete, "/api/keys/"+id, "", "X-Api-Key", boss)
	require.Less(t, status, 300)
	f.refreshKeys()
	for e := next(); e.name != "over"; e = next() {
		if e.name == "end" {
			require.JSONEq(t, `{"reason":"access"}`, e.data)
			return
		}
		require.Equal(t, "heartbeat", e.name)
	}
	require.Fail(t, "it ended without a word")
}

// What lies beyond the time that is looked at is told to be missing, and a resource that is larger than an answer may be is told of one record.
func TestACatchUpSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	l := newLive(t)
	l.look()
	old := time.Now().Add(-3 * 24 * time.Hour)
	l.publish("default", records(old, "old"), 1)
	l.publish("default", records(old, "forgotten"), 1)
	l.publish("default", records(time.Now(), "new", "newer"), 2)
	l.write(3)
	next, stop := l.follow("default", "after="+fmt.Sprint(tailBase+1, ".0"))
	defer stop()
	require.Equal(t, event{name: "missed", data: `{"at_least":true,"records":0}`}, next())
	require.Equal(t, "cart cart shop.logger new", next().body())
	require.Equal(t, "cart cart shop.logger newer", next().body())
}

// Who follows what was sent with a key sees that and no more, as it is told once it is stored.
func TestAKeyIsFollowed(t *testing.T) {
	t.Parallel()
	l := newLive(t)
	at := time.Now().Add(-time.Minute)
	l.look()
	next, stop := l.follow("default", url.Values{"filters": {`[{"field":"connection","operator":"eq","value":"key-b"}]`}}.Encode())
	defer stop()
	for i, key := range []string{"", "key-a", "key-b", "key-b"} {
		l.publishWith(key, "default", records(at, fmt.Sprint("record ", i)), 1)
	}
	for _, want := range []string{"record 2", "record 3"} {
		var log api.LiveLog
		require.NoError(t, json.Unmarshal([]byte(next().data), &log))
		require.Equal(t, want, log.Log.Body.String)
		require.Equal(t, "key-b", log.Log.Connection)
	}
}

// Two thousand records a second are followed without one missing, beside somebody who has stopped reading. How long each took is told, and judged by nobody.
func TestTwoThousandRecordsASecondAreFollowed(t *testing.T) {
	t.Parallel()
	const each, requests = 100, 40
	l := newLive(t)
	l.look()
	next, stop := l.follow("default", "")
	defer stop()
	_, stopStalled := l.follow("default", "") // its events are never read
	defer stopStalled()
	type seen struct {
		event
		at time.Time
	}
	events := make(chan seen, each*requests)
	go func() {
		for range each * requests {
			e := next()
			events <- seen{e, time.Now()}
		}
	}()
	sent := make([]time.Time, requests)
	tick := time.NewTicker(time.Second * each / 2000)
	defer tick.Stop()
	for n := range requests {
		<-tick.C
		bodies := make([]string, each)
		for i := range bodies {
			bodies[i] = fmt.Sprintf("%d of a request %s", n*each+i, strings.Repeat("x", 200))
		}
		sent[n] = time.Now()
		l.publish("default", records(sent[n], bodies...), each)
	}
	took := make([]time.Duration, 0, each*requests)
	for i := range each * requests {
		e := <-events
		require.Equal(t, "log", e.name, e.data)
		require.Contains(t, e.body(), fmt.Sprintf(" %d of a request", i), "in the order in which they were sent")
		took = append(took, e.at.Sub(sent[i/each]))
	}
	slices.Sort(took)
	t.Logf("%d records: half within %v, 99 %% within %v, all within %v", len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
}
