package ceiling

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/e2e/load"
)

// scenario is an attack and who is to be served beside it.
type scenario struct {
	name    string
	role    string
	times   int
	prepare func(ctx context.Context, s *stage) (func(ctx context.Context) (answers, error), error)
	legal   func(s *stage) use
}

func scenarios(z Size) []scenario {
	bomb := func(coding string, squeeze func(io.Writer) (io.WriteCloser, error)) scenario {
		return scenario{fmt.Sprintf("%d bombs of %s, each %s", z.Bombs, coding, size(z.BombBytes)), "ingest", z.Bombs, posts(z.Bombs, coding, func() ([]byte, error) {
			return squeezed(squeeze, io.LimitReader(zeros{}, z.BombBytes))
		}), (*stage).sendsHTTP}
	}
	return []scenario{
		{fmt.Sprintf("%d slow bodies that announce 60 MB", z.Slow), "ingest", z.Slow, func(_ context.Context, s *stage) (func(context.Context) (answers, error), error) {
			return func(ctx context.Context) (answers, error) { return s.slow(ctx, z.Slow, z.Hold) }, nil
		}, (*stage).sendsHTTP},
		{fmt.Sprintf("%d bodies of 60 MiB in gzip", z.Gzip), "ingest", z.Gzip, posts(z.Gzip, "gzip", func() ([]byte, error) {
			return squeezed(gzipWriter, bytes.NewReader(spans(1, 60*mib, noise)))
		}), (*stage).sendsHTTP},
		{fmt.Sprintf("%d plain bodies of 64 MiB", z.Plain), "ingest", z.Plain, posts(z.Plain, "", func() ([]byte, error) {
			return spans(2, 64*mib, noise), nil
		}), (*stage).sendsHTTP},
		bomb("gzip", gzipWriter),
		bomb("zstd", zstdWriter),
		{fmt.Sprintf("%d gRPC messages of 60 MiB", z.Calls), "ingest", z.Calls, func(_ context.Context, s *stage) (func(context.Context) (answers, error), error) {
			message := spans(3, 60*mib, noise)
			return func(ctx context.Context) (answers, error) { return s.calls(ctx, z.Calls, message) }, nil
		}, (*stage).sendsGRPC},
		{fmt.Sprintf("%d idle connections", z.Idle), "ingest", z.Idle, func(_ context.Context, s *stage) (func(context.Context) (answers, error), error) {
			return func(ctx context.Context) (answers, error) { return s.idle(ctx, z.Idle, z.Hold) }, nil
		}, (*stage).sendsHTTP},
		{fmt.Sprintf("%d batches of 60 MiB that compress well", z.Batches), "writer", z.Batches, func(_ context.Context, s *stage) (func(context.Context) (answers, error), error) {
			return func(ctx context.Context) (answers, error) { return s.batches(ctx, z.Batches) }, nil
		}, (*stage).asksHealth},
		{fmt.Sprintf("%d questions over a year at once", z.Questions), "query", z.Questions, func(ctx context.Context, s *stage) (func(context.Context) (answers, error), error) {
			if err := s.fill(ctx, z); err != nil {
				return nil, err
			}
			return func(ctx context.Context) (answers, error) { return s.questions(ctx, z.Questions) }, nil
		}, (*stage).asks},
	}
}

// ---- legal use

// small is a request of one span, another one for each n.
func small(n int) []byte { return spans(1_000_000+n, 1, noise) }

func (s *stage) sendsHTTP() use {
	client := http.DefaultClient
	return func(ctx context.Context, n int) error {
		return post(ctx, client, "http://"+s.http+"/v1/traces", small(n), "")
	}
}

func (s *stage) sendsGRPC() use {
	c, err := dial(s.grpc)
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

func (s *stage) asks() use {
	return func(ctx context.Context, _ int) error {
		err := s.search(ctx, http.DefaultClient, question{path: "/api/logs/search", limit: 20}, 15*time.Minute)
		return err
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

// posts sends the same body many times at once.
func posts(n int, encoding string, body func() ([]byte, error)) func(context.Context, *stage) (func(context.Context) (answers, error), error) {
	return func(_ context.Context, s *stage) (func(context.Context) (answers, error), error) {
		b, err := body()
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (answers, error) {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
			return all(n, func(int) string { return told(post(ctx, client, "http://"+s.http+"/v1/traces", b, encoding)) }), nil
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

func post(ctx context.Context, client *http.Client, url string, body []byte, encoding string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	return do(client, request)
}

// connect opens connections, at most as many as this process may have, in parallel but not all at once: it is their number that counts.
func (s *stage) connect(ctx context.Context, n int) ([]net.Conn, answers) {
	const others = 500
	n = min(n, descriptors()-others)
	connections := make([]net.Conn, n)
	places := make(chan struct{}, 64)
	got := all(n, func(i int) string {
		places <- struct{}{}
		defer func() { <-places }()
		c, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", s.http)
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
func (s *stage) slow(ctx context.Context, n int, hold time.Duration) (answers, error) {
	connections, got := s.connect(ctx, n)
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

func (s *stage) idle(ctx context.Context, n int, hold time.Duration) (answers, error) {
	connections, got := s.connect(ctx, n)
	defer hangUp(connections)
	sleep(ctx, hold)
	return got, ctx.Err()
}

func (s *stage) calls(ctx context.Context, n int, message []byte) (answers, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return all(n, func(int) string {
		c, err := dial(s.grpc)
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

// batches sends what is little on the bus and much in the writer, and waits until it is stored.
func (s *stage) batches(ctx context.Context, n int) (answers, error) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	places := make(chan struct{}, 2)
	got := all(n, func(i int) string {
		places <- struct{}{}
		defer func() { <-places }()
		body, err := squeezed(gzipWriter, bytes.NewReader(spans(100+i, 60*mib, repetition)))
		for err == nil {
			if err = post(ctx, client, "http://"+s.http+"/v1/traces", body, "gzip"); !errors.Is(err, errAgain) || !sleep(ctx, time.Second) {
				break
			}
			err = nil
		}
		return told(err)
	})
	return got, s.stored(ctx, "spans", got["200"]*spansIn(60*mib), 5*time.Minute)
}

// ---- questions

type question struct {
	path    string
	get     bool
	limit   int
	filters []map[string]any
}

// hostile takes turns.
func hostile() []question {
	filter := func(field, operator string, value any) []map[string]any {
		return []map[string]any{{"field": field, "operator": operator, "value": value}}
	}
	return []question{
		{path: "/api/logs/search", limit: 1000, filters: filter("body", "regex", "(a|b|c|[0-9]+ of )*run [0-9a-f]{15}z")},
		{path: "/api/logs/search", limit: 1000, filters: filter("body", "contains", "not in any body")},
		{path: "/api/spans/search", limit: 1000},
		{path: "/api/traces/search", limit: 1000},
		{path: "/api/service-map", get: true},
		{path: "/api/spans/search", limit: 1000, filters: filter("attributes.payload", "regex", "(0+1+)*f{9}z")},
		{path: "/api/metrics/search", limit: 1000},
	}
}

const year = 365 * 24 * time.Hour

func (s *stage) search(ctx context.Context, client *http.Client, q question, over time.Duration) error {
	now := time.Now().UTC()
	from, to := now.Add(-over).Format(time.RFC3339Nano), now.Format(time.RFC3339Nano)
	if q.get {
		return get(ctx, client, "http://"+s.api+q.path+"?start_time="+from+"&end_time="+to)
	}
	body, err := json.Marshal(map[string]any{
		"time_range": map[string]string{"start_time": from, "end_time": to}, "filters": q.filters, "pagination": map[string]int{"limit": q.limit},
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.api+q.path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	return do(client, request)
}

func (s *stage) questions(ctx context.Context, n int) (answers, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
	list := hostile()
	return all(n, func(i int) string {
		err := s.search(ctx, client, list[i%len(list)], year)
		for tries := 0; errors.Is(err, errAgain) && tries < 5 && sleep(ctx, time.Second); tries++ {
			err = s.search(ctx, client, list[i%len(list)], year) // who is hostile does not give up
		}
		return told(err)
	}), nil
}

// fill stores what the questions are about: small items over two days, and large spans that are newer than all of them.
func (s *stage) fill(ctx context.Context, z Size) error {
	end := time.Now().Add(-10 * time.Minute)
	plan := load.NewPlan(uint64(end.UnixNano()), z.Items, 500, end, 48*time.Hour)
	if _, err := load.Send(ctx, plan, load.Target{HTTP: "http://" + s.http}); err != nil {
		return err
	}
	const each = 4
	for i := range (z.LargeSpans + each - 1) / each {
		body := spansOf(2_000_000+i, each, 1_000_000, noise)
		for {
			err := post(ctx, http.DefaultClient, "http://"+s.http+"/v1/traces", body, "")
			if err == nil {
				break
			}
			if !errors.Is(err, errAgain) || !sleep(ctx, 200*time.Millisecond) {
				return err
			}
		}
	}
	if err := s.stored(ctx, "logs", z.Items, 2*time.Minute); err != nil {
		return err
	}
	return s.stored(ctx, "spans", z.Items+z.LargeSpans, 5*time.Minute)
}
