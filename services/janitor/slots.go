package janitor

// Slots: the ring in which bodies lie that will be merged (docs/adr/026). A merge deletes headers and leaves bodies; a slot that no header names any
// more is emptied as a whole. Invariants: a slot is emptied only under a lock that no writer or reader of it holds at the same time, and only
// if no header names it then; and not before every reader has ended that began while one did, unless it took longer than Merge.SlotDelay, which
// finds out and begins anew.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// slotWait is how long emptying a slot waits for who has it open: who comes after it waits behind it.
const slotWait = 100 * time.Millisecond

// slot is one of a signal.
type slot struct {
	signal telemetry.Signal
	number int
}

// slotState is what a look at a slot that holds something says.
type slotState struct {
	Number  int
	Headers int64 // that name it
	Bytes   int64
}

// left forgets since when no header names the slots of a signal, because headers have gone from it elsewhere than in a merge.
func (s *Service) left(signal telemetry.Signal) {
	maps.DeleteFunc(s.idle, func(at slot, _ time.Time) bool { return at.signal == signal })
}

// sweep empties the slots that no header has named since long enough. It returns how long to wait until the next of the others may be emptied; 0 where
// none is left.
func (s *Service) sweep(ctx context.Context) (next time.Duration, err error) {
	var errs []error
	now := s.now()
	written := []int{segmentrow.SlotOf(segmentrow.LevelFlush, now), segmentrow.SlotOf(segmentrow.LevelFlush, now.Add(-time.Minute)), segmentrow.SlotOf(segmentrow.LevelFlush, now.Add(time.Minute))}
	for _, signal := range telemetry.Signals() {
		states, err := s.slots(ctx, signal)
		if err != nil {
			errs = append(errs, fmt.Errorf("look at the slots of %s: %w", signal, err))
			continue
		}
		for _, state := range states {
			at := slot{signal, state.Number}
			since, idle := s.idle[at]
			switch {
			case state.Headers > 0:
				delete(s.idle, at)
				continue
			case !idle || now.Before(since): // the database's clock may be set back
				since = now
				s.idle[at] = now
			}
			if left := s.cfg.Merge.SlotDelay - now.Sub(since); left > 0 {
				if next == 0 || left < next {
					next = left
				}
				continue
			}
			if !s.cfg.Once && slices.Contains(written, state.Number) {
				continue // its writers and it would only be in each other's way; a minute later they are not, but who comes once is not there any more
			}
			if err := s.empty(ctx, at, state.Bytes); err != nil {
				errs = append(errs, fmt.Errorf("empty slot %d of %s: %w", state.Number, signal, err))
			}
		}
	}
	return next, errors.Join(errs...)
}

// slots looks at the slots of a signal that hold anything.
func (s *Service) slots(ctx context.Context, signal telemetry.Signal) ([]slotState, error) {
	table := schema.TablesOf(signal.String()).Fresh
	numbers, leaves := make([]int16, schema.Slots), make([]string, schema.Slots)
	for i := range numbers {
		numbers[i], leaves[i] = int16(i), schema.FreshLeaf(table, i)
	}
	rows, err := s.pool.Query(ctx, s.sql.of[signal].slots, numbers, leaves)
	if err != nil {
		return nil, postgres.Classify(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[slotState])
	return found, postgres.Classify(err)
}

// errNamed: a header names the slot after all.
var errNamed = errReplaced.New("a segment has come into the slot")

// empty empties a slot, unless somebody has it open for longer than slotWait, or has written to it meanwhile: the next sweep tries again. Under the
// lock, no transaction that wrote to the slot is open, so that every header which names it is seen.
func (s *Service) empty(ctx context.Context, at slot, bytes int64) error {
	of := s.sql.of[at.signal]
	err := postgres.InTx(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true)`, strconv.FormatInt(slotWait.Milliseconds(), 10)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, of.lock[at.number]); err != nil {
			return err
		}
		var named bool
		if err := tx.QueryRow(ctx, of.named, at.number).Scan(&named); err != nil {
			return err
		}
		if named {
			return errNamed
		}
		_, err := tx.Exec(ctx, of.empty[at.number])
		return err
	})
	labels := func(action string) metric.MeasurementOption {
		return metric.WithAttributes(attribute.String("signal", at.signal.String()), attribute.String("action", action))
	}
	switch {
	case errors.Is(err, errNamed):
		delete(s.idle, at)
		return nil
	case postgres.LockTimeout(err):
		s.metrics.Slots.Add(ctx, 1, labels("busy"))
		s.env.Log.LogAttrs(ctx, slog.LevelDebug, "a slot of bodies is open, and is emptied later", slog.String("signal", at.signal.String()), slog.Int("slot", at.number))
		return nil
	case err != nil:
		return err
	}
	delete(s.idle, at)
	s.metrics.Slots.Add(ctx, 1, labels("emptied"))
	s.env.Log.LogAttrs(ctx, slog.LevelDebug, "slot of bodies emptied", slog.String("signal", at.signal.String()), slog.Int("slot", at.number), slog.Int64("bytes", bytes))
	return nil
}
