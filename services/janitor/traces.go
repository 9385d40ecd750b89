package janitor

// Traces of an hour and of a day (docs/adr/033): one filter of all traces that its settled segments are of, made once it is over and nothing came for it
// for a while. Invariant: a filter that is there is of every settled segment of its placement and time. Who settles a segment gives its day and its hour
// another state before, in its transaction; a filter is made of one snapshot, and entered where the state is still that of the snapshot.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// traceGrain is a kind of time that has a filter of its traces.
type traceGrain struct {
	grain  rollup.Grain
	length time.Duration
	quiet  time.Duration // how long nothing was settled for one that is over before its filter is made: what comes late does not have it made each time
}

// traceGrains are in the order in which who settles gives them another state.
func traceGrains() []traceGrain {
	return []traceGrain{{rollup.Day, 24 * time.Hour, time.Hour}, {rollup.Hour, time.Hour, 10 * time.Minute}}
}

const (
	// tracesPerPass is for how long filters of a grain are made in a pass before the next pass goes on: after midnight those of all placements are due at
	// once, and meanwhile nothing is merged and no slot emptied.
	tracesPerPass = 10 * time.Second
	// traceWave is how many bytes of trace ids are read at a time.
	traceWave = 4 << 20
)

// changeTraces notes, in the transaction that settles rows and before they are stored, that filters of their times do not know of them. It waits for who
// enters such a filter.
func (s *Service) changeTraces(ctx context.Context, tx pgx.Tx, signal telemetry.Signal, at telemetry.Placement, rows []segmentrow.Row) error {
	if signal != telemetry.Traces {
		return nil
	}
	for _, g := range traceGrains() {
		changed := int64(math.MinInt64)
		for i := range rows {
			start := telemetry.Grain(rows[i].MinTime, g.length)
			if rows[i].Level != segmentrow.LevelSettled || start == changed { // what is merged together is of one hour
				continue
			}
			changed = start
			if _, err := tx.Exec(ctx, s.sql.tracesChange, at.Tenant(), at, g.grain, start, uuid.New(), s.now().UnixNano()); err != nil {
				return fmt.Errorf("note that a time has changed: %w", err)
			}
		}
	}
	return nil
}

// unmadeTraces is an hour or a day of a placement whose filter is to be made.
type unmadeTraces struct {
	Placement telemetry.Placement
	Grain     rollup.Grain
	Start     int64
	State     uuid.UUID
}

// makeTraces makes the filters that are due, of each grain for tracesPerPass and at least one; where that does not do, the next call goes on behind the
// last (s.unmade). One's trouble does not keep the others waiting.
func (s *Service) makeTraces(ctx context.Context) error {
	var errs []error
	for _, g := range traceGrains() {
		errs = append(errs, s.makeGrain(ctx, g))
	}
	return errors.Join(errs...)
}

func (s *Service) makeGrain(ctx context.Context, g traceGrain) error {
	var errs []error
	last, goesOn := s.unmade[g.grain]
	if !goesOn {
		last.Start = math.MinInt64
	}
	delete(s.unmade, g.grain)
	begun := s.env.Now()
	for {
		now := s.now()
		rows, err := s.pool.Query(ctx, s.sql.tracesUnmade, g.grain, telemetry.Grain(now.UnixNano(), g.length), now.Add(-g.quiet).UnixNano(), last.Start, last.Placement,
			windowsPerPass)
		if err != nil {
			return errors.Join(append(errs, postgres.Classify(err))...)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[unmadeTraces])
		if err != nil {
			return errors.Join(append(errs, postgres.Classify(err))...)
		}
		for _, d := range found {
			started := s.env.Now()
			if started.Sub(begun) > tracesPerPass {
				s.unmade[g.grain] = last
				return errors.Join(errs...)
			}
			if err := s.makeFilter(ctx, d, g.length); err != nil {
				errs = append(errs, fmt.Errorf("traces of %s from %s of %s: %w", g.length, time.Unix(0, d.Start).UTC().Format(time.RFC3339), d.Placement, err))
			}
			last = d
			s.rest(ctx, started)
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
		}
		if len(found) < windowsPerPass {
			return errors.Join(errs...)
		}
	}
}

// madeTraces is a filter, and what it is of.
type madeTraces struct {
	union       *segment.Union
	segments    int
	maxPosition int64
}

// makeFilter makes the filter of a time of so long and enters it, unless the time has changed meanwhile: it is due again then.
func (s *Service) makeFilter(ctx context.Context, d unmadeTraces, length time.Duration) error {
	made, err := s.readTraces(ctx, d, length)
	if err != nil || made == nil {
		return err
	}
	tag, err := s.pool.Exec(ctx, s.sql.tracesMake, d.Placement.Tenant(), d.Placement, d.Grain, d.Start, d.State, made.union.Filter, made.segments, made.maxPosition)
	if err != nil {
		return postgres.Classify(err)
	}
	if tag.RowsAffected() == 1 {
		s.metrics.Traces.Add(ctx, 1)
	}
	return nil
}

// traceColumns are what is read of the segments of a time.
func traceColumns() segmentrow.Selection { return segmentrow.Select("segment_id", "directory") }

// readTraces reads the trace ids of the settled segments of a time in one snapshot; nil when it has changed, or expired. A segment that cannot be read
// may hold any trace: the filter is empty then, which says so.
func (s *Service) readTraces(ctx context.Context, d unmadeTraces, length time.Duration) (made *madeTraces, err error) {
	err = postgres.InTx(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var state uuid.UUID
		err := tx.QueryRow(ctx, s.sql.tracesState, d.Placement.Tenant(), d.Placement, d.Grain, d.Start).Scan(&state)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && state != d.State {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
		made, err = s.unite(ctx, tx, d, length)
		return err
	})
	if postgres.MissingTable(err) { // the day was dropped, and its row with it
		return nil, nil
	}
	return made, err
}

func (s *Service) unite(ctx context.Context, tx pgx.Tx, d unmadeTraces, length time.Duration) (*madeTraces, error) {
	made := &madeTraces{}
	var bytes, items int
	end := d.Start + length.Nanoseconds()
	err := tx.QueryRow(ctx, s.sql.tracesSize, d.Placement.Tenant(), d.Placement, d.Start, end).Scan(&made.segments, &bytes, &items, &made.maxPosition)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	made.union = segment.NewUnion(segment.TracesOf(bytes), items)
	view, err := segment.NewView()
	if err != nil {
		return nil, err
	}
	defer view.Close()
	for hour := d.Start; hour < end; hour += time.Hour.Nanoseconds() {
		err := s.uniteHour(ctx, tx, d, hour, view, made.union)
		if unread := (*unreadable)(nil); errors.As(err, &unread) {
			s.env.Log.LogAttrs(ctx, slog.LevelWarn, "the traces of a time are not known, for a segment of it cannot be read", slog.String("placement", string(d.Placement)),
				slog.Time("hour", time.Unix(0, hour)), slog.Any("error", err))
			made.union = &segment.Union{Filter: []byte{}}
			return made, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read trace ids: %w", err)
		}
	}
	return made, nil
}

// unreadable is why a segment cannot be read.
type unreadable struct{ error }

// uniteHour enters the traces of an hour's settled segments. Headers of an hour are in memory, but bodies only traceWave bytes at a time.
func (s *Service) uniteHour(ctx context.Context, tx pgx.Tx, d unmadeTraces, hour int64, view *segment.View, to *segment.Union) error {
	type part struct {
		id        [16]byte
		directory *segment.Directory
		ranges    []segment.Range
		bytes     int
	}
	var parts []part
	rows, err := tx.Query(ctx, s.sql.tracesSegments, d.Placement.Tenant(), d.Placement, hour, hour+time.Hour.Nanoseconds())
	if err != nil {
		return err
	}
	err = s.sql.traces.ForEach(rows, func(r *segmentrow.Row) error {
		directory, err := segment.ParseDirectory(r.Directory)
		if err != nil {
			return &unreadable{err}
		}
		p := part{id: r.ID, directory: directory, ranges: directory.Ranges(segment.Want{TraceIDs: true})}
		for _, one := range p.ranges {
			p.bytes += one.Length
		}
		if p.bytes > 0 { // else none of its spans is of a trace
			parts = append(parts, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	statement := segmentrow.RangesStatement(telemetry.Traces, schema.Settled, d.Start)
	for len(parts) > 0 {
		var wave segmentrow.Ranges
		for bytes := 0; wave.Len() < len(parts) && (wave.Len() == 0 || bytes+parts[wave.Len()].bytes <= traceWave); {
			p := &parts[wave.Len()]
			bytes += p.bytes
			wave.Add(p.id, p.ranges...)
		}
		found, err := wave.Read(ctx, tx, statement, pgx.QueryExecModeDescribeExec, d.Placement.Tenant(), func(number int, b []byte) error {
			p := &parts[number]
			return enterTraces(to, view, p.directory, p.ranges, b)
		})
		if segment.ErrDamaged.Matches(err) {
			return &unreadable{err}
		}
		if err != nil {
			return err
		}
		if found < wave.Len() {
			return &unreadable{fmt.Errorf("%d of %d bodies were found", found, wave.Len())}
		}
		parts = parts[wave.Len():]
	}
	return nil
}

// enterTraces enters the traces of a segment, whose ranges follow one another in b.
func enterTraces(to *segment.Union, view *segment.View, d *segment.Directory, ranges []segment.Range, b []byte) error {
	list := make([]segment.Part, len(ranges))
	for i, r := range ranges {
		list[i] = segment.Part{Offset: r.Offset, Bytes: b[:r.Length:r.Length]}
		b = b[r.Length:]
	}
	view.Open(d, list)
	for _, id := range view.TraceIDs().Distinct {
		to.Add(id)
	}
	if err := view.Err(); err != nil {
		return &unreadable{err}
	}
	return nil
}
