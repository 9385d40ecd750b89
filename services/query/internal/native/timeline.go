package native

import (
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// timeline cuts a range into buckets, which begin at multiples of their step.
type timeline struct {
	start, step int64 // ns
	buckets     int
	full        bool // there is no room for those of all services

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
	if t != nil && services*t.buckets > mostBuckets {
		t.full = true
	}
	if t == nil || t.full {
		return nil
	}
	return t
}

// steps are those up to a day, after which come any number of days.
func steps() []time.Duration {
	return []time.Duration{
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
}

// How many buckets may be asked for.
const (
	leastTimeline = 2
	mostTimeline  = 400
)

// mostBuckets bounds the buckets of all services together, of which each takes a histogram: bytes for each duration that
// differs. What they take in all is charged to the question.
const mostBuckets = 50_000

// newTimeline is the one with the shortest step of which a range has at most so many buckets, two or more.
func newTimeline(from, to int64, most int) *timeline {
	for _, step := range steps() {
		if t := timelineOf(from, to, step); t.buckets <= most {
			return t
		}
	}
	day := 24 * time.Hour
	for days := max(2, (to-from)/int64(day)/int64(most)); ; days++ {
		if t := timelineOf(from, to, time.Duration(days)*day); t.buckets <= most {
			return t
		}
	}
}

func timelineOf(from, to int64, step time.Duration) *timeline {
	start := telemetry.Grain(from, step)
	return &timeline{start: start, step: int64(step), buckets: int((to-1-start)/int64(step)) + 1}
}

// at is the bucket of a time in the range.
func (t *timeline) at(time int64) int { return int((time - t.start) / t.step) }

// shortest is what is to be told apart; 0 without a timeline.
func (t *timeline) shortest() time.Duration {
	if t == nil {
		return 0
	}
	return time.Duration(t.step)
}

func (t *timeline) told() *api.Timeline {
	return &api.Timeline{StartUnixNano: nanos(t.start), StepSeconds: t.step / int64(time.Second), Buckets: t.buckets}
}
