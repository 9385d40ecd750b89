// Command load sends a known amount of telemetry to a running ollyScale and proves that all of it is there, once each.
//
//	PGPASSFILE=.data/postgres.pgpass load --items 200000 --postgres postgres://postgres@127.0.0.1:15432/ollyscale
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/e2e/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	var (
		grpc     = flags.String("grpc", "127.0.0.1:4317", "OTLP/gRPC address; empty for none")
		http     = flags.String("http", "http://127.0.0.1:4318", "OTLP/HTTP base URL; empty for none")
		query    = flags.String("query", "http://127.0.0.1:8080", "base URL of the query API; empty to leave that check out")
		database = flags.String("postgres", "", "connection string, to check the rows by SQL as well")
		items    = flags.Int("items", 200_000, "spans, log records and points: this many of each")
		batch    = flags.Int("batch", 500, "items a request")
		workers  = flags.Int("workers", 4, "requests under way at once")
		again    = flags.Float64("again", 0.05, "share of requests sent a second time after their success")
		window   = flags.Duration("window", 10*time.Minute, "the items' times spread over this long before now")
		seed     = flags.Uint64("seed", 0, "makes the items; 0 takes a new one, an old one sends the same bytes again")
		end      = flags.Int64("end", 0, "Unix seconds at which the items' times end; 0 is now")
		timeout  = flags.Duration("timeout", 10*time.Minute, "for all of it")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *items < 1 || *batch < 1 || *workers < 1 || *grpc == "" && *http == "" {
		return errors.New("nothing to send: want --items, --batch and --workers above 0, and --grpc or --http")
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	if *end == 0 {
		*end = time.Now().Unix()
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()

	plan := load.NewPlan(*seed, *items, *batch, time.Unix(*end, 0), *window)
	fmt.Fprintf(out, "run %s: %d spans, log records and points each, in requests of %d (again: --seed %d --end %d)\n", plan.Run(), *items, *batch, *seed, *end)
	sent, err := load.Send(ctx, plan, load.Target{GRPC: *grpc, HTTP: *http, Workers: *workers, Again: *again})
	if err != nil {
		return err
	}
	rate := float64(3**items) / sent.Elapsed.Seconds()
	fmt.Fprintf(out, "acknowledged: %d requests, %.1f MB in %s (%.0f items/s), p50 %s, p99 %s, %d retries, %d sent again\n",
		sent.Requests, float64(sent.Bytes)/1e6, sent.Elapsed.Round(time.Millisecond), rate, sent.P50.Round(time.Microsecond), sent.P99.Round(time.Microsecond), sent.Retries, sent.Repeated)

	start := time.Now()
	var failed []error
	check := func(where string, signal load.Signal, tally func(context.Context) (*load.Tally, error)) {
		if err := load.Settled(ctx, tally); err != nil {
			failed = append(failed, fmt.Errorf("%s by %s: %w", signal, where, err))
			return
		}
		fmt.Fprintf(out, "%-7s by %s: %d, once each (%s after the last acknowledgement)\n", signal, where, *items, time.Since(start).Round(time.Millisecond))
	}
	if *query != "" {
		api := load.API{URL: *query}
		for _, s := range load.Signals() {
			check("API", s, func(ctx context.Context) (*load.Tally, error) { return api.Tally(ctx, plan, s) })
		}
	}
	if *database != "" {
		db, err := pgx.Connect(ctx, *database)
		if err != nil {
			return fmt.Errorf("connect to the database: %w", err)
		}
		defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
		for _, s := range load.Signals() {
			check("SQL", s, func(ctx context.Context) (*load.Tally, error) { return load.TallyRows(ctx, db, plan, s) })
		}
	}
	return errors.Join(failed...)
}
