package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

type smallOptions struct {
	options
	requests int   // of a case with several senders
	spans    []int // of a request
	senders  []int
}

// SmallMain measures what small requests cost: OTLP/HTTP → ingest → NATS, which forces each message to disk before it acknowledges it → writer →
// segments, each a process of its own. Every number of spans in a request is sent by every number of senders, each of which waits for its answer
// before it sends again. Beside it, what nothing of its kind can be below: NATS alone, to which as many senders publish such bodies, on a stream that nobody
// reads; and HTTP alone, a server of net/http that reads such a request and answers with nothing. The last line is `SMALL {json}`.
func SmallMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if code, ok := child(ctx, args, stdout, stderr); ok {
		return code
	}
	o := smallOptions{spans: []int{1, 10, 100}, senders: []int{1, 4, 16, 64}}
	list := func(to *[]int) func(string) error {
		return func(text string) (err error) {
			*to = nil
			for word := range strings.SplitSeq(text, ",") {
				n, err := strconv.Atoi(word)
				if err != nil || n < 1 {
					return fmt.Errorf("%q is no number from 1 on", word)
				}
				*to = append(*to, n)
			}
			return nil
		}
	}
	flags := flag.NewFlagSet("small", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.requests, "requests", 6000, "requests of each case and round; a fourth as many where there is one sender, and where they have 100 spans")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; the median counts")
	flags.Func("spans", "spans of a request, separated by commas (default 1,10,100)", list(&o.spans))
	flags.Func("senders", "senders at once, separated by commas (default 1,4,16,64)", list(&o.senders))
	flags.StringVar(&o.against, "against", "", "a git revision whose writer and ingest are measured beside these, in turn; NATS is this build's")
	flags.StringVar(&o.bin, "postgres-bin", filepath.Join("..", ".tools", "postgres", "bin"), "directory of initdb and postgres")
	flags.BoolVar(&o.keep, "keep", false, "keep the database and the logs, and say where they are")
	if err := flags.Parse(args); err != nil {
		return service.ExitUsage
	}
	if err := supported(); err != nil {
		fmt.Fprintln(stderr, "small:", err)
		return service.ExitUsage
	}
	err := inTempDir("ollysmall", o.keep, func(dir string) { fmt.Fprintln(stderr, "files:", dir) }, func(dir string) error {
		return small(ctx, o, dir, stdout, stderr)
	})
	if err != nil {
		fmt.Fprintln(stderr, "small:", err)
		return service.ExitFailed
	}
	return service.ExitOK
}

// smallCase is how requests are sent.
type smallCase struct {
	spans, senders int
	floor          string // what they are sent to instead of ollyScale: natsAlone or httpAlone
}

const (
	natsAlone = "_nats_alone"
	httpAlone = "_http_alone"
)

func (c smallCase) name() string {
	return fmt.Sprintf("%d_spans_%d_senders", c.spans, c.senders) + c.floor
}

// smallCost is what the requests of a case took; its items are requests.
type smallCost struct {
	cost
	messages uint64          // of the queue that held them
	waits    []time.Duration // from a request to its answer, sorted
}

// quantile is how long the share q of the requests waited at most, in milliseconds.
func (c smallCost) quantile(q float64) float64 {
	if len(c.waits) == 0 {
		return 0
	}
	return float64(c.waits[min(int(q*float64(len(c.waits))), len(c.waits)-1)].Microseconds()) / 1000
}

func small(ctx context.Context, o smallOptions, dir string, stdout, stderr io.Writer) error {
	if o.against != "" {
		fmt.Fprintln(stderr, "building", o.against)
		var err error
		if o.other, err = buildRevision(ctx, o.against, dir); err != nil {
			return err
		}
	}
	m, err := startMachine(ctx, o.options, dir)
	if err != nil {
		return err
	}
	defer m.stop()
	builds := []*revision{nil}
	if o.other != nil {
		if err := m.makeTemplate(ctx, otherTemplate, o.other.migrations); err != nil {
			return fmt.Errorf("the schema of %s: %w", o.other.name, err)
		}
		builds = append(builds, o.other)
	}
	found := map[string][]smallCost{}
	for round := range o.rounds {
		for i := range builds { // in another order each round
			of := builds[(i+round)%len(builds)]
			fmt.Fprintf(stderr, "round %d of %d%s\n", round+1, o.rounds, of.label())
			if err := m.smallRound(ctx, o, of, round, found); err != nil {
				return err
			}
		}
	}
	return smallReport(stdout, o, found)
}

// label tells figures of another revision from this build's.
func (r *revision) label() string {
	if r == nil {
		return ""
	}
	return ofOther
}

// smallRound runs all cases on one stage, and proves at its end that exactly what was sent is there.
func (m *machine) smallRound(ctx context.Context, o smallOptions, of *revision, round int, found map[string][]smallCost) error {
	all := &requests{signal: telemetry.Traces}
	s := setup{database: fmt.Sprintf("small_%d", round), requests: all, other: of, durable: true}
	if of != nil {
		s.database += "_other"
	}
	st, err := m.stage(ctx, s)
	if err != nil {
		return err
	}
	defer st.close(ctx)
	if err := st.startIngest(ctx, of.program()); err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: slices.Max(o.senders)}}
	defer client.CloseIdleConnections()
	if err := untilReady(ctx, client, "http://"+st.target+"/health"); err != nil {
		return err
	}
	shop := testbed.NewShop(uint64(round+1), hourAgo(0))
	for i, spans := range o.spans {
		k := newMaker(shop, spans, false)
		for _, senders := range o.senders {
			c := smallCase{spans: spans, senders: senders}
			n := o.requests
			if senders == 1 || spans >= 100 {
				n = max(n/4, 2)
			}
			if i == 0 && senders == o.senders[0] { // the first knows no partition, dimension or connection
				warm := k.make(telemetry.Traces, spans*max(n/10, 1))
				all.items += warm.items
				if _, err := st.sendSmall(ctx, client, c, warm); err != nil {
					return err
				}
			}
			r := k.make(telemetry.Traces, spans*n)
			all.items += r.items
			cost, err := st.sendSmall(ctx, client, c, r)
			if err != nil {
				return fmt.Errorf("%s%s: %w", c.name(), of.label(), err)
			}
			found[c.name()+of.label()] = append(found[c.name()+of.label()], cost)
			if of != nil {
				continue
			}
			all, err := r.encoded(false)
			if err != nil {
				return err
			}
			for floor, send := range map[string]func(context.Context, smallCase, []body) (smallCost, error){natsAlone: st.publishAlone, httpAlone: st.answerAlone} {
				c.floor = floor
				if cost, err = send(ctx, c, all); err != nil {
					return fmt.Errorf("%s: %w", c.name(), err)
				}
				found[c.name()] = append(found[c.name()], cost)
			}
		}
	}
	return st.complete(ctx, s)
}

// sendSmall sends requests and waits until all is committed.
func (st *stage) sendSmall(ctx context.Context, client *http.Client, c smallCase, r *requests) (smallCost, error) {
	at := func() (uint64, error) {
		b, err := st.machine.bus.Pending(ctx, r.signal)
		return b.LastPosition, err
	}
	first, err := at()
	if err != nil {
		return smallCost{}, err
	}
	before, err := st.begin(ctx)
	if err != nil {
		return smallCost{}, err
	}
	all, err := r.encoded(false)
	if err != nil {
		return smallCost{}, err
	}
	target := "http://" + st.target + "/v1/" + r.signal.String()
	waits, err := c.send(all, func(b body) error { return postOne(ctx, client, target, b) })
	if err != nil {
		return smallCost{}, err
	}
	if err := st.machine.settled(ctx, r.signal); err != nil {
		return smallCost{}, err
	}
	out := smallCost{waits: waits}
	if out.cost, err = st.end(ctx, before); err != nil {
		return smallCost{}, err
	}
	out.items = len(all)
	last, err := at()
	out.messages = last - first
	return out, err
}

// publishAlone sends the bodies of requests to a stream that nobody reads.
func (st *stage) publishAlone(ctx context.Context, c smallCase, all []body) (out smallCost, err error) {
	conn, err := nats.Connect(st.machine.natsURL)
	if err != nil {
		return out, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return out, err
	}
	const name = "alone"
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{name}, Storage: jetstream.FileStorage}); err != nil {
		return out, err
	}
	before, err := st.begin(ctx)
	if err != nil {
		return out, err
	}
	out.waits, err = c.send(all, func(b body) error {
		_, err := js.Publish(ctx, name, b.bytes)
		return err
	})
	if err != nil {
		return out, err
	}
	if out.cost, err = st.end(ctx, before); err != nil {
		return out, err
	}
	out.items, out.messages = len(all), uint64(len(all))
	return out, js.DeleteStream(ctx, name)
}

// answerAlone sends the bodies of requests to a process that answers each with nothing; its CPU stands where ingest's does.
func (st *stage) answerAlone(ctx context.Context, c smallCase, all []body) (out smallCost, err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return out, err
	}
	server, err := st.machine.start(ctx, "answer", "--address", address)
	if err != nil {
		return out, err
	}
	defer server.stop()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.senders}}
	defer client.CloseIdleConnections()
	target := "http://" + address + "/"
	if err := untilReady(ctx, client, target); err != nil {
		return out, err
	}
	ingest := st.ingest
	st.ingest = server
	defer func() { st.ingest = ingest }()
	before, err := st.begin(ctx)
	if err != nil {
		return out, err
	}
	if out.waits, err = c.send(all, func(b body) error { return postOne(ctx, client, target, b) }); err != nil {
		return out, err
	}
	if out.cost, err = st.end(ctx, before); err != nil {
		return out, err
	}
	out.items, out.messages = len(all), uint64(len(all))
	return out, nil
}

// answerMain is the process answer.
func answerMain(ctx context.Context, args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("answer", flag.ContinueOnError)
	address := flags.String("address", "", "")
	if flags.Parse(args) != nil {
		return service.ExitUsage
	}
	server := &http.Server{Addr: *address, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(stderr, err)
		return service.ExitFailed
	}
	return service.ExitOK
}

// send lets all senders send bodies until none is left, each its next one when it has its answer, and returns how long they waited, sorted.
func (c smallCase) send(all []body, one func(body) error) ([]time.Duration, error) {
	waits, errs := make([][]time.Duration, c.senders), make([]error, c.senders)
	var next atomic.Int64
	var sending sync.WaitGroup
	for i := range c.senders {
		sending.Go(func() {
			for errs[i] == nil {
				n := int(next.Add(1)) - 1
				if n >= len(all) {
					return
				}
				begin := time.Now()
				errs[i] = one(all[n])
				waits[i] = append(waits[i], time.Since(begin))
			}
		})
	}
	sending.Wait()
	out := slices.Concat(waits...)
	slices.Sort(out)
	return out, errors.Join(errs...)
}

// smallFigures is one case in SMALL's line: CPU in µs a request.
type smallFigures struct {
	Ingest   float64 `json:"ingest_us"`
	NATS     float64 `json:"nats_us"`
	Writer   float64 `json:"writer_us"`
	Server   float64 `json:"postgres_us"`
	All      float64 `json:"all_us"`
	WAL      float64 `json:"wal_bytes"`
	Message  float64 `json:"requests_a_message"`
	Rate     float64 `json:"requests_per_second"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Stranger float64 `json:"cores_of_others"`
}

func smallReport(to io.Writer, o smallOptions, found map[string][]smallCost) error {
	figures := map[string]smallFigures{}
	for name, costs := range found {
		of := func(f func(smallCost) float64) float64 {
			values := make([]float64, len(costs))
			for i, c := range costs {
				values[i] = f(c)
			}
			return rounded(middle(values))
		}
		cpu := func(f func(cost) time.Duration) float64 {
			return of(func(c smallCost) float64 { return c.micros(f(c.cost)) })
		}
		figures[name] = smallFigures{
			Ingest: cpu(func(c cost) time.Duration { return c.ingest }), NATS: cpu(func(c cost) time.Duration { return c.nats }),
			Writer: cpu(func(c cost) time.Duration { return c.client }), Server: cpu(func(c cost) time.Duration { return c.server }), All: cpu(cost.all),
			WAL:     of(func(c smallCost) float64 { return c.each(c.wal) }),
			Message: of(func(c smallCost) float64 { return float64(c.items) / float64(max(c.messages, 1)) }),
			Rate:    of(func(c smallCost) float64 { return float64(c.items) / c.wall.Seconds() }),
			P50:     of(func(c smallCost) float64 { return c.quantile(0.5) }), P99: of(func(c smallCost) float64 { return c.quantile(0.99) }),
			Stranger: of(func(c smallCost) float64 { return c.neighbours() }),
		}
	}
	fmt.Fprintln(to, "CPU in µs a request, medians; p50 and p99 from a request to its answer, in ms")
	fmt.Fprintf(to, "%-34s %7s %7s %7s %8s %7s %9s %8s %8s %8s %7s\n", "case", "ingest", "NATS", "writer", "postgres", "all", "a message", "a second", "p50", "p99", "others")
	for _, spans := range o.spans {
		for _, senders := range o.senders {
			c := smallCase{spans: spans, senders: senders}
			for _, name := range []string{c.name(), c.name() + ofOther, c.name() + natsAlone, c.name() + httpAlone} {
				f, ok := figures[name]
				if !ok {
					continue
				}
				fmt.Fprintf(to, "%-34s %7.0f %7.0f %7.0f %8.0f %7.0f %9.1f %8.0f %8.2f %8.2f %7.2f\n",
					name, f.Ingest, f.NATS, f.Writer, f.Server, f.All, f.Message, f.Rate, f.P50, f.P99, f.Stranger)
			}
		}
	}
	line, err := json.Marshal(figures)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(to, "SMALL %s\n", line)
	return err
}
