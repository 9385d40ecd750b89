package filter

import (
	"strconv"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// spanDuration is how long a span took, if that is known. Headers know the longest of each service.
func spanDuration() func(string) matching {
	return func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newNumberTest(op, values, readDuration, `nanoseconds or a length like "1.5s"`)
			if err != nil {
				return nil, err
			}
			return &durationTest{numberTest: t}, nil
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

// durationTest tests how long spans took: a duration that is not known is none.
type durationTest struct{ numberTest }

func (t *durationTest) Columns(c *columns.Set) { c.Int(segment.ColTime, segment.ColDuration) }

func (t *durationTest) Bounds() Bounds { return Bounds{MinDuration: t.least()} }

func (t *durationTest) cost() cost { return byNumber }

func (t *durationTest) Match(r *columns.Reader, hits []bool) {
	starts := r.Ints(segment.ColTime)
	for i, n := range r.Ints(segment.ColDuration) {
		hits[i] = otlp.DurationKnown(starts[i], n) && t.holds(n)
	}
}
