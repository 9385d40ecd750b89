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
	read     engine.Query // the query from before its range on: points there are neighbours of the first in it
	want     segment.Want
	lookback int64
	now      int64
	apart    bool // each series is told by itself, so that it has to be known what it is
	labels   int  // bytes of attributes that an exemplar may have
	bounds   bounds

	// What the book says, which changes it between waves alone.
	lines map[int64]*line // by the id of their series
	full  bool            // there is no room for more lines

	growing sync.Mutex
	made    int64        // bytes that the parts of a wave take together, so far
	hold    func() error // charges the question with them
}

func newPlan(q *Query) *plan {
	p := &plan{Query: q, read: q.Query, now: q.Now.UnixNano()}
	p.lookback = cmp.Or(q.Lookback, max(LeastLookback, time.Duration(q.Line.Step))).Nanoseconds()
	p.read.From = max(q.From-p.lookback, 0)
	p.apart = len(q.Groups) == 0 && (q.OverSeries.row == nil || q.OverSeries.row.apart)
	p.labels = mostExemplarBytes / max(q.Exemplars, 1)
	p.bounds.lists = map[string][]float64{}
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
	charged   int // of these, for which the question is charged
	bounds    int // of these, of bounds that were not known before

	// What series of the segment share, by its place in the table; and keys, by themselves.
	metrics           map[uint32]*segment.Metric
	resources, scopes map[uint32]*shared
	keys              map[string]string
}

func newPart(looked int) *part {
	return &part{
		exemplars: map[int]*Exemplar{}, looked: int64(looked), metrics: map[uint32]*segment.Metric{}, resources: map[uint32]*shared{}, scopes: map[uint32]*shared{},
		keys: map[string]string{},
	}
}

// shared is a resource or a scope, with what a series tells of it.
type shared struct {
	names      [2]string // service.name and its namespace, or name and version
	attributes []Label
	bytes      int
	counted    bool // by the book
}

// mostUncharged is how far a part may grow before the question is charged with it.
const mostUncharged = 4 << 10

// grow charges the question with what a part has grown by, beside those that others make.
func (p *plan) grow(out *part, uncharged int) error {
	if out.bytes-out.charged <= uncharged {
		return nil
	}
	p.growing.Lock()
	defer p.growing.Unlock()
	p.made += int64(out.bytes - out.charged)
	out.charged = out.bytes
	return p.hold()
}

// partSeries is a series with its points of a segment, in any order.
type partSeries struct {
	id        int64
	key       string // of its group
	metric    *segment.Metric
	described *Series // nil where the book has it, or nothing is told of it
	shares    [2]*shared
	left      bool // there is no room for it
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
	out := newPart(len(rows))
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
			told, known := out.keys[string(key)]
			if !known {
				told = string(key)
				out.keys[told] = told
				out.bytes += len(told)
			}
			out.series = append(out.series, partSeries{key: told})
			out.bytes += seriesBytes
		}
		at[i] = n
	}
	if err := p.grow(out, 0); err != nil {
		return nil, err
	}
	known := map[string][]float64{}
	var failed error
	err := r.Rows(p.want, rows, func(t *segment.Table) {
		for i := range rows {
			s := &out.series[at[i]]
			if s.points == nil && !s.left {
				p.describe(t, &t.Series[t.Ints[segment.ColSeries][i]], s, out)
			}
			if s.left {
				continue
			}
			before := cap(s.points)
			p.add(t, i, s, out, known)
			out.bytes += pointBytes * (cap(s.points) - before)
			if p.want.Exemplars {
				p.exemplarsOf(t, i, s, out)
			}
			if failed = p.grow(out, mostUncharged); failed != nil {
				return
			}
		}
		failed = p.grow(out, 0)
	})
	if failed != nil {
		return nil, failed
	}
	return out, err
}

// describe says what a series is, as far as something of it is told that the book does not know.
func (p *plan) describe(t *segment.Table, from *segment.Series, s *partSeries, out *part) {
	s.id = from.ID
	line := p.lines[s.id]
	if s.left = p.full && line == nil; s.left {
		return
	}
	s.points = make([]point, 0, 4)
	out.bytes += pointBytes * cap(s.points)
	m := &t.Metrics[from.Metric]
	if s.metric = out.metrics[from.Metric]; s.metric == nil {
		s.metric = &segment.Metric{Name: strings.Clone(m.Name), Unit: strings.Clone(m.Unit), Kind: m.Kind, Temporality: m.Temporality, Monotonic: m.Monotonic}
		out.metrics[from.Metric] = s.metric
		out.bytes += len(m.Name) + len(m.Unit)
	}
	if !p.apart || line != nil && line.one != nil {
		return
	}
	resource, scope := out.resources[from.Resource], out.scopes[from.Scope]
	if resource == nil {
		of := &t.Resources[from.Resource]
		resource = share(t, of.ServiceName, of.ServiceNamespace, of.Attributes)
		out.resources[from.Resource] = resource
		out.bytes += resource.bytes
	}
	if scope == nil {
		of := &t.Scopes[from.Scope]
		scope = share(t, of.Name, of.Version, of.Attributes)
		out.scopes[from.Scope] = scope
		out.bytes += scope.bytes
	}
	s.shares = [2]*shared{resource, scope}
	s.described = &Series{
		ID: s.id, Temporality: m.Temporality, ServiceName: resource.names[0], ServiceNamespace: resource.names[1], ScopeName: scope.names[0], ScopeVersion: scope.names[1],
		Attributes: labels(t, from.Attributes), Resource: resource.attributes, Scope: scope.attributes,
	}
	out.bytes += bytesOf(s.described.Attributes)
}

// share is a resource or a scope of a table.
func share(t *segment.Table, name, more string, attributes []segment.ValueID) *shared {
	out := &shared{names: [2]string{strings.Clone(name), strings.Clone(more)}, attributes: labels(t, attributes)}
	out.bytes = seriesBytes + len(name) + len(more) + bytesOf(out.attributes)
	return out
}

const labelBytes = 80

// bytesOf is about what labels take in memory.
func bytesOf(list []Label) (bytes int) {
	for i := range list {
		bytes += list[i].bytes()
	}
	return bytes
}

func (l *Label) bytes() int { return labelBytes + len(l.Key) + len(l.Value.Raw) }

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
func (p *plan) add(t *segment.Table, row int, s *partSeries, out *part, known map[string][]float64) {
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
			at.spread = readDistribution(t, row, func(raw []byte) []float64 {
				list, ok := known[string(raw)]
				if !ok {
					var key string
					var more int
					key, list, more = p.bounds.of(raw)
					known[key] = list
					out.bounds += more
					out.bytes += more
				}
				return list
			})
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
			one.key = s.key
			ids := e.Attributes.Row(j)
			one.Attributes = labels(t, p.told(t, ids))
			one.Left = len(ids) - len(one.Attributes)
			out.bytes += one.bytes() - have.bytes()
			out.exemplars[place] = &one
		}
	}
}

// told are the first of an exemplar's attributes, as many as it may have.
func (p *plan) told(t *segment.Table, ids []segment.ValueID) []segment.ValueID {
	bytes := 0
	for i, id := range ids {
		v := &t.Values[id]
		if bytes += labelBytes + len(t.Keys[v.Key]) + len(v.Raw); bytes > p.labels {
			return ids[:i]
		}
	}
	return ids
}

// bytes is about what an exemplar takes in memory; nothing for none.
func (e *Exemplar) bytes() int {
	if e == nil {
		return 0
	}
	const one = 200
	return one + bytesOf(e.Attributes)
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
