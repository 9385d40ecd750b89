package native

import (
	"time"

	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// timeline is the buckets of a range in which services are told.
type timeline struct {
	aggregate.Timeline
	full bool // there is no room for those of all services

	grown  int64 // bytes that the question is not charged for yet
	failed error // why it cannot be
}

// hold charges the question with bytes by which buckets have grown.
func (t *timeline) hold(s *engine.Snapshot, bytes int64) {
	const little = 64 << 10
	if t == nil || t.full {
		return
	}
	if t.grown += bytes; t.grown < little {
		return
	}
	if t.failed = s.Hold(t.grown); t.failed != nil {
		t.full = true
	}
	t.grown = 0
}

// open is the timeline, or nil once there is no room in it.
func (t *timeline) open() *timeline {
	if t == nil || t.full {
		return nil
	}
	return t
}

// merge lets add add to what there is of so many, and charges the question with the bytes by which it says that their buckets grew.
func (t *timeline) merge(s *engine.Snapshot, many int, add func() int64) {
	if t != nil && many*t.Buckets > mostBuckets {
		t.full = true
	}
	t.hold(s, add())
}

// err says why there was no room for so many of something.
func (t *timeline) err(many int, what string) error {
	switch {
	case t == nil:
		return nil
	case t.failed != nil:
		return t.failed
	case t.full || many*t.Buckets > mostBuckets:
		return errTimeline.Newf("%d %s in %d buckets each are more than the %d that one answer has", many, what, t.Buckets, mostBuckets)
	}
	return nil
}

// How many buckets may be asked for.
const (
	leastTimeline = 2
	mostTimeline  = 400
)

// mostBuckets bounds the buckets of all services together, of which each takes a histogram: bytes for each duration that
// differs. What they take in all is charged to the question.
const mostBuckets = 50_000

// newTimeline is the one with the shortest step of which a range has at most so many buckets, two or more: rollups tell of minutes.
func newTimeline(from, to int64, most int) *timeline {
	return &timeline{Timeline: aggregate.FitTimeline(from, to, most, time.Minute)}
}

// shortest is what is to be told apart; 0 without a timeline.
func (t *timeline) shortest() time.Duration {
	if t == nil {
		return 0
	}
	return time.Duration(t.Step)
}

func (t *timeline) told() *api.Timeline { return lineOf(&t.Timeline) }
