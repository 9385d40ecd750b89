package aggregate

import (
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What one segment has, by group and bucket. Rows are told apart by numbers: of the values in the segment's dictionaries, and of buckets. What these mean is looked up
// once a group, and not once a row.

// plan is what of each segment is read, and what is made of it.
type plan struct {
	measures []Measure
	grouped  []filter.Column
	top      int
	line     *Timeline

	signal   telemetry.Signal
	traces   bool // what is counted are these, whole
	fails    bool // failed items are counted
	numbers  []measured
	distinct []filter.Column
	read     segment.Want // of a segment, but for its times
	timed    segment.Want // with them
	heads    *heads       // nil where heads tell nothing
	memory   sync.Pool    // *scratch
}

// measured are the numbers of a field.
type measured struct {
	filter.Numbers        // nil of those of whole traces
	whole          *whole // and nil of others
	spread         bool   // how they are distributed is asked for
	failed         bool   // and how those of failed items are
	scale          scale
}

func newPlan(q *Query) *plan {
	p := &plan{measures: slices.Clone(q.Measures), grouped: q.Groups, top: q.Top, line: q.Line, signal: q.Signal, traces: q.Traces != nil}
	numberOf, columnOf := map[string]int{}, map[string]int{}
	w := columns.Bare(q.Signal)
	if !p.traces { // of their roots is read what figures are made of
		q.Filter.Columns(w)
	}
	if !q.ByFilter() { // Mark looks at identities
		w.Int(segment.ColTime, segment.ColPosition, segment.ColOrdinal)
	}
	for _, g := range p.grouped {
		g.Columns(w)
	}
	for i := range p.measures {
		m := &p.measures[i]
		p.fails = p.fails || m.kind.fails
		switch m.kind.about {
		case ofItems:
		case ofNumbers:
			n, ok := numberOf[m.Field]
			if !ok {
				n = len(p.numbers)
				numberOf[m.Field] = n
				p.numbers = append(p.numbers, measured{Numbers: m.Numbers, whole: m.whole, scale: m.scale()})
				if m.whole == nil {
					m.Numbers.Columns(w)
				}
			}
			m.number = n
			p.numbers[n].spread = p.numbers[n].spread || m.kind.spread
			p.numbers[n].failed = p.numbers[n].failed || m.kind.fails
		case ofValues:
			n, ok := columnOf[m.Field]
			if !ok {
				n = len(p.distinct)
				columnOf[m.Field] = n
				p.distinct = append(p.distinct, m.Column)
				m.Column.Columns(w)
			}
			m.number = n
		}
	}
	if p.fails && !p.traces {
		column, _ := failed(q.Signal)
		w.Int(column)
	}
	p.read = w.Want
	p.read.Ints = slices.Clone(p.read.Ints)
	w.Int(segment.ColTime)
	p.timed = w.Want
	p.heads = newHeads(q)
	return p
}

// failed is the column that says whether an item failed, and the least number that does.
func failed(signal telemetry.Signal) (segment.Column, int64) {
	if signal == telemetry.Logs {
		return segment.ColSeverity, otlp.SeverityError
	}
	return segment.ColStatus, otlp.StatusError
}

// buckets are those of a timeline in which a segment has items that the query asks for; 0 and 0 without one.
func (p *plan) buckets(q *engine.Query, h *engine.Header) (first, last int) {
	if p.line == nil {
		return 0, 0
	}
	oldest, newest := h.Times()
	return p.line.At(max(oldest, q.From)), p.line.At(min(newest, q.To-1))
}

// headTells reports whether a segment's head tells its part: all of its items count, and lie in one bucket.
func (p *plan) headTells(q *engine.Query, h *engine.Header, first, last int) bool {
	return p.heads != nil && first == last && q.All(h)
}

// columns is what is read of a segment.
func (p *plan) columns(q *engine.Query, h *engine.Header) segment.Want {
	switch first, last := p.buckets(q, h); {
	case p.headTells(q, h, first, last):
		return segment.Want{Counts: p.heads.facet.Counts}
	case first == last && h.Within(q.From, q.To):
		return p.read
	}
	return p.timed
}

// part is what a segment has.
type part struct {
	items int64
	keys  keyList // of the groups
	cells []partCell
}

// keyList is many keys, one behind the other: a segment may have as many groups as items.
type keyList struct {
	bytes []byte
	ends  []int
}

func (l *keyList) len() int { return len(l.ends) }

// end ends a key that was appended to the bytes.
func (l *keyList) end() { l.ends = append(l.ends, len(l.bytes)) }

// each tells them in order, each valid until it returns.
func (l *keyList) each(tell func(i int, key []byte)) {
	from := 0
	for i, end := range l.ends {
		tell(i, l.bytes[from:end])
		from = end
	}
}

type partCell struct {
	cell
	group, bucket int
}

// scratch is the memory of one worker.
type scratch struct {
	groups  [MostGroups]filter.Codes
	codes   filter.Codes
	numbers []float64
	times   []int64  // by row that counts
	failed  []bool   // by row that counts
	at      []uint32 // by row that counts: its cell
	dense   []uint32
	pairs   []uint64
	errors  []uint64 // of them those of failed items
	counts  []uint32 // of pairs, all 0 between two uses
	seen    set
}

// fold makes a segment's part.
func (p *plan) fold(r *columns.Reader, h *engine.Header, q *engine.Query) *part {
	first, last := p.buckets(q, h)
	if p.headTells(q, h, first, last) {
		return p.heads.part(r, first)
	}
	met := r.Borrow()
	defer r.GiveBack()
	if q.All(h) {
		for i := range met {
			met[i] = true
		}
	} else if q.Mark(r, h, met) == 0 {
		return nil
	}
	m, _ := p.memory.Get().(*scratch)
	if m == nil {
		m = &scratch{}
	}
	defer p.memory.Put(m)
	rows := r.Marked(met)
	out := &part{items: int64(len(rows))}
	m.times = m.times[:0]
	if first < last {
		times := r.Ints(segment.ColTime)
		if r.Err() != nil {
			return nil // the engine tells
		}
		for _, row := range rows {
			m.times = append(m.times, times[row])
		}
	}
	ids := p.divide(r, m, rows, first, last)
	if r.Err() != nil {
		return nil // the engine tells
	}
	p.name(m, out, ids, first, last)
	for _, cell := range m.at {
		out.cells[cell].items++
	}
	if p.fails {
		column, least := failed(p.signal)
		codes := r.Ints(column)
		m.failed = slices.Grow(m.failed[:0], len(rows))[:len(rows)]
		for i, row := range rows {
			if m.failed[i] = isFailed(codes[row], least, p.signal); m.failed[i] {
				out.cells[m.at[i]].errors++
			}
		}
	}
	for n := range p.numbers {
		m.numbers = slices.Grow(m.numbers[:0], r.Len())[:r.Len()]
		p.numbers[n].Read(r, m.numbers)
		p.addNumbers(m, out, rows, n)
	}
	for n := range p.distinct {
		p.addValues(r, m, out, rows, n)
	}
	return out
}

func isFailed(code, least int64, signal telemetry.Signal) bool {
	if signal == telemetry.Logs {
		return code >= least
	}
	return code == least
}

// mostDense is up to how many combinations of numbers are told apart by a list of all.
const mostDense = 1 << 16

// divide gives each row that counts its cell, by its time where there are several buckets, and returns of each cell which combination of numbers it is.
func (p *plan) divide(r *columns.Reader, m *scratch, rows []uint32, first, last int) (ids []uint64) {
	m.at = slices.Grow(m.at[:0], len(rows))[:len(rows)]
	width := uint64(last-first) + 1 //nolint:gosec // not negative
	all := width
	for i, g := range p.grouped {
		g.Read(r, &m.groups[i])
		all *= uint64(m.groups[i].N) + 1 //nolint:gosec // at most one for each row
	}
	if r != nil && r.Err() != nil {
		return nil
	}
	if all == 1 {
		clear(m.at)
		return []uint64{0}
	}
	id := func(i int, row uint32) uint64 {
		if width == 1 && len(p.grouped) == 1 {
			return uint64(m.groups[0].Of[row] + 1) //nolint:gosec // not negative
		}
		id := uint64(0)
		for k := range p.grouped {
			id = id*uint64(m.groups[k].N+1) + uint64(m.groups[k].Of[row]+1) //nolint:gosec // not negative
		}
		if width > 1 {
			id = id*width + uint64(p.line.At(m.times[i])-first) //nolint:gosec // not negative
		}
		return id
	}
	if all <= mostDense {
		m.dense = slices.Grow(m.dense[:0], int(all))[:all]
		clear(m.dense)
		for i, row := range rows {
			n := id(i, row)
			cell := m.dense[n]
			if cell == 0 {
				ids = append(ids, n)
				cell = uint32(len(ids)) //nolint:gosec // at most one for each row
				m.dense[n] = cell
			}
			m.at[i] = cell - 1
		}
		return ids
	}
	of := map[uint64]uint32{}
	for i, row := range rows {
		n := id(i, row)
		cell, ok := of[n]
		if !ok {
			cell = uint32(len(ids)) //nolint:gosec // at most one for each row
			of[n] = cell
			ids = append(ids, n)
		}
		m.at[i] = cell
	}
	return ids
}

// name makes the cells, and says of which group and bucket each is.
func (p *plan) name(m *scratch, out *part, ids []uint64, first, last int) {
	width := uint64(last-first) + 1 //nolint:gosec // not negative
	groups := map[uint64]int{}      // of several buckets; in one, each combination is a group
	out.cells = make([]partCell, len(ids))
	numbersOf, distinctOf := make([]numbers, len(ids)*len(p.numbers)), make([]distinct, len(ids)*len(p.distinct))
	for i, id := range ids {
		c := &out.cells[i]
		c.numbers, numbersOf = numbersOf[:len(p.numbers):len(p.numbers)], numbersOf[len(p.numbers):]
		c.distinct, distinctOf = distinctOf[:len(p.distinct):len(p.distinct)], distinctOf[len(p.distinct):]
		c.bucket = first + int(id%width) //nolint:gosec // below the number of buckets
		of := id / width
		n, ok := out.keys.len(), false
		if width > 1 {
			if at, have := groups[of]; have {
				n, ok = at, true
			} else {
				groups[of] = n
			}
		}
		if !ok {
			p.appendKey(m, &out.keys, of)
		}
		c.group = n
	}
}

// appendKey appends what a group of a segment is called everywhere: its values, one after the other.
func (p *plan) appendKey(m *scratch, to *keyList, of uint64) {
	var codes [MostGroups]int
	for i := len(p.grouped) - 1; i >= 0; i-- {
		n := uint64(m.groups[i].N + 1) //nolint:gosec // not negative
		codes[i] = int(of%n) - 1       //nolint:gosec // at most one for each row
		of /= n
	}
	for i := range p.grouped {
		v, ok := m.groups[i].Value(codes[i])
		to.bytes = AppendTold(to.bytes, v, ok)
	}
	to.end()
}

// noValue is a type of value that there is not.
const noValue = 0xff

// AppendTold appends a value as groups are called by it: long ones are cut as names of rollups are, lists and maps as their text.
func AppendTold(b []byte, v segment.Value, ok bool) []byte {
	if !ok {
		return filter.AppendKey(b, segment.Value{Type: noValue})
	}
	if len(v.Raw) > rollup.MostName {
		if v.Type != segment.String {
			v = segment.Value{Type: segment.String, Raw: otlp.AppendText(nil, v.OTLP(), "")}
		}
		v.Raw = []byte(rollup.Name(string(v.Raw)))
	}
	return filter.AppendKey(b, v)
}

// Values reads a key.
func Values(key string, n int) []Value {
	out, rest := make([]Value, n), []byte(key)
	for i := range out {
		out[i].Value, rest = filter.ReadKey(rest)
		if out[i].None = out[i].Type == noValue; out[i].None {
			out[i].Value = segment.Value{}
		}
	}
	return out
}

// addNumbers adds the numbers of a field, by row.
func (p *plan) addNumbers(m *scratch, out *part, rows []uint32, n int) {
	of := &p.numbers[n]
	m.pairs, m.errors = m.pairs[:0], m.errors[:0]
	for i, row := range rows {
		x := m.numbers[row]
		if math.IsNaN(x) {
			continue
		}
		into := &out.cells[m.at[i]].numbers[n]
		into.scale = of.scale
		into.add(x)
		if !of.spread {
			continue
		}
		pair := uint64(m.at[i])<<32 | uint64(uint32(of.scale.bucket(x))^1<<31) //nolint:gosec // bits
		if m.pairs = append(m.pairs, pair); of.failed && m.failed[i] {
			m.errors = append(m.errors, pair)
		}
	}
	m.eachOf(m.pairs, func(cell uint64, b red.Bucket) {
		into := &out.cells[cell].numbers[n].spread
		into.Buckets = append(into.Buckets, b)
	})
	m.eachOf(m.errors, func(cell uint64, b red.Bucket) {
		into := &out.cells[cell].numbers[n].failed
		into.Buckets = append(into.Buckets, b)
	})
}

// mostCounted is up to how many pairs there may be for them to be counted by a list of all: 1 MiB of it a worker.
const mostCounted = 1 << 18

// eachOf counts pairs of a cell and a bucket, and tells them in order. Sorting them took half of the time of a heatmap: they are sorted only where cells and buckets are too many to have a counter each.
func (m *scratch) eachOf(pairs []uint64, add func(cell uint64, b red.Bucket)) {
	cells, low, high := uint64(0), uint64(math.MaxUint32), uint64(0)
	for _, pair := range pairs {
		cells = max(cells, pair>>32+1)
		bucket := pair & math.MaxUint32
		low, high = min(low, bucket), max(high, bucket)
	}
	width := high - low + 1
	tell := func(cell, bucket uint64, n int) {
		add(cell, red.Bucket{Number: int32(uint32(bucket) ^ 1<<31), Count: int64(n)}) //nolint:gosec // bits
	}
	if len(pairs) > 0 && cells*width <= mostCounted {
		if m.counts == nil {
			m.counts = make([]uint32, mostCounted)
		}
		m.seen.clear(cells * width)
		for _, pair := range pairs {
			n := pair>>32*width + pair&math.MaxUint32 - low
			m.counts[n]++
			m.seen.add(n)
		}
		m.seen.each(func(n uint64) {
			tell(n/width, n%width+low, int(m.counts[n]))
			m.counts[n] = 0
		})
		return
	}
	slices.Sort(pairs)
	for i := 0; i < len(pairs); {
		from := i
		for i < len(pairs) && pairs[i] == pairs[from] {
			i++
		}
		tell(pairs[from]>>32, pairs[from]&math.MaxUint32, i-from)
	}
}

// set is one of small numbers.
type set []uint64

// clear makes it empty, with room for numbers below n.
func (s *set) clear(n uint64) {
	words := int(n/64) + 1 //nolint:gosec // what takes memory
	*s = slices.Grow((*s)[:0], words)[:words]
	clear(*s)
}

func (s set) add(n uint64) { s[n/64] |= 1 << (n % 64) }

// each tells them in order.
func (s set) each(tell func(n uint64)) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			tell(uint64(i)*64 + uint64(bits.TrailingZeros64(word))) //nolint:gosec // not negative
		}
	}
}

// mostPairs is up to how many pairs of a value and a cell there may be for them to have a bit each: 1 MiB a worker.
const mostPairs = 1 << 23

// addValues adds the values of a field that are counted.
func (p *plan) addValues(r *columns.Reader, m *scratch, out *part, rows []uint32, n int) {
	p.distinct[n].Read(r, &m.codes)
	cells := uint64(len(out.cells))
	last, is, hash := uint64(math.MaxUint64), false, uint64(0)
	tell := func(code, cell uint64) {
		if code != last {
			v, ok := m.codes.Value(int(code)) //nolint:gosec // at most one for each row
			if last, is = code, ok; ok {
				hash = hashOf(v)
			}
		}
		if is {
			into := &out.cells[cell].distinct[n]
			into.add([]uint64{hash})
		}
	}
	if all := uint64(m.codes.N) * cells; all <= mostPairs { //nolint:gosec // not negative
		m.seen.clear(all)
		for i, row := range rows {
			if code := m.codes.Of[row]; code != filter.NoValue {
				m.seen.add(uint64(code)*cells + uint64(m.at[i])) //nolint:gosec // not negative
			}
		}
		m.seen.each(func(n uint64) { tell(n/cells, n%cells) })
		return
	}
	m.pairs = m.pairs[:0]
	for i, row := range rows {
		if code := m.codes.Of[row]; code != filter.NoValue {
			m.pairs = append(m.pairs, uint64(code)<<32|uint64(m.at[i])) //nolint:gosec // not negative
		}
	}
	slices.Sort(m.pairs)
	for _, pair := range slices.Compact(m.pairs) {
		tell(pair>>32, pair&math.MaxUint32)
	}
}

// hashOf is the same for equal values of one type, everywhere.
func hashOf(v segment.Value) uint64 { return segment.Token(segment.ScopeField, "", v) }
