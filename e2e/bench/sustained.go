package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

type sustainedOptions struct {
	options
	rate   int // spans a second
	length time.Duration
}

// SustainedMain measures what a steady load takes of five processes and PostgreSQL: spans of now, sent by OTLP/HTTP in small requests at a fixed rate,
// stored, merged by a janitor with its usual settings, autovacuum on, NATS forcing each message to disk. With -against, another revision gets the
// same requests at the same time, in processes and a PostgreSQL of its own. A span that is missing or there twice fails the run. The last line is
// `SUSTAINED {json}`. It returns the exit code.
func SustainedMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if code, ok := child(ctx, args, stdout, stderr); ok {
		return code
	}
	var o sustainedOptions
	flags := flag.NewFlagSet("sustained", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rate, "rate", 3000, "spans a second")
	flags.IntVar(&o.request, "request", 100, "spans of a request")
	flags.DurationVar(&o.length, "for", 20*time.Minute, "how long")
	flags.StringVar(&o.against, "against", "", "a git revision that gets the same requests at the same time")
	flags.StringVar(&o.bin, "postgres-bin", filepath.Join("..", ".tools", "postgres", "bin"), "directory of initdb and postgres")
	flags.BoolVar(&o.keep, "keep", false, "keep the databases and the logs, and say where they are")
	if err := flags.Parse(args); err != nil {
		return service.ExitUsage
	}
	if o.rate < 1 || o.request < 1 || o.length <= 0 {
		fmt.Fprintln(stderr, "sustained: rate, request and for must be above 0")
		return service.ExitUsage
	}
	if err := supported(); err != nil {
		fmt.Fprintln(stderr, "sustained:", err)
		return service.ExitUsage
	}
	err := inTempDir("ollysustained", o.keep, func(dir string) { fmt.Fprintln(stderr, "files:", dir) }, func(dir string) error {
		if o.against != "" {
			fmt.Fprintln(stderr, "building", o.against)
			var err error
			if o.other, err = buildRevision(ctx, o.against, dir); err != nil {
				return err
			}
		}
		return sustainedIn(ctx, o, dir, stdout, stderr)
	})
	if err != nil {
		fmt.Fprintln(stderr, "sustained:", err)
		return service.ExitFailed
	}
	return service.ExitOK
}

// standing is one build's processes under the load.
type standing struct {
	of             *revision
	machine        *machine
	stage          *stage
	sides          *sides
	janitor, query *process
	cost           cost
	beside         map[string]time.Duration // CPU of what no cost knows
	largest        int64                    // bytes of the tables of spans, of all looks
	size, live     int64                    // at the end
	sent           int
	sending        errgroup.Group // at most senders at once
	failed         atomic.Bool    // one of them
}

// send sends a request, and waits only where too many wait for their answers already.
func (s *standing) send(ctx context.Context, payload []byte) {
	s.sending.Go(func() error {
		err := postOne(ctx, s.sides.client, "http://"+s.stage.target+"/v1/traces", body{bytes: payload})
		if err != nil {
			s.failed.Store(true)
		}
		return err
	})
}

func sustainedIn(ctx context.Context, o sustainedOptions, dir string, stdout, stderr io.Writer) error {
	builds := []*revision{nil}
	if o.other != nil {
		builds = append(builds, o.other)
	}
	var all []*standing
	defer func() {
		for _, s := range all {
			s.stop(context.WithoutCancel(ctx))
		}
	}()
	for _, of := range builds {
		s, err := startStanding(ctx, o, of, filepath.Join(dir, "now"+of.label()))
		if s != nil {
			all = append(all, s)
		}
		if err != nil {
			return fmt.Errorf("start%s: %w", of.label(), err)
		}
	}
	if err := load(ctx, o, all, stderr); err != nil {
		return err
	}
	return sustainedReport(stdout, o, all)
}

// startStanding starts PostgreSQL and the five processes of a build.
func startStanding(ctx context.Context, o sustainedOptions, of *revision, dir string) (s *standing, err error) {
	if err := makePassable(dir); err != nil {
		return nil, err
	}
	given := o.options
	// As a server is that nobody has tuned, but for what a benchmark of minutes must not have: a compilation of statements.
	given.settings = map[string]string{"jit": "off", "max_connections": "100", "shared_buffers": "256MB", "autovacuum_naptime": "20s"}
	s = &standing{of: of, beside: map[string]time.Duration{}}
	s.sending.SetLimit(senders)
	if s.machine, err = startMachine(ctx, given, dir); err != nil {
		return nil, err
	}
	m := s.machine
	if of != nil {
		if err := m.makeTemplate(ctx, otherTemplate, of.migrations); err != nil {
			return s, err
		}
	}
	if s.stage, err = m.stage(ctx, setup{database: "sustained", durable: true, other: of}); err != nil {
		return s, err
	}
	if err := s.stage.startIngest(ctx, of.program()); err != nil {
		return s, err
	}
	if s.janitor, err = m.startProgram(ctx, of.program(), "janitor", "--postgres-url", s.stage.url, "--ops-address", ""); err != nil {
		return s, err
	}
	s.sides = &sides{machine: m, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}}
	q, err := s.sides.startQuery(ctx, "query", of, s.stage.url)
	if err != nil {
		return s, err
	}
	s.query = q.process
	return s, untilReady(ctx, s.sides.client, "http://"+s.stage.target+"/health")
}

func (s *standing) stop(ctx context.Context) {
	for _, p := range []*process{s.query, s.janitor} {
		if p != nil {
			p.stop()
		}
	}
	if s.stage != nil {
		s.stage.close(ctx)
	}
	s.machine.stop()
}

// others reads the clocks of the processes that a stage does not have.
func (s *standing) others() (map[string]time.Duration, error) {
	janitor, err := processCPU(s.janitor.pid())
	query, more := processCPU(s.query.pid())
	return map[string]time.Duration{"janitor": janitor, "query": query}, errors.Join(err, more)
}

// load sends spans at their rate, to all builds the same, and measures from the first to when all is stored.
func load(ctx context.Context, o sustainedOptions, all []*standing, progress io.Writer) error {
	begins := make([]snapshot, len(all))
	for i, s := range all {
		var err error
		if begins[i], err = s.stage.begin(ctx); err != nil {
			return err
		}
		if s.beside, err = s.others(); err != nil {
			return err
		}
	}
	// The spans are of now: a shop whose traces begin as its requests are sent.
	shop := shopAt(float64(o.rate), time.Now())
	began := time.Now()
	looked := began
	requests := int(o.length.Seconds() * float64(o.rate) / float64(o.request))
	for n := range requests {
		pauseUntil(ctx, began.Add(time.Duration(float64(n)*float64(o.request)/float64(o.rate)*float64(time.Second))))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		payload := testbed.TracesPayload(shop.Traces(o.request))
		for _, s := range all {
			s.sent += o.request
			s.send(ctx, payload)
		}
		if slices.ContainsFunc(all, func(s *standing) bool { return s.failed.Load() }) {
			break // its error is told below
		}
		if time.Since(looked) >= time.Minute {
			looked = time.Now()
			for _, s := range all {
				if err := s.look(ctx, progress, time.Since(began)); err != nil {
					return err
				}
			}
		}
	}
	for i, s := range all {
		err := s.sending.Wait()
		if err == nil {
			err = s.finish(ctx, begins[i])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.heading(), err)
		}
	}
	return nil
}

func (s *standing) heading() string {
	if s.of == nil {
		return "now"
	}
	return s.of.name
}

// spanTables are those of the tables of spans that a build has.
func (s *standing) spanTables(ctx context.Context) ([]table, error) {
	found, err := tables(ctx, s.stage.conn)
	var out []table
	of := schema.TablesOf(telemetry.Traces.String())
	for _, t := range found {
		switch t.Name {
		case of.Segment, of.Group, of.Fresh, of.Body:
			out = append(out, t)
		}
	}
	return out, err
}

func (s *standing) look(ctx context.Context, progress io.Writer, at time.Duration) error {
	list, err := s.spanTables(ctx)
	if err != nil {
		return err
	}
	var size int64
	for _, t := range list {
		size += t.Size
	}
	s.largest = max(s.largest, size)
	fmt.Fprintf(progress, "%4.0f min %-8s %d spans sent, tables %.1f MB\n", at.Minutes(), s.heading(), s.sent, float64(size)/1e6)
	return nil
}

// finish waits until all is stored, once, and takes the figures.
func (s *standing) finish(ctx context.Context, before snapshot) error {
	if err := s.machine.settled(ctx, telemetry.Traces); err != nil {
		return err
	}
	after, err := s.others()
	if err != nil {
		return err
	}
	for name, used := range after {
		s.beside[name] = used - s.beside[name]
	}
	if s.cost, err = s.stage.end(ctx, before); err != nil {
		return err
	}
	s.cost.items = s.sent
	if err := s.stage.complete(ctx, setup{requests: &requests{signal: telemetry.Traces, items: s.sent}}); err != nil {
		return err
	}
	list, err := s.spanTables(ctx)
	if err != nil {
		return err
	}
	for _, t := range list {
		live, err := packedSize(ctx, s.stage.conn, t.Name, liveRows(t.Name))
		if err != nil {
			return err
		}
		s.size += t.Size
		s.live += live
	}
	s.largest = max(s.largest, s.size)
	return nil
}

// figures are what is reported of a build, an item each.
func (s *standing) figures() (names []string, values map[string]float64) {
	c := s.cost
	live := float64(max(s.live, 1))
	list := []struct {
		name  string
		value float64
	}{
		{"ingest_us", c.micros(c.ingest)},
		{"nats_us", c.micros(c.nats)},
		{"writer_us", c.micros(c.client)},
		{"janitor_us", c.micros(s.beside["janitor"])},
		{"query_us", c.micros(s.beside["query"])},
		{"postgres_us", c.micros(c.server)},
		{"all_us", c.micros(c.all() + s.beside["janitor"] + s.beside["query"])},
		{"wal_bytes", c.each(c.wal)},
		{"tables_bytes", c.each(s.size)},
		{"live_bytes", c.each(s.live)},
		{"tables_over_live", float64(s.size) / live},
		{"largest_over_live", float64(s.largest) / live},
		{"writer_mib", float64(c.memory.writer >> 20)},
		{"ingest_mib", float64(c.memory.ingest >> 20)},
		{"nats_mib", float64(c.memory.nats >> 20)},
		{"janitor_mib", float64(peakRSS(s.janitor.pid()) >> 20)},
		{"query_mib", float64(peakRSS(s.query.pid()) >> 20)},
		{"postgres_mib", float64(c.memory.postgres >> 20)},
		{"cores_of_others", c.neighbours()},
	}
	values = map[string]float64{}
	for _, f := range list {
		names = append(names, f.name)
		values[f.name] = rounded(f.value)
	}
	return names, values
}

func sustainedReport(w io.Writer, o sustainedOptions, all []*standing) error {
	fmt.Fprintf(w, "\n%d spans a second in requests of %d for %s: %d spans, all there once; µs of CPU and bytes a span\n\n", o.rate, o.request, o.length, all[0].sent)
	line := map[string]float64{"spans": float64(all[0].sent)}
	var head, rule bytes.Buffer
	columns := make([]map[string]float64, len(all))
	var names []string
	for i := len(all) - 1; i >= 0; i-- { // what was before comes first
		fmt.Fprintf(&head, " %s |", all[i].heading())
		rule.WriteString("---|")
	}
	for i, s := range all {
		names, columns[i] = s.figures()
		for name, value := range maps.All(columns[i]) {
			line[name+s.of.label()] = value
		}
	}
	fmt.Fprintf(w, "| a span |%s\n|---|%s\n", head.String(), rule.String())
	for _, name := range names {
		fmt.Fprintf(w, "| %s |", name)
		for i := len(all) - 1; i >= 0; i-- {
			fmt.Fprintf(w, " %s |", figure(columns[i][name]))
		}
		fmt.Fprintln(w)
	}
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nSUSTAINED %s\n", text)
	return err
}
