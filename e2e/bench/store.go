package bench

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

type storeOptions struct {
	options
	questions func(telemetry.Signal, *filled) []question
	sizes     []int // items of a signal
	points    int   // of metrics for each item; 0 is 1
	signals   []telemetry.Signal
	runs      int
	cold      int           // runs of each question with nothing in memory
	flushes   int           // of the backlog
	clients   time.Duration // how long eight clients ask, 0 for not at all
	beside    int           // items a second that are stored beside eight clients
	rest      time.Duration // after the last hour of the stage lived: in four minutes no slot is kept by what was written before
	crowd     int           // runs of each question by each of eight clients at once
	days      int           // with little in each, measured in place of all else; 0 for not
}

// storeHours is how long the data of bench-store is, whatever its amount.
const storeHours = 24

// StoreMain measures the store as a whole: spans, records and points of a day, each in a database of its own, at several sizes.
//
//	fresh     as the writer left them: CPU and WAL of storing, the database's bytes by table, every question
//	settled   merged and vacuumed, all of the day at once: the same
//	lived     the database's bytes once more, where each hour was merged and vacuumed before the next came
//	cold      settled, with nothing in the memory of the query service, PostgreSQL or the kernel, but connections that are ready: wall time, bytes of
//	          pages, bytes read from the disk, which are more by what the kernel reads ahead
//	backlog   half an hour more, a flush a second, that no janitor has seen yet: every question before and after it is merged
//	clients   eight at once, alone and while a writer stores beside them
//
// With -against, another revision stores and answers the same in turn, and an answer that differs fails the run at its end. The last line is
// `STORE {json}`. It returns the exit code.
func StoreMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if code, ok := child(ctx, args, stdout, stderr); ok {
		return code
	}
	o := storeOptions{questions: storeQuestions, sizes: []int{1_000_000, 10_000_000}, signals: telemetry.Signals()}
	flags := flag.NewFlagSet("store", flag.ContinueOnError)
	flags.SetOutput(stderr)
	o.flags(flags)
	flags.IntVar(&o.runs, "runs", 7, "runs of each question; the median counts")
	flags.IntVar(&o.cold, "cold", 3, "runs of each question with nothing in memory; 0 for none")
	flags.IntVar(&o.flushes, "backlog", 1800, "flushes of the half hour that is not merged yet; 0 for none")
	flags.DurationVar(&o.clients, "clients", 10*time.Second, "how long eight clients ask, alone and beside a writer; 0 for not at all")
	flags.IntVar(&o.beside, "beside", 20_000, "items a second that the writer stores beside them")
	flags.DurationVar(&o.rest, "rest", 4*time.Minute, "rest after a day whose hours were merged as they came; in less, slots are kept by what came last; 0 leaves that stage out")
	flags.IntVar(&o.days, "days", 0, "measure so many days with little in each, and nothing else: questions, a janitor's pass, memory of a connection")
	return o.run(ctx, flags, args, stderr, func(dir string) error {
		if o.days > 0 {
			return daysIn(ctx, o, dir, stdout, stderr)
		}
		return o.inAll(ctx, dir, stderr, (*storeBench).measure, func(done []*subject) error { return storeReport(stdout, o, done) })
	})
}

// flags are the flags that the benches of the store have in common.
func (o *storeOptions) flags(flags *flag.FlagSet) {
	flags.Func("sizes", "items of each signal, separated by commas; growth is that from the first to the last (default "+o.sizesText()+")", func(text string) error {
		o.sizes = nil
		for word := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(word)
			if err != nil || n < 10_000 {
				return fmt.Errorf("%q is no number from 10,000 on", word)
			}
			o.sizes = append(o.sizes, n)
		}
		return nil
	})
	flags.Func("signals", "what is measured: traces, logs, metrics, separated by commas (default all)", func(text string) error {
		o.signals = nil
		for word := range strings.SplitSeq(text, ",") {
			i := slices.IndexFunc(telemetry.Signals(), func(s telemetry.Signal) bool { return s.String() == word })
			if i < 0 {
				return fmt.Errorf("there is no signal %q", word)
			}
			o.signals = append(o.signals, telemetry.Signals()[i])
		}
		return nil
	})
	flags.IntVar(&o.request, "request", 1000, "items of a request")
	flags.StringVar(&o.against, "against", "", "a git revision that stores and answers the same, in turn")
	flags.StringVar(&o.bin, "postgres-bin", filepath.Join("..", ".tools", "postgres", "bin"), "directory of initdb and postgres")
	flags.BoolVar(&o.keep, "keep", false, "keep the databases and the logs, and say where they are")
}

// itemsOf is how many items of a signal are stored at a size.
func (o *storeOptions) itemsOf(signal telemetry.Signal, size int) int {
	if signal == telemetry.Metrics {
		return size * max(o.points, 1)
	}
	return size
}

func (o *storeOptions) sizesText() string {
	var words []string
	for _, n := range o.sizes {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}

// run reads the flags, makes a directory and, where it is asked for, the programs of another revision, and runs the bench there. It returns the exit code.
func (o *storeOptions) run(ctx context.Context, flags *flag.FlagSet, args []string, stderr io.Writer, bench func(dir string) error) int {
	if err := flags.Parse(args); err != nil {
		return service.ExitUsage
	}
	if err := supported(); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", flags.Name(), err)
		return service.ExitUsage
	}
	err := inTempDir("olly"+flags.Name(), o.keep, func(dir string) { fmt.Fprintln(stderr, "files:", dir) }, func(dir string) error {
		if o.against != "" {
			fmt.Fprintln(stderr, "building", o.against)
			var err error
			if o.other, err = buildRevision(ctx, o.against, dir); err != nil {
				return err
			}
		}
		return bench(dir)
	})
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", flags.Name(), err)
		return service.ExitFailed
	}
	return service.ExitOK
}

// holding is what one build stored of a signal, in a database of its own.
type holding struct {
	of             *revision // nil for this build
	database       string
	stage          *stage
	query          *querying
	stored, merged cost
	fresh, settled footprint
	lived          footprint         // of the same items, each hour merged when it was over, in another database
	asked          map[string]*reply // by stage and question
	crowds         map[string]*crowd // by what ran beside
}

// reply is what a question took at a stage.
type reply struct {
	side
	hits int
	// Cold: bytes read from the disk, of pages that PostgreSQL read, and of those of the catalogue.
	disk, pages, catalogue int64

	trouble string // why there is no whole answer; "" for a whole one
}

// subject is a signal at a size, with what every build made of it.
type subject struct {
	signal   telemetry.Signal
	items    int
	holdings []*holding // this build's first
	differ   []string   // questions that the builds answer differently
}

// stageLived is measured by size alone.
const stageLived = "lived"

// The stages in which every question is asked.
const (
	stageFresh   = "fresh"
	stageSettled = "settled"
	stageCold    = "cold"
	stageBacklog = "backlog"
	stageCaught  = "caught_up" // with the backlog merged
	stageCrowd   = "eight"     // by eight clients at once
)

// storeBench is a run of the bench.
type storeBench struct {
	options storeOptions
	machine *machine
	out     io.Writer // of progress
	began   time.Time
}

// inAll measures every signal at every size, and reports what came of it.
func (o storeOptions) inAll(
	ctx context.Context, dir string, stderr io.Writer, measure func(*storeBench, context.Context, *subject, time.Time) error, report func([]*subject) error,
) error {
	m, err := startMachine(ctx, o.options, dir)
	if err != nil {
		return err
	}
	defer m.stop()
	if err := m.bus.EnsureStreams(ctx); err != nil {
		return err
	}
	if o.other != nil {
		if err := m.makeTemplate(ctx, otherTemplate, o.other.migrations); err != nil {
			return fmt.Errorf("the schema of %s: %w", o.other.name, err)
		}
	}
	s := &storeBench{options: o, machine: m, out: stderr, began: time.Now()}
	var done []*subject
	end := time.Now().UTC().Truncate(time.Hour).Add(-time.Hour) // with the backlog, all hours are closed
	for _, items := range o.sizes {
		for _, signal := range o.signals {
			sub := &subject{signal: signal, items: o.itemsOf(signal, items)}
			if err := measure(s, ctx, sub, end); err != nil {
				err = fmt.Errorf("%d %s: %w", sub.items, signal, err)
				if len(done) > 0 { // what was measured until then took long
					err = errors.Join(err, report(done))
				}
				return err
			}
			done = append(done, sub)
		}
	}
	if err := report(done); err != nil {
		return err
	}
	for _, sub := range done {
		if len(sub.differ) > 0 {
			return fmt.Errorf("%d %s: the builds differ in %s", sub.items, sub.signal, strings.Join(sub.differ, "; "))
		}
	}
	return nil
}

// say tells how far the bench is.
func (s *storeBench) say(format string, args ...any) {
	fmt.Fprintf(s.out, "%6.0fs %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// builds are this build and the other one, if there is one.
func (o storeOptions) builds() []*revision {
	if o.other == nil {
		return []*revision{nil}
	}
	return []*revision{nil, o.other}
}

// measure takes one subject through all stages.
func (s *storeBench) measure(ctx context.Context, sub *subject, end time.Time) (err error) {
	w := window24{from: end.Add(-storeHours * time.Hour), to: end.Add(time.Hour)}
	q, err := s.hold(ctx, sub, w, end, (*stream).same)
	defer func() { err = errors.Join(err, s.releaseAll(ctx, sub)) }()
	if err != nil {
		return err
	}
	defer q.client.CloseIdleConnections()
	if err := s.ask(ctx, q, sub, stageFresh); err != nil {
		return err
	}
	if err := s.settleAll(ctx, q, sub); err != nil {
		return err
	}
	if err := s.live(ctx, sub, w, end); err != nil {
		return err
	}
	if err := s.ask(ctx, q, sub, stageSettled); err != nil {
		return err
	}
	if err := s.askCold(ctx, q, sub); err != nil {
		return err
	}
	if err := s.backlog(ctx, q, sub, end); err != nil {
		return err
	}
	return s.crowds(ctx, q, sub, end.Add(time.Hour))
}

// hold stores a subject for every build and starts who answers; of changes what is stored.
func (s *storeBench) hold(ctx context.Context, sub *subject, w window24, end time.Time, of func(*stream) *stream) (*sides, error) {
	var f *filled
	for _, build := range s.options.builds() {
		h := &holding{of: build, database: sub.database(build), asked: map[string]*reply{}, crowds: map[string]*crowd{}}
		sub.holdings = append(sub.holdings, h)
		s.say("%d %s%s: storing", sub.items, sub.signal, build.label())
		if err := s.open(ctx, h); err != nil {
			return nil, err
		}
		in := of(newStream(uint64(w.from.Unix()), sub.signal, sub.items, s.options.request, w, end))
		if err := s.fill(ctx, h, in); err != nil {
			return nil, err
		}
		if err := in.planted.all(); err != nil {
			return nil, err
		}
		f = in.planted.filled
		var err error
		if h.fresh, err = s.footprint(ctx, h, sub.items); err != nil {
			return nil, err
		}
	}
	q := &sides{machine: s.machine, filled: f, client: &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: senders}}}
	for _, h := range sub.holdings {
		if err := s.restart(ctx, q, h); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// releaseAll ends what a subject has. Its databases go: a disk need not hold all subjects at once.
func (s *storeBench) releaseAll(ctx context.Context, sub *subject) (err error) {
	for _, h := range sub.holdings {
		err = errors.Join(err, s.release(context.WithoutCancel(ctx), h))
	}
	return err
}

// settleAll merges what every build stored, and gives each a query service that knows nothing of the parts.
func (s *storeBench) settleAll(ctx context.Context, q *sides, sub *subject) (err error) {
	for _, h := range sub.holdings {
		s.say("%d %s%s: merging", sub.items, sub.signal, h.of.label())
		if err := s.settle(ctx, h, sub.items, &h.merged); err != nil {
			return err
		}
		if h.settled, err = s.footprint(ctx, h, sub.items); err != nil {
			return err
		}
		if err := s.restart(ctx, q, h); err != nil {
			return err
		}
	}
	return nil
}

// database names what a build stores of a subject in.
func (sub *subject) database(of *revision) string {
	name := fmt.Sprintf("%s_%d", sub.signal, sub.items)
	if of != nil {
		name += "_other"
	}
	return name
}

// live stores the same items for every build as a store that goes on gets them, and measures what they take: an hour at a time, each merged and
// vacuumed, as autovacuum would have, before the next. What a merge frees is then there for the next hour.
func (s *storeBench) live(ctx context.Context, sub *subject, w window24, end time.Time) error {
	if s.options.rest == 0 {
		return nil
	}
	for _, h := range sub.holdings {
		s.say("%d %s%s: storing and merging hour by hour", sub.items, sub.signal, h.of.label())
		var err error
		if h.lived, err = s.liveIn(ctx, h.of, sub, w, end); err != nil {
			return err
		}
	}
	return nil
}

func (s *storeBench) liveIn(ctx context.Context, of *revision, sub *subject, w window24, end time.Time) (size footprint, err error) {
	h := &holding{of: of, database: sub.database(of) + "_lived"}
	defer func() { err = errors.Join(err, s.release(context.WithoutCancel(ctx), h)) }()
	if err := s.open(ctx, h); err != nil {
		return size, err
	}
	in := newStream(uint64(w.from.Unix()), sub.signal, sub.items, s.options.request, w, end).again("lived")
	for in.made < in.items {
		if err := s.fill(ctx, h, in.hour()); err != nil {
			return size, err
		}
		var ignored cost
		if err := s.settle(ctx, h, in.made, &ignored); err != nil {
			return size, err
		}
	}
	// A day took some minutes here, so that the flush which is alone at the end of an hour is in a slot that is still written to, with all that was
	// merged of it.
	select {
	case <-ctx.Done():
		return size, ctx.Err()
	case <-time.After(s.options.rest):
	}
	var ignored cost
	if err := s.settle(ctx, h, in.made, &ignored); err != nil {
		return size, err
	}
	return s.footprint(ctx, h, sub.items)
}

// open makes a database.
func (s *storeBench) open(ctx context.Context, h *holding) (err error) {
	h.stage = &stage{machine: s.machine}
	if h.stage.url, err = s.machine.openFrom(ctx, h.of.template(), h.database, "0"); err != nil {
		return err
	}
	h.stage.conn, err = pgx.Connect(ctx, h.stage.url)
	return err
}

// release ends what a holding has and drops its database.
func (s *storeBench) release(ctx context.Context, h *holding) error {
	if h.query != nil {
		h.query.process.stop()
	}
	if h.stage == nil || h.stage.conn == nil {
		return nil
	}
	_ = h.stage.conn.Close(ctx)
	if s.options.keep {
		return nil
	}
	_, err := s.machine.conn.Exec(ctx, "DROP DATABASE "+h.database+" WITH (FORCE)")
	return err
}

// restart gives a holding a query service that knows nothing yet.
func (s *storeBench) restart(ctx context.Context, q *sides, h *holding) (err error) {
	if h.query != nil {
		h.query.process.stop()
		h.query = nil
	}
	h.query, err = q.startQuery(ctx, cmp.Or("query"+h.of.label(), "query"), h.of, h.stage.url)
	return err
}

// fill stores a stream up to where it pauses.
func (s *storeBench) fill(ctx context.Context, h *holding, in *stream) error {
	w, err := s.machine.startWriterOf(ctx, h.of.program(), h.stage.url)
	if err != nil {
		return err
	}
	h.stage.writers = []*process{w}
	defer func() {
		w.stop()
		h.stage.writers = nil
	}()
	before, err := h.stage.begin(ctx)
	if err != nil {
		return err
	}
	if err := s.pour(ctx, h.of, in, nil); err != nil {
		return err
	}
	if h.stored, err = h.stage.end(ctx, before); err != nil {
		return err
	}
	h.stored.items = in.made
	return h.whole(ctx, in.signal, in.made)
}

// whole checks that exactly so many items are there.
func (h *holding) whole(ctx context.Context, signal telemetry.Signal, items int) error {
	var have int
	if err := h.stage.conn.QueryRow(ctx, "SELECT coalesce(sum(items), 0) FROM "+segmentsOf(signal)).Scan(&have); err != nil {
		return err
	}
	if have != items {
		return fmt.Errorf("%s%s holds %d items of %d", segmentsOf(signal), h.of.label(), have, items)
	}
	return nil
}

// settle merges all that is there, makes the filters of traces that are made after a rest, and does what autovacuum would have done by then.
func (s *storeBench) settle(ctx context.Context, h *holding, items int, into *cost) error {
	l, err := h.stage.merge(ctx, h.of, 2)
	if err != nil {
		return err
	}
	*into = l.cost
	into.items = items
	if h.of == nil {
		if _, err := h.stage.conn.Exec(ctx, "UPDATE trace_time SET changed_at = 0"); err != nil {
			return err
		}
		filters, err := h.stage.merge(ctx, nil, 2)
		if err != nil {
			return err
		}
		into.client, into.server, into.wal = into.client+filters.cost.client, into.server+filters.cost.server, into.wal+filters.cost.wal
	}
	_, err = h.stage.conn.Exec(ctx, "VACUUM (ANALYZE)")
	return err
}

// backlog stores half an hour more in small flushes, asks, merges it, and asks again: the same data both times.
func (s *storeBench) backlog(ctx context.Context, q *sides, sub *subject, end time.Time) error {
	if s.options.flushes == 0 {
		return nil
	}
	const length = 30 * time.Minute
	items := max(sub.items*int(length/time.Minute)/(storeHours*60), s.options.flushes)
	for _, h := range sub.holdings {
		s.say("%d %s%s: a backlog of %d flushes", sub.items, sub.signal, h.of.label(), s.options.flushes)
		writer, err := s.machine.startWriterOf(ctx, h.of.program(), h.stage.url, "--flush-quiet-after", "1ms", "--flush-longest", "1ms")
		if err != nil {
			return err
		}
		w := window24{from: end, to: end.Add(length)}
		in := newStream(uint64(end.Unix()), sub.signal, items, (items+s.options.flushes-1)/s.options.flushes, w, w.to).plain()
		err = s.pour(ctx, h.of, in, func() error {
			_, err := s.machine.until(ctx, in.signal, nil)
			return err
		})
		writer.stop()
		if err != nil {
			return err
		}
		if err := h.whole(ctx, sub.signal, sub.items+items); err != nil {
			return err
		}
		if _, err := h.stage.conn.Exec(ctx, "VACUUM (ANALYZE)"); err != nil {
			return err
		}
	}
	if err := s.ask(ctx, q, sub, stageBacklog); err != nil {
		return err
	}
	for _, h := range sub.holdings {
		var ignored cost
		if err := s.settle(ctx, h, items, &ignored); err != nil {
			return err
		}
	}
	return s.ask(ctx, q, sub, stageCaught)
}
