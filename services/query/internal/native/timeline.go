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

// checked is the timeline, or nil once so many services have no room in it.
func (t *timeline) checked(services int) *timeline {
	if t != nil && services*t.Buckets > mostBuckets {
		t.full = true
	}
	if t == nil || t.full {
		return nil
	}
	return t
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
