package trace

import (
	"context"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// stretch is some time with spans, Unix ns.
type stretch struct {
	first, last int64
	any         bool
}

func (t *stretch) add(o stretch) {
	switch {
	case !o.any:
	case !t.any:
		*t = o
	default:
		t.first, t.last = min(t.first, o.first), max(t.last, o.last)
	}
}

// Times tells when the first of the spans of a query begins and the last one ends, Unix ns; there says whether there are any.
func Times(ctx context.Context, s *engine.Snapshot, q *engine.Query) (first, last int64, there bool, err error) {
	w := columns.NewSet(telemetry.Traces)
	w.Int(segment.ColDuration)
	q.Filter.Columns(w)
	var all stretch
	_, err = engine.Scan(ctx, s, q, engine.Always(w.Want), func(r *columns.Reader, _ *engine.Header) (one stretch, err error) {
		durations := r.Ints(segment.ColDuration)
		q.Rows(r, func(row int, k engine.Key) {
			one.add(stretch{k.Time, k.Time + known(k.Time, durations[row]), true})
		})
		return one, nil
	}, func(_ []*engine.Header, made []stretch, _ int64) bool {
		for _, one := range made {
			all.add(one)
		}
		return true
	})
	return all.first, all.last, all.any, err
}
