package aggregate

import (
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Timeline cuts a range into buckets, which begin at multiples of their step.
type Timeline struct {
	Start, Step int64 // ns
	Buckets     int
}

// steps are those up to a day, after which come any number of days.
func steps() []time.Duration {
	return []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
}

// FitTimeline is the one with the shortest step, not below the least, of which a range has at most so many buckets, two or more.
func FitTimeline(from, to int64, most int, least time.Duration) Timeline {
	for _, step := range steps() {
		if step < least {
			continue
		}
		if t := NewTimeline(from, to, step); t.Buckets <= most {
			return t
		}
	}
	day := 24 * time.Hour
	for days := max(2, (to-from)/int64(day)/int64(most)); ; days++ {
		if t := NewTimeline(from, to, time.Duration(days)*day); t.Buckets <= most {
			return t
		}
	}
}

// NewTimeline is the one of a step, more than 0, over a range.
func NewTimeline(from, to int64, step time.Duration) Timeline {
	start := telemetry.Grain(from, step)
	return Timeline{Start: start, Step: int64(step), Buckets: int((to-1-start)/int64(step)) + 1}
}

// At is the bucket of a time in the range.
func (t *Timeline) At(time int64) int { return int((time - t.Start) / t.Step) }
