// Package trace is what is told of traces as wholes, above single spans: which of them a list shows, what each comes to, its tree and its root. Native and
// later front ends render it. Its contract is docs/adr/039.
package trace

import (
	"context"
	"slices"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// Found is a trace with its newest matching span after where a list goes on.
type Found struct {
	engine.Key
	ID [16]byte
}

// Newest finds the newest n traces after a key, by their newest matching span after it, leaving some out. more says whether others may follow; frontier is as in
// engine.Scan.
func Newest(ctx context.Context, s *engine.Snapshot, search *engine.Query, after *engine.Key, without map[[16]byte]bool, n int) (found []Found, more bool, frontier int64, err error) {
	q := *search
	q.After = after
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs = true
	q.Filter.Columns(w)
	best := map[[16]byte]engine.Key{}
	keep := func(in map[[16]byte]engine.Key, id [16]byte, k engine.Key) {
		if have, ok := in[id]; !ok || k.Newer(have) {
			in[id] = k
		}
	}
	frontier, err = engine.Scan(ctx, s, &q, engine.Always(w.Want),
		func(r *columns.Reader, _ *engine.Header) (map[[16]byte]engine.Key, error) {
			newest := map[[16]byte]engine.Key{}
			q.Rows(r, func(row int, k engine.Key) {
				ids := r.TraceIDs()
				if id := ids.Distinct[ids.Rows[row]]; !without[id] {
					keep(newest, id, k)
				}
			})
			return newest, nil
		},
		func(_ []*engine.Header, made []map[[16]byte]engine.Key, next int64) bool {
			for _, newest := range made {
				for id, k := range newest {
					keep(best, id, k)
				}
			}
			found = found[:0]
			for id, k := range best {
				found = append(found, Found{k, id})
			}
			slices.SortFunc(found, func(a, b Found) int { return a.Compare(b.Key) })
			if len(found) < n {
				return true
			}
			// The others can come back only with a newer span, and then they are found again.
			for _, f := range found[n:] {
				delete(best, f.ID)
			}
			return next >= found[n-1].Time
		})
	if err != nil {
		return nil, false, 0, err
	}
	if frontier != engine.Complete {
		if i := slices.IndexFunc(found, func(f Found) bool { return f.Time <= frontier }); i >= 0 {
			found = found[:i]
		}
	}
	if len(found) >= n {
		return found[:n], true, engine.Complete, nil
	}
	return found, false, frontier, nil
}
