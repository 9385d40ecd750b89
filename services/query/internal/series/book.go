package series

import (
	"context"
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// Points become lines. They come by segments, newest first but side by side; each waits until nothing newer can come, and then goes into its series' line in order.

// book is all lines, while points come.
type book struct {
	*plan
	snapshot *engine.Snapshot
	order    []*line // as they came
	keys     map[string]string
	groups   map[string]*spread
	metrics  []segment.Metric
	covered  covered
	slots    map[int]*Exemplar
	notes    Notes
	common   bool  // bounds were others
	from     int64 // of the range, or of what was not cut off it: nothing is told of what is before

	overTime   *overTime // once there is a series
	overSeries *overSeries
	atLeast    bool
	waiting    int64 // bytes of points that wait
	spreads    int64 // bytes of distributions by group
	held       int64 // bytes that the question is charged for
	largest    int64 // of what points took while they waited, and parts while they were made
	kept       int64 // bytes of lines, and of what is remembered with them
	failed     error
}

// line is a series.
type line struct {
	id      int64
	key     string
	one     *Series
	delta   bool
	waits   []point
	last    point // the oldest that was looked at
	any     bool  // there is one
	values  []float64
	bucket  int // of points that are added up
	points  points
	decided int     // buckets from here on have got their value
	group   *spread // of a distribution
}

// spread is how the observations of a group are distributed, by bucket.
type spread struct {
	key    string
	cells  []*distribution
	series int
}

func newBook(p *plan, s *engine.Snapshot) *book {
	b := &book{
		plan: p, snapshot: s, keys: map[string]string{}, groups: map[string]*spread{}, slots: map[int]*Exemplar{}, overTime: p.OverTime.row, overSeries: p.OverSeries.row,
		from: p.From,
	}
	p.lines = map[int64]*line{}
	p.hold = func() error {
		if b.failed == nil {
			b.failed = b.charge()
		}
		return b.failed
	}
	return b
}

// take takes what a wave of segments has; those that come hold nothing newer than next.
func (b *book) take(ctx context.Context, parts []*part, next int64) bool {
	b.made = 0 // they wait from here on
	for _, part := range parts {
		if part == nil {
			continue
		}
		b.notes.Points += part.looked
		b.notes.NoNumbers += part.noNumbers
		b.waiting += int64(part.bytes)
		b.kept += int64(part.bounds)
		for i := range part.series {
			if b.failed = b.join(&part.series[i]); b.failed != nil {
				return false
			}
		}
		for place, e := range part.exemplars {
			if have := b.slots[place]; b.lines[e.Series] != nil && (have == nil || e.before(have)) {
				b.slots[place] = e
				b.kept += int64(e.bytes() - have.bytes())
			}
		}
	}
	if b.failed = b.charge(); b.failed != nil {
		return false
	}
	b.failed = b.settle(ctx, next)
	return b.failed == nil
}

// join adds a series' points of a segment to its line.
func (b *book) join(s *partSeries) error {
	l := b.lines[s.id]
	if l == nil {
		// Once one has had no room none has, even where there is some again: of those that follow, the newest points are missing.
		if b.full = b.full || len(b.lines) >= MostSeries || b.kept > b.snapshot.MayHold()/2; b.full {
			b.atLeast = true
			return nil
		}
		if err := b.meet(s.metric); err != nil {
			return err
		}
		l = b.newLine(s)
	}
	if s.described != nil && l.one == nil {
		l.one = s.described
		b.kept += int64(bytesOf(l.one.Attributes))
		for _, of := range s.shares {
			if !of.counted {
				of.counted = true
				b.kept += int64(of.bytes)
			}
		}
	}
	if l.waits == nil {
		l.waits = s.points
	} else {
		l.waits = append(l.waits, s.points...)
	}
	return nil
}

// memberBytes is what a group has of a bucket: its members and their figure.
const memberBytes = 32 + 8

// newLine begins a series' line. What its group takes until it is told is charged with it, so that there are no more groups than there is room for.
func (b *book) newLine(s *partSeries) *line {
	key, known := b.keys[s.key]
	if !known {
		key = s.key
		b.keys[key] = key
		b.kept += int64(len(key))
	}
	l := &line{id: s.id, key: key, delta: s.metric.Temporality == temporalityDelta, decided: b.Line.Buckets, bucket: -1}
	b.lines[s.id] = l
	b.order = append(b.order, l)
	b.kept += seriesBytes
	if !b.overSeries.spans {
		l.values = none(b.Line.Buckets)
		b.kept += int64(8 * b.Line.Buckets)
		if !known && !b.overSeries.apart {
			b.kept += int64(seriesBytes + memberBytes*b.Line.Buckets)
		}
		return l
	}
	if l.group = b.groups[key]; l.group == nil {
		l.group = &spread{key: key, cells: make([]*distribution, b.Line.Buckets)}
		b.groups[key] = l.group
		b.kept += int64(seriesBytes + 8*b.Line.Buckets)
	}
	l.group.series++
	return l
}

// temporalityDelta is AGGREGATION_TEMPORALITY_DELTA. What says nothing is taken for cumulative, as most of what says nothing is.
const temporalityDelta = 1

// meet checks that a series is of the same kind as those before, and that the functions are of it; the first one chooses those that were left open.
func (b *book) meet(m *segment.Metric) error {
	if !slices.ContainsFunc(b.metrics, func(o segment.Metric) bool { return o.Temporality == m.Temporality && alike(&o, m) }) {
		b.metrics = append(b.metrics, *m)
		b.kept += int64(seriesBytes + len(m.Name) + len(m.Unit))
	}
	if first := &b.metrics[0]; !alike(first, m) {
		if first.Kind != m.Kind {
			return errMixed.Newf("%.256q is a %s and a %s; add a filter on type", m.Name, first.Kind, m.Kind)
		}
		if first.Unit != m.Unit {
			return errMixed.Newf("%.256q is in %.256q and in %.256q; add a filter on unit", m.Name, first.Unit, m.Unit)
		}
		return errMixed.Newf("some sums named %.256q only grow, and some do not; add a filter on resource or scope that tells them apart", m.Name)
	}
	histogram := m.Kind == segment.Histogram || m.Kind == segment.ExponentialHistogram
	number := m.Kind == segment.Gauge || m.Kind == segment.Sum
	adds := m.Kind == segment.Sum && (m.Monotonic || m.Temporality == temporalityDelta)
	if !number {
		v := b.Value.row
		if v == nil {
			v = &values()[0]
		}
		adds = v.adds(m.Kind)
	}
	if b.overTime == nil {
		name := "last"
		switch {
		case b.overSeries != nil && b.overSeries.spans:
			name = "increase"
		case adds:
			name = "rate"
		}
		b.overTime, _ = named("over_time", name, overTimes(), func(f *overTime) string { return f.name })
	}
	if b.overSeries == nil {
		name := "avg"
		switch {
		case len(b.Groups) == 0:
			name = "none"
		case adds:
			name = "sum"
		}
		b.overSeries, _ = named("over_series", name, allOverSeries(), func(f *overSeries) string { return f.name })
	}
	switch {
	case b.overSeries.spans && !histogram:
		return errFunction.Newf("over_series: %s is of histograms; %.256q is a %s%s", b.overSeries.name, m.Name, m.Kind, ofSummaries(m.Kind))
	case number && b.Value.row != nil:
		return errFunction.Newf("value: %s is of histograms and summaries; %.256q is a %s", b.Value.row.name, m.Name, m.Kind)
	case b.Value.row != nil && b.Value.row.q && m.Kind != segment.Summary:
		return errFunction.Newf("value: quantiles are told by summaries; %.256q is a %s, of which over_series quantile reckons them", m.Name, m.Kind)
	case b.overTime.adds() && !adds:
		return errFunction.Newf("over_time: %s is of what is added up (sums that only grow, or of delta temporality, and what histograms count); %.256q is a %s, of which last, avg, min and max tell", b.overTime.name, m.Name, m.Kind)
	}
	return nil
}

func ofSummaries(kind segment.MetricKind) string {
	if kind != segment.Summary {
		return ""
	}
	return ", whose quantiles cannot be put together: value quantile tells them as they are"
}

// alike reports whether points of two metrics can be looked at together.
func alike(a, b *segment.Metric) bool {
	return a.Kind == b.Kind && a.Unit == b.Unit && a.Monotonic == b.Monotonic
}

// charge charges the question with what has grown.
func (b *book) charge() error {
	b.largest = max(b.largest, b.waiting+b.made)
	if more := b.largest + b.kept + b.spreads - b.held; more > 0 {
		b.held += more
		return b.snapshot.Hold(more)
	}
	return nil
}

// settle lets the points that are newer than next go into their lines.
func (b *book) settle(ctx context.Context, next int64) error {
	b.waiting = 0
	for _, l := range b.order {
		if len(l.waits) == 0 {
			continue
		}
		slices.SortFunc(l.waits, func(p, o point) int { return p.newer(&o) })
		n := 0
		for n < len(l.waits) && l.waits[n].time > next {
			if n%mostUnasked == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			b.look(l, &l.waits[n])
			n++
		}
		l.waits = slices.Delete(l.waits, 0, n)
		if len(l.waits) == 0 {
			l.waits = nil // most of its memory would be kept for nothing
		}
		for i := range l.waits {
			b.waiting += pointBytes
			if d := l.waits[i].spread; d != nil {
				b.waiting += int64(d.bytes())
			}
		}
		if err := b.charge(); err != nil {
			return err
		}
	}
	return b.charge()
}

// mostUnasked is how many points are looked at before it is asked whether anybody still waits for the answer.
const mostUnasked = 256

// end ends all lines: what waits is looked at as far as nothing of its time is missing, which is from since on. Points before it have not been looked at, and
// what was added between two points lies between these, so that only what the oldest of a line tell of the time before themselves is still to be cut off there.
func (b *book) end(ctx context.Context, since int64) error {
	b.from = max(b.from, since)
	if err := b.settle(ctx, since-1); err != nil {
		return err
	}
	for _, l := range b.order {
		l.waits = nil
		if b.overTime.adds() || b.overSeries.spans {
			if l.any {
				b.between(l, &l.last, nil)
			}
		} else {
			b.conclude(l)
		}
		if err := b.charge(); err != nil {
			return err
		}
	}
	// No point waits any longer: there is room for the answer.
	b.snapshot.LetGo(b.largest)
	b.held -= b.largest
	b.largest, b.waiting = 0, 0
	return nil
}

// look looks at the next older point of a series.
func (b *book) look(l *line, p *point) {
	if l.any && l.last.time == p.time {
		b.notes.Duplicates++
		return
	}
	if b.overTime.adds() || b.overSeries.spans {
		if p.ends {
			return // what was added until then is told by the points around it
		}
		if l.any {
			b.between(l, &l.last, p)
		}
	} else {
		b.sample(l, p)
	}
	b.kept += int64(p.spread.bytes() - l.last.spread.bytes())
	l.last, l.any = *p, true
}

// times are from when to before when a bucket is, within the range.
func (b *book) times(bucket int) (from, to int64) {
	start := b.Line.Start + int64(bucket)*b.Line.Step
	return max(start, b.from), min(start+b.Line.Step, b.To)
}

// bucketOf is the bucket of a time, -1 for one before the range.
func (b *book) bucketOf(at int64) int {
	if at < b.from {
		return -1
	}
	return min(b.Line.At(at), b.Line.Buckets-1)
}

// sample adds a point to its bucket, and gives buckets after it that have none its value while that is not stale.
func (b *book) sample(l *line, p *point) {
	at := b.bucketOf(p.time)
	if at == l.bucket && at >= 0 {
		if !p.ends {
			l.points.add(p.value)
		}
		return
	}
	b.conclude(l)
	if at >= l.decided {
		return // before the range, again
	}
	if !p.ends && b.overTime.carried {
		for i := at + 1; i < l.decided; i++ {
			from, to := b.times(i)
			if to = min(to, b.now); from < b.now && p.time >= to-b.lookback {
				l.values[i] = p.value
			}
		}
	}
	l.decided, l.bucket, l.points = max(at, 0), at, points{ended: p.ends}
	if at >= 0 && !p.ends {
		l.points.add(p.value)
	}
}

// conclude tells the value of the bucket whose points were added up.
func (b *book) conclude(l *line) {
	if l.bucket >= 0 && l.points.n > 0 {
		l.values[l.bucket] = finite(b.overTime.of(&l.points))
	}
	l.bucket = -1
}

// finite is a number that can be told; NaN otherwise.
func finite(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

// between tells what was added up to a point, after the one before it, which is nil where there is none in sight.
func (b *book) between(l *line, p, before *point) {
	started := p.start > 0 && p.start < p.time
	near := before != nil && p.time-before.time <= b.lookback
	if l.delta {
		from := p.time
		switch {
		case started && before != nil && p.start < before.time:
			// Several senders, or one that never sets its start anew. What was added before that point, it or another one tells.
			b.notes.Overlaps++
			from = before.time
		case started:
			from = p.start
		case near:
			from = before.time
		}
		b.added(l, p, nil, from)
		b.cover(l, from, p.time)
		if near { // a sender of deltas tells nothing of a time in which nothing happened
			b.cover(l, before.time, p.time)
		}
		return
	}
	if before == nil {
		if started && p.start >= b.read.From {
			b.added(l, p, nil, p.start)
			b.cover(l, p.start, p.time)
		}
		return
	}
	anew := started && p.start != before.start && p.start >= before.time
	if started && before.start > 0 && p.start != before.start && !anew {
		b.notes.Overlaps++
	}
	switch {
	case anew:
		b.notes.Resets++
		b.added(l, p, nil, p.start)
		b.cover(l, p.start, p.time)
	case !near:
		b.notes.Gaps++
		return
	case b.dropped(p, before):
		b.notes.Resets++
		b.added(l, p, nil, before.time)
	default:
		b.added(l, p, before, before.time)
	}
	if near {
		b.cover(l, before.time, p.time)
	}
}

// dropped reports whether the sender began anew between two points without saying so.
func (b *book) dropped(p, before *point) bool {
	if p.spread != nil {
		_, ok := p.spread.since(before.spread)
		return !ok
	}
	if p.count < before.count {
		return true
	}
	// A sum of observations may sink, of negative ones; what is counted may not.
	return p.value < before.value && b.metrics[0].Kind == segment.Sum
}

// added adds what a point tells, less what one before it told, to the buckets between a time and the point's.
func (b *book) added(l *line, p, before *point, from int64) {
	var of *distribution
	number := p.value
	if p.spread != nil {
		if of = p.spread; before != nil {
			of, _ = p.spread.since(before.spread)
		}
	} else if before != nil {
		number -= before.value
	}
	if from >= p.time { // all at once
		if at := b.bucketOf(p.time); at >= 0 {
			b.put(l, at, of, number, 1)
		}
		return
	}
	if p.time <= b.from {
		return
	}
	for at := max(b.bucketOf(from), 0); at < b.Line.Buckets; at++ {
		low, high := b.times(at)
		if low >= p.time {
			return
		}
		if both := min(high, p.time) - max(low, from); both > 0 {
			b.put(l, at, of, number, float64(both)/float64(p.time-from))
		}
	}
}

// put adds a part of what was added to a bucket.
func (b *book) put(l *line, at int, of *distribution, number, part float64) {
	if l.group == nil {
		if math.IsNaN(l.values[at]) {
			l.values[at] = 0
		}
		if l.values[at] += number * part; math.IsNaN(l.values[at]) {
			l.values[at] = math.Inf(1) // of two infinite ones, and no number whatever is added; not one without a value
		}
		return
	}
	cell := l.group.cells[at]
	before := 0
	if cell == nil {
		cell = &distribution{exponential: of.exponential, scale: of.scale, threshold: of.threshold, bounds: of.bounds}
		if !of.exponential {
			cell.counts = make([]float64, len(of.bounds)+1)
		}
		l.group.cells[at] = cell
	} else {
		before = cell.bytes()
	}
	cell.add(of, part, &b.common)
	b.spreads += int64(cell.bytes() - before)
}

// cover says that it is known what was added between two times.
func (b *book) cover(l *line, from, to int64) {
	from, to = max(from, b.from), min(to, b.To)
	if from >= to {
		return
	}
	b.covered.add(from, to)
	if l.group != nil {
		return
	}
	for at := b.bucketOf(from); at < b.Line.Buckets; at++ {
		if low, _ := b.times(at); low >= to {
			return
		}
		if math.IsNaN(l.values[at]) {
			l.values[at] = 0
		}
	}
}
