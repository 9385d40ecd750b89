package login

import (
	"context"
	"sync"
	"time"
)

const (
	askTimeout = 5 * time.Second // of the issuer, for one answer
	askAgain   = 5 * time.Second // until the issuer is asked the same again, whatever came of it: anybody can make it be asked
	discovered = time.Hour       // how long what it said of itself holds
	keysHold   = 5 * time.Minute // how long its keys do: one that it withdraws opens nothing longer than that, if it can be asked
	stillHold  = 2 * time.Hour   // how long either does when it cannot be asked
)

// kept is something that the issuer says, kept as long as it is young enough for who asks. Safe for concurrent use.
type kept[T any] struct {
	now func() time.Time
	ask func(context.Context) (T, error) // tells the log why it failed
	// turn is held by who asks the issuer. Who waits for it may go; who only reads does not wait.
	turn chan struct{}

	mu       sync.Mutex
	said     T
	answered time.Time // when it last answered
	asked    time.Time // when it last answered, or did not
	err      error     // of that time
}

func newKept[T any](now func() time.Time, ask func(context.Context) (T, error)) *kept[T] {
	return &kept[T]{now: now, ask: ask, turn: make(chan struct{}, 1)}
}

// get is what the issuer said, at most as old as age if it answers, else as it was, for stillHold. It is not asked again within askAgain. The error is
// that of the last time that it was asked; known says whether there is an answer of it nevertheless. Who gives up waiting gets his context's error;
// while it does not answer and what it said before holds, one waits for it at a time.
func (k *kept[T]) get(ctx context.Context, age time.Duration) (said T, known bool, err error) {
	old, known, err, young := k.last(age)
	if young {
		return old, known, err
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	default:
		if known && err != nil {
			return old, known, err
		}
		select {
		case k.turn <- struct{}{}:
			defer func() { <-k.turn }()
		case <-ctx.Done():
			return said, false, context.Cause(ctx)
		}
	}
	if said, known, err, young := k.last(age); young { // somebody asked meanwhile
		return said, known, err
	}
	fresh, err := k.ask(context.WithoutCancel(ctx)) // it is an answer for others, too, when who asked first has gone
	k.mu.Lock()
	if k.err, k.asked = err, k.now(); err == nil { // now, after it: who waited meanwhile does not wait for an answer of his own
		k.said, k.answered = fresh, k.asked
	}
	k.mu.Unlock()
	said, known, err, _ = k.last(age)
	return said, known, err
}

// last is what came of the last time, and whether that is young enough.
func (k *kept[T]) last(age time.Duration) (said T, known bool, err error, young bool) { //nolint:revive // the error is a part of what came of it
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.err != nil {
		age = min(age, askAgain)
	}
	known = !k.answered.IsZero() && now.Sub(k.answered) < stillHold
	return k.said, known, k.err, !k.asked.IsZero() && now.Sub(k.asked) < age
}
