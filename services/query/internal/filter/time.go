package filter

import (
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// timeOf is a field of instants.
func timeOf(column segment.Column) func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newNumberTest(op, values, readTime, "RFC 3339 or Unix nanoseconds (no seconds, milliseconds or microseconds)")
			return &numberColumn{numberTest: t, column: column}, err
		}
	}
}

func readTime(l Literal) (interval, bool) {
	switch l.Type {
	case segment.Int:
		return interval{intOf(l.Value), intOf(l.Value)}, otlpjson.CheckNanos(intOf(l.Value)) == nil
	case segment.String:
		n, err := otlpjson.Time(l.Raw).Nanos()
		return interval{n, n}, err == nil
	case segment.Empty, segment.Bool, segment.Double, segment.Bytes, segment.Array, segment.Map:
	}
	return interval{}, false
}
