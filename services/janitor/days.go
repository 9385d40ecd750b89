package janitor

// Traces of a day (docs/adr/033): one filter of all traces that a day's settled segments are of, made once a day is over and nothing came for it for a
// while. Invariant: a filter that is there is of every settled segment of its placement and day. Who settles a segment gives the day another state
// before, in its transaction; a filter is made of one snapshot, and entered where the state is still that of the snapshot.

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
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

const (
	// dayQuiet is how long nothing was settled for a day that is over before its filter is made: what comes late does not have it made each time.
	dayQuiet = time.Hour
	// dayWave is how many bytes of trace ids are read at a time.
	dayWave = 4 << 20
)

// changeDays notes, in the transaction that settles rows and before they are stored, that filters of their days do not know of them. It waits for who
// enters such a filter.
func (s *Service) changeDays(ctx context.Context, tx pgx.Tx, signal telemetry.Signal, at telemetry.Placement, rows []segmentrow.Row) error {
	if signal != telemetry.Traces {
		return nil
	}
	changed := int64(math.MinInt64)
	for i := range rows {
		day := telemetry.Grain(rows[i].MinTime, 24*time.Hour)
		if rows[i].Level != segmentrow.LevelSettled || day == changed { // what is merged together is of one hour
			continue
		}
		changed = day
		if _, err := tx.Exec(ctx, s.sql.dayChange, at.Tenant(), at, day, uuid.New(), s.now().UnixNano()); err != nil {
			return fmt.Errorf("note that a day has changed: %w", err)
		}
	}
	return nil
}

// unmadeDay is a day of a placement whose filter is to be made.
type unmadeDay struct {
	Placement telemetry.Placement
	Start     int64
	State     uuid.UUID
}

// makeDays makes the filters that are due. One day's trouble does not keep the others waiting.
func (s *Service) makeDays(ctx context.Context) error {
	var errs []error
	last := unmadeDay{Start: math.MinInt64}
	for {
		now := s.now()
		today := telemetry.Grain(now.UnixNano(), 24*time.Hour)
		rows, err := s.pool.Query(ctx, s.sql.daysUnmade, today, now.Add(-dayQuiet).UnixNano(), last.Start, last.Placement, windowsPerPass)
		if err != nil {
			return errors.Join(append(errs, postgres.Classify(err))...)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[unmadeDay])
		if err != nil {
			return errors.Join(append(errs, postgres.Classify(err))...)
		}
		for _, d := range found {
			started := s.env.Now()
			if err := s.makeDay(ctx, d); err != nil {
				errs = append(errs, fmt.Errorf("traces of %s of %s: %w", time.Unix(0, d.Start).UTC().Format(time.DateOnly), d.Placement, err))
			}
			s.rest(ctx, started)
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
		}
		if len(found) < windowsPerPass {
			return errors.Join(errs...)
		}
		last = found[len(found)-1]
	}
}

// madeDay is the filter of a day, and what it is of.
type madeDay struct {
	union       *segment.Union
	segments    int
	maxPosition int64
}

// makeDay makes the filter of a day and enters it, unless the day has changed meanwhile: it is due again then.
func (s *Service) makeDay(ctx context.Context, d unmadeDay) error {
	made, err := s.readDay(ctx, d)
	if err != nil || made == nil {
		return err
	}
	tag, err := s.pool.Exec(ctx, s.sql.dayMake, d.Placement.Tenant(), d.Placement, d.Start, d.State, made.union.Filter, made.segments, made.maxPosition)
	if err != nil {
		return postgres.Classify(err)
	}
	if tag.RowsAffected() == 1 {
		s.metrics.Days.Add(ctx, 1)
	}
	return nil
}

// dayColumns are what is read of the segments of a day.
func dayColumns() segmentrow.Selection { return segmentrow.Select("segment_id", "directory") }

// readDay reads the trace ids of the settled segments of a day in one snapshot; nil when the day has changed, or expired. A segment that cannot be read
// may hold any trace: the filter is empty then, which says so.
func (s *Service) readDay(ctx context.Context, d unmadeDay) (made *madeDay, err error) {
	err = postgres.InTx(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var state uuid.UUID
		err := tx.QueryRow(ctx, s.sql.dayState, d.Placement.Tenant(), d.Placement, d.Start).Scan(&state)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && state != d.State {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
		made, err = s.uniteDay(ctx, tx, d)
		return err
	})
	if postgres.MissingTable(err) { // the day was dropped, and its row with it
		return nil, nil
	}
	return made, err
}

func (s *Service) uniteDay(ctx context.Context, tx pgx.Tx, d unmadeDay) (*madeDay, error) {
	made := &madeDay{}
	var bytes, items int
	end := d.Start + (24 * time.Hour).Nanoseconds()
	err := tx.QueryRow(ctx, s.sql.daySize, d.Placement.Tenant(), d.Placement, d.Start, end).Scan(&made.segments, &bytes, &items, &made.maxPosition)
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
			s.env.Log.LogAttrs(ctx, slog.LevelWarn, "a day's traces are not known, for a segment of it cannot be read", slog.String("placement", string(d.Placement)),
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

// uniteHour enters the traces of an hour's settled segments. Headers of an hour are in memory, but bodies only dayWave bytes at a time.
func (s *Service) uniteHour(ctx context.Context, tx pgx.Tx, d unmadeDay, hour int64, view *segment.View, to *segment.Union) error {
	type part struct {
		id        [16]byte
		directory *segment.Directory
		ranges    []segment.Range
		bytes     int
	}
	var parts []part
	rows, err := tx.Query(ctx, s.sql.daySegments, d.Placement.Tenant(), d.Placement, hour, hour+time.Hour.Nanoseconds())
	if err != nil {
		return err
	}
	err = s.sql.day.ForEach(rows, func(r *segmentrow.Row) error {
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
		for bytes := 0; wave.Len() < len(parts) && (wave.Len() == 0 || bytes+parts[wave.Len()].bytes <= dayWave); {
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
