package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Target is where to send and how hard.
type Target struct {
	// GRPC is the address, HTTP the base URL of an OTLP receiver. Requests take turns between those that are not empty.
	GRPC, HTTP string
	// Workers send at the same time; 0 means 4.
	Workers int
	// Again is the share of requests, 0 to 1, that are sent a second time although they succeeded, as a client does whose answer was lost.
	Again float64
	// Pace is how long a worker pauses after each request; 0 sends as fast as the answers come.
	Pace time.Duration
	// Attempt bounds one attempt; 0 means 15 s. A retryable failure is tried again until the context ends.
	Attempt time.Duration
}

// Sent is what sending took.
type Sent struct {
	Requests   int // that succeeded, without the repeated ones
	Repeated   int // sent again on purpose
	Retries    int // attempts that failed and were made again
	Bytes      int64
	Elapsed    time.Duration
	P50, P99   time.Duration // of one request, its retries included
	Told       time.Duration // the longest that an attempt took that failed and was made again
	LastFailed string        // the last retryable failure, for the report
}

// errPermanent marks an answer that the same bytes would get again.
var errPermanent = errors.New("refused")

// Send sends every request of the plan and returns when each has been acknowledged, or with the first answer that is final.
func Send(ctx context.Context, plan Plan, target Target) (Sent, error) {
	var connection *grpc.ClientConn
	if target.GRPC != "" {
		c, err := grpc.NewClient(target.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()),
			// A server that was away is tried again within a second, not in up to two minutes.
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, MaxDelay: time.Second}, MinConnectTimeout: 5 * time.Second,
			}))
		if err != nil {
			return Sent{}, fmt.Errorf("dial %s: %w", target.GRPC, err)
		}
		defer func() { _ = c.Close() }()
		connection = c
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	defer transport.CloseIdleConnections()
	s := &sender{target: target, connection: connection, client: &http.Client{Transport: transport}}
	if s.target.Attempt == 0 {
		s.target.Attempt = 15 * time.Second
	}
	workers := target.Workers
	if workers == 0 {
		workers = 4
	}

	type job struct {
		signal Signal
		n      int
	}
	jobs := make(chan job)
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(jobs)
		for n := range plan.Requests() {
			for _, signal := range Signals() {
				select {
				case jobs <- job{signal, n}:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		}
		return nil
	})
	for range workers {
		group.Go(func() error {
			for j := range jobs {
				body, err := plan.Request(j.signal, j.n)
				if err != nil {
					return err
				}
				if err := s.request(ctx, j.signal, j.n, body); err != nil {
					return err
				}
				if again := target.Again; again > 0 && float64(mix(uint64(j.n)+1)>>11)/(1<<53) < again {
					if err := s.repeat(ctx, j.signal, j.n, body); err != nil {
						return err
					}
				}
				if !pause(ctx, target.Pace) {
					return context.Cause(ctx)
				}
			}
			return nil
		})
	}
	err := group.Wait()
	s.sent.Elapsed = time.Since(start)
	s.sent.P50, s.sent.P99 = quantile(s.took, 0.5), quantile(s.took, 0.99)
	return s.sent, err
}

type sender struct {
	target     Target
	connection *grpc.ClientConn
	client     *http.Client

	mu   sync.Mutex
	sent Sent
	took []time.Duration
}

func (s *sender) request(ctx context.Context, signal Signal, n int, body []byte) error {
	start := time.Now()
	if err := s.untilAcknowledged(ctx, signal, n, body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent.Requests++
	s.sent.Bytes += int64(len(body))
	s.took = append(s.took, time.Since(start))
	return nil
}

func (s *sender) repeat(ctx context.Context, signal Signal, n int, body []byte) error {
	// By the other protocol, which must not matter.
	if err := s.untilAcknowledged(ctx, signal, n+1, body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent.Repeated++
	return nil
}

// untilAcknowledged sends the same bytes until they are acknowledged. The pause grows from 50 ms to 1 s.
func (s *sender) untilAcknowledged(ctx context.Context, signal Signal, n int, body []byte) error {
	delay := 50 * time.Millisecond
	for {
		attempt, cancel := context.WithTimeout(ctx, s.target.Attempt)
		begin := time.Now()
		var err error
		if s.connection != nil && (s.target.HTTP == "" || n%2 == 0) {
			err = s.grpc(attempt, signal, body)
		} else {
			err = s.http(attempt, signal, body)
		}
		cancel()
		if err == nil {
			return nil
		}
		if errors.Is(err, errPermanent) {
			return fmt.Errorf("request %d of %s: %w", n, signal, err)
		}
		s.mu.Lock()
		s.sent.Retries++
		s.sent.Told = max(s.sent.Told, time.Since(begin))
		s.sent.LastFailed = err.Error()
		s.mu.Unlock()
		if !pause(ctx, delay) {
			return fmt.Errorf("request %d of %s was never acknowledged: %w", n, signal, err)
		}
		delay = min(2*delay, time.Second)
	}
}

// pause waits, and reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// raw hands bytes that are protobuf already through grpc's codec.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) ([]byte, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is not encoded", v)
	}
	return b, nil
}

func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}

func (s *sender) grpc(ctx context.Context, signal Signal, body []byte) error {
	method := map[Signal]string{
		Traces:  coltrace.TraceService_Export_FullMethodName,
		Logs:    collogs.LogsService_Export_FullMethodName,
		Metrics: colmetrics.MetricsService_Export_FullMethodName,
	}[signal]
	var answer []byte
	err := s.connection.Invoke(ctx, method, body, &answer, grpc.ForceCodec(raw{}), grpc.UseCompressor(gzip.Name))
	switch status.Code(err) {
	case codes.OK:
		return partial(signal, answer)
	// Those that OTLP calls retryable, and Unknown, which a connection torn in the middle becomes.
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss, codes.ResourceExhausted, codes.Unknown:
		return err
	default:
		return fmt.Errorf("%w: %w", errPermanent, err)
	}
}

func (s *sender) http(ctx context.Context, signal Signal, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.target.HTTP+"/v1/"+string(signal), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errPermanent, err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return partial(signal, text)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("%s: %s", answer.Status, text)
	default:
		return fmt.Errorf("%w: %s: %s", errPermanent, answer.Status, text)
	}
}

// partial refuses a success that is not one for every item. The answers of the three signals look alike on the wire: field 1 is the partial success, whose fields 1 and 2
// are the number of refused items and the reason.
func partial(signal Signal, answer []byte) error {
	if len(answer) == 0 {
		return nil
	}
	message := &coltrace.ExportTraceServiceResponse{}
	if err := proto.Unmarshal(answer, message); err != nil {
		return fmt.Errorf("%w: the answer for %s is no OTLP: %w", errPermanent, signal, err)
	}
	if refused := message.GetPartialSuccess().GetRejectedSpans(); refused > 0 {
		return fmt.Errorf("%w: %d %s: %s", errPermanent, refused, signal, message.GetPartialSuccess().GetErrorMessage())
	}
	return nil
}

func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))]
}
