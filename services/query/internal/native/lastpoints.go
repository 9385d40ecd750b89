package native

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup/series"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// The newest points of metrics. The catalogue says when each metric's is, to the nanosecond: so the segments of these instants are looked at, and no others.

const (
	mostLast = 1000 // metrics whose newest points one answer tells
	// lastTogether is the time within which newest points are looked for at once: most metrics are sent every minute or more often.
	lastTogether = 2 * time.Minute
	mostLooks    = 64  // times that are looked at: of metrics whose newest points are more scattered, those of the newest are told
	lastBytes    = 256 // what one takes while it is looked for
)

// lastPoints are the newest points of some metrics of a catalogue: where several series have one at that instant, that which was stored last.
func (n *API) lastPoints(ctx context.Context, s *engine.Snapshot, tenant telemetry.Tenant, keys []series.Key, of map[series.Key]*series.Metric) (map[series.Key]*api.Point, error) {
	if err := s.Hold(int64(len(keys)) * lastBytes); err != nil {
		return nil, err
	}
	keys = slices.SortedFunc(slices.Values(keys), func(a, b series.Key) int { return cmp.Or(cmp.Compare(of[b].Last, of[a].Last), a.Compare(b)) }) // the newest first
	found := make(map[series.Key]engine.Item, len(keys))
	for rest, looks := keys, 0; len(rest) > 0 && looks < mostLooks && s.Cut() == nil; looks++ {
		newest, together := of[rest[0]].Last, 1
		for together < len(rest) && newest-of[rest[together]].Last < lastTogether.Nanoseconds() {
			together++
		}
		if err := n.findLast(ctx, s, tenant, rest[:together], of, found); err != nil {
			return nil, err
		}
		rest = rest[together:]
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // an empty map
	}
	list := slices.SortedFunc(maps.Keys(found), func(a, b series.Key) int { return cmp.Or(found[a].Compare(found[b].Key), a.Compare(b)) })
	all := make([]engine.Item, len(list))
	for i := range list {
		all[i] = found[list[i]]
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: of[keys[len(keys)-1]].Last, To: of[keys[0]].Last + 1, Filter: filter.All{}}
	draw := newRenderer()
	points, err := items(ctx, n, s, q, all, draw, func(t *segment.Table, row int) api.Point { return draw.point(t, row) })
	out := make(map[series.Key]*api.Point, len(points))
	for i := range points {
		out[list[i]] = &points[i]
	}
	return out, err
}

// findLast adds those of metrics whose newest points are close together, the newest first.
func (n *API) findLast(ctx context.Context, s *engine.Snapshot, tenant telemetry.Tenant, keys []series.Key, of map[series.Key]*series.Metric, found map[series.Key]engine.Item) error {
	wanted := make(map[series.Key]int64, len(keys))
	names := make([]filter.Literal, 0, len(keys))
	for _, key := range keys {
		wanted[key] = of[key].Last
		if len(names) == 0 || string(names[len(names)-1].Raw) != key.Name {
			names = append(names, filter.String(key.Name))
		}
	}
	byName, err := n.filters.Where(telemetry.Metrics, "name", "in", names...)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(keys, func(k series.Key) bool { return k.Name == "" }) { // which no filter finds
		byName = filter.All{}
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Metrics, From: of[keys[len(keys)-1]].Last, To: of[keys[0]].Last + 1, Filter: byName}
	type last struct {
		of    series.Key
		point engine.Item
	}
	w := columns.NewSet(telemetry.Metrics)
	w.Int(segment.ColTime, segment.ColSeries, segment.ColPosition, segment.ColOrdinal)
	q.Filter.Columns(w)
	_, err = engine.Fold(ctx, s, q, engine.Always(w.Want), func(r *columns.Reader, h *engine.Header, q *engine.Query) (list []last) {
		times, numbers := r.Ints(segment.ColTime), r.Ints(segment.ColSeries)
		r.Series(func(t *segment.Table, of *segment.SeriesList) {
			at := make([]int64, len(t.Metrics)) // when the newest point of each is; 0 of those that are not asked for
			newest := make([]engine.Item, len(t.Metrics))
			for i := range t.Metrics {
				at[i] = wanted[series.KeyOf(&t.Metrics[i])]
			}
			q.Rows(r, func(row int, k engine.Key) {
				m := of.Metric[numbers[row]]
				if at[m] == 0 || times[row] != at[m] {
					return
				}
				if item := engine.ItemOf(h, row, k); newest[m] == (engine.Item{}) || item.Newer(newest[m].Key) {
					newest[m] = item
				}
			})
			for i := range newest {
				if newest[i] != (engine.Item{}) {
					list = append(list, last{series.KeyOf(&t.Metrics[i]), newest[i]})
				}
			}
		})
		return list
	}, func(part []last) {
		for _, one := range part {
			if have, is := found[one.of]; !is || one.point.Newer(have.Key) {
				found[one.of] = one.point
			}
		}
	})
	return err
}
