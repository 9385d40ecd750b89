package engine

import (
	"context"
	"time"
)

// Whose turn it is. Invariants: no more questions are answered at a time than the process has memory and connections for; those about a long
// range, which may take all of a query's time, never take the turns of the others.

// longRange is the range from which on a question may be long. What has no range, as a trace by its id, is not: filters find it.
const longRange = 48 * time.Hour

// longShare of all turns may be taken by long questions.
const longShare = 4

type turns struct {
	all  chan struct{}
	long chan struct{}
}

func newTurns(n int) turns {
	n = max(n, 2)
	return turns{all: make(chan struct{}, n), long: make(chan struct{}, max(1, n/longShare))}
}

// take waits for a question's turn, at most so long, and returns what ends it.
func (t turns) take(ctx context.Context, about, wait time.Duration) (leave func(), err error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var held []chan struct{}
	leave = func() {
		for _, c := range held {
			<-c
		}
	}
	lanes := []chan struct{}{t.all}
	if about > longRange {
		lanes = []chan struct{}{t.long, t.all} // a long one waits among its like
	}
	for _, lane := range lanes {
		select {
		case lane <- struct{}{}:
			held = append(held, lane)
			continue
		default:
		}
		select {
		case lane <- struct{}{}:
			held = append(held, lane)
		case <-timer.C:
			leave()
			return nil, ErrBusy.New("too many queries are being answered; try again in a moment")
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}
