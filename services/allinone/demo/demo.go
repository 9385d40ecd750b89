// Package demo sends the telemetry of a small shop: fifteen services in eight languages that call each other by HTTP, gRPC, SQL, Redis
// and Kafka, with errors, correlated logs and metrics of all five kinds, as their OpenTelemetry SDKs would.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
)

// Config says how much is sent, and where to.
type Config struct {
	Endpoint string            `mapstructure:"endpoint" usual:"true" doc:"Where to send by OTLP: host:port or a URL."`
	Protocol string            `mapstructure:"protocol" usual:"true" doc:"grpc or http (protobuf); empty: http for port 4318 or a URL with a path, else grpc."`
	Headers  map[string]string `mapstructure:"headers" usual:"true" secret:"true" doc:"Headers of every request, name=value,name=value."`
	Rate     float64           `mapstructure:"rate" usual:"true" doc:"Visits to the shop per second; one makes 1 to 60 spans."`
	Seconds  float64           `mapstructure:"seconds" usual:"true" doc:"End after this many seconds; 0 goes on until it is stopped."`
	Seed     uint64            `mapstructure:"seed" usual:"true" doc:"The same seed tells the same stories, with the same ids; 0 chooses one."`
	Timeout  time.Duration     `mapstructure:"timeout" usual:"true" doc:"Time that one request may take."`
	Patience time.Duration     `mapstructure:"patience" usual:"true" doc:"How long a request is repeated while the receiver is down or full; 0 repeats none."`

	// Output is where a person reads what was sent; nil is silent.
	Output io.Writer `mapstructure:"-"`
}

// DefaultConfig is ten visits a second to the ollyScale on this machine.
func DefaultConfig() Config {
	return Config{Endpoint: "127.0.0.1:4317", Rate: 10, Timeout: 10 * time.Second, Patience: time.Minute}
}

// Validate names the keys that are wrong.
func (c Config) Validate() error {
	var p settings.Problems
	p.OneOf("protocol", c.Protocol, "", "grpc", "http")
	if !(c.Rate > 0 && c.Rate <= 100_000) {
		p.Refuse("rate", "%g is not above 0 and up to 100000", c.Rate)
	}
	settings.NotNegative(&p, "seconds", c.Seconds)
	settings.Positive(&p, "timeout", c.Timeout)
	settings.NotNegative(&p, "patience", c.Patience)
	return p.Err()
}

// Sent counts what happened to the telemetry of one signal, in spans, records or data points.
type Sent struct {
	Accepted int64
	Refused  int64 // the receiver answered with success for the rest (partial success)
	Failed   int64 // not delivered
}

// Total is what a run sent.
type Total struct {
	Visits, Traces      int
	Spans, Logs, Points Sent
}

// Service is the shop at work.
type Service struct {
	cfg   Config
	env   service.Env
	send  exporter
	total Total
	said  map[string]bool // messages of refusals that were shown
}

// New makes the shop; nothing is sent before Run.
func New(cfg Config, env service.Env) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	send, err := newExporter(cfg)
	if err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, env: env, send: send, said: map[string]bool{}}, nil
}

// Total is what was sent so far; read it after Run.
func (s *Service) Total() Total { return s.total }

const (
	flushEvery  = 500 * time.Millisecond // what SDKs batch for a second or five, a demo shows sooner
	flushSpans  = 1000
	exportEvery = 5 * time.Second  // of metrics
	reportEvery = 10 * time.Second // to the person at the terminal
)

// Run sends until the time is over or ctx ends. It fails when something could not be delivered; what the receiver refused is reported
// and is not a failure of the sender.
func (s *Service) Run(ctx context.Context) error {
	defer func() { _ = s.send.close() }()
	seed := s.cfg.Seed
	if seed == 0 {
		seed = rand.Uint64() //nolint:gosec // a seed for made-up data
	}
	s.print("sending %s visits a second to %s (seed %d)", strconv.FormatFloat(s.cfg.Rate, 'f', -1, 64), settings.Redact(s.cfg.Endpoint), seed)
	err := s.run(ctx, seed)
	s.report()
	if ctx.Err() != nil {
		return nil // its user stopped it
	}
	return err
}

func (s *Service) run(ctx context.Context, seed uint64) error {
	stories := rand.New(rand.NewPCG(seed, 1))  //nolint:gosec // made-up data
	readings := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // made-up data
	shop := newShop(rand.New(rand.NewPCG(seed, 3)))
	start := s.env.Now()
	limit := math.MaxInt
	if s.cfg.Seconds > 0 {
		limit = max(1, int(s.cfg.Rate*s.cfg.Seconds))
	}
	lastExport, lastReport := start, start
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		now := s.env.Now()
		due := min(int(s.cfg.Rate*now.Sub(start).Seconds()), limit)
		if s.total.Visits == 0 {
			due = max(due, 1) // something to see at once
		}
		for s.total.Visits < due {
			b := newBatch()
			for s.total.Visits < due && b.traces.SpanCount() < flushSpans {
				s.visit(shop, stories, b, now)
			}
			if err := s.flush(ctx, b); err != nil {
				return err
			}
		}
		over := s.total.Visits >= limit
		if over || now.Sub(lastExport) >= exportEvery {
			lastExport = now
			metrics, points := shop.collect(readings, start, now)
			request := pmetricotlp.NewExportRequestFromMetrics(metrics)
			if err := s.deliver(ctx, "data points", &s.total.Points, points, func(ctx context.Context) (refusal, error) { return s.send.metrics(ctx, request) }); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		if now.Sub(lastReport) >= reportEvery {
			lastReport = now
			s.report()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// visit tells one story that ended just now. In one minute of ten the payment provider is in trouble.
func (s *Service) visit(shop *shop, r *rand.Rand, b *batch, now time.Time) {
	story := &story{shop: shop, rand: r, batch: b, trouble: now.Minute()%10 == 7}
	story.visit()
	story.finish(now.Add(-time.Duration(r.IntN(int(flushEvery)))))
	s.total.Visits++
	s.total.Traces += story.traces
}

func (s *Service) flush(ctx context.Context, b *batch) error {
	spans, records := b.traces.SpanCount(), b.logs.LogRecordCount()
	if spans > 0 {
		request := ptraceotlp.NewExportRequestFromTraces(b.traces)
		if err := s.deliver(ctx, "spans", &s.total.Spans, spans, func(ctx context.Context) (refusal, error) { return s.send.traces(ctx, request) }); err != nil {
			return err
		}
	}
	if records == 0 {
		return nil
	}
	request := plogotlp.NewExportRequestFromLogs(b.logs)
	return s.deliver(ctx, "log records", &s.total.Logs, records, func(ctx context.Context) (refusal, error) { return s.send.logs(ctx, request) })
}

// deliver sends the same request until it is answered, as OTLP asks: again after what can pass, with a growing pause or the one that the
// receiver names.
func (s *Service) deliver(ctx context.Context, what string, sent *Sent, items int, send func(context.Context) (refusal, error)) error {
	const least, most = 250 * time.Millisecond, 5 * time.Second
	pause, begin := least, s.env.Now()
	for attempt := 1; ; attempt++ {
		refused, err := send(ctx)
		if err == nil {
			sent.Refused += refused.items
			sent.Accepted += int64(items) - refused.items
			if refused.message != "" && !s.said[refused.message] {
				s.said[refused.message] = true
				s.print("%d %s refused: %s", refused.items, what, refused.message)
			}
			return nil
		}
		var again *retryable
		if !errors.As(err, &again) || ctx.Err() != nil || s.env.Now().Sub(begin) >= s.cfg.Patience {
			sent.Failed += int64(items)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errSend.Wrap(err, fmt.Sprintf("%s does not take the %s", settings.Redact(s.cfg.Endpoint), what))
		}
		if attempt == 1 {
			s.print("%s does not take the %s yet, trying again: %v", settings.Redact(s.cfg.Endpoint), what, again.err)
		}
		select {
		case <-ctx.Done():
			sent.Failed += int64(items)
			return ctx.Err()
		case <-time.After(max(pause, again.wait)):
		}
		pause = min(2*pause, most)
	}
}

func (s *Service) report() {
	t := s.total
	s.print("%d traces: %s, %s, %s", t.Traces, t.Spans.text("spans"), t.Logs.text("log records"), t.Points.text("data points"))
}

func (t Sent) text(name string) string {
	parts := []string{fmt.Sprintf("%d %s", t.Accepted, name)}
	if t.Refused > 0 {
		parts = append(parts, fmt.Sprintf("%d refused", t.Refused))
	}
	if t.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d not delivered", t.Failed))
	}
	return strings.Join(parts, " + ")
}

func (s *Service) print(format string, args ...any) {
	if s.cfg.Output != nil {
		fmt.Fprintf(s.cfg.Output, format+"\n", args...)
	}
}
