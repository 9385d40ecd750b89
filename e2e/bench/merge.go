package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

type mergeOptions struct {
	options
	quiet int // flushes of the quiet shape
}

// MergeMain measures what the janitor's merging costs and what it gains. It returns the exit code.
//
//	busy      spans, records and points as a writer under load leaves them: full flushes; the spans are of 50,000 a second
//	quiet     flushes of 5 spans, one a second
//	writing   full flushes again, merged while a writer goes on: what its commits feel of it
//
// Each is merged to level 1 (minutes), then to level 2 (hours), by a janitor of its own process, which does nothing else. The last line is
// `MERGE {json}`.
func MergeMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if code, ok := child(ctx, args, stdout, stderr); ok {
		return code
	}
	var o mergeOptions
	flags := flag.NewFlagSet("merge", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.spans, "spans", 600_000, "spans of full flushes; half as many log records and points")
	flags.IntVar(&o.quiet, "quiet", 600, "flushes of 5 spans, one a second")
	flags.IntVar(&o.request, "request", 1000, "items of a request")
	flags.BoolVar(&o.hard, "hard", false, "add a random uuid, a free text, an address and a random number to each span and record; random numbers in points")
	flags.StringVar(&o.bin, "postgres-bin", filepath.Join("..", ".tools", "postgres", "bin"), "directory of initdb and postgres")
	flags.BoolVar(&o.keep, "keep", false, "keep the database and the logs, and say where they are")
	if err := flags.Parse(args); err != nil {
		return service.ExitUsage
	}
	if err := supported(); err != nil {
		fmt.Fprintln(stderr, "merge:", err)
		return service.ExitUsage
	}
	err := inTempDir("ollymerge", o.keep, func(dir string) { fmt.Fprintln(stderr, "files:", dir) }, func(dir string) error {
		return merge(ctx, o, dir, stdout, stderr)
	})
	if err != nil {
		fmt.Fprintln(stderr, "merge:", err)
		return service.ExitFailed
	}
	return service.ExitOK
}

func merge(ctx context.Context, o mergeOptions, dir string, stdout, stderr io.Writer) error {
	m, err := startMachine(ctx, o.options, dir)
	if err != nil {
		return err
	}
	defer m.stop()
	var found []compaction
	for _, s := range o.shapes() {
		fmt.Fprintln(stderr, s.name)
		c, err := m.compact(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		found = append(found, c)
	}
	fmt.Fprintln(stderr, "writing")
	felt, err := m.whileMerging(ctx, o)
	if err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return mergeReport(stdout, o, found, felt)
}

// shape is data as writers leave it.
type shape struct {
	name     string
	requests *requests
	each     bool // a flush for every request
	// steady, unless it is zero, is when the data begin, which are stored and merged by a store that has been at it for a while: partitions of their hour are
	// there, no page waits for its hint bits, and a checkpoint comes before all and not before each level.
	steady time.Time
}

// key is the name as a word of its own.
func (s shape) key() string { return strings.ReplaceAll(s.name, " ", "_") }

// Rates of spans, in the time of the data.
const (
	busyRate   = 50_000
	quietRate  = 5
	spansTrace = 16 // of the shop, about
)

func shopAt(rate float64, at time.Time) *testbed.Shop {
	return testbed.NewShop(1, at).Every(time.Duration(spansTrace / rate * float64(time.Second)))
}

func (o mergeOptions) shapes() []shape {
	half := max(o.spans/2, o.request)
	busy := newMaker(shopAt(busyRate, hourAgo(0)), o.request, o.hard)
	points := newMaker(testbed.NewShop(1, hourAgo(half/pointsAnHour)), o.request, o.hard)
	return []shape{
		{name: "busy spans", requests: busy.make(telemetry.Traces, o.spans)},
		{name: "quiet spans", requests: newMaker(shopAt(quietRate, hourAgo(0)), quietRate, o.hard).make(telemetry.Traces, quietRate*o.quiet), each: true},
		{name: "logs", requests: busy.make(telemetry.Logs, half)},
		{name: "metrics", requests: points.make(telemetry.Metrics, half)},
	}
}

// level is what there is of a shape at one level, and what it took to get there.
type level struct {
	cost                       // for level 0 of the writer, as client; else of the janitor
	segments           int     // rows of the table
	content            float64 // bytes an item: all columns of the rows
	body, filters, dir float64 // parts of it
	packed             float64 // bytes an item on disk, indexes included, without what merging has freed
	rss                int64   // of the janitor
}

// compaction is a shape with its levels.
type compaction struct {
	shape
	levels [3]level
}

// compact stores a shape and merges it, level by level.
func (m *machine) compact(ctx context.Context, s shape) (c compaction, err error) {
	c.shape = s
	st, err := m.stage(ctx, setup{database: s.key(), requests: s.requests, writers: -1})
	if err != nil {
		return c, err
	}
	defer st.close(ctx)
	// The first one makes partitions ahead; what the second takes is what it takes to start. Where only bytes count, the one that merges what warms will do.
	var idle level
	for n := 0; n < 2 && s.steady.IsZero(); n++ {
		if idle, err = st.merge(ctx, nil, segmentrow.LevelSettled); err != nil {
			return c, err
		}
	}
	if c.levels[0].cost, err = st.store(ctx, s); err != nil {
		return c, err
	}
	for n := range c.levels {
		l := &c.levels[n]
		if n > 0 {
			if *l, err = st.merge(ctx, nil, n); err != nil {
				return c, err
			}
			// A janitor that goes on for ever starts once.
			l.cost.client = max(l.cost.client-idle.cost.client, 0)
			l.cost.server = max(l.cost.server-idle.cost.server, 0)
		}
		l.cost.items = s.requests.items
		if err := l.look(ctx, st.conn, s.requests); err != nil {
			return c, err
		}
	}
	return c, nil
}

// store lets a writer write the requests. It is one that has been at it for a while: partitions and dimensions are there, and it knows them.
func (st *stage) store(ctx context.Context, s shape) (cost, error) {
	var flags []string
	if s.each {
		// What comes alone is written at once; the writer's own quarter of a second would only make the bench wait.
		flags = []string{"--flush-quiet-after", "1ms"}
	}
	w, err := st.machine.startWriterOf(ctx, "", st.url, flags...)
	if err != nil {
		return cost{}, err
	}
	st.writers = []*process{w}
	defer func() {
		w.stop()
		st.writers = nil
	}()
	r := s.requests
	warm := hourAgo(0)
	if !s.steady.IsZero() {
		warm = s.steady
	}
	if err := st.machine.deliver(ctx, r.signal, warming(r.signal, warm)); err != nil {
		return cost{}, err
	}
	tables := schema.TablesOf(r.signal.String())
	emptied := []string{tables.Segment, tables.Fresh, tables.Body}
	if !s.steady.IsZero() {
		if _, err := st.merge(ctx, nil, segmentrow.LevelSettled); err != nil {
			return cost{}, err
		}
		emptied = append(emptied, tables.Group, schema.Rollup)
	}
	if _, err := st.conn.Exec(ctx, "TRUNCATE "+strings.Join(emptied, ", ")); err != nil {
		return cost{}, err
	}
	if !s.steady.IsZero() {
		if _, err := st.conn.Exec(ctx, "VACUUM (FREEZE)"); err != nil {
			return cost{}, err
		}
	}
	before, err := st.begin(ctx)
	if err != nil {
		return cost{}, err
	}
	st.steady = !s.steady.IsZero()
	if s.each {
		err = st.machine.oneByOne(ctx, r.signal, r.batches)
	} else {
		err = st.machine.deliver(ctx, r.signal, r.batches)
	}
	if err != nil {
		return cost{}, err
	}
	c, err := st.end(ctx, before)
	c.items = r.items
	return c, err
}

// warming is batches of another shop of the same make, from a time on and with all its dimensions.
func warming(signal telemetry.Signal, from time.Time) []telemetry.Batch {
	return newMaker(testbed.NewShop(99, from), 1000, false).make(signal, 8000).batches
}

func segmentsOf(signal telemetry.Signal) string {
	return schema.TablesOf(signal.String()).Segment
}

// oneByOne publishes each batch when the one before is committed.
func (q *queue) oneByOne(ctx context.Context, signal telemetry.Signal, batches []telemetry.Batch) error {
	for i := range batches {
		if err := q.publish(ctx, batches[i:i+1]); err != nil {
			return err
		}
		if _, err := q.until(ctx, signal, nil); err != nil {
			return err
		}
	}
	return nil
}

// merge runs a janitor to a level; of is whose, nil for this build's.
func (st *stage) merge(ctx context.Context, of *revision, to int) (l level, err error) {
	before, err := st.begin(ctx)
	if err != nil {
		return l, err
	}
	p, err := st.machine.startJanitor(ctx, of, st.url, to)
	if err != nil {
		return l, err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.wait() }()
	// Its largest size is asked while it lives: what the kernel says afterwards begins with the size of who started it.
	tick := time.NewTicker(looks)
	defer tick.Stop()
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				return l, err
			}
			running = false
		case <-tick.C:
			l.rss = max(l.rss, peakRSS(p.pid()))
		}
	}
	l.cost, err = st.end(ctx, before)
	l.cost.client = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	return l, err
}

// startJanitor starts a janitor that merges everything that is closed up to a level, without rest, and ends; of is whose, nil for this build's.
func (m *machine) startJanitor(ctx context.Context, of *revision, url string, to int) (*process, error) {
	grace := "0s"
	if to < 2 {
		grace = "10000h" // no hour is closed
	}
	args := []string{
		"janitor", "--once", "--postgres-url", url, "--ops-address", "", "--merge-duty", "1", "--merge-minute-grace", "0s", "--merge-hour-grace", grace,
	}
	if of == nil {
		args = append(args, "--merge-slot-delay", "0s") // nobody reads; another build may not know it
	}
	return m.startProgram(ctx, of.program(), args...)
}

// look measures what is stored.
func (l *level) look(ctx context.Context, conn *pgx.Conn, r *requests) error {
	table := segmentsOf(r.signal)
	// 24 bytes are a row's own header.
	query := `SELECT coalesce(sum(items), 0), count(*), coalesce(sum(octet_length(` + segmentrow.Select("body").List("s") + `)), 0), coalesce(sum(octet_length(trace_filter) + octet_length(token_filter)), 0),
		coalesce(sum(octet_length(directory)), 0), coalesce(sum(24 + pg_column_size(s.tenant_id) + pg_column_size(s.segment_id) + 6 * 8 + 3 * 4 + 3 * 2 +
		pg_column_size(service_ids) + pg_column_size(service_items) + pg_column_size(service_max_duration) + pg_column_size(service_max_error_duration)), 0) FROM `
	var items, header, body, filters, dir int64
	if err := conn.QueryRow(ctx, query+segmentrow.From(r.signal)).Scan(&items, &l.segments, &body, &filters, &dir, &header); err != nil {
		return err
	}
	if items != int64(r.items) {
		return fmt.Errorf("%d items sent, %d in %s", r.items, items, table)
	}
	// The filters of merged segments are in groups.
	const groups = `SELECT coalesce(sum(octet_length(trace_filter) + octet_length(token_filter)), 0),
		coalesce(sum(24 + pg_column_size(tenant_id) + pg_column_size(group_id) + 2 * 8 + 2 * 4 + pg_column_size(segments)), 0) FROM `
	group := schema.TablesOf(r.signal.String()).Group
	var moreFilters, moreHeader int64
	if err := conn.QueryRow(ctx, groups+group).Scan(&moreFilters, &moreHeader); err != nil {
		return err
	}
	filters, header = filters+moreFilters, header+moreHeader
	l.body, l.filters, l.dir = l.cost.each(body), l.cost.each(filters), l.cost.each(dir)
	l.content = l.cost.each(body + filters + dir + header)
	tables := schema.TablesOf(r.signal.String())
	for _, of := range []struct{ like, rows string }{
		{table, "SELECT * FROM " + table},
		{group, "SELECT * FROM " + group},
		{tables.Body, "SELECT * FROM " + tables.Body},
		{tables.Fresh, "SELECT f.* FROM " + tables.Fresh + " f JOIN " + table + " s USING (slot, tenant_id, segment_id)"},
	} {
		size, err := packedSize(ctx, conn, of.like, of.rows)
		if err != nil {
			return err
		}
		l.packed += l.cost.each(size)
	}
	return nil
}

// packedSize measures a table like another with some rows, without what merging has left in that.
func packedSize(ctx context.Context, conn *pgx.Conn, like, rows string) (size int64, err error) {
	if _, err := conn.Exec(ctx, fmt.Sprintf("CREATE TABLE packed (LIKE %s INCLUDING ALL); INSERT INTO packed %s", like, rows)); err != nil {
		return 0, err
	}
	if err := conn.QueryRow(ctx, "SELECT pg_total_relation_size('packed')").Scan(&size); err != nil {
		return 0, err
	}
	_, err = conn.Exec(ctx, "DROP TABLE packed")
	return size, err
}
