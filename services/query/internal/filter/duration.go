package filter

import (
	"strconv"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
)

// spanDuration is how long a span took. Headers know the longest of each service.
func spanDuration() func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newNumberTest(op, values, readDuration, `nanoseconds or a length like "1.5s"`)
			if err != nil {
				return nil, err
			}
			return &numberColumn{numberTest: t, column: segment.ColDuration, bounds: Bounds{MinDuration: t.least()}}, nil
		}
	}
}

func readDuration(l Literal) (interval, bool) {
	switch l.Type {
	case segment.Int:
		return interval{intOf(l.Value), intOf(l.Value)}, true
	case segment.String:
		text := string(l.Raw)
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return interval{n, n}, true
		}
		d, err := time.ParseDuration(text)
		return interval{int64(d), int64(d)}, err == nil
	case segment.Empty, segment.Bool, segment.Double, segment.Bytes, segment.Array, segment.Map:
	}
	return interval{}, false
}
