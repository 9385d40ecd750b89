package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// What a day of many has: a few flushes in one hour, which become one settled segment or two.
const (
	dayFlushes    = 3
	daySpans      = 400 // of a flush
	daysWritten   = 50_000
	daysQuestions = 15 // runs of each
)

// daysIn measures what many days cost whose data is little: storing, a janitor's pass, questions, and the memory of the connections that asked.
func daysIn(ctx context.Context, o storeOptions, dir string, stdout, stderr io.Writer) (err error) {
	m, err := startMachine(ctx, o.options, dir)
	if err != nil {
		return err
	}
	defer m.stop()
	if err := m.bus.EnsureStreams(ctx); err != nil {
		return err
	}
	s := &storeBench{options: o, machine: m, out: stderr, began: time.Now()}
	h := &holding{database: "days", asked: map[string]*reply{}}
	defer func() { err = errors.Join(err, s.release(context.WithoutCancel(ctx), h)) }()
	if err := s.open(ctx, h); err != nil {
		return err
	}
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	write := func(what string, from time.Time) error {
		if _, err := h.stage.conn.Exec(ctx, "TRUNCATE spans_segment, spans_fresh"); err != nil { // the leaves stay
			return err
		}
		in := newStream(uint64(from.Unix()), telemetry.Traces, daysWritten, o.request, window24{from, from.Add(time.Hour)}, from.Add(time.Minute))
		if err := s.fill(ctx, h, in); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "storing, %-22s %6.2f us a span (PostgreSQL %.2f)\n", what, h.stored.micros(h.stored.all()), h.stored.micros(h.stored.server))
		return nil
	}
	if err := write("no days", midnight.Add(-2*time.Hour)); err != nil {
		return err
	}
	s.say("storing %d days", o.days)
	if _, err := h.stage.conn.Exec(ctx, "TRUNCATE spans_segment, spans_fresh"); err != nil {
		return err
	}
	f := &filled{from: midnight.Add(-24 * time.Hour), to: midnight}
	if f.traces, err = storeDays(ctx, h.stage.conn, midnight, o.days); err != nil {
		return err
	}
	for _, pass := range []struct{ name, before string }{
		{"settling all days", "UPDATE retention_policy SET days = 3650"},
		{"traces of hours and days", "UPDATE trace_time SET changed_at = 0"},
		{"nothing to do", "VACUUM (ANALYZE)"},
	} {
		s.say("a janitor: %s", pass.name)
		if _, err := h.stage.conn.Exec(ctx, pass.before); err != nil {
			return err
		}
		l, err := h.stage.merge(ctx, nil, 2)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "janitor, %-22s %6.0f ms (PostgreSQL %.0f)\n", pass.name, milliseconds(l.cost.all()), milliseconds(l.cost.server))
	}
	var segments, made int
	var bytes float64
	err = h.stage.conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM spans_segment WHERE level = 2), count(filter) FILTER (WHERE grain = 2),
		sum(octet_length(filter)) / (SELECT sum(items) FROM spans_segment)::float FROM trace_time`).Scan(&segments, &made, &bytes)
	if err != nil {
		return err
	}
	if made != o.days {
		return fmt.Errorf("%d days have a filter of %d", made, o.days)
	}
	fmt.Fprintf(stdout, "%d days, %d settled segments, traces of hours and days %.2f B a span\n", o.days, segments, bytes)

	q := &sides{machine: m, filled: f, client: &http.Client{}}
	if err := s.restart(ctx, q, h); err != nil {
		return err
	}
	asks := storeQuestions(telemetry.Traces, f)
	for _, ask := range asks {
		var runs []once
		for n := range daysQuestions + max(ask.parameters, 1) {
			r, trouble, err := s.one(ctx, q, h, ask, n)
			if err != nil || trouble != "" {
				return fmt.Errorf("%s: %s %w", ask.name, trouble, err)
			}
			if n >= ask.parameters { // the first of each warm
				runs = append(runs, r)
			}
		}
		of := medians(runs)
		fmt.Fprintf(stdout, "%-22s %6.1f ms CPU, %3d segments read, %d not\n", ask.name, milliseconds(of.cpu), of.read, of.pruned)
	}
	rows, err := h.stage.conn.Query(ctx, `SELECT pid FROM pg_stat_activity WHERE application_name = 'ollyscale-query' AND datname = current_database()`)
	if err != nil {
		return err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return err
	}
	for _, pid := range pids {
		fmt.Fprintf(stdout, "a connection that asked: %.1f MB of its own\n", float64(kilobytes(fmt.Sprintf("/proc/%d/status", pid), "RssAnon:"))/1e6)
	}
	// The new day's writer finds its leaves among those of all others.
	return write(fmt.Sprintf("%d days", o.days), midnight.Add(-3*time.Hour))
}

// storeDays stores flushes of days before midnight as a writer left them, and gives a trace of some days.
func storeDays(ctx context.Context, conn *pgx.Conn, midnight time.Time, days int) (traces []sampledTrace, err error) {
	table := segment.NewTable("default", telemetry.Traces)
	for n := 1; n <= days; n++ {
		noon := midnight.AddDate(0, 0, -n).Add(12 * time.Hour)
		shop := testbed.NewShop(uint64(n), noon)
		var rows []segmentrow.Row
		for flush := range dayFlushes {
			table.Reset()
			if _, err := table.Append(shop.Payload(telemetry.Traces, daySpans), int64(n*dayFlushes+flush)); err != nil {
				return nil, err
			}
			for _, part := range table.Slices(segment.MaxItems) {
				one, err := table.Encode(part, segmentrow.LevelFlush)
				if err != nil {
					return nil, err
				}
				rows = append(rows, segmentrow.New(one, "default", time.Now()))
			}
		}
		if n%(days/sampledTraces+1) == 0 {
			traces = append(traces, sampledTrace{hex.EncodeToString(table.TraceIDs[0][:]), noon})
		}
		err := postgres.InTx(ctx, conn, pgx.TxOptions{}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT ensure_partition($1, $2)", schema.SpansSegment, noon.UnixNano()); err != nil {
				return err
			}
			return segmentrow.Copy(ctx, tx, telemetry.Traces, rows, nil)
		})
		if err != nil {
			return nil, err
		}
	}
	return traces, nil
}
