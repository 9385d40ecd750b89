// Package bench measures what a span costs from OTLP bytes to commit: CPU by process, WAL and disk, on a real PostgreSQL with
// durable settings, with NATS, ingest and writer as processes of their own.
//
//	case         what runs
//	segments     bus → writer → column segments, ledger, rollups, dimensions (rows for SQL off)
//	rows         the same with rows for SQL on, less segments: what the projection adds
//	copy         COPY of those very rows, already encoded, into a table without indexes: the floor of any row store
//	pdata_sink   decode the requests with pdata and throw them away: the floor of a Go collector
//	path         OTLP/HTTP → ingest → bus → writer → segments
//	logs, metrics  as segments, for the other signals
//
// All cases of a run use the same requests and are interleaved over rounds; figures are medians of the rounds. Only figures of one
// run compare. The last line is `BENCH {json}`.
package bench

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/ingest"
	"github.com/ollyscale/ollyscale/services/janitor"
	"github.com/ollyscale/ollyscale/services/writer"
)

type options struct {
	spans        int
	rounds       int
	request      int
	hard         bool
	segmentItems int
	bin          string
	keep         bool
}

// Main runs the bench, or, started by the bench itself, one of its processes. It returns the exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if code, ok := child(ctx, args, stdout, stderr); ok {
		return code
	}
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.spans, "spans", 1_000_000, "spans of each case and round; with fewer, start and end count more than the rate")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; the median counts")
	flags.IntVar(&o.request, "request", 1000, "spans of a request")
	flags.BoolVar(&o.hard, "hard", false, "add a random uuid, a free text, an address and a random number to each span")
	flags.IntVar(&o.segmentItems, "segment-items", 0, "most items of a segment; 0 for the writer's default")
	flags.StringVar(&o.bin, "postgres-bin", filepath.Join("..", ".tools", "postgres", "bin"), "directory of initdb and postgres")
	flags.BoolVar(&o.keep, "keep", false, "keep the database and the logs, and say where they are")
	if err := flags.Parse(args); err != nil {
		return service.ExitUsage
	}
	if err := supported(); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return service.ExitUsage
	}
	if err := run(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return service.ExitFailed
	}
	return service.ExitOK
}

// child is one of the processes that a bench starts out of its own binary; ok says whether args name one.
func child(ctx context.Context, args []string, stdout, stderr io.Writer) (code int, ok bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case "nats":
		return natsMain(ctx, args[1:], stderr), true
	case "writer":
		return service.NewProgram("writer", writer.DefaultConfig(), writer.New)(ctx, args[1:], stdout, stderr), true
	case "ingest":
		return service.NewProgram("ingest", ingest.DefaultConfig(), ingest.New)(ctx, args[1:], stdout, stderr), true
	case "janitor":
		return service.NewProgram("janitor", janitor.DefaultConfig(), janitor.New)(ctx, args[1:], stdout, stderr), true
	}
	return 0, false
}

func run(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "ollybench")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(stderr, "files:", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	m, err := startMachine(ctx, o, dir)
	if err != nil {
		return err
	}
	defer m.stop()

	results := map[string][]cost{}
	for round := range o.rounds {
		fmt.Fprintf(stderr, "round %d of %d\n", round+1, o.rounds)
		if err := m.round(ctx, round, results); err != nil {
			return err
		}
	}
	return report(stdout, o, results)
}

// round measures every case once with the same requests.
func (m *machine) round(ctx context.Context, round int, results map[string][]cost) error {
	note := func(name string, c cost, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		results[name] = append(results[name], c)
		return nil
	}
	shop := testbed.NewShop(uint64(round)+1, time.Now().Add(-10*time.Minute))
	spans, logs, points := m.traces(shop), m.logs(shop), m.metrics(shop)

	segments, err := m.drain(ctx, fmt.Sprintf("segments_%d", round), spans, "0")
	if err := note("segments", segments, err); err != nil {
		return err
	}
	database := fmt.Sprintf("rows_%d", round)
	both, err := m.drain(ctx, database, spans, "24 hours")
	if err := note("segments_and_rows", both, err); err != nil {
		return err
	}
	results["rows"] = append(results["rows"], both.less(segments))
	c, err := m.copyRows(ctx, database)
	if err := note("copy", c, err); err != nil {
		return err
	}
	c, err = sink(spans)
	if err := note("pdata_sink", c, err); err != nil {
		return err
	}
	c, err = m.path(ctx, fmt.Sprintf("path_%d", round), spans)
	if err := note("path", c, err); err != nil {
		return err
	}
	c, err = m.drain(ctx, fmt.Sprintf("logs_%d", round), logs, "0")
	if err := note("logs", c, err); err != nil {
		return err
	}
	c, err = m.drain(ctx, fmt.Sprintf("metrics_%d", round), points, "0")
	return note("metrics", c, err)
}

// cost is what one case took, for all its items.
type cost struct {
	items  int
	client time.Duration // the writer, or whoever does the case's work beside PostgreSQL
	ingest time.Duration
	nats   time.Duration
	server time.Duration // all of PostgreSQL's processes
	wall   time.Duration
	wal    int64
	disk   int64
	otlp   int64 // bytes of the requests
	rss    int64 // the client's largest resident memory, bytes; 0 where it is this process
}

func (c cost) less(o cost) cost {
	c.client -= o.client
	c.nats -= o.nats
	c.server -= o.server
	c.wall -= o.wall
	c.wal -= o.wal
	c.disk -= o.disk
	c.rss = 0
	return c
}

func (c cost) micros(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(max(c.items, 1))
}
func (c cost) bytes(n int64) float64 { return float64(n) / float64(max(c.items, 1)) }

func (c cost) rate() float64 {
	if c.wall <= 0 {
		return 0
	}
	return float64(c.items) / c.wall.Seconds()
}

// cases are the rows of the table.
func cases() []string {
	return []string{"segments", "rows", "segments_and_rows", "copy", "pdata_sink", "path", "logs", "metrics"}
}

// figures is one case in BENCH's line.
type figures struct {
	Client float64 `json:"client_us_per_span"`
	Server float64 `json:"server_us_per_span"`
	WAL    float64 `json:"wal_bytes_per_span"`
	Disk   float64 `json:"disk_bytes_per_span"`
}

// summary is BENCH's line. Logs and metrics count records and points where the others count spans.
type summary struct {
	Path       float64 `json:"path_us_per_span"`
	Rate       float64 `json:"spans_per_second"`
	WriterRate float64 `json:"writer_spans_per_second"`
	Hard       bool    `json:"hard"`
	Spans      int     `json:"spans"`
	Segments   figures `json:"segments"`
	Rows       figures `json:"rows"`
	Copy       figures `json:"copy"`
	Sink       figures `json:"pdata_sink"`
	Logs       figures `json:"logs"`
	Metrics    figures `json:"metrics"`
}

func report(w io.Writer, o options, results map[string][]cost) error {
	median := func(name string, f func(cost) float64) float64 {
		values := make([]float64, 0, len(results[name]))
		for _, c := range results[name] {
			values = append(values, f(c))
		}
		slices.Sort(values)
		if len(values) == 0 {
			return 0
		}
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	client := func(c cost) float64 { return c.micros(c.client) }
	server := func(c cost) float64 { return c.micros(c.server) }
	nats := func(c cost) float64 { return c.micros(c.nats) }
	receive := func(c cost) float64 { return c.micros(c.ingest) }
	total := func(c cost) float64 { return c.micros(c.client + c.ingest + c.nats + c.server) }
	wal := func(c cost) float64 { return c.bytes(c.wal) }
	disk := func(c cost) float64 { return c.bytes(c.disk) }
	of := func(name string) figures {
		round := func(x float64) float64 { return float64(int64(x*1000+0.5)) / 1000 }
		return figures{round(median(name, client)), round(median(name, server)), round(median(name, wal)), round(median(name, disk))}
	}

	fmt.Fprintf(w, "\nCPU in µs, sizes in bytes, all per item; medians of %d rounds of %d spans; OTLP %.0f B/span, %.0f B/record, %.0f B/point\n\n",
		o.rounds, o.spans, median("segments", func(c cost) float64 { return c.bytes(c.otlp) }),
		median("logs", func(c cost) float64 { return c.bytes(c.otlp) }), median("metrics", func(c cost) float64 { return c.bytes(c.otlp) }))
	fmt.Fprintf(w, "%-18s %8s %8s %8s %8s %8s %9s %8s %8s %8s\n", "", "client", "server", "ingest", "nats", "all", "items/s", "WAL", "disk", "RSS MiB")
	for _, name := range cases() {
		fmt.Fprintf(w, "%-18s %8.2f %8.2f %8.2f %8.2f %8.2f %9.0f %8.1f %8.1f %8.0f\n", name, median(name, client), median(name, server),
			median(name, receive), median(name, nats), median(name, total), median(name, cost.rate), median(name, wal), median(name, disk),
			median(name, func(c cost) float64 { return float64(c.rss) / (1 << 20) }))
	}
	fmt.Fprintln(w, "\nclient: the writer (copy, pdata_sink: this program). rows: what they add to segments. disk: all tables and indexes, dimensions apart.")
	line, err := json.Marshal(summary{
		Path: of("path").Client + of("path").Server + median("path", receive) + median("path", nats),
		Rate: float64(int64(median("path", cost.rate))), WriterRate: float64(int64(median("segments", cost.rate))),
		Hard: o.hard, Spans: o.spans,
		Segments: of("segments"), Rows: of("rows"), Copy: of("copy"), Sink: of("pdata_sink"), Logs: of("logs"), Metrics: of("metrics"),
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "BENCH %s\n", line)
	return err
}

// requests are batches of one signal.
type requests struct {
	signal  telemetry.Signal
	batches []telemetry.Batch
	items   int
	bytes   int64
}
