package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

type scanOptions struct {
	spans   int
	logs    int
	runs    int
	request int
	rows    bool
	bin     string
	profile string
	keep    bool
	against string
	other   *revision // of against
}

// mostRows is how many spans are kept as rows too: loading and indexing more takes longer than the rest of the bench.
const mostRows = 1_000_000

// ScanMain measures queries over segments, asked of the query service over HTTP, beside the same questions asked of rows by SQL. Both
// hold the same twelve hours of spans and logs, which came through the bus and the writer and were merged by the janitor. Each answer is
// checked against the other side's; the last line is `SCAN {json}`, query → ms. It returns the exit code.
func ScanMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if code, ok := child(ctx, args, stdout, stderr); ok {
		return code
	}
	var o scanOptions
	flags := flag.NewFlagSet("scan", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.spans, "spans", 1_000_000, "spans, over twelve hours")
	flags.IntVar(&o.logs, "logs", 400_000, "log records, over the same hours")
	flags.IntVar(&o.runs, "runs", 9, "runs of each query; the median counts")
	flags.IntVar(&o.request, "request", 1000, "spans of a request")
	flags.BoolVar(&o.rows, "rows", true, fmt.Sprintf("keep rows beside the segments and ask them the same (at most %d spans)", mostRows))
	flags.StringVar(&o.profile, "profile", "", "directory for a CPU profile of each query; none without")
	flags.StringVar(&o.against, "against", "", "a git revision whose query service is asked the same in turn, over what its own writer and janitor stored")
	flags.StringVar(&o.bin, "postgres-bin", filepath.Join("..", ".tools", "postgres", "bin"), "directory of initdb and postgres")
	flags.BoolVar(&o.keep, "keep", false, "keep the database and the logs, and say where they are")
	if err := flags.Parse(args); err != nil {
		return service.ExitUsage
	}
	o.request = min(o.request, max(o.spans/100, 1))
	if err := supported(); err != nil {
		fmt.Fprintln(stderr, "scan:", err)
		return service.ExitUsage
	}
	if o.rows && o.spans > mostRows {
		o.rows = false
		fmt.Fprintf(stderr, "no rows: more than %d spans\n", mostRows)
	}
	if err := scan(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "scan:", err)
		return service.ExitFailed
	}
	return service.ExitOK
}

func scan(ctx context.Context, o scanOptions, stdout, stderr io.Writer) error {
	return inTempDir("ollyscan", o.keep, func(dir string) { fmt.Fprintln(stderr, "files:", dir) }, func(dir string) error {
		if o.against != "" {
			fmt.Fprintln(stderr, "building", o.against)
			var err error
			if o.other, err = buildRevision(ctx, o.against, dir); err != nil {
				return err
			}
		}
		return scanIn(ctx, o, dir, stdout, stderr)
	})
}

// scanIn fills the databases, starts the sides and asks every question.
func scanIn(ctx context.Context, o scanOptions, dir string, stdout, stderr io.Writer) error {
	m, err := startMachine(ctx, options{bin: o.bin}, dir)
	if err != nil {
		return err
	}
	defer m.stop()
	window := "0"
	if o.rows {
		window = "48 hours"
	}
	url, err := m.open(ctx, "scan", window)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "filling %d spans and %d log records\n", o.spans, o.logs)
	began := time.Now()
	end := began.UTC().Truncate(time.Hour).Add(-time.Hour) // the newest are two hours old at most
	f, err := m.fill(ctx, o, nil, url, end)
	if err != nil {
		return err
	}
	otherURL := ""
	if o.other != nil {
		if err := m.makeTemplate(ctx, otherTemplate, o.other.migrations); err != nil {
			return fmt.Errorf("the schema of %s: %w", o.other.name, err)
		}
		if otherURL, err = m.openFrom(ctx, otherTemplate, "scan_other", "0"); err != nil {
			return err
		}
		without := o
		without.rows = false
		if _, err := m.fill(ctx, without, o.other, otherURL, end); err != nil {
			return fmt.Errorf("fill the database of %s: %w", o.other.name, err)
		}
	}
	fmt.Fprintf(stderr, "filled in %s\n", time.Since(began).Round(time.Second))

	s, err := m.startSides(ctx, o, url, otherURL, f)
	if err != nil {
		return err
	}
	defer s.stop()
	var results []measured
	for _, q := range queries(f) {
		fmt.Fprintln(stderr, q.name)
		r, err := s.measure(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		results = append(results, r)
	}
	shape, err := storage(ctx, s.conn)
	if err != nil {
		return err
	}
	return scanReport(stdout, o, f, shape, peakRSS(s.build.process.pid()), results)
}

// storage describes in words how much is stored. Segments that were merged leave free space in their tables, which counts on disk.
func storage(ctx context.Context, conn *pgx.Conn) (string, error) {
	const (
		segments = "coalesce(sum(items), 0), count(*), coalesce(sum(octet_length(coalesce(fresh.body, settled.body, '')) + octet_length(directory) + octet_length(trace_filter) + octet_length(token_filter)), 0)"
		rows     = "count(*), 0, 0"
	)
	size := func(table string) string {
		return "(SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_partition_tree('" + table + "'))"
	}
	var lines []string
	for _, t := range []struct{ table, group, from, sums string }{
		{schema.SpansSegment, schema.SpansGroup, segmentrow.From(telemetry.Traces), segments},
		{schema.LogsSegment, schema.LogsGroup, segmentrow.From(telemetry.Logs), segments},
		{schema.SpansFact, "", schema.SpansFact, rows},
		{schema.LogsFact, "", schema.LogsFact, rows},
	} {
		var items, count, content, disk int64
		if err := conn.QueryRow(ctx, "SELECT "+t.sums+", "+size(t.table)+" FROM "+t.from).Scan(&items, &count, &content, &disk); err != nil {
			return "", err
		}
		if t.group != "" { // where the filters of merged segments are
			var filters, more int64
			if err := conn.QueryRow(ctx, "SELECT coalesce(sum(octet_length(trace_filter) + octet_length(token_filter)), 0), "+size(t.group)+" FROM "+t.group).Scan(&filters, &more); err != nil {
				return "", err
			}
			content, disk = content+filters, disk+more
			for _, bodies := range []string{"_fresh", "_body"} {
				if err := conn.QueryRow(ctx, "SELECT coalesce("+size(strings.TrimSuffix(t.table, "_segment")+bodies)+", 0)").Scan(&more); err != nil {
					return "", err
				}
				disk += more
			}
		}
		if items == 0 {
			continue
		}
		line := fmt.Sprintf("%s: %d items, %.1f B each on disk", t.table, items, float64(disk)/float64(items))
		if count > 0 {
			line += fmt.Sprintf(" with what merging has freed; %d segments of %.1f B an item", count, float64(content)/float64(items))
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), nil
}

// once is one run of a query on one side.
type once struct {
	wall time.Duration
	cpu  time.Duration // of the query service, or of this process for rows, and PostgreSQL
	answer
}

// measured is a query with its medians.
type measured struct {
	question
	hits                  int
	segments, other, rows *side // nil: not asked
}

type side struct {
	wall, cpu    time.Duration
	slow         time.Duration // 95 of 100 runs took no longer
	read, pruned int
	bytes        int64
}

// asking is one side's way to answer a question.
type asking struct {
	name   string
	ask    func(context.Context, int) (answer, error)
	cpu    func() (time.Duration, error) // of who answers, PostgreSQL apart
	result **side
}

// askings are the sides that a question is put to.
func (s *sides) askings(q question, out *measured) (list []asking) {
	service := func(name string, of *querying, result **side) {
		a := asked{s, of.base}
		list = append(list, asking{
			name, func(ctx context.Context, i int) (answer, error) { return q.segments(ctx, a, i) },
			func() (time.Duration, error) { return threadsCPU(of.process.pid()) }, result,
		})
	}
	if q.segments != nil {
		service("segments", s.build, &out.segments)
		if s.other != nil {
			service("segments"+ofOther, s.other, &out.other)
		}
	}
	if s.options.rows && q.rows != nil {
		list = append(list, asking{"rows", func(ctx context.Context, i int) (answer, error) { return q.rows(ctx, s, i) }, ownCPU, &out.rows})
	}
	return list
}

// measure asks all sides in turn, after one run of each that warms the caches and must give the same on all. Who comes first changes from
// run to run.
func (s *sides) measure(ctx context.Context, q question) (measured, error) {
	out := measured{question: q}
	askings := s.askings(q, &out)
	for i := range max(q.parameters, 1) {
		var first answer
		for k, side := range askings {
			a, err := side.ask(ctx, i)
			if err != nil {
				return out, err
			}
			if err := a.read(); err != nil {
				return out, err
			}
			switch {
			case k == 0:
				first, out.hits = a, len(a.items)
			case !slices.Equal(first.items, a.items):
				return out, fmt.Errorf("parameter %d: %s and %s differ: %s", i, askings[0].name, side.name, difference(first.items, a.items))
			}
			if q.hits != nil && !q.hits(len(a.items)) {
				return out, fmt.Errorf("parameter %d: %d results", i, len(a.items))
			}
		}
	}
	runs := make([][]once, len(askings))
	for i := range s.options.runs {
		for turn := range askings {
			k := (turn + i) % len(askings)
			r, err := s.timed(ctx, i, askings[k])
			if err != nil {
				return out, err
			}
			runs[k] = append(runs[k], r)
		}
	}
	for k, a := range askings {
		*a.result = &side{
			wall: medianOf(runs[k], func(r once) time.Duration { return r.wall }), cpu: medianOf(runs[k], func(r once) time.Duration { return r.cpu }),
			read: medianOf(runs[k], func(r once) int { return r.segmentsRead }), pruned: medianOf(runs[k], func(r once) int { return r.pruned }),
			bytes: medianOf(runs[k], func(r once) int64 { return r.bytes }),
		}
	}
	if q.segments != nil && s.options.profile != "" {
		return out, s.profile(ctx, q)
	}
	return out, nil
}

func difference(a, b []string) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d results and %d", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			return fmt.Sprintf("%q and %q", a[i], b[i])
		}
	}
	return "not at all"
}

func medianOf[T cmp.Ordered](runs []once, of func(once) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// timed runs a query once; what measuring itself costs is outside of the clocks.
func (s *sides) timed(ctx context.Context, i int, a asking) (r once, err error) {
	spent := func() (time.Duration, error) {
		server, err := treeCPU(s.machine.postmaster)
		if err != nil {
			return 0, err
		}
		own, err := a.cpu()
		return server + own, err
	}
	before, err := spent()
	if err != nil {
		return r, err
	}
	began := time.Now()
	r.answer, err = a.ask(ctx, i)
	r.wall = time.Since(began)
	if err != nil {
		return r, err
	}
	after, err := spent()
	if err != nil {
		return r, err
	}
	r.cpu = after - before
	return r, r.read()
}

// profile asks for a few seconds while the query service's profiler runs, and keeps what it saw.
func (s *sides) profile(ctx context.Context, q question) error {
	const seconds = 3
	if err := os.MkdirAll(s.options.profile, 0o750); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		path := fmt.Sprintf("/profile?seconds=%d", seconds)
		done <- s.save(ctx, "http://"+s.build.profiler+path, filepath.Join(s.options.profile, q.name+".pprof"))
	}()
	for i := 0; ; i++ {
		select {
		case err := <-done:
			return err
		default:
		}
		if _, err := q.segments(ctx, asked{s, s.build.base}, i); err != nil {
			return err
		}
	}
}

// save writes what a URL answers to a file.
func (s *sides) save(ctx context.Context, url, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, resp.Body)
	return errors.Join(err, out.Close())
}

func scanReport(w io.Writer, o scanOptions, f *filled, shape string, rss int64, results []measured) error {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Fprintf(w, "\n%d spans and %d log records (%.0f B of text each) over %d hours, merged; warm, medians of %d runs, %d cores\n%s\n\n",
		f.spans, f.logs, float64(f.bodyBytes)/float64(max(f.logs, 1)), hours, o.runs, runtime.GOMAXPROCS(0), shape)
	fmt.Fprintf(w, "%-28s %8s | %9s %9s %6s %7s %9s | %9s %9s\n", "", "results", "segments", "CPU", "read", "pruned", "KiB read", "rows", "CPU")
	line := map[string]float64{"spans": float64(f.spans), "logs": float64(f.logs), "rss_mib": float64(rss >> 20)}
	for _, r := range results {
		fmt.Fprintf(w, "%-28s %8d | ", r.name, r.hits)
		if r.segments != nil {
			fmt.Fprintf(w, "%9.1f %9.1f %6d %7d %9.0f | ", ms(r.segments.wall), ms(r.segments.cpu), r.segments.read, r.segments.pruned, float64(r.segments.bytes)/1024)
			line[r.name] = ms(r.segments.wall)
			line[r.name+"_cpu"] = ms(r.segments.cpu)
			if r.scansBodies {
				line["log_scan_gb_per_second"] = rounded(float64(f.bodyBytes) / float64(r.segments.wall.Nanoseconds()))
				line["log_scan_gb_per_cpu_second"] = rounded(float64(f.bodyBytes) / float64(max(r.segments.cpu, 1).Nanoseconds()))
			}
		} else {
			fmt.Fprintf(w, "%44s | ", "not offered")
		}
		if r.rows != nil {
			fmt.Fprintf(w, "%9.1f %9.1f", ms(r.rows.wall), ms(r.rows.cpu))
			line[r.name+"_rows"] = ms(r.rows.wall)
			line[r.name+"_rows_cpu"] = ms(r.rows.cpu)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\nms of wall time and of CPU (the query service, for rows who asks, and PostgreSQL); read, pruned: segments; rows: newest-first\n"+
		"lists by the quicker of one statement and hour by hour. All log bodies: %.2f GB/s of text, %.2f GB per second of CPU. Largest resident memory: %.0f MiB.\n",
		line["log_scan_gb_per_second"], line["log_scan_gb_per_cpu_second"], line["rss_mib"])
	if o.other != nil {
		againstReport(w, o.other.name, results, line)
	}
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "SCAN %s\n", text)
	return err
}

// againstReport shows the ratio of this build's figures to the other revision's, of each question and of the sum of all medians.
func againstReport(w io.Writer, other string, results []measured, line map[string]float64) {
	fmt.Fprintf(w, "\n%-28s %9s %9s %9s %9s   (this build / %s)\n", "", "wall", "CPU", "read", "bytes", other)
	ratio := func(a, b float64) float64 {
		if a == b {
			return 1 // also when both are 0
		}
		return a / b
	}
	var total, totalOther side
	show := func(name string, a, b *side) {
		wall, cpu := ratio(float64(a.wall), float64(b.wall)), ratio(float64(a.cpu), float64(b.cpu))
		fmt.Fprintf(w, "%-28s %9.3f %9.3f %9.3f %9.3f\n", name, wall, cpu, ratio(float64(a.read), float64(b.read)), ratio(float64(a.bytes), float64(b.bytes)))
		line[name+"_wall_ratio"], line[name+"_cpu_ratio"] = rounded(wall), rounded(cpu)
	}
	for _, r := range results {
		if r.segments == nil || r.other == nil {
			continue
		}
		show(r.name, r.segments, r.other)
		for sum, of := range map[*side]*side{&total: r.segments, &totalOther: r.other} {
			sum.wall, sum.cpu, sum.read, sum.bytes = sum.wall+of.wall, sum.cpu+of.cpu, sum.read+of.read, sum.bytes+of.bytes
		}
	}
	show("sum", &total, &totalOther)
}

func rounded(x float64) float64 { return float64(int64(x*1000+0.5)) / 1000 }
