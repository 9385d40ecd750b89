// Package bench measures ollyScale on a real PostgreSQL with durable settings, with NATS, ingest, writer and janitor as processes of their
// own: what an item costs to store (Main), what small requests cost (SmallMain), what merging costs and gains (MergeMain), what a query takes (ScanMain),
// the whole store at several sizes (StoreMain), and a steady load by process (SustainedMain).
//
//	make bench-ingest                          what an item costs from OTLP bytes to commit: CPU by process, WAL, disk, memory
//	make bench-ingest ARGS='-hard'             with what does not compress
//	make bench-ingest ARGS='-against HEAD~1'   beside the writer and ingest of another revision, case by case in turn
//	make bench-ingest ARGS='-cases segments,path -rounds 1'
//	make bench-small                           requests of 1, 10 and 100 spans by 1 to 64 senders
//	make bench-merge                           the janitor: CPU, bytes an item afterwards, what writers feel of it, flushes of 5 spans
//	make bench-scan                            queries
//	make bench-search                          every kind of question over a day: warm, cold, by eight clients
//	make bench-store                           fresh, settled, cold, with a backlog and eight clients, at 1 M and 10 M items of each signal
//	make bench-sustained                       20 minutes at 3,000 spans a second
//
// The cases of bench-ingest:
//
//	case                 what runs
//	segments             bus → writer → column segments, ledger, rollups, dimensions (rows for SQL off)
//	segments_2_writers   the same with two writers on the same queue
//	segments_and_rows    the same with rows for SQL on
//	rows                 segments_and_rows less segments: what the projection adds
//	rows_alone           rows, and the walk over OTLP: what rows would take without segments, derived
//	copy                 COPY of those very rows, already encoded, into a table without indexes: the floor of any row store
//	pdata_sink           decode the requests with pdata and throw them away: the floor of a Go collector
//	walk                 read the requests into the writer's table and throw it away: what segments and rows share
//	path, path_gzip      OTLP/HTTP → ingest → bus → writer → segments, requests uncompressed and compressed
//	path_rows            path with rows for SQL on
//	path_together        path with ingest, writer and NATS in one process, as all-in-one has them
//	logs, metrics        as segments, for the other signals
//
// All cases of a run use the same requests, each with a database and a queue of its own, and are interleaved over rounds; figures are
// medians of the rounds. CPU and bytes are those of the whole case, the last small flush included; the rate is that of its middle, between
// a tenth and nine tenths of the messages. Only figures of one run compare. The last line is `BENCH {json}`.
package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	cases        []string // empty is all
	against      string
	bin          string
	keep         bool

	other    *revision         // of against
	settings map[string]string // of PostgreSQL; nil for those of settings
	soon     time.Duration     // after which a writer writes whatever it has; 0 for its default
}

// writerFlags are the flags of every writer.
func (o options) writerFlags() (flags []string) {
	if o.segmentItems > 0 {
		flags = append(flags, "--flush-segment-items", strconv.Itoa(o.segmentItems))
	}
	if o.soon > 0 {
		flags = append(flags, "--flush-quiet-after", o.soon.String(), "--flush-longest", o.soon.String())
	}
	return flags
}

// wants says whether a case is to run.
func (o options) wants(name string) bool { return len(o.cases) == 0 || slices.Contains(o.cases, name) }

// Main runs the bench, or, started by the bench itself, one of its processes. It returns the exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if code, ok := child(ctx, args, stdout, stderr); ok {
		return code
	}
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.spans, "spans", 1_000_000, "spans of each case and round; cases with rows, logs and metrics take a third as many items")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; the median counts")
	flags.IntVar(&o.request, "request", 1000, "items of a request")
	flags.BoolVar(&o.hard, "hard", false, "add a random uuid, a free text, an address and a random number to each span and record; random numbers in points")
	flags.IntVar(&o.segmentItems, "segment-items", 0, "most items of a segment; 0 for the writer's default")
	flags.Func("cases", "only these cases, separated by commas; rows, rows_alone and copy need segments, segments_and_rows and walk", func(s string) error {
		o.cases = strings.Split(s, ",")
		return nil
	})
	flags.StringVar(&o.against, "against", "", "a git revision whose writer and ingest are measured beside these, in turn, for the cases segments and path")
	flags.StringVar(&o.bin, "postgres-bin", filepath.Join("..", ".tools", "postgres", "bin"), "directory of initdb and postgres")
	flags.BoolVar(&o.keep, "keep", false, "keep the database and the logs, and say where they are")
	if err := flags.Parse(args); err != nil {
		return service.ExitUsage
	}
	for _, name := range o.cases {
		if !slices.Contains(caseNames(), name) {
			fmt.Fprintf(stderr, "bench: no case %q: there are %s\n", name, strings.Join(caseNames(), ", "))
			return service.ExitUsage
		}
	}
	if err := supported(); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return service.ExitUsage
	}
	err := inTempDir("ollybench", o.keep, func(dir string) { fmt.Fprintln(stderr, "files:", dir) }, func(dir string) error {
		return run(ctx, o, dir, stdout, stderr)
	})
	if err != nil {
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
	case "answer":
		return answerMain(ctx, args[1:], stderr), true
	case "writer":
		return service.NewProgram("writer", writer.DefaultConfig(), writer.New)(ctx, args[1:], stdout, stderr), true
	case "ingest":
		return service.NewProgram("ingest", ingest.DefaultConfig(), ingest.New)(ctx, args[1:], stdout, stderr), true
	case "janitor":
		return service.NewProgram("janitor", janitor.DefaultConfig(), janitor.New)(ctx, args[1:], stdout, stderr), true
	case "query":
		return queryMain(ctx, args[1:], stdout, stderr), true
	case "together":
		return togetherMain(ctx, args[1:], stdout, stderr), true
	}
	return 0, false
}

func run(ctx context.Context, o options, dir string, stdout, stderr io.Writer) error {
	if o.against != "" {
		fmt.Fprintln(stderr, "building", o.against)
		var err error
		if o.other, err = buildRevision(ctx, o.against, dir); err != nil {
			return err
		}
	}
	m, err := startMachine(ctx, o, dir)
	if err != nil {
		return err
	}
	defer m.stop()
	if o.other != nil {
		if err := m.makeTemplate(ctx, otherTemplate, o.other.migrations); err != nil {
			return fmt.Errorf("the schema of %s: %w", o.other.name, err)
		}
	}
	w := makeWork(o)
	found := results{}
	for round := range o.rounds {
		for _, c := range m.cases(w, round) {
			if !o.wants(strings.TrimSuffix(c.name, ofOther)) {
				continue
			}
			fmt.Fprintf(stderr, "round %d of %d: %s\n", round+1, o.rounds, c.name)
			result, err := c.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			found[c.name] = append(found[c.name], result)
		}
	}
	found.derive()
	shape, err := w.describe()
	if err != nil {
		return err
	}
	return report(stdout, o, shape, found)
}

// work is what all cases are given.
type work struct {
	spans        *requests
	some         *requests // the first third of the spans, for what takes long
	logs, points *requests
}

// pointsAnHour is how many points the shop's scrapes give an hour: of 51 instances, 15 points each, every 15 s.
const pointsAnHour = 51 * 15 * 240

func makeWork(o options) *work {
	k := newMaker(testbed.NewShop(1, hourAgo(0)), o.request, o.hard)
	third := max(o.spans/3, 2*o.request)
	w := &work{spans: k.make(telemetry.Traces, o.spans), logs: k.make(telemetry.Logs, third)}
	w.points = newMaker(testbed.NewShop(1, hourAgo(third/pointsAnHour)), o.request, o.hard).make(telemetry.Metrics, third)
	w.some = w.spans.first(third)
	return w
}

func (w *work) describe() (string, error) {
	spans, err := describeSpans(w.spans)
	if err != nil {
		return "", err
	}
	logs, err := describeLogs(w.logs)
	if err != nil {
		return "", err
	}
	points, err := describePoints(w.points)
	return spans + "\n" + logs + "\n" + points, err
}

// measurement is one case of one round.
type measurement struct {
	name string
	run  func(context.Context) (cost, error)
}

// ofOther ends the names of cases that the other revision runs.
const ofOther = "@other"

// cases are the cases of a round in their order. Who of this build and the other revision comes first changes from round to round.
func (m *machine) cases(w *work, round int) []measurement {
	database := func(name string) string { return fmt.Sprintf("%s_%d", name, round) }
	drain := func(name string, s setup) measurement {
		s.database = database(name)
		return measurement{name, func(ctx context.Context) (cost, error) { return m.drain(ctx, s) }}
	}
	path := func(name string, s setup) measurement {
		s.database = database(name)
		return measurement{name, func(ctx context.Context) (cost, error) { return m.path(ctx, s) }}
	}
	both := func(of func(string, setup) measurement, name string, s setup) []measurement {
		pair := []measurement{of(name, s)}
		if m.options.other != nil {
			s.other = m.options.other
			theirs := of(name+"_other", s)
			theirs.name = name + ofOther
			pair = append(pair, theirs)
		}
		if round%2 == 1 {
			slices.Reverse(pair)
		}
		return pair
	}
	return slices.Concat(
		both(drain, "segments", setup{requests: w.spans}),
		[]measurement{
			drain("segments_2_writers", setup{requests: w.spans, writers: 2}),
			drain("segments_and_rows", setup{requests: w.some, rows: true}),
			{"copy", func(ctx context.Context) (cost, error) { return m.copyRows(ctx, database("segments_and_rows")) }},
			{"pdata_sink", func(context.Context) (cost, error) { return sink(w.some) }},
			{"walk", func(context.Context) (cost, error) { return walk(w.some) }},
		},
		both(path, "path", setup{requests: w.spans}),
		[]measurement{
			path("path_gzip", setup{requests: w.spans, zip: true}),
			path("path_rows", setup{requests: w.some, rows: true}),
			path("path_together", setup{requests: w.spans, together: true}),
			drain("logs", setup{requests: w.logs}),
			drain("metrics", setup{requests: w.points}),
		},
	)
}

// caseNames are the lines of the table, derived ones included.
func caseNames() []string {
	return []string{
		"segments", "segments_2_writers", "segments_and_rows", "rows", "rows_alone", "copy", "pdata_sink", "walk",
		"path", "path_gzip", "path_rows", "path_together", "logs", "metrics",
	}
}

// derive adds the cases that are calculated from others, round by round.
func (r results) derive() {
	for i, both := range r["segments_and_rows"] {
		if i >= len(r["segments"]) {
			return
		}
		added := both.less(r["segments"][i])
		r["rows"] = append(r["rows"], added)
		if i < len(r["walk"]) {
			r["rows_alone"] = append(r["rows_alone"], rowsAlone(both, added, r["walk"][i]))
		}
	}
}
