package series

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What is read of each segment: the points of the metric, as far as the query needs them.

// plan is how that is done. Workers share it.
type plan struct {
	*Query
	read      engine.Query // the query from before its range on: points there are neighbours of the first in it
	want      segment.Want
	lookback  int64
	now       int64
	described sync.Map // ids of series that somebody has described
}

func newPlan(q *Query) *plan {
	p := &plan{Query: q, read: q.Query, now: q.Now.UnixNano()}
	p.lookback = cmp.Or(q.Lookback, max(LeastLookback, time.Duration(q.Line.Step))).Nanoseconds()
	p.read.From = max(q.From-p.lookback, 0)
	w := columns.NewSet(q.Signal)
	q.Filter.Columns(w)
	for _, g := range q.Groups {
		g.Columns(w)
	}
	w.Int(segment.ColSeries, segment.ColKind, segment.ColFlags, segment.ColStartTime, segment.ColHas, segment.ColNumber, segment.ColCount, segment.ColSum)
	if q.OverSeries.Spans() {
		w.Int(segment.ColScale, segment.ColZeroCount, segment.ColZeroThreshold, segment.ColPositiveOffset, segment.ColNegativeOffset)
		w.Text(segment.TextBounds)
	}
	p.want = w.Want
	p.want.Lists = q.OverSeries.Spans() || q.Value.row != nil && q.Value.row.q
	p.want.Exemplars = q.Exemplars > 0
	return p
}

// part is what a segment has.
type part struct {
	series    []partSeries
	exemplars map[int]*Exemplar // by place in the range
	noNumbers int64
	looked    int64
	bytes     int // of memory
}

// partSeries is a series with its points of a segment, in any order.
type partSeries struct {
	id        int64
	key       string // of its group
	metric    segment.Metric
	described *Series // nil where another part has it
	points    []point
}

// point is a point as far as it is needed.
type point struct {
	time, start       int64
	position, ordinal int64
	value             float64
	count             float64       // of observations, where there are: when it drops the sender began anew
	spread            *distribution // nil unless it is asked for
	ends              bool          // the sender says that the series has ended
}

const (
	pointBytes  = 80
	seriesBytes = 400
)

// newer sorts the newest first, and of one time that which was stored last.
func (p *point) newer(o *point) int {
	return cmp.Or(cmp.Compare(o.time, p.time), cmp.Compare(o.position, p.position), cmp.Compare(o.ordinal, p.ordinal))
}

// flagEnded is the flag of a point that says that there is no value (FLAG_NO_RECORDED_VALUE).
const flagEnded = 1

// visit makes a segment's part.
func (p *plan) visit(r *columns.Reader, h *engine.Header) (*part, error) {
	met := r.Borrow()
	defer r.GiveBack()
	if p.read.Mark(r, h, met) == 0 || r.Err() != nil {
		return nil, nil //nolint:nilnil // nothing, or an error that the engine tells
	}
	rows := slices.Clone(r.Marked(met))
	of := r.Ints(segment.ColSeries)
	var codes [MostGroups]filter.Codes
	for i, g := range p.Groups {
		g.Read(r, &codes[i])
	}
	if r.Err() != nil {
		return nil, nil //nolint:nilnil // the engine tells
	}
	out := &part{exemplars: map[int]*Exemplar{}, looked: int64(len(rows))}
	numbers := map[int64]int{} // of the segment's series: its place in the part
	at := make([]int, len(rows))
	for i, row := range rows {
		n, ok := numbers[of[row]]
		if !ok {
			n = len(out.series)
			numbers[of[row]] = n
			var key []byte
			for g := range p.Groups {
				v, has := codes[g].Value(int(codes[g].Of[row]))
				key = aggregate.AppendTold(key, v, has)
			}
			out.series = append(out.series, partSeries{key: string(key)})
			out.bytes += seriesBytes + len(key)
		}
		at[i] = n
	}
	bounds := map[string][]float64{}
	err := r.Rows(p.want, rows, func(t *segment.Table) {
		for i := range rows {
			s := &out.series[at[i]]
			if s.points == nil {
				p.describe(t, int(t.Ints[segment.ColSeries][i]), s, out)
			}
			before := len(s.points)
			p.add(t, i, s, out, bounds)
			out.bytes += pointBytes * (len(s.points) - before)
			if p.want.Exemplars {
				p.exemplarsOf(t, i, s, out)
			}
		}
	})
	return out, err
}

// describe says what a series is.
func (p *plan) describe(t *segment.Table, n int, s *partSeries, out *part) {
	from := &t.Series[n]
	m := t.Metrics[from.Metric]
	s.id = from.ID
	s.metric = segment.Metric{Name: strings.Clone(m.Name), Unit: strings.Clone(m.Unit), Kind: m.Kind, Temporality: m.Temporality, Monotonic: m.Monotonic}
	s.points = make([]point, 0, 8)
	if len(p.Groups) > 0 {
		return
	}
	if _, known := p.described.LoadOrStore(s.id, true); known {
		return
	}
	resource, scope := &t.Resources[from.Resource], &t.Scopes[from.Scope]
	s.described = &Series{
		ID: s.id, Temporality: m.Temporality, ServiceName: strings.Clone(resource.ServiceName), ServiceNamespace: strings.Clone(resource.ServiceNamespace),
		ScopeName: strings.Clone(scope.Name), ScopeVersion: strings.Clone(scope.Version),
		Attributes: labels(t, from.Attributes), Resource: labels(t, resource.Attributes), Scope: labels(t, scope.Attributes),
	}
	for _, list := range [][]Label{s.described.Attributes, s.described.Resource, s.described.Scope} {
		for i := range list {
			out.bytes += labelBytes + len(list[i].Key) + len(list[i].Value.Raw)
		}
	}
}

const labelBytes = 80

// labels shares no memory with the table.
func labels(t *segment.Table, ids []segment.ValueID) []Label {
	out := make([]Label, len(ids))
	for i, id := range ids {
		v := t.Values[id]
		v.Raw = slices.Clone(v.Raw)
		out[i] = Label{strings.Clone(t.Keys[v.Key]), v}
	}
	return out
}

// add adds a point.
func (p *plan) add(t *segment.Table, row int, s *partSeries, out *part, bounds map[string][]float64) {
	in := func(c segment.Column) int64 { return t.Ints[c][row] }
	at := point{
		time: in(segment.ColTime), start: in(segment.ColStartTime), position: in(segment.ColPosition), ordinal: in(segment.ColOrdinal),
		ends: in(segment.ColFlags)&flagEnded != 0, value: math.NaN(),
	}
	switch has := in(segment.ColHas); {
	case at.ends:
	case s.metric.Kind == segment.Gauge || s.metric.Kind == segment.Sum:
		switch n := in(segment.ColNumber); {
		case has&segment.HasInt != 0:
			at.value = float64(n)
		case has&segment.HasDouble != 0:
			at.value = double(n)
		}
	case p.OverSeries.Spans():
		if s.metric.Kind != segment.Summary {
			at.spread = readDistribution(t, row, bounds)
			at.count, at.value = at.spread.count, at.spread.count
			out.bytes += at.spread.bytes()
		}
	default:
		v := p.Value.row
		if v == nil {
			v = &values()[0]
		}
		q := 0.0
		if v.q {
			q = p.Quantiles[0]
		}
		at.count, at.value = countOf(t, row), v.read(t, row, q)
	}
	if math.IsNaN(at.value) || math.IsInf(at.value, 0) {
		if !at.ends {
			out.noNumbers++
			return
		}
		at.value = math.NaN()
	}
	s.points = append(s.points, at)
}

// exemplarsOf adds a point's exemplars, of which one is kept for each place in the range.
func (p *plan) exemplarsOf(t *segment.Table, row int, s *partSeries, out *part) {
	e := &t.Exemplars
	for j := int(e.Offsets[row]); j < int(e.Offsets[row+1]); j++ {
		one := Exemplar{Time: e.Ints[segment.ColTime][j], TraceID: e.TraceIDs[j], SpanID: e.SpanIDs[j], Series: s.id, Value: math.NaN()}
		switch has, n := e.Ints[segment.ColHas][j], e.Ints[segment.ColNumber][j]; {
		case has&segment.HasInt != 0:
			one.Value = float64(n)
		case has&segment.HasDouble != 0:
			one.Value = double(n)
		}
		if one.Time < p.From || one.Time >= p.To || math.IsNaN(one.Value) || math.IsInf(one.Value, 0) {
			continue
		}
		place := int(float64(one.Time-p.From) / float64(p.To-p.From) * float64(p.Exemplars))
		place = min(place, p.Exemplars-1)
		if have := out.exemplars[place]; have == nil || one.before(have) {
			one.Attributes = labels(t, e.Attributes.Row(j))
			one.Group = aggregate.Values(s.key, len(p.Groups))
			out.exemplars[place] = &one
		}
	}
}

// before reports whether an exemplar is told rather than another: one with a trace, the largest, the newest.
func (e *Exemplar) before(o *Exemplar) bool {
	with := func(e *Exemplar) int {
		if e.TraceID == [16]byte{} {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(with(o), with(e)), cmp.Compare(o.Value, e.Value), cmp.Compare(o.Time, e.Time), cmp.Compare(e.Series, o.Series),
		slices.Compare(e.TraceID[:], o.TraceID[:]), slices.Compare(e.SpanID[:], o.SpanID[:])) < 0
}
