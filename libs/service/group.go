package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// DefaultDrain is how long an actor may take to end after it was interrupted.
const DefaultDrain = 30 * time.Second

// Group runs named actors as one: they start in the order in which they were added; the first that ends, or the end of the
// group's context, interrupts the rest in reverse order, one after the other, so that an actor stops before those it stands on.
// The zero value is ready; a Group is used once.
type Group struct {
	Log    *slog.Logger  // may be nil
	Drain  time.Duration // per actor; 0 is DefaultDrain
	actors []actor
}

type actor struct {
	name string
	run  func(ctx context.Context) error
}

// Add adds an actor. run serves until its context ends, drains and returns; a nil before that ends the group without an error.
func (g *Group) Add(name string, run func(ctx context.Context) error) {
	g.actors = append(g.actors, actor{name, run})
}

// Run returns when every actor has ended or has overrun its drain deadline. The error joins those of the actors, each with its
// name in front; the cancellation that an interrupted actor reports is not an error. An actor that overran is left behind.
func (g *Group) Run(ctx context.Context) error {
	log := g.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	drain := g.Drain
	if drain <= 0 {
		drain = DefaultDrain
	}
	if len(g.actors) == 0 {
		return nil
	}

	type running struct {
		cancel context.CancelFunc
		done   chan struct{}
		err    error
	}
	actors := make([]*running, len(g.actors))
	first := make(chan struct{}, len(g.actors))
	// Actors do not see the end of ctx at once but in their turn.
	base := context.WithoutCancel(ctx)
	for i, a := range g.actors {
		actorCtx, cancel := context.WithCancel(base)
		r := &running{cancel: cancel, done: make(chan struct{})}
		actors[i] = r
		go func() {
			r.err = a.run(actorCtx)
			close(r.done)
			first <- struct{}{}
		}()
	}

	select {
	case <-ctx.Done():
	case <-first:
	}

	var errs []error
	for i, r := range slices.Backward(actors) {
		name := g.actors[i].name
		interrupted := false
		select {
		case <-r.done:
		default:
			interrupted = true
			log.DebugContext(base, "stopping", "actor", name)
		}
		r.cancel()
		timer := time.NewTimer(drain)
		select {
		case <-r.done:
			if r.err != nil && !(interrupted && errors.Is(r.err, context.Canceled)) {
				errs = append(errs, fmt.Errorf("%s: %w", name, r.err))
			}
			log.DebugContext(base, "stopped", "actor", name)
		case <-timer.C:
			errs = append(errs, fmt.Errorf("%s: did not stop within %s", name, drain))
		}
		timer.Stop()
	}
	return errors.Join(errs...)
}
