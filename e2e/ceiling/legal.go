package ceiling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// Who uses a role as it is meant, ten times a second, and comes again where told to.

const (
	legalEvery  = 100 * time.Millisecond
	legalWithin = 10 * time.Second
	legalAgain  = 200 * time.Millisecond
)

// errAgain is an answer that asks to come again.
var errAgain = errors.New("told to come again")

// use is one request; n makes it another one each time.
type use func(ctx context.Context, n int) error

// legal is what the legal requests of an attack's time came to.
type legal struct {
	took   []time.Duration // of those that were answered, being told to come again included; sorted
	failed int
	last   error // that one failed with
}

func (l *legal) answered() int { return len(l.took) }

func (l *legal) quantile(q float64) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	return l.took[int(q*float64(len(l.took)-1)+0.5)]
}

// using is legal use under way.
type using struct {
	legal
	mu       sync.Mutex
	requests sync.WaitGroup
	stop     context.CancelFunc
	stopped  chan struct{}
}

// begin starts it; each request is by itself, so that a late answer does not thin them out.
func (s *stage) begin(ctx context.Context, one use) *using {
	u := &using{stopped: make(chan struct{})}
	going, stop := context.WithCancel(ctx)
	u.stop = stop
	go func() {
		defer close(u.stopped)
		for n := 0; ; n++ {
			u.requests.Go(func() { u.request(ctx, one, n) })
			if !sleep(going, legalEvery) {
				return
			}
		}
	}()
	return u
}

func (u *using) request(ctx context.Context, one use, n int) {
	ctx, cancel := context.WithTimeout(ctx, legalWithin)
	defer cancel()
	began := time.Now()
	err := one(ctx, n)
	for errors.Is(err, errAgain) && sleep(ctx, legalAgain) {
		err = one(ctx, n)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil {
		u.failed++
		u.last = err
		return
	}
	u.took = append(u.took, time.Since(began))
}

// end waits for the answers that are still to come.
func (u *using) end() legal {
	u.stop()
	<-u.stopped
	u.requests.Wait()
	slices.Sort(u.took)
	return u.legal
}

// get asks for something that must be there.
func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	return do(client, request)
}

func do(client *http.Client, request *http.Request) error {
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	switch {
	case answer.StatusCode == http.StatusOK:
		return nil
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable:
		return fmt.Errorf("%w: %s", errAgain, answer.Status)
	}
	return errors.New(answer.Status)
}

// raw is a codec of messages that are bytes already: what is sent many times is in memory once.
type raw struct{}

// Marshal returns the message itself.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no message", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal forgets the answer.
func (raw) Unmarshal(mem.BufferSlice, any) error { return nil }

// Name says what the bytes are.
func (raw) Name() string { return "proto" }

var _ encoding.CodecV2 = raw{}

// caller makes calls over a connection of its own.
type caller struct{ connection *grpc.ClientConn }

func dial(address string) (*caller, error) {
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{})))
	if err != nil {
		return nil, err
	}
	return &caller{c}, nil
}

func (c *caller) export(ctx context.Context, message []byte) error {
	var answer []byte
	err := c.connection.Invoke(ctx, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", message, &answer)
	if code := status.Code(err); code == codes.ResourceExhausted || code == codes.Unavailable {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}
