package telemetry

import (
	"math"
	"time"
)

// Grain is the first instant of the UTC hour, day or other span of time that ns, a Unix time in nanoseconds, lies in: before 1970 too, and
// the least int64 where that would be before it. Unix time has no leap seconds, so truncation of the count is truncation of the calendar.
// What is made per span of time, segments per hour and partitions per day, is told apart by it.
func Grain(ns int64, span time.Duration) int64 {
	in := ns % int64(span)
	if in < 0 {
		in += int64(span)
	}
	if ns < math.MinInt64+in {
		return math.MinInt64
	}
	return ns - in
}
