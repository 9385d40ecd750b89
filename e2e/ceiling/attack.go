package ceiling

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/e2e/load"
	"github.com/ollyscale/ollyscale/libs/auth"
)

// scenario is an attack and who is to be served beside it.
type scenario struct {
	name   string
	role   string
	times  int
	rounds bool // once is over sooner than it can be seen what it does to others: again and again for Size.Hold
	// prepare is done by the stage before anything is measured; nil for nothing.
	prepare func(ctx context.Context, s *stage) error
	// attack makes what is to be sent, and returns what sends it. It is called in a process of its own.
	attack func(t target) (func(ctx context.Context) (answers, error), error)
	// means is the answer of an attack that got where it hurts: one that is refused at the door says nothing of what is behind it. least is how
	// many there must be.
	means string
	least int
	// stored waits until what was accepted is stored; nil for not at all.
	stored func(ctx context.Context, s *stage, got answers) error
	legal  func(s *stage) use
}

// landed is an error where the attack did not get where it hurts.
func (sc scenario) landed(got answers) error {
	const wrong = "400"
	if sc.means == "200" && got[wrong] > 0 { // it asks what nobody answers
		return fmt.Errorf("%d of the attack were answered %s: nothing was attacked by these", got[wrong], wrong)
	}
	if n := got[sc.means]; n < sc.least {
		return fmt.Errorf("%d of the attack were answered %s: with less than %d nothing was attacked", n, sc.means, sc.least)
	}
	return nil
}

func scenarios(z Size) []scenario {
	bomb := func(coding string, squeeze func(io.Writer) (io.WriteCloser, error)) scenario {
		return scenario{
			name: fmt.Sprintf("%d bombs of %s, each %s", z.Bombs, coding, size(z.BombBytes)), role: "ingest", times: z.Bombs, rounds: true, means: "413", least: 1,
			attack: posts(z.Bombs, "traces", typeProtobuf, coding, func() ([]byte, error) { return squeezed(squeeze, io.LimitReader(zeros{}, z.BombBytes)) }), legal: (*stage).sendsHTTP,
		}
	}
	// swells is of what comes to much more than was sent. It is one round: what is taken of it is millions of items, which the writer has for a while.
	swells := func(what, signal, contentType string, body func() []byte) scenario {
		return scenario{
			name: fmt.Sprintf("%d bodies of %s, in gzip", z.Swells, what), role: "ingest", times: z.Swells, means: "200", least: 1, legal: (*stage).sendsHTTP,
			attack: posts(z.Swells, signal, contentType, "gzip", func() ([]byte, error) { return squeezed(gzipWriter, bytes.NewReader(body())) }),
		}
	}
	// flood is of what is much work for the writer: n bodies, each of so many items, by a tenant of its own, whose items are counted in the end.
	flood := func(name, tenant, signal string, n, items int, body func(i int) []byte) scenario {
		return scenario{
			name: name, role: "writer", times: n, means: "200", least: n, legal: (*stage).asksHealth,
			attack: func(t target) (func(context.Context) (answers, error), error) {
				return func(ctx context.Context) (answers, error) { return t.flood(ctx, tenant, signal, n, body) }, nil
			},
			stored: func(ctx context.Context, s *stage, got answers) error {
				return s.stored(ctx, tenant, tableOf(signal), got["200"]*items, 5*time.Minute)
			},
		}
	}
	const mostPoints = 10_000
	return []scenario{
		{
			name: fmt.Sprintf("%d slow bodies that announce 60 MB", z.Slow), role: "ingest", times: z.Slow, means: "connected", least: connectable(z.Slow), legal: (*stage).sendsHTTP,
			attack: func(t target) (func(context.Context) (answers, error), error) {
				return func(ctx context.Context) (answers, error) { return t.slow(ctx, z.Slow, z.Hold) }, nil
			},
		},
		{
			name: fmt.Sprintf("%d bodies of 60 MiB in gzip", z.Gzip), role: "ingest", times: z.Gzip, rounds: true, means: "200", least: 1, legal: (*stage).sendsHTTP,
			attack: posts(z.Gzip, "traces", typeProtobuf, "gzip", func() ([]byte, error) { return squeezed(gzipWriter, bytes.NewReader(spans(1, 60*mib, noise))) }),
		},
		{
			name: fmt.Sprintf("%d plain bodies of 64 MiB", z.Plain), role: "ingest", times: z.Plain, rounds: true, means: "200", least: 1, legal: (*stage).sendsHTTP,
			attack: posts(z.Plain, "traces", typeProtobuf, "", func() ([]byte, error) { return spans(2, 64*mib, noise), nil }),
		},
		bomb("gzip", gzipWriter),
		bomb("zstd", zstdWriter),
		{
			name: fmt.Sprintf("%d gRPC messages of 60 MiB", z.Calls), role: "ingest", times: z.Calls, rounds: true, means: "OK", least: 1, legal: (*stage).sendsGRPC,
			attack: func(t target) (func(context.Context) (answers, error), error) {
				message := spans(3, 60*mib, noise)
				return func(ctx context.Context) (answers, error) { return t.calls(ctx, z.Calls, message) }, nil
			},
		},
		{
			name: fmt.Sprintf("%d idle connections", z.Idle), role: "ingest", times: z.Idle, means: "connected", least: connectable(z.Idle), legal: (*stage).sendsHTTP,
			attack: func(t target) (func(context.Context) (answers, error), error) {
				return func(ctx context.Context) (answers, error) { return t.idle(ctx, z.Idle, z.Hold) }, nil
			},
		},
		flood(fmt.Sprintf("%d batches of 60 MiB that compress well", z.Batches), "flood", "traces", z.Batches, spansIn(60*mib),
			func(i int) []byte { return spans(100+i, 60*mib, repetition) }),
		flood(fmt.Sprintf("%d log records of 7 MiB", z.Large), "large", "logs", z.Large, 1, func(i int) []byte { return largeRecord(i, 7*mib) }),
		flood(fmt.Sprintf("%d maps of 100000 keys", z.Maps), "maps", "logs", z.Maps, 1, func(i int) []byte { return mapRecord(i, 100_000) }),
		flood(fmt.Sprintf("%d requests with 100000 attribute keys", z.Maps), "keys", "traces", z.Maps, 100, func(i int) []byte { return keySpans(i, 100, 1000) }),
		flood(fmt.Sprintf("%d bodies of 500000 empty log records", z.Empty), "empty", "logs", z.Empty, 500_000, func(int) []byte { return emptyRecords(1_000_000+32, false) }),
		flood(fmt.Sprintf("%d series", z.Series), "series", "metrics", z.Series/mostPoints, mostPoints, func(i int) []byte { return points(i*mostPoints, mostPoints) }),
		{
			name: fmt.Sprintf("%d questions over a year at once", z.Questions), role: "query", times: z.Questions, means: "200", least: z.Questions / 3, legal: (*stage).asks,
			prepare: func(ctx context.Context, s *stage) error { return s.fill(ctx, z) },
			attack: func(t target) (func(context.Context) (answers, error), error) {
				return func(ctx context.Context) (answers, error) { return t.questions(ctx, z.Questions) }, nil
			},
		},
		swells("15 MiB of numbers in JSON", "metrics", "application/json", func() []byte { return bucketsJSON(15 * mib) }),
		swells("64 MiB of empty log records", "logs", typeProtobuf, func() []byte { return emptyRecords(64*mib, false) }),
		swells("64 MiB of empty log records among others that are too old", "logs", typeProtobuf, func() []byte { return emptyRecords(64*mib, true) }),
	}
}

// tableOf holds the segments of a signal, as OTLP calls it.
func tableOf(signal string) string {
	if signal == "traces" {
		signal = "spans"
	}
	return signal + "_segment"
}

// ---- legal use

// small is a request of one span, another one for each n.
func small(n int) []byte { return spans(1_000_000+n, 1, noise) }

func (s *stage) sendsHTTP() use {
	client := http.DefaultClient
	return func(ctx context.Context, n int) error {
		return post(ctx, client, "http://"+s.HTTP+"/v1/traces", small(n), "")
	}
}

func (s *stage) sendsGRPC() use {
	c, err := dial(s.GRPC)
	return func(ctx context.Context, n int) error {
		if err != nil {
			return err
		}
		return c.export(ctx, small(n))
	}
}

func (s *stage) asksHealth() use {
	return func(ctx context.Context, _ int) error {
		return get(ctx, http.DefaultClient, "http://"+s.writer+"/health")
	}
}

// neighbour is a tenant that looks at what it sent itself while others ask for much.
const neighbour = "neighbour"

// asks is answered with what there is of the neighbour, and never told to come again: it has no question under way, so it is next.
func (s *stage) asks() use {
	return func(ctx context.Context, _ int) error {
		request, err := s.asking(ctx, question{path: "/api/logs/search", asks: map[string]any{"pagination": map[string]int{"limit": 20}}}, time.Hour)
		if err != nil {
			return err
		}
		request.Header.Set(auth.TenantHeader, neighbour)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		var page struct{ Logs []json.RawMessage }
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		if err := json.NewDecoder(answer.Body).Decode(&page); err != nil {
			return err
		}
		if len(page.Logs) != ofNeighbour {
			return fmt.Errorf("%d records of %d", len(page.Logs), ofNeighbour)
		}
		return nil
	}
}

// ---- attacks

// all does something many times at once and counts what came of each.
func all(n int, one func(i int) string) answers {
	got := answers{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			what := one(i)
			mu.Lock()
			defer mu.Unlock()
			got[what]++
		})
	}
	group.Wait()
	return got
}

const typeProtobuf = "application/x-protobuf"

// posts sends the same body many times at once.
func posts(n int, signal, contentType, encoding string, body func() ([]byte, error)) func(target) (func(context.Context) (answers, error), error) {
	return func(t target) (func(context.Context) (answers, error), error) {
		b, err := body()
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (answers, error) {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
			return all(n, func(int) string {
				return told(post(ctx, client, "http://"+t.HTTP+"/v1/"+signal, b, encoding, "Content-Type", contentType))
			}), nil
		}, nil
	}
}

// told is an answer in a word or two.
func told(err error) string {
	var network *net.OpError
	switch {
	case err == nil:
		return "200"
	case errors.Is(err, errAgain):
		_, what, _ := strings.Cut(err.Error(), ": ")
		code, _, _ := strings.Cut(what, " ")
		return code
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "cut off"
	}
	code, _, _ := strings.Cut(err.Error(), " ")
	return code
}

func post(ctx context.Context, client *http.Client, url string, body []byte, encoding string, header ...string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", typeProtobuf)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return do(client, request)
}

// connectable is how many of n connections a process may have beside its other files.
func connectable(n int) int {
	const others = 500
	return min(n, descriptors()-others)
}

// connect opens connections, in parallel but not all at once: it is their number that counts.
func (t target) connect(ctx context.Context, n int) ([]net.Conn, answers) {
	n = connectable(n)
	connections := make([]net.Conn, n)
	places := make(chan struct{}, 64)
	got := all(n, func(i int) string {
		places <- struct{}{}
		defer func() { <-places }()
		c, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", t.HTTP)
		if err != nil {
			return "refused"
		}
		connections[i] = c
		return "connected"
	})
	return connections, got
}

func hangUp(connections []net.Conn) {
	for _, c := range connections {
		if c != nil {
			_ = c.Close()
		}
	}
}

// slow announces much and sends little.
func (t target) slow(ctx context.Context, n int, hold time.Duration) (answers, error) {
	connections, got := t.connect(ctx, n)
	defer hangUp(connections)
	const head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 60000000\r\n\r\n"
	piece := append([]byte(head), make([]byte, 1<<10)...)
	for began := time.Now(); time.Since(began) < hold; {
		for _, c := range connections {
			if c == nil {
				continue
			}
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.Write(piece) // one that was cut off stays so
		}
		piece = piece[len(piece)-1<<10:]
		if !sleep(ctx, time.Second) {
			return got, ctx.Err()
		}
	}
	return got, nil
}

func (t target) idle(ctx context.Context, n int, hold time.Duration) (answers, error) {
	connections, got := t.connect(ctx, n)
	defer hangUp(connections)
	sleep(ctx, hold)
	return got, ctx.Err()
}

func (t target) calls(ctx context.Context, n int, message []byte) (answers, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return all(n, func(int) string {
		c, err := dial(t.GRPC)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = c.connection.Close() }()
		return callTold(c.export(ctx, message))
	}), nil
}

// callTold is status.Code of an error that may be wrapped.
func callTold(err error) string {
	if s, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err); ok {
		return s.GRPCStatus().Code().String()
	}
	return status.Code(err).String()
}

// flood sends bodies that are little on the bus and much in the writer, until each is taken.
func (t target) flood(ctx context.Context, tenant, signal string, n int, body func(i int) []byte) (answers, error) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	places := make(chan struct{}, 2)
	return all(n, func(i int) string {
		places <- struct{}{}
		defer func() { <-places }()
		b, err := squeezed(gzipWriter, bytes.NewReader(body(i)))
		for err == nil {
			if err = post(ctx, client, "http://"+t.HTTP+"/v1/"+signal, b, "gzip", auth.TenantHeader, tenant); !errors.Is(err, errAgain) || !sleep(ctx, time.Second) {
				break
			}
			err = nil
		}
		return told(err)
	}), nil
}

// ---- questions

// question is what is asked of a path, beside the range: by POST, or by GET where that is nothing.
type question struct {
	path string
	asks map[string]any
}

func search(path string, filters ...map[string]any) question {
	return question{path: path, asks: map[string]any{"filters": filters, "pagination": map[string]int{"limit": 1000}}}
}

// hostile takes turns: what reads the most, remembers the most and has the most groups of each kind of question.
func hostile() []question {
	filter := func(field, operator string, value any) map[string]any {
		return map[string]any{"field": field, "operator": operator, "value": value}
	}
	return []question{
		search("/api/logs/search", filter("body", "regex", "(a|b|c|[0-9]+ of )*run [0-9a-f]{15}z")),
		search("/api/logs/search", filter("body", "contains", "not in any body")),
		search("/api/spans/search"),
		search("/api/traces/search"),
		{path: "/api/service-map"},
		search("/api/spans/search", filter("attributes.payload", "regex", "(0+1+)*f{9}z")),
		search("/api/metrics/search"),
		search("/api/traces/search", map[string]any{"relation": "ancestor", "filters": []any{filter("name", "regex", "^[^z]*$")}}),
		{path: "/api/traces/search", asks: map[string]any{"sort": map[string]string{"by": "span_count"}, "pagination": map[string]int{"limit": 1000}}},
		{path: "/api/aggregate", asks: map[string]any{"signal": "traces", "group_by": []string{"attributes.payload", "name"}, "buckets": 100, "limit": 20, "measures": []map[string]any{
			{"measure": "p99", "field": "duration"}, {"measure": "count_distinct", "field": "trace_id"}, {"measure": "histogram", "field": "duration", "bands": 100},
		}}},
		{path: "/api/aggregate", asks: map[string]any{"signal": "logs", "group_by": []string{"body"}, "limit": 1000, "measures": []map[string]any{{"measure": "count"}, {"measure": "count_distinct", "field": "body"}}}},
		{path: "/api/logs/patterns", asks: map[string]any{"limit": 1000, "buckets": 100}},
		{path: "/api/compare", asks: map[string]any{"signal": "traces", "selected": []any{filter("duration", "gt", 0)}}},
		{path: "/api/metrics/query", asks: map[string]any{"metric": "load.histogram", "group_by": []string{"service", "resource.load.run"}, "buckets": 1000}},
		{path: "/api/cardinality"},
	}
}

// ofNeighbour is how many log records the neighbour has: fewer than a page.
const ofNeighbour = 10

const year = 365 * 24 * time.Hour

// asking is a question about the time until now, so long.
func (t target) asking(ctx context.Context, q question, over time.Duration) (*http.Request, error) {
	now := time.Now().UTC()
	from, to := now.Add(-over).Format(time.RFC3339Nano), now.Format(time.RFC3339Nano)
	if q.asks == nil {
		return http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.API+q.path+"?start_time="+from+"&end_time="+to, http.NoBody)
	}
	asks := maps.Clone(q.asks)
	asks["time_range"] = map[string]string{"start_time": from, "end_time": to}
	body, err := json.Marshal(asks)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.API+q.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

func (t target) search(ctx context.Context, client *http.Client, q question, over time.Duration) error {
	request, err := t.asking(ctx, q, over)
	if err != nil {
		return err
	}
	return do(client, request)
}

func (t target) questions(ctx context.Context, n int) (answers, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
	list := hostile()
	return all(n, func(i int) string {
		err := t.search(ctx, client, list[i%len(list)], year)
		for tries := 0; errors.Is(err, errAgain) && tries < 5 && sleep(ctx, time.Second); tries++ {
			err = t.search(ctx, client, list[i%len(list)], year) // who is hostile does not give up
		}
		return told(err)
	}), nil
}

// fill stores what the questions are about: small items over two days, some on each day of a year, which has partitions for each of its days then, and large
// spans that are newer than all of them.
func (s *stage) fill(ctx context.Context, z Size) error {
	before, err := s.count(ctx, defaultTenant, tableOf("traces"))
	if err != nil {
		return err
	}
	end := time.Now().Add(-10 * time.Minute)
	plans := []load.Plan{load.NewPlan(uint64(end.UnixNano()), z.Items, 500, end, 48*time.Hour)}
	const ofDay = 20
	for day := 3; day < z.Days; day++ {
		at := end.AddDate(0, 0, -day)
		plans = append(plans, load.NewPlan(uint64(at.UnixNano()), ofDay, ofDay, at, time.Minute))
	}
	items := 0
	for _, plan := range plans {
		if _, err := load.Send(ctx, plan, load.Target{HTTP: "http://" + s.HTTP}); err != nil {
			return err
		}
		items += plan.Items
	}
	const each = 4
	for i := range (z.LargeSpans + each - 1) / each {
		body := spansOf(2_000_000+i, each, 1_000_000, noise)
		for {
			err := post(ctx, http.DefaultClient, "http://"+s.HTTP+"/v1/traces", body, "")
			if err == nil {
				break
			}
			if !errors.Is(err, errAgain) || !sleep(ctx, 200*time.Millisecond) {
				return err
			}
		}
	}
	for i := range ofNeighbour {
		if err := post(ctx, http.DefaultClient, "http://"+s.HTTP+"/v1/logs", largeRecord(i, 100), "", auth.TenantHeader, neighbour); err != nil {
			return err
		}
	}
	if err := s.stored(ctx, neighbour, tableOf("logs"), ofNeighbour, time.Minute); err != nil {
		return err
	}
	if err := s.stored(ctx, defaultTenant, tableOf("logs"), items, 10*time.Minute); err != nil { // a partition is made for each day
		return err
	}
	return s.stored(ctx, defaultTenant, tableOf("traces"), before+items+z.LargeSpans, 10*time.Minute)
}
