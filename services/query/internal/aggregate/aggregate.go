// Package aggregate tells figures of all items of a range: how many there are, how often they come, how many of them failed, how their numbers are
// distributed, how many values they have; of all or by group, and in all or over time. It stands above the engine and knows neither HTTP nor the types of
// a front end: front ends make a Query and render an Answer.
//
//	Query ─ plan ─┬> what segments must be read of ─ engine.Fold ──────┬> cells by group and bucket ─ top N, other, total ─> Answer
//	              ├> what rollups tell of requests ─ engine.FoldRolled ┤
//	              ├> what sums and heads tell of values ─ plain.count ─┤
//	              └> what traces come to ─ trace.Every, their roots ───┘
//
// Invariants: an item counts in one group and one bucket; the groups that are told, Other and Total are the same items: Total is the other two; where a bound cuts
// the number of groups, what is told of a group is still all of it.
package aggregate

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

// Bounds of a query.
const (
	MostMeasures = 20
	MostGroups   = 3      // fields to group by
	MostTop      = 1000   // groups that are told
	MostKept     = 10_000 // groups that are kept apart before the largest are known
	MostBuckets  = 1440
	mostCells    = 1 << 18 // figures that one answer tells: some 5 MB of JSON
)

// Query is what is asked for. It is not changed while it is in use.
type Query struct {
	engine.Query
	Measures []Measure
	Groups   []filter.Column
	Top      int       // groups that are told: those with the most of the first measure
	Line     *Timeline // nil: in all alone
	Now      time.Time // a rate is over no time that has not come yet
	Segments bool      // they are read, whatever rollups tell
	// Counted is how the field of Groups is counted without looking at items; nil where it is not, or where there are more fields.
	Counted *filter.Counted
	// Traces are what is counted, by how they are found; nil for the items that the query is about.
	Traces *trace.Every
}

// check refuses what is too much.
func (q *Query) check() error {
	switch {
	case len(q.Measures) == 0 || len(q.Measures) > MostMeasures:
		return errShape.Newf("measures: want 1 to %d", MostMeasures)
	case len(q.Groups) > MostGroups:
		return errShape.Newf("group_by: want %d fields at most", MostGroups)
	case len(q.Groups) > 0 && (q.Top < 1 || q.Top > MostTop):
		return errShape.Newf("limit: %d is not between 1 and %d", q.Top, MostTop)
	case q.Line != nil && (q.Line.Buckets < 1 || q.Line.Buckets > MostBuckets):
		return errShape.Newf("the range has %d buckets; want %d at most", q.Line.Buckets, MostBuckets)
	}
	groups, over := 1, 1
	if len(q.Groups) > 0 {
		groups = q.Top
	}
	if q.Line != nil {
		over = q.Line.Buckets
	}
	if each := q.figures(); groups*over*each > mostCells {
		return errShape.Newf("limit: %d measures (of them %d bands of histograms) of %d groups in %d buckets are more than the %d figures that one answer tells",
			len(q.Measures), each-len(q.Measures), groups, over, mostCells)
	}
	return nil
}

// figures is how many a group has at most in a bucket.
func (q *Query) figures() int {
	n := len(q.Measures)
	for i := range q.Measures {
		if m := &q.Measures[i]; m.kind.cells != nil {
			n += m.Banding.Most + 2 // and what is beyond
		}
	}
	return n
}

// Answer is what there is. Figures stand in the order of the query's measures; NaN is none.
type Answer struct {
	Groups []Group // the largest, by the first measure
	Other  *Group  // all others as one; nil where there are none
	Total  Group
	Basis  Basis

	// How many groups there are; AtLeast where more came than are kept apart, which are in Other.
	Distinct int
	AtLeast  bool
	// Bands are those of each measure that is a histogram.
	Bands [][]Band
	// Estimated says of each measure whether one of its figures is an estimate.
	Estimated []bool
	// From and To are the time that the figures cover and rates are over, Unix ns.
	From, To int64
	// Whole: nothing ended the look at the range before its start.
	Whole bool
	// Partial is how many traces may have more spans than were found.
	Partial int
}

// Group is what is told of some items.
type Group struct {
	Values []Value
	Items  int64
	All    []float64
	Over   [][]float64 // by bucket of the timeline; nil without one
	// Cells are, of each measure that is a histogram, how many items are in each band, by bucket of the timeline; in all without one.
	Cells [][][]int64
}

// Value is what the items of a group have of a field.
type Value struct {
	segment.Value
	None bool // they have none
}

// Basis says what figures rest on: how many items each kind of source told of.
type Basis struct {
	Rollups  int64 // of requests, errors and durations, and sums of values
	Segments int64 // their heads or bodies
}

// Ask answers a query. Errors are the engine's, fault.Invalid for what asks too much, and ErrUntold.
func Ask(ctx context.Context, s *engine.Snapshot, q *Query) (*Answer, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	p := newPlan(q)
	all := &tally{plan: p, snapshot: s, groups: map[string]*group{}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all.stop = cancel
	var over time.Duration
	var err error
	switch of := q.rolled(); {
	case of != nil:
		over, err = all.askRolled(ctx, q, of)
	case p.traces:
		over, err = all.askTraces(ctx, q)
	default:
		var told bool
		if over, told, err = all.askCounted(ctx, q); !told && err == nil {
			over, err = engine.Fold(ctx, s, &q.Query, p.columns, p.fold, all.merge)
		}
	}
	if all.failed != nil {
		return nil, all.failed
	}
	if err != nil {
		return nil, err
	}
	if err := all.charge(0); err != nil {
		return nil, err
	}
	from, to, err := s.Covered(ctx, q.Tenant, q.Signal, q.To-over.Nanoseconds(), q.To, q.Now)
	if err != nil {
		return nil, err
	}
	out, err := all.answer(from, to)
	if err != nil {
		return nil, err
	}
	out.Whole = over.Nanoseconds() == q.To-q.From
	return out, nil
}

// tally is what is known until now, by group.
type tally struct {
	*plan
	snapshot *engine.Snapshot
	groups   map[string]*group
	others   *group   // of the groups that have no room
	missed   distinct // which these are
	full     bool
	basis    Basis
	partial  int
	grown    int   // bytes that the question is not charged for yet
	held     int64 // and those that it is
	failed   error
	stop     func()
}

// group is what is known of one: by bucket, of which there is one without a timeline.
type group struct {
	key   string
	cells []*cell
	used  int // of them
}

const (
	groupBytes = 200
	cellBytes  = 64
)

func (t *tally) newGroup(key string) *group {
	n := 1
	if t.line != nil {
		n = t.line.Buckets
	}
	t.grown += groupBytes + 2*len(key) + 8*n + t.cellBytes()
	return &group{key: key, cells: make([]*cell, n)}
}

// newCell has nothing yet.
func (p *plan) newCell() *cell {
	return &cell{numbers: make([]numbers, len(p.numbers)), distinct: make([]distinct, len(p.distinct))}
}

func (p *plan) cellBytes() int { return cellBytes + 120*len(p.numbers) + 96*len(p.distinct) }

// of is the group of a key, or that of all for which there is no room.
func (t *tally) of(key []byte) *group {
	if g := t.groups[string(key)]; g != nil {
		return g
	}
	// Groups may take half of what the question may hold: the rest is for what those that are kept apart have still to come.
	t.full = t.full || len(t.groups) >= MostKept || t.held+int64(t.grown) > t.snapshot.MayHold()/2
	if t.full {
		if t.others == nil {
			t.others = t.newGroup("")
		}
		t.grown += t.missed.add([]uint64{hashOf(segment.Value{Type: segment.Bytes, Raw: key})})
		return t.others
	}
	g := t.newGroup(string(key))
	t.groups[g.key] = g
	return g
}

// cell is a group's of a bucket.
func (t *tally) cell(g *group, bucket int) *cell {
	if g.cells[bucket] == nil {
		if g.used++; g.used > 1 { // the first was charged with the group
			t.grown += t.cellBytes()
		}
		g.cells[bucket] = t.newCell()
	}
	return g.cells[bucket]
}

// merge adds what a segment has.
func (t *tally) merge(of *part) {
	if t.failed != nil || of == nil {
		return
	}
	t.basis.Segments += of.items
	groups := make([]*group, of.keys.len())
	of.keys.each(func(i int, key []byte) { groups[i] = t.of(key) })
	for i := range of.cells {
		from := &of.cells[i]
		t.grown += t.cell(groups[from.group], from.bucket).merge(&from.cell)
	}
	const little = 64 << 10
	if err := t.charge(little); err != nil {
		t.failed = err
		t.stop()
	}
}

// charge charges the question with what has grown, if it is more than a little.
func (t *tally) charge(little int) error {
	if t.grown <= little {
		return nil
	}
	t.held += int64(t.grown)
	grown := int64(t.grown)
	t.grown = 0
	return t.snapshot.Hold(grown)
}

// sum adds cells of groups up into new ones.
func (t *tally) sum(list []*group) *group {
	out := t.newGroup("")
	for _, g := range list {
		for i, c := range g.cells {
			if c != nil {
				t.cell(out, i).merge(c)
			}
		}
	}
	return out
}

// answer tells what is known, of a range that is covered from one time to another. What it makes of groups is charged before it is rendered.
func (t *tally) answer(from, to int64) (*Answer, error) {
	out := &Answer{
		Basis: t.basis, Partial: t.partial, Distinct: len(t.groups), AtLeast: t.full, Estimated: make([]bool, len(t.measures)), Bands: make([][]Band, len(t.measures)),
		From: from, To: to,
	}
	list := t.ranked(out)
	rest := []*group{}
	if t.others != nil {
		rest = append(rest, t.others)
		out.Distinct += int(t.missed.estimate())
	}
	if len(t.grouped) == 0 {
		rest, out.Distinct = list, 0
		list = nil
	}
	if n := len(list); n > t.top {
		rest = append(rest, list[t.top:]...)
		list = list[:t.top]
	}
	other := t.sum(rest)
	total := t.sum(append(slices.Clone(list), other))
	if err := t.charge(0); err != nil {
		return nil, err
	}
	whole := t.whole(total)
	bands := make([][]buckets, len(t.measures))
	for i := range t.measures {
		if m := &t.measures[i]; m.kind.cells != nil {
			n := &whole.numbers[m.number]
			scale := m.scale()
			bands[i] = scale.fit(n.spread.Buckets, &m.Banding)
			out.Bands[i] = make([]Band, len(bands[i]))
			for k, b := range bands[i] {
				out.Bands[i][k] = scale.band(b)
			}
		}
	}
	if err := t.chargeAnswer(len(list)+2, bands); err != nil {
		return nil, err
	}
	for _, g := range list {
		told := t.tell(out, g, bands)
		told.Values = Values(g.key, len(t.grouped))
		out.Groups = append(out.Groups, told)
	}
	if len(rest) > 0 && len(t.grouped) > 0 {
		told := t.tell(out, other, bands)
		out.Other = &told
	}
	out.Total = t.tell(out, total, bands)
	return out, nil
}

// figureBytes is what one figure takes until it is sent: itself, where it stands in the answer, and as text.
const figureBytes = 48

// chargeAnswer charges the question with the figures of so many groups.
func (t *tally) chargeAnswer(groups int, bands [][]buckets) error {
	figures, over := len(t.measures), 1
	for _, b := range bands {
		figures += len(b)
	}
	if t.line != nil {
		over += t.line.Buckets
	}
	t.grown += groups * figures * over * figureBytes
	return t.charge(0)
}

// ranked are the groups that are kept apart, those with the most of the first measure first.
func (t *tally) ranked(a *Answer) []*group {
	type rank struct {
		*group
		first float64
		items int64
	}
	ranks := make([]rank, 0, len(t.groups))
	for _, g := range t.groups {
		whole := t.whole(g)
		first, ok := t.measures[0].kind.of(whole, &t.measures[0], t.seconds(a, -1))
		if !ok {
			first = math.Inf(-1)
		}
		ranks = append(ranks, rank{g, first, whole.items})
	}
	slices.SortFunc(ranks, func(a, b rank) int {
		return cmp.Or(cmp.Compare(b.first, a.first), cmp.Compare(b.items, a.items), cmp.Compare(a.key, b.key))
	})
	list := make([]*group, len(ranks), len(ranks)+1)
	for i := range ranks {
		list[i] = ranks[i].group
	}
	return list
}

// whole is a group's cells in one.
func (t *tally) whole(g *group) *cell {
	if len(g.cells) == 1 && g.cells[0] != nil {
		return g.cells[0]
	}
	out := t.newCell()
	for _, c := range g.cells {
		if c != nil {
			out.merge(c)
		}
	}
	return out
}

// seconds is for how long a bucket, or with -1 all of them, is covered.
func (t *tally) seconds(a *Answer, bucket int) float64 {
	from, to := a.From, a.To
	if bucket >= 0 {
		start := t.line.Start + int64(bucket)*t.line.Step
		from, to = max(from, start), min(to, start+t.line.Step)
	}
	return max(time.Duration(to-from).Seconds(), 0)
}

// tell renders a group.
func (t *tally) tell(a *Answer, g *group, bands [][]buckets) Group {
	figure := func(c *cell, i, bucket int) float64 {
		m := &t.measures[i]
		x, ok := m.kind.of(c, m, t.seconds(a, bucket))
		if !ok || math.IsInf(x, 0) {
			return math.NaN()
		}
		return x
	}
	whole := t.whole(g)
	out := Group{Items: whole.items, Cells: t.cellsOf(g, whole, bands)}
	for i := range t.measures {
		out.All = append(out.All, figure(whole, i, -1))
		m := &t.measures[i]
		switch m.kind.about {
		case ofItems:
		case ofNumbers:
			a.Estimated[i] = a.Estimated[i] || m.kind.estimates() && whole.numbers[m.number].items > 0
		case ofValues:
			a.Estimated[i] = a.Estimated[i] || !whole.distinct[m.number].exact()
		}
	}
	if t.line == nil {
		return out
	}
	empty := t.newCell()
	for i := range t.measures {
		over := make([]float64, t.line.Buckets)
		for bucket, c := range g.cells {
			if c == nil {
				c = empty
			}
			over[bucket] = figure(c, i, bucket)
		}
		out.Over = append(out.Over, over)
	}
	return out
}

// cellsOf counts by bands.
func (t *tally) cellsOf(g *group, whole *cell, bands [][]buckets) [][][]int64 {
	out := make([][][]int64, len(bands))
	for i := range t.measures {
		m := &t.measures[i]
		if out[i] = [][]int64{}; m.kind.cells == nil {
			continue
		}
		cells := []*cell{whole}
		if t.line != nil {
			cells = g.cells
		}
		for _, c := range cells {
			var of []red.Bucket
			if c != nil {
				of = m.kind.cells(&c.numbers[m.number])
			}
			out[i] = append(out[i], count(bands[i], of))
		}
	}
	return out
}
