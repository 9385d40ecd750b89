package writer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Which batches of a refused flush are at fault. Invariants:
//
//   - A batch becomes a dead letter only where PostgreSQL refused it alone, in a transaction of its own, for what it holds, and took a control
//     flush in its place within provenFor before that. What else PostgreSQL says (no connection, no disk, no right, a table
//     that is missing) costs no batch.
//   - One that is refused alone for a reason of which PostgreSQL does not tell whether it is in the data (an internal error, what is not supported, a code of
//     somebody's trigger) comes again. It is a dead letter when this writer has seen it so bus.max_attempts times, each time with a control flush that was
//     taken in its place before it was refused once more. Deliveries for other reasons, such as an outage, count for nothing; and while many batches are
//     refused so (alone), none is counted: then it is taken for trouble of the database, and they wait.
//   - It is looked for by a window that halves where it is refused and doubles where it is stored, from a single batch on after two: some 2 log n
//     transactions for one guilty among n, and little more than one a batch where half of them are.

// provenFor is how long it counts that the database took a control flush: a reason that is not in the data may begin at any time.
const provenFor = time.Second

// search is one search.
type search struct {
	*flusher
	// When the database last took a control flush, in whose place, and where. What it takes of others proves nothing: all that they need may be there already.
	goodAt  time.Time
	goodFor telemetry.Tenant
	goodIn  map[leaf]int64
	proofs  int   // how often it was asked for one and took it
	stored  bool  // something was
	doubt   error // why a batch waits that was refused alone as many others were
}

// blames reports whether what an error says may be the fault of one of the batches, so that looking for it is worth it.
func blames(err error, batches []*held) bool {
	switch fault.ClassOf(err) {
	case fault.Invalid, fault.TooLarge:
		return true
	case fault.Internal:
		return len(batches) > 1 && suspect(batches)
	case fault.Unavailable:
		return errRefused.Matches(err)
	case fault.NotFound, fault.Overloaded:
	}
	return false
}

// caused reports whether an error says that the data are at fault.
func caused(err error) bool {
	class := fault.ClassOf(err)
	return class == fault.Invalid || class == fault.TooLarge
}

// search stores those of the batches that are not at fault, and settles all. cause is what they were refused for together; the result is that for
// which some were given back.
func (f *flusher) search(ctx context.Context, batches []*held, cause error) error {
	f.seldom.Note(ctx, slog.LevelWarn, "flush refused, looking for the batch at fault", fault.From(cause).Code, slog.String("signal", f.signal.String()),
		slog.Int("batches", len(batches)), slog.Any("error", cause))
	s := &search{flusher: f}
	if errRefused.Matches(cause) {
		// It may well be everything that is refused, and then looking on would only be work for nothing.
		if err := s.takes(ctx, batches[0], nil); err != nil {
			return s.giveBack(ctx, batches, cause)
		}
	}
	var back error
	window, suspects := len(batches), len(batches) // at least one of the first so many is at fault
	row := 0                                       // stored one after the other
	out, err := outcome{}, cause
	for tried := len(batches) == 1; len(batches) > 0; tried = false {
		n := min(window, len(batches))
		if suspects > 0 {
			n = min(n, max(suspects/2, 1))
		}
		if !tried {
			out, err = f.attempt(ctx, batches[:n])
		}
		left := f.refuse(ctx, batches[:n], out)
		switch {
		case len(left) == 0:
			batches, suspects = batches[n:], max(suspects-n, 0)
		case err == nil:
			back = errors.Join(back, f.done(ctx, left, out))
			s.stored = true
			batches, suspects = batches[n:], max(suspects-n, 0)
			if row++; window > 1 || row > 1 {
				window *= 2
			}
			continue
		case len(left) > 1 && blames(err, left):
			batches, suspects, window = append(left, batches[n:]...), len(left), max(n/2, 1)
		case len(left) == 1 && caused(err):
			if err = s.blame(ctx, left[0], err); err != nil {
				if s.takes(ctx, left[0], nil) != nil {
					return errors.Join(back, s.giveBack(ctx, append(left, batches[n:]...), err))
				}
				back = errors.Join(back, s.giveBack(ctx, left, err)) // only what goes where this one does
			}
			batches, suspects, window = batches[n:], 0, max(window/2, 1)
		case len(left) == 1 && (fault.ClassOf(err) == fault.Internal || errRefused.Matches(err)):
			back = errors.Join(back, s.again(ctx, left[0], err))
			batches, suspects, window = batches[n:], 0, max(window/2, 1)
		default: // trouble of another kind befell the database meanwhile, or an error of ours that is new
			return errors.Join(back, s.giveBack(ctx, append(left, batches[n:]...), err))
		}
		row = 0
	}
	if back == nil && !s.stored {
		back = s.doubt // nothing is lost by waiting a while
	}
	return back
}

// blame settles a batch that was refused alone for what it holds, or returns why it is to come again. Where the database took a control flush only after that, the
// batch is tried once more: what it was refused for may have passed between the two.
func (s *search) blame(ctx context.Context, h *held, err error) error {
	proofs := s.proofs
	if s.prove(ctx, h) != nil {
		return errRefused.Wrap(err, "the database refuses everything, also a control flush")
	}
	if s.proofs > proofs {
		batch := []*held{h}
		var out outcome
		out, err = s.attempt(ctx, batch)
		switch left := s.refuse(ctx, batch, out); {
		case len(left) == 0:
			return nil
		case err == nil:
			_ = s.done(ctx, left, out) // it is settled either way
			s.stored = true
			return nil
		case !caused(err):
			return err
		}
	}
	s.bury(ctx, h, err)
	return nil
}

// again settles a batch that was refused alone without its being certain who is at fault: it comes again. The result is for what it is given back where that
// may be the database.
func (s *search) again(ctx context.Context, h *held, err error) error {
	if !unclear(err) || s.prove(ctx, h) != nil {
		s.settle(ctx, h, err)
		return err
	}
	batch := []*held{h}
	out, err := s.attempt(ctx, batch) // what it was refused for may have passed: tuples are updated, and partitions dropped, at the same time
	switch left := s.refuse(ctx, batch, out); {
	case len(left) == 0:
	case err == nil:
		s.stored = true
		return s.done(ctx, left, out)
	case unclear(err):
		tries, many := s.alone.note(h.ID(), s.now())
		s.seldom.Note(ctx, slog.LevelWarn, "batch refused alone", errRefusedAlone.Code, slog.String("signal", s.signal.String()),
			slog.String("tenant", string(h.Tenant)), slog.String("batch", h.ID().String()), slog.Int("tries", tries), slog.Any("error", err))
		switch {
		case many:
			s.doubt = errRefused.Wrap(err, "PostgreSQL refuses many batches alone, and takes control flushes")
			s.settle(ctx, h, s.doubt)
		case tries < s.tries:
			s.settle(ctx, h, errRefused.Wrap(err, "PostgreSQL refuses this batch and takes others"))
		default:
			s.settle(ctx, h, errRefusedAlone.Newf("PostgreSQL refuses this batch again and again and takes others: %s", postgres.Refusal(err)))
			s.alone.buried(h.ID())
		}
		s.moved() // it may well come again: but the database takes what it can
	default:
		if caused(err) {
			err = errRefused.Wrap(err, "the database refuses now for one reason and now for another")
		}
		s.settle(ctx, h, err)
		return err
	}
	return nil
}

// unclear reports whether PostgreSQL refused for a reason that may be in the data as well as in the database. What it says of its files, of rights, of what
// is missing and of limits of its own is not: that waits for its end, however few batches meet it.
func unclear(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if _, leaf := errors.AsType[leafError](err); !ok || leaf || !errRefused.Matches(err) || fault.ClassOf(postgres.Classify(pg)) != fault.Internal {
		return false
	}
	switch pg.Code {
	case "XX001", "XX002": // data or an index are damaged
		return false
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "42", "54", "58":
		return false
	}
	return true
}

// prove is nil where the database takes a control flush in place of a batch and where that goes, or did so a moment ago.
func (s *search) prove(ctx context.Context, like *held) error {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	leaves, err := s.reach(limited, like)
	if err != nil {
		return err
	}
	return s.takes(limited, like, leaves)
}

// takes is prove for some partitions, or for those of now.
func (s *search) takes(ctx context.Context, like *held, leaves map[leaf]int64) error {
	if !s.goodAt.IsZero() && s.now().Sub(s.goodAt) < provenFor && s.goodFor == like.Tenant && within(leaves, s.goodIn) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.control(limited, like, leaves); err != nil {
		s.seldom.Note(ctx, slog.LevelWarn, "the database refuses a control flush too", fault.From(err).Code, slog.String("signal", s.signal.String()), slog.Any("error", err))
		return err
	}
	s.goodAt, s.goodFor, s.goodIn = s.now(), like.Tenant, leaves
	s.proofs++
	return nil
}

// within reports whether all of some partitions are among others.
func within(some, all map[leaf]int64) bool {
	for l := range some {
		if _, ok := all[l]; !ok {
			return false
		}
	}
	return true
}

// bury settles a batch that is proven to be at fault: it becomes a dead letter with the reason in words that are fit for its tenant.
func (s *search) bury(ctx context.Context, h *held, err error) {
	s.seldom.Note(ctx, slog.LevelWarn, "batch refused alone", fault.From(err).Code, slog.String("signal", s.signal.String()),
		slog.String("tenant", string(h.Tenant)), slog.String("batch", h.ID().String()), slog.Any("error", err))
	reason := fault.From(err)
	if state := postgres.Refusal(err); state != "" {
		reason = reason.Newf("PostgreSQL refuses this batch and takes others: %s", state)
	}
	s.settle(ctx, h, reason)
}

// giveBack settles batches that are to come again, and returns why.
func (f *flusher) giveBack(ctx context.Context, batches []*held, err error) error {
	for _, h := range batches {
		f.settle(ctx, h, err)
	}
	return err
}
