// Package ceiling proves that no sender and no question makes a role use more memory than it has: every role runs as a process of its own in
// a memory cgroup, with a real PostgreSQL and NATS server, and is attacked while somebody uses it as it is meant.
//
// For each attack it is told, and for all but the time demanded: the process lives on, what is legal is answered within ten seconds, the
// most resident memory was below the limit, and within a minute the process is as small as at rest (1.5 times that and 64 MiB).
package ceiling

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// What roles may use, in bytes, as their cgroups allow.
const (
	ingestLimit = 1 * gib
	queryLimit  = 1 * gib
	writerLimit = 384 * mib
)

// restsWithin is how long a process has to give memory back; it is then at most restShare of what it was at rest and restSlack more.
const (
	restsWithin = time.Minute
	restShare   = 1.5
	restSlack   = 64 * mib
)

// Size says how hard the roles are attacked. What is 0 is left out.
type Size struct {
	Slow       int // bodies that announce 60 MB and come by a kilobyte a second
	Hold       time.Duration
	Gzip       int // bodies of 60 MiB in gzip, which compress to half
	Plain      int // bodies of 64 MiB
	Bombs      int // of gzip and of zstd, each
	BombBytes  int64
	Calls      int // gRPC messages of 60 MiB
	Idle       int // connections without a request
	Questions  int // at once, over a year
	LargeSpans int // of 1 MB, that are stored for the questions
	Items      int // small ones of each signal, likewise
	Days       int // with some items each, likewise
	Batches    int // of 60 MiB, of little once compressed, for the writer
	Large      int // log records of 7 MiB
	Maps       int // log records, each a map of 100,000 keys, and as many requests that have as many attribute keys together
	Series     int // of metrics, a point each
	Empty      int // requests of half a million log records without anything
	Swells     int // bodies of 64 MiB which come to several times that
}

// Full is what `make ceiling` does.
func Full() Size {
	return Size{
		Slow: 2000, Hold: 10 * time.Second, Gzip: 50, Plain: 50, Bombs: 20, BombBytes: gib, Calls: 40, Idle: 10_000,
		Questions: 50, LargeSpans: 480, Items: 50_000, Days: 365, Batches: 40, Large: 40, Maps: 20, Series: 1_000_000, Empty: 8, Swells: 20,
	}
}

// Small takes some seconds.
func Small() Size {
	return Size{Slow: 200, Hold: 2 * time.Second, Bombs: 4, BombBytes: 256 * mib, Calls: 10}
}

// Config says what is attacked.
type Config struct {
	Bin        string // directory of the roles' programs
	NATSServer string // the nats-server program
	Postgres   string // directory of initdb and postgres
	Dir        string // for everything that is written; others can enter it
	Size       Size
	Only       string    // scenarios whose name holds this; "" for all
	Log        io.Writer // of what is under way
}

// Result is what an attack did.
type Result struct {
	Name     string
	Role     string
	Limit    int64 // bytes
	Rest     int64 // resident bytes before any attack,
	Peak     int64 // the most during this one,
	After    int64 // and when it had given back
	Returned time.Duration
	Took     time.Duration
	Load     string  // average of the machine's last minute, at the attack's end
	Answers  answers // to the attack
	Legal    legal
	Problems []string
}

// Run attacks and returns what was seen, with an error where something cannot be tried. What failed is in the results.
func Run(ctx context.Context, cfg Config) (results []Result, err error) {
	s, err := start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, sc := range scenarios(cfg.Size) {
		if sc.times == 0 || !strings.Contains(sc.name, cfg.Only) {
			continue
		}
		r, err := s.try(ctx, sc)
		if err != nil {
			return results, fmt.Errorf("%s: %w", sc.name, err)
		}
		fmt.Fprintln(cfg.Log, r)
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("no scenario is named like %q", cfg.Only)
	}
	return results, nil
}

// Failed are the problems of all results.
func Failed(results []Result) error {
	var all []error
	for _, r := range results {
		for _, p := range r.Problems {
			all = append(all, fmt.Errorf("%s: %s", r.Name, p))
		}
	}
	return errors.Join(all...)
}

// try runs one scenario beside legal use.
func (s *stage) try(ctx context.Context, sc scenario) (Result, error) {
	fmt.Fprintln(s.cfg.Log, "prepare:", sc.name)
	if sc.prepare != nil {
		if err := sc.prepare(ctx, s); err != nil {
			return Result{}, err
		}
	}
	a, err := s.attacker(ctx, sc)
	if err != nil {
		return Result{}, err
	}
	role := s.roles[sc.role]
	if !role.alive() {
		if err := role.restart(ctx); err != nil {
			return Result{}, err
		}
	}
	r := Result{Name: sc.name, Role: sc.role, Limit: role.limit, Rest: role.rest}
	role.forgetPeak()
	fmt.Fprintln(s.cfg.Log, "attack:", sc.name)
	began := time.Now()
	l := s.begin(ctx, sc.legal(s))
	if r.Answers, err = a.run(); err == nil && sc.stored != nil {
		err = sc.stored(ctx, s, r.Answers)
	}
	r.Took, r.Load = time.Since(began), loadAverage()
	r.Legal = l.end()
	if err != nil {
		r.Problems = append(r.Problems, err.Error())
	}
	if err := sc.landed(r.Answers); err != nil {
		r.Problems = append(r.Problems, err.Error())
	}
	if r.Peak, err = role.peak(); err != nil {
		r.Problems = append(r.Problems, "the process is gone: "+role.epitaph())
		return r, ctx.Err()
	}
	most := int64(restShare*float64(r.Rest)) + restSlack
	for began = time.Now(); ; {
		if r.After, err = role.resident(); err != nil || r.After <= most || time.Since(began) > restsWithin {
			break
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return r, ctx.Err()
		}
	}
	r.Returned = time.Since(began)
	switch {
	case err != nil:
		r.Problems = append(r.Problems, "the process is gone: "+role.epitaph())
	case r.After > most:
		r.Problems = append(r.Problems, fmt.Sprintf("%s after a minute, %s at rest", size(r.After), size(r.Rest)))
	}
	if r.Peak >= r.Limit {
		r.Problems = append(r.Problems, fmt.Sprintf("%s at its peak, %s allowed", size(r.Peak), size(r.Limit)))
	}
	if r.Legal.failed > 0 || r.Legal.answered() == 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d of %d legal requests were not answered: %s", r.Legal.failed, r.Legal.failed+r.Legal.answered(), r.Legal.last))
	}
	return r, nil
}

// demand makes it a problem that one in a hundred legal requests took longer; 0 demands nothing.
func (r *Result) demand(p99 time.Duration) {
	if took := r.Legal.quantile(0.99); p99 > 0 && took > p99 {
		r.Problems = append(r.Problems, fmt.Sprintf("one in a hundred legal requests took %s, %s allowed", took, p99))
	}
}

// Main is the command: `ceiling -bin ../.build/bin`. It prints a table and returns the exit code.
func Main(ctx context.Context, args []string, out, log io.Writer) int {
	if code, ok := Attack(ctx, os.Stdin, out); ok {
		return code
	}
	cfg := Config{Size: Full(), Log: log}
	flags := flag.NewFlagSet("ceiling", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&cfg.Bin, "bin", filepath.Join("..", ".build", "bin"), "directory of the roles' programs")
	flags.StringVar(&cfg.NATSServer, "nats-server", filepath.Join("..", ".tools", "bin", "nats-server"), "the NATS server")
	flags.StringVar(&cfg.Postgres, "postgres-bin", filepath.Join("..", ".tools", "postgres", "bin"), "directory of initdb and postgres")
	flags.StringVar(&cfg.Only, "only", "", "scenarios whose name holds this")
	small := flags.Bool("small", false, "few and small attacks, as the end-to-end tests make")
	p99 := flags.Duration("p99", time.Second, "most that one in a hundred legal requests may take; 0 only tells what it was, as on a machine that others use")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *small {
		cfg.Size = Small()
	}
	err := inDir(func(dir string) error {
		cfg.Dir = dir
		results, err := Run(ctx, cfg)
		for i := range results {
			results[i].demand(*p99)
		}
		Print(out, results)
		return errors.Join(err, Failed(results))
	})
	if err != nil {
		fmt.Fprintln(log, "ceiling:", err)
		return 1
	}
	return 0
}

// Print writes results as a table of Markdown.
func Print(out io.Writer, results []Result) {
	fmt.Fprintln(out, "| Attack | Role, limit | At rest | Peak | Given back | Answers | Legal: answered, failed | p50, p99 | Took | Load | |")
	fmt.Fprintln(out, "|---|---|--:|--:|---|---|---|---|--:|--:|---|")
	for _, r := range results {
		fmt.Fprintln(out, r)
	}
}

// String is a row of the table.
func (r Result) String() string {
	verdict := "holds"
	if len(r.Problems) > 0 {
		verdict = "FAILS: " + strings.Join(r.Problems, "; ")
	}
	return fmt.Sprintf("| %s | %s, %s | %s | %s | to %s in %s | %s | %d, %d | %s, %s | %s | %s | %s |", r.Name, r.Role, size(r.Limit), size(r.Rest), size(r.Peak),
		size(r.After), r.Returned.Round(100*time.Millisecond), r.Answers, r.Legal.answered(), r.Legal.failed,
		r.Legal.quantile(0.5).Round(time.Millisecond), r.Legal.quantile(0.99).Round(time.Millisecond), r.Took.Round(100*time.Millisecond), r.Load, verdict)
}

func size(n int64) string { return fmt.Sprintf("%d MiB", n/mib) }

// answers counts what an attack was told.
type answers map[string]int

// String is like "200: 12, 429: 38".
func (a answers) String() string {
	var all []string
	for what, n := range a {
		all = append(all, fmt.Sprintf("%s: %d", what, n))
	}
	slices.Sort(all)
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
