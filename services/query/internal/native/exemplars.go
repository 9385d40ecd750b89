package native

import (
	"cmp"
	"context"
	"encoding/hex"
	"math"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

// Exemplars of a trace: what metrics kept of its spans. Headers of points have a filter of the traces of their exemplars, so that few segments are read: first for
// their exemplars, and then for the points whose exemplars are told.

// How far from a trace's spans the points are that may have its exemplars: clocks differ, and a point is made up to an interval of export after what it tells of.
const (
	pointsBefore = time.Minute
	pointsAfter  = 10 * time.Minute
)

// exemplarKey tells an exemplar apart. SDKs send one again with each point, until there is a newer one.
type exemplarKey struct {
	time, series int64
	span         [8]byte
	has, number  int64
}

// newer sorts the newest first.
func (k *exemplarKey) newer(o *exemplarKey) int {
	return cmp.Or(cmp.Compare(o.time, k.time), cmp.Compare(k.series, o.series), slices.Compare(k.span[:], o.span[:]), cmp.Compare(k.has, o.has), cmp.Compare(k.number, o.number))
}

func exemplarKeyOf(t *segment.Table, row, exemplar int) exemplarKey {
	e := &t.Exemplars
	return exemplarKey{
		time: e.Ints[segment.ColTime][exemplar], series: t.Series[t.Ints[segment.ColSeries][row]].ID, span: e.SpanIDs[exemplar],
		has: e.Ints[segment.ColHas][exemplar] & (segment.HasInt | segment.HasDouble), number: e.Ints[segment.ColNumber][exemplar],
	}
}

// foundExemplar is one with the first point that has it.
type foundExemplar struct {
	exemplarKey
	point engine.Item
}

// foundExemplarBytes is what one takes while others are looked for.
const foundExemplarBytes = 256

func (h handlers) GetTraceExemplars(c echo.Context, traceID api.TraceID, p api.GetTraceExemplarsParams) error {
	of, err := h.traceAsked(c, traceID, p.StartTime, p.EndTime)
	if err != nil {
		return err
	}
	limit, err := pageLimit(p.Limit, maxLimit, maxLimit)
	if err != nil {
		return err
	}
	result, err := engine.Again(func() (*api.TraceExemplars, error) { return h.traceExemplars(c.Request().Context(), of, limit) })
	return answer(c, result, err)
}

// traceExemplars tells the exemplars of a trace in the points of a range; where none is given, of about the time of its spans.
func (n *API) traceExemplars(ctx context.Context, of traceAsked, limit int) (*api.TraceExemplars, error) {
	started := n.now()
	q := &engine.Query{Tenant: of.tenant, Signal: telemetry.Metrics, From: of.from, To: of.to, Filter: filter.MayHaveExemplars(of.id)}
	out := &api.TraceExemplars{TraceID: hex.EncodeToString(of.id[:])}
	err := n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		if of.to == math.MaxInt64 { // no range was given
			spans := &engine.Query{Tenant: of.tenant, Signal: telemetry.Traces, From: of.from, To: of.to, Filter: filter.Traces([][16]byte{of.id})}
			first, last, there, err := trace.Times(ctx, s, spans)
			if err != nil {
				return err
			}
			if !there {
				what := "trace " + out.TraceID
				if cut := s.Cut(); cut != nil {
					return errCut(cut, what)
				}
				return errNotFound(what)
			}
			q.From, q.To = max(first-int64(pointsBefore), 0), min(last, math.MaxInt64-int64(pointsAfter))+int64(pointsAfter)
		}
		found, more, err := findExemplars(ctx, s, q, of.id, limit)
		if err != nil {
			return err
		}
		var lacks *api.Incomplete
		if out.Exemplars, lacks, err = n.drawExemplars(ctx, s, q, of.id, found); err != nil {
			return err
		}
		if more {
			lacks = limited("the trace has more than %d exemplars; these are the newest", limit)
		}
		out.PointsFromUnixNano, out.PointsToUnixNano = nanos(q.From), nanos(q.To)
		out.Stats, out.Incomplete = n.told(s, started)
		out.Incomplete = cmp.Or(out.Incomplete, lacks)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// findExemplars finds so many exemplars of a trace, the newest; more says that there are others.
func findExemplars(ctx context.Context, s *engine.Snapshot, q *engine.Query, id [16]byte, limit int) (found map[exemplarKey]*foundExemplar, more bool, err error) {
	w := columns.NewSet(telemetry.Metrics)
	w.Int(segment.ColSeries)
	w.Exemplars = true
	found = map[exemplarKey]*foundExemplar{}
	keep := func() {
		if len(found) <= limit {
			return
		}
		more = true
		list := make([]*foundExemplar, 0, len(found))
		for _, e := range found {
			list = append(list, e)
		}
		slices.SortFunc(list, func(a, b *foundExemplar) int { return a.newer(&b.exemplarKey) })
		for _, e := range list[limit:] {
			delete(found, e.exemplarKey)
		}
		s.LetGo(int64(len(list)-limit) * foundExemplarBytes)
	}
	var full error
	_, err = engine.Scan(ctx, s, q, engine.Always(w.Want), func(r *columns.Reader, h *engine.Header) (list []foundExemplar, err error) {
		var rows []uint32
		var keys []engine.Key
		q.Rows(r, func(row int, k engine.Key) {
			rows, keys = append(rows, uint32(row)), append(keys, k) //nolint:gosec // a segment has a few thousand rows
		})
		if len(rows) == 0 || r.Err() != nil {
			return nil, r.Err()
		}
		err = r.Rows(w.Want, rows, func(t *segment.Table) {
			for i, row := range rows {
				for j := int(t.Exemplars.Offsets[i]); j < int(t.Exemplars.Offsets[i+1]); j++ {
					if t.Exemplars.TraceIDs[j] == id {
						list = append(list, foundExemplar{exemplarKeyOf(t, i, j), engine.ItemOf(h, int(row), keys[i])})
					}
				}
			}
			slices.SortFunc(list, func(a, b foundExemplar) int { return cmp.Or(a.newer(&b.exemplarKey), b.point.Compare(a.point.Key)) })
			list = slices.CompactFunc(list, func(a, b foundExemplar) bool { return a.exemplarKey == b.exemplarKey })
			list = list[:min(len(list), limit+1)]
		})
		return list, err
	}, func(_ []*engine.Header, made [][]foundExemplar, _ int64) bool {
		for _, list := range made {
			for i := range list {
				e := &list[i]
				if have := found[e.exemplarKey]; have != nil {
					if have.point.Newer(e.point.Key) {
						have.point = e.point
					}
					continue
				}
				if full = s.Hold(foundExemplarBytes); full != nil {
					return false
				}
				one := *e
				found[e.exemplarKey] = &one
			}
			keep()
		}
		return true
	})
	return found, more, cmp.Or(err, full)
}

// drawExemplars reads the points of exemplars and tells these, by time; those of the newest points, where an answer has no room for all.
func (n *API) drawExemplars(ctx context.Context, s *engine.Snapshot, q *engine.Query, id [16]byte, found map[exemplarKey]*foundExemplar) (told []api.TraceExemplar, lacks *api.Incomplete, err error) {
	points := map[engine.Key]engine.Item{}
	for _, e := range found {
		points[e.point.Key] = e.point
	}
	list := make([]engine.Item, 0, len(points))
	for _, p := range points {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b engine.Item) int { return a.Compare(b.Key) })
	type drawn struct {
		exemplarKey
		number int // of its point
		told   api.TraceExemplar
	}
	var all []drawn
	a := allowance{left: n.set.PageBytes, end: len(list)}
	err = s.Read(ctx, q, list, func(t *segment.Table, rows []uint32, numbers []int) int {
		a.allow(t, rows, numbers, func(row, number int) {
			seen := map[exemplarKey]bool{} // one point may have one twice
			for j := int(t.Exemplars.Offsets[row]); j < int(t.Exemplars.Offsets[row+1]); j++ {
				k := exemplarKeyOf(t, row, j)
				if e := found[k]; t.Exemplars.TraceIDs[j] == id && e != nil && e.point.Key == list[number].Key && !seen[k] {
					seen[k] = true
					all = append(all, drawn{k, number, traceExemplar(t, row, j)})
				}
			}
		})
		return a.end
	})
	if err != nil {
		return nil, nil, err
	}
	all = slices.DeleteFunc(all, func(d drawn) bool { return d.number >= a.end })
	slices.SortFunc(all, func(a, b drawn) int { return cmp.Or(cmp.Compare(a.time, b.time), a.newer(&b.exemplarKey)) })
	told = make([]api.TraceExemplar, len(all))
	for i := range all {
		told[i] = all[i].told
	}
	if a.end < len(list) {
		lacks = n.full(len(told))
	}
	return told, lacks, nil
}

func traceExemplar(t *segment.Table, row, exemplar int) api.TraceExemplar {
	e, series := &t.Exemplars, &t.Series[t.Ints[segment.ColSeries][row]]
	metric, resource := &t.Metrics[series.Metric], &t.Resources[series.Resource]
	out := api.TraceExemplar{
		Metric:       api.Metric{Name: metric.Name, Type: api.MetricType(metric.Kind.String()), Unit: metric.Unit, Temporality: int(metric.Temporality), Monotonic: metric.Monotonic},
		TimeUnixNano: nanos(e.Ints[segment.ColTime][exemplar]), SpanID: spanIDText(e.SpanIDs[exemplar]), FilteredAttributes: attributes(t, e.Attributes.Row(exemplar)),
		ServiceName: resource.ServiceName, ServiceNamespace: resource.ServiceNamespace,
		SeriesID: seriesID(series.ID), Attributes: attributes(t, series.Attributes),
		PointID: itemID(t, row), PointTimeUnixNano: nanos(t.Ints[segment.ColTime][row]),
	}
	out.AsInt, out.AsDouble = number(e.Ints[segment.ColHas][exemplar], e.Ints[segment.ColNumber][exemplar])
	return out
}
