package janitor

// Rollups (docs/adr/028, 035): what takes segments out of level 0 counts their items, and what settles them counts the values of these, in its transaction; parts
// are folded to hours, hours to days. Invariants: an item is in a segment of level 0, or in one part or hour of each kind, never in both; of a kind that is told of
// settled segments, in one that is not settled, or in one part or hour; a day is the sum of the hours that are there. Merges only add
// parts; folds are one after the other, by a lock, so that a day is made of hours that nobody replaces meanwhile.

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/rollup/series"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// kinds are the rollups that are kept.
func kinds() []rollup.Kind {
	return append([]rollup.Kind{red.Kind(), edges.Kind(), series.Kind()}, counts.Kinds()...)
}

// kindsOf are the numbers of the kinds that tell of a signal.
func (s *Service) kindsOf(signal telemetry.Signal) []int16 {
	out := []int16{}
	for i := range s.kinds {
		if s.kinds[i].Signal == signal {
			out = append(out, s.kinds[i].ID)
		}
	}
	return out
}

const (
	// An hour that is closed is folded once it has several parts, or one for a while: what comes late to it comes again.
	foldParts = 16
	foldAfter = 10 * time.Minute
	// manyParts of any hour are folded: they cost readers.
	manyParts = 256
	// openBack is for how long after its end an hour is found that was folded while it was open.
	openBack = 2 * time.Hour
	// foldAgain is when what could not be folded is tried again.
	foldAgain = time.Hour
	// dayBack is how far back days are looked for that are to be made. A janitor that begins to lead looks at all.
	dayBack = 48 * time.Hour
)

// count makes parts of rows of a table, which leave level 0.
func (s *Service) count(t *segment.Table, at telemetry.Placement, rows []uint32) ([]rollup.Row, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	start := telemetry.Grain(t.Ints[segment.ColTime][rows[0]], time.Hour)
	return s.parts(t.Signal, at, start, func(kind *rollup.Kind) ([]rollup.Content, error) {
		if kind.Collect == nil {
			return nil, nil
		}
		return kind.Collect(t, start, rows)
	})
}

// settled makes parts of segments of one hour, which have been settled.
func (s *Service) settled(signal telemetry.Signal, at telemetry.Placement, segments ...*segment.Segment) ([]rollup.Row, error) {
	return s.parts(signal, at, telemetry.Grain(segments[0].MinTime, time.Hour), func(kind *rollup.Kind) ([]rollup.Content, error) {
		if kind.Settle == nil {
			return nil, nil
		}
		return kind.Settle(segments)
	})
}

// parts are the parts of an hour that each kind of a signal makes.
func (s *Service) parts(signal telemetry.Signal, at telemetry.Placement, start int64, of func(*rollup.Kind) ([]rollup.Content, error)) (out []rollup.Row, err error) {
	for i := range s.kinds {
		kind := &s.kinds[i]
		if kind.Signal != signal {
			continue
		}
		contents, err := of(kind)
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", kind.Name, err)
		}
		where := at
		if kind.OfTenant {
			where = at.Tenant().Placement(0, 1)
		}
		out = append(out, s.rollups(where, kind.ID, rollup.Part, start, contents)...)
	}
	return out, nil
}

// rollups are the rows of contents.
func (s *Service) rollups(at telemetry.Placement, kind int16, grain rollup.Grain, start int64, contents []rollup.Content) []rollup.Row {
	rows := make([]rollup.Row, len(contents))
	for i, c := range contents {
		rows[i] = rollup.Row{
			Tenant: at.Tenant(), Kind: kind, Grain: grain, Start: start, ID: uuid.Must(uuid.NewV7()), MadeAt: s.now().UnixNano(), Content: c, Placement: at,
		}
	}
	return rows
}

// hourClosed is before which hours have ended, and some grace after.
func (s *Service) hourClosed() int64 {
	return s.now().Add(-s.cfg.Merge.HourGrace).Truncate(time.Hour).UnixNano()
}

// fold folds what is due: parts to hours, then hours to days.
func (s *Service) fold(ctx context.Context) error {
	now := s.now()
	closed := s.hourClosed()
	several := foldParts
	if s.cfg.Once { // it will not come again
		several = 1
	}
	put := len(s.unfolded)
	maps.DeleteFunc(s.unfolded, func(_ unfolded, again time.Time) bool { return !now.Before(again) })
	s.daysMade = s.daysMade && len(s.unfolded) == put // what is tried again may be old
	var since, open int64                             // all of them when it begins to lead, then the last
	if s.daysMade {
		open = closed - openBack.Nanoseconds()
	}
	hours := s.foldAll(ctx, rollup.Hour, s.sql.foldHours, closed, several, now.Add(-foldAfter).UnixNano(), manyParts, open, (time.Hour + s.cfg.Merge.HourGrace).Nanoseconds())
	if ctx.Err() != nil {
		return hours
	}
	if s.daysMade { // also when the hours are folded: an old one takes its day with it
		since = now.Add(-dayBack).UnixNano()
	}
	days := s.foldAll(ctx, rollup.Day, s.sql.foldDays, since, closed) // of the hours that there are, also where others could not be made
	s.daysMade = days == nil
	return errors.Join(hours, days)
}

// span is an hour or a day of one placement that is to be made.
type span struct {
	Placement telemetry.Placement
	Kind      int16
	Start     int64
}

// unfolded is a span that could not be made.
type unfolded struct {
	To rollup.Grain
	span
}

// foldAll folds to one grain all that a statement finds of the kinds that this build knows. It goes on behind the last that was found: what cannot be
// folded keeps no other waiting.
func (s *Service) foldAll(ctx context.Context, to rollup.Grain, due string, args ...any) error {
	var errs []error
	known := make([]int16, len(s.kinds))
	for i := range s.kinds {
		known[i] = s.kinds[i].ID
	}
	last := span{Start: math.MinInt64}
	for {
		rows, err := s.pool.Query(ctx, due, append(slices.Clone(args), windowsPerPass, known, last.Start, last.Placement, last.Kind)...)
		if err != nil {
			return errors.Join(append(errs, postgres.Classify(err))...)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[span])
		if err != nil {
			return errors.Join(append(errs, postgres.Classify(err))...)
		}
		for _, at := range found {
			if _, waits := s.unfolded[unfolded{to, at}]; waits {
				continue
			}
			started := s.env.Now()
			// One row's damage must not keep the others waiting, nor fail what else the pass does.
			err := s.foldOne(ctx, to, at)
			switch {
			case err == nil:
			case fault.ClassOf(err) == fault.Internal && !s.cfg.Once:
				s.leave(ctx, unfolded{to, at}, err)
			default:
				errs = append(errs, fmt.Errorf("fold to %s of %s: %w", time.Unix(0, at.Start).UTC().Format(time.RFC3339), at.Placement, err))
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

// leave puts by for a while what cannot be folded: what it would be made of is read as it is.
func (s *Service) leave(ctx context.Context, at unfolded, err error) {
	s.unfolded[at] = s.now().Add(foldAgain)
	kind := s.kindOf(at.Kind).Name
	s.metrics.Unfolded.Add(ctx, 1, metric.WithAttributes(attribute.String("kind", kind), attribute.String("grain", grainName(at.To))))
	s.env.Log.LogAttrs(ctx, slog.LevelWarn, "rollups cannot be folded, it is tried again later", slog.String("placement", string(at.Placement)),
		slog.String("kind", kind), slog.String("grain", grainName(at.To)), slog.Time("start", time.Unix(0, at.Start).UTC()), slog.Any("error", err))
}

func (s *Service) kindOf(id int16) *rollup.Kind {
	return &s.kinds[slices.IndexFunc(s.kinds, func(k rollup.Kind) bool { return k.ID == id })]
}

func grainName(of rollup.Grain) string {
	if of == rollup.Day {
		return "day"
	}
	return "hour"
}

// foldOne makes an hour of its parts and what it was before, or a day of its hours, in one transaction.
func (s *Service) foldOne(ctx context.Context, to rollup.Grain, at span) error {
	open := to == rollup.Hour && at.Start >= s.hourClosed()
	kind := s.kindOf(at.Kind)
	read := 0
	err := postgres.InTx(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, schema.LockFold); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		statement := s.sql.foldHourRead
		if to == rollup.Day {
			statement = s.sql.foldDayRead
		}
		rows, err := tx.Query(ctx, statement, at.Placement.Tenant(), at.Kind, at.Start, at.Placement)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		var taken [][16]byte
		contents, err := kind.Fold(to, at.Start, open, noting(rolluprow.Read(rows), &taken))
		rows.Close()
		if err != nil {
			return err
		}
		read = len(taken)
		if read == 0 {
			return errFolded
		}
		if to == rollup.Hour {
			tag, err := tx.Exec(ctx, s.sql.foldDelete, at.Placement.Tenant(), at.Kind, at.Start, at.Placement, taken)
			if err != nil {
				return fmt.Errorf("delete parts: %w", err)
			}
			if tag.RowsAffected() != int64(read) {
				return errFolded
			}
		}
		if _, err := tx.Exec(ctx, s.sql.foldDayDelete, at.Placement.Tenant(), at.Kind, at.Start, at.Placement); err != nil {
			return fmt.Errorf("delete the day: %w", err)
		}
		return rolluprow.Copy(ctx, tx, s.rollups(at.Placement, at.Kind, to, at.Start, contents))
	})
	if errors.Is(err, errFolded) {
		s.env.Log.LogAttrs(ctx, slog.LevelInfo, "rollups have gone before they were folded", slog.String("placement", string(at.Placement)))
		return nil
	}
	if err != nil {
		return err
	}
	if to == rollup.Hour && at.Start < s.now().Add(-dayBack).UnixNano() {
		s.daysMade = false // its day is to be made anew, and is beyond what is looked at
	}
	s.metrics.Folds.Add(ctx, 1, metric.WithAttributes(attribute.String("kind", kind.Name), attribute.String("grain", grainName(to))))
	return nil
}

// errFolded: what was read has been replaced or dropped meanwhile.
var errFolded = errReplaced.New("rollups have gone before they were folded")

// noting passes rows on and notes their ids.
func noting(rows iter.Seq2[*rollup.Row, error], ids *[][16]byte) iter.Seq2[*rollup.Row, error] {
	return func(yield func(*rollup.Row, error) bool) {
		for r, err := range rows {
			if err == nil {
				*ids = append(*ids, r.ID)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
