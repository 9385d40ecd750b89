package filter

import (
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// enum is numbers with names.
type enum struct {
	names []string
	of    func(name int) interval // the numbers of a name, by its place
	wants string
}

// consecutive names numbers, the first of them with the first name.
func consecutive(first int64, names ...string) enum {
	return enum{names: names, wants: "a number or one of " + strings.Join(names, ", "), of: func(name int) interval {
		n := first + int64(name)
		return interval{n, n}
	}}
}

func spanKinds() enum {
	return consecutive(otlp.KindUnspecified, otlp.Kinds()...)
}

func statuses() enum { return consecutive(otlp.StatusUnset, otlp.Statuses()...) }

func metricTypes() enum {
	return consecutive(int64(otlp.Gauge), otlp.MetricKinds()...)
}

// severities are OTLP's: each name has four numbers.
func severities() enum {
	names := otlp.Severities()
	return enum{names: names, wants: "1 to 24, or " + strings.Join(names, ", "), of: func(name int) interval {
		low, high := otlp.SeveritiesOf(name)
		return interval{low, high}
	}}
}

func (e enum) read(l Literal) (interval, bool) {
	switch l.Type {
	case segment.Int:
		return interval{intOf(l.Value), intOf(l.Value)}, true
	case segment.String:
		name := slices.Index(e.names, strings.ToLower(string(l.Raw)))
		if name < 0 {
			return interval{}, false
		}
		return e.of(name), true
	case segment.Empty, segment.Bool, segment.Double, segment.Bytes, segment.Array, segment.Map:
	}
	return interval{}, false
}

// field makes a row of the table for these names; match tests what is stored.
func (e enum) field(f Field, match func(numberTest) matcher) Field {
	f.Kind, f.Values = Enum, e.names
	f.of = func(string) matching {
		return func(op *Operator, values []Literal) (matcher, error) {
			t, err := newNumberTest(op, values, e.read, e.wants)
			if err != nil {
				return nil, err
			}
			return match(t), nil
		}
	}
	return f
}

// statusColumn: headers count errors.
func statusColumn(t numberTest) matcher {
	return &numberColumn{numberTest: t, column: segment.ColStatus, bounds: Bounds{Errors: t.only(otlp.StatusError)}}
}

func severityColumn(t numberTest) matcher {
	return &numberColumn{numberTest: t, column: segment.ColSeverity, zeroIsNone: true}
}
