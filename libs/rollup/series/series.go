// Package series is the kind of rollup that says which metrics an hour or a day has, and of each how many series, how many points, which services send it,
// and which keys of attributes its series have with how many values. It is made of settled segments, when they are settled, and tells an hour by minutes.
//
// The same functions look at a segment for a rollup (Collect) and for who asks of segments that are in none (Look), so that a catalogue is the same
// whichever way it comes about.
package series

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// ID is the kind's number in the database.
const ID int16 = 4

// Kind is the kind of rollup. A part, an hour and a day have one row each, whatever they tell of: Low and High are empty. Parts and hours tell what they do
// in Minutes, which is of the whole hour too; Total is that of a day.
func Kind() rollup.Kind {
	return rollup.Kind{ID: ID, Name: "series", Signal: telemetry.Metrics, Settle: settle, Fold: fold}
}

// What is told.
const (
	MostSeries  = 4096 // hashes of the series of a metric; of more, their number is reckoned
	MostValues  = 256  // hashes of the values of a key of a metric, likewise
	mostNames   = 1000 // services of a metric, the first by name
	mostLabels  = 128  // keys of a metric, the first by kind and name
	mostText    = 1024 // bytes of a description
	mostMeta    = 4096 // bytes of a metric's metadata, beyond which none is told
	leastHashes = 64   // of the series of a metric are kept, however many metrics there are
	leastValues = 4    // of the values of a key, likewise
)

// room is what a row has room for. Where metrics have more together, those that have most of it tell less.
type room struct {
	metrics  int // those with the fewest series are not told beyond
	series   int // hashes of series
	values   int // hashes of values
	labels   int // bytes of memory of keys
	services int // bytes of memory of names
	texts    int // bytes of descriptions and metadata
}

// mostBytes is how large a row is before it is packed. One that would be larger has so much less room.
const mostBytes = 32 << 20

func wholeRoom() room {
	return room{metrics: 20_000, series: 1 << 20, values: 1 << 22, labels: 64 << 20, services: 16 << 20, texts: 16 << 20}
}

func (r room) times(a, b int) room {
	return room{r.metrics * a / b, r.series * a / b, r.values * a / b, r.labels * a / b, r.services * a / b, r.texts * a / b}
}

func (r room) plus(o room) room {
	return room{r.metrics + o.metrics, r.series + o.series, r.values + o.values, r.labels + o.labels, r.services + o.services, r.texts + o.texts}
}

func (r room) within(o room) bool {
	return r.metrics <= o.metrics && r.series <= o.series && r.values <= o.values && r.labels <= o.labels && r.services <= o.services && r.texts <= o.texts
}

// used is what a catalogue takes of a room.
func (c *Catalogue) used() (u room) {
	u.metrics = len(c.Metrics)
	for _, m := range c.Metrics {
		u.series += len(m.Series.values)
		for i := range m.Labels {
			u.values += len(m.Labels[i].Values.values)
		}
		u.labels += m.labelBytes(mostLabels)
		u.services += m.serviceBytes(mostNames)
		u.texts += m.textBytes(mostMeta)
	}
	return u
}

// labelBytes, serviceBytes and textBytes are what so many of a metric's keys and services take, and its texts where they are cut to so many bytes.
func (m *Metric) labelBytes(most int) (n int) {
	for i := range m.Labels[:min(len(m.Labels), most)] {
		n += 80 + len(m.Labels[i].Key.Name)
	}
	return n
}

func (m *Metric) serviceBytes(most int) (n int) {
	for _, name := range m.Services.values[:min(len(m.Services.values), most)] {
		n += 24 + len(name)
	}
	return n
}

func (m *Metric) textBytes(most int) int {
	n := min(len(m.Description), most)
	if size := m.metaBytes(); size <= most {
		n += size
	}
	return n
}

func (m *Metric) metaBytes() (n int) {
	for i := range m.Metadata {
		n += len(m.Metadata[i].Key) + len(m.Metadata[i].Value.Raw)
	}
	return n
}

// Key tells metrics of one name apart; a description is not part of a metric's identity.
type Key struct {
	Name, Unit  string // as rollup.Name tells them
	Type        segment.MetricKind
	Temporality int32
	Monotonic   bool
}

// Compare orders metrics by name, then by what tells those of one name apart.
func (k Key) Compare(o Key) int {
	return cmp.Or(strings.Compare(k.Name, o.Name), cmp.Compare(k.Type, o.Type), strings.Compare(k.Unit, o.Unit), cmp.Compare(k.Temporality, o.Temporality),
		cmp.Compare(number(k.Monotonic), number(o.Monotonic)))
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// Metric is what is known of a metric.
type Metric struct {
	Description string
	Metadata    []Attribute
	described   int64 // time of the point that these are of, Unix ns

	Points   int64
	Last     int64 // time of the last point, Unix ns
	Series   Set
	Services Names
	Labels   []Label // sorted by Key; of those that are left out nothing is known
	More     bool    // there are more services or labels than are told

	minutes []minute // of an hour in the making, in order
}

// Attribute is a key with its value.
type Attribute struct {
	Key   string
	Value segment.Value
}

// Label is a key of attributes, of a metric's points (counts.OfItem) or of their resources (counts.OfResource).
type Label struct {
	Key    counts.Key
	Values Set
}

func compareLabels(a, b counts.Key) int {
	return cmp.Or(cmp.Compare(a.Of, b.Of), strings.Compare(a.Name, b.Name))
}

// minute is what a metric has in a minute of an hour.
type minute struct {
	at     uint8
	points int64
	last   int64 // since the minute began, ns
}

// Catalogue is the metrics of some points.
type Catalogue struct {
	Metrics map[Key]*Metric
	Untold  int64 // points of metrics that are not in Metrics, because there are too many

	upTo room // what one in the making may take
}

// New is an empty catalogue.
func New() *Catalogue { return &Catalogue{Metrics: map[Key]*Metric{}} }

// Merge adds another catalogue, which is not changed and may share memory with this one afterwards. What both have is looked at and left where it is.
func (c *Catalogue) Merge(o *Catalogue) {
	c.Untold += o.Untold
	for key, m := range o.Metrics {
		have := c.Metrics[key]
		if have == nil {
			have = &Metric{described: math.MinInt64, Last: math.MinInt64}
			c.Metrics[key] = have
		}
		have.merge(m)
	}
}

// Named is what a catalogue has of one name, which shares its memory.
func (c *Catalogue) Named(name string) *Catalogue {
	out := &Catalogue{Metrics: map[Key]*Metric{}, Untold: c.Untold}
	for key, m := range c.Metrics {
		if key.Name == name {
			out.Metrics[key] = m
		}
	}
	return out
}

// SeriesCount is how many series all metrics have together, and whether that is no estimate.
func (c *Catalogue) SeriesCount() (n int64, exact bool) {
	exact = true
	for _, m := range c.Metrics {
		n += m.Series.Count()
		exact = exact && m.Series.Exact()
	}
	return n, exact
}

// Labels are the keys of all metrics together, by kind and name, each with the values that any of them has; more says that some metric has keys that are not told.
func (c *Catalogue) Labels() (labels []Label, more bool) {
	sets := map[counts.Key]*Set{}
	for _, m := range c.Metrics {
		more = more || m.More
		for i := range m.Labels {
			l := &m.Labels[i]
			if sets[l.Key] == nil {
				sets[l.Key] = &Set{}
			}
			sets[l.Key].merge(&l.Values, MostValues)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(sets), compareLabels) {
		labels = append(labels, Label{key, *sets[key]})
	}
	return labels, more
}

// MostFirst sorts metrics of the catalogue by how many series they have, most first, and leaves those with as many in their order.
func (c *Catalogue) MostFirst(keys []Key) {
	slices.SortStableFunc(keys, func(a, b Key) int {
		return cmp.Compare(c.Metrics[b].Series.Count(), c.Metrics[a].Series.Count())
	})
}

func (m *Metric) merge(o *Metric) {
	if o.described > m.described || o.described == m.described && o.Description < m.Description {
		m.Description, m.Metadata, m.described = o.Description, o.Metadata, o.described
	}
	m.Points += o.Points
	m.Last = max(m.Last, o.Last)
	m.More = m.More || o.More
	m.Series.merge(&o.Series, MostSeries)
	m.Services.union(&o.Services.list)
	if len(m.Services.values) > mostNames {
		m.Services.cut(mostNames)
		m.More = true
	}
	m.mergeLabels(o.Labels)
	m.mergeMinutes(o.minutes)
}

func (m *Metric) mergeLabels(of []Label) {
	if len(m.Labels) == 0 {
		m.Labels, of = slices.Clone(of), nil
	}
	at := 0
	for i := range of {
		for at < len(m.Labels) && compareLabels(m.Labels[at].Key, of[i].Key) < 0 {
			at++
		}
		if at == len(m.Labels) || m.Labels[at].Key != of[i].Key {
			m.Labels = slices.Insert(m.Labels, at, of[i])
			continue
		}
		m.Labels[at].Values.merge(&of[i].Values, MostValues)
	}
	if len(m.Labels) > mostLabels {
		m.Labels, m.More = m.Labels[:mostLabels], true
	}
}

func (m *Metric) mergeMinutes(of []minute) {
	if len(of) == 0 {
		return
	}
	var all [60]minute
	for _, list := range [][]minute{m.minutes, of} {
		for _, n := range list {
			all[n.at].points += n.points
			all[n.at].last = max(all[n.at].last, n.last)
		}
	}
	m.minutes = nil
	for i, n := range all {
		if n.points > 0 {
			n.at = uint8(i)
			m.minutes = append(m.minutes, n)
		}
	}
}

// Memory is about how many bytes the catalogue takes.
func (c *Catalogue) Memory() (size int64) {
	for key, m := range c.Metrics {
		size += int64(512+len(key.Name)+len(key.Unit)+len(m.Description)+24*len(m.minutes)) + m.Series.memory()
		for _, name := range m.Services.values {
			size += int64(16 + len(name))
		}
		for i := range m.Metadata {
			size += int64(64 + len(m.Metadata[i].Key) + len(m.Metadata[i].Value.Raw))
		}
		for i := range m.Labels {
			size += int64(96+len(m.Labels[i].Key.Name)) + m.Labels[i].Values.memory()
		}
	}
	return size
}

// Points are those of a segment: what of it a catalogue is made of.
type Points struct {
	Times, Series []int64 // of each point: Unix ns, and its place in List
	Services      []segment.Service
	Table         *segment.Table // with the metrics of List, of which the catalogue keeps no memory
	List          *segment.SeriesList
}

// Look is the catalogue of the points of a segment from one instant to before another, Unix ns.
func Look(p *Points, from, to int64) *Catalogue { return p.catalogue(from, to, false) }

// looked is what the series of a segment have in a range.
type looked struct {
	*Points
	counts, last []int64      // of each series: points, and the time of the last, Unix ns
	minutes      []uint64     // of each series: in which minutes it has points; of all the first, where that is not asked for
	by           [][60]minute // of each metric; nil where that is not asked for

	// Which resources, and which values of attributes, one metric has.
	resources, values, shared marks
}

// marks are the minutes of some of many things.
type marks struct {
	minutes []uint64 // of each thing; 0 where it was not seen
	seen    []uint32 // which were
}

func (m *marks) note(thing uint32, minutes uint64) {
	if m.minutes[thing] == 0 {
		m.seen = append(m.seen, thing)
	}
	m.minutes[thing] |= minutes
}

func (m *marks) forget() {
	for _, thing := range m.seen {
		m.minutes[thing] = 0
	}
	m.seen = m.seen[:0]
}

// catalogue looks at the points in a range, which are all of one hour, and notes by minutes where that is asked for.
func (p *Points) catalogue(from, to int64, byMinutes bool) *Catalogue {
	n := len(p.List.IDs)
	l := &looked{Points: p, counts: make([]int64, n), last: make([]int64, n), minutes: make([]uint64, n)}
	l.resources.minutes = make([]uint64, len(p.Services))
	l.values.minutes, l.shared.minutes = make([]uint64, len(p.List.Labels.Hashes)), make([]uint64, len(p.List.Shared.Hashes))
	const length = int64(time.Minute)
	start := int64(0)
	if byMinutes {
		l.by, start = make([][60]minute, len(p.Table.Metrics)), telemetry.Grain(p.Times[0], time.Hour)
	}
	for i, series := range p.Series {
		at := p.Times[i]
		if at < from || at >= to {
			continue
		}
		l.counts[series]++
		l.last[series] = max(l.last[series], at)
		if !byMinutes {
			l.minutes[series] = 1
			continue
		}
		since := at - start
		m := &l.by[p.List.Metric[series]][since/length]
		m.points++
		m.last = max(m.last, since%length)
		l.minutes[series] |= 1 << (since / length)
	}
	byMetric := make([][]uint32, len(p.Table.Metrics))
	for i, points := range l.counts {
		if points > 0 {
			byMetric[p.List.Metric[i]] = append(byMetric[p.List.Metric[i]], uint32(i))
		}
	}
	out := New()
	for metric, list := range byMetric {
		if len(list) > 0 {
			out.Merge(&Catalogue{Metrics: map[Key]*Metric{KeyOf(&p.Table.Metrics[metric]): l.metric(metric, list)}})
		}
	}
	return out
}

// KeyOf is what a metric is told apart by.
func KeyOf(m *segment.Metric) Key {
	return Key{strings.Clone(rollup.Name(m.Name)), strings.Clone(rollup.Name(m.Unit)), m.Kind, m.Temporality, m.Monotonic}
}

// metric is what some series of one metric come to.
func (l *looked) metric(number int, series []uint32) *Metric {
	of := &l.Table.Metrics[number]
	m := &Metric{Description: cut(of.Description, mostText), Last: math.MinInt64}
	size := 0
	for _, id := range of.Metadata {
		v := l.Table.Values[id]
		m.Metadata = append(m.Metadata, Attribute{strings.Clone(l.Table.Keys[v.Key]), segment.Value{Type: v.Type, Num: v.Num, Raw: slices.Clone(v.Raw)}})
		size += len(l.Table.Keys[v.Key]) + len(v.Raw)
	}
	if size > mostMeta {
		m.Metadata = nil
	}
	var hashes, minutes []uint64
	for _, n := range series {
		m.Points += l.counts[n]
		m.Last = max(m.Last, l.last[n])
		hashes, minutes = append(hashes, short(uint64(l.List.IDs[n]))), append(minutes, l.minutes[n]) //nolint:gosec // bits
		for _, value := range l.List.Labels.Row(int(n)) {
			l.values.note(value, l.minutes[n])
		}
		l.resources.note(l.List.Resource[n], l.minutes[n])
	}
	m.described = m.Last
	m.Series = l.set(hashes, minutes, MostSeries)
	names := map[string]uint64{}
	for _, n := range l.resources.seen {
		in := l.resources.minutes[n]
		names[rollup.Name(l.Services[n].Name)] |= in
		for _, value := range l.List.Shared.Row(int(n)) {
			l.shared.note(value, in)
		}
	}
	l.resources.forget()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		m.Services.values = append(m.Services.values, strings.Clone(name))
		if l.by != nil {
			m.Services.minutes = append(m.Services.minutes, names[name])
		}
	}
	m.labels(counts.OfItem, &l.List.Labels, &l.values, l)
	m.labels(counts.OfResource, &l.List.Shared, &l.shared, l)
	slices.SortFunc(m.Labels, func(a, b Label) int { return compareLabels(a.Key, b.Key) })
	if l.by != nil {
		for i, n := range l.by[number] {
			if n.points > 0 {
				n.at = uint8(i)
				m.minutes = append(m.minutes, n)
			}
		}
	}
	return m
}

// labels adds the keys of the values that were seen.
func (m *Metric) labels(of counts.Of, labels *segment.Labels, values *marks, l *looked) {
	defer values.forget()
	seen := slices.Clone(values.seen)
	slices.SortFunc(seen, func(a, b uint32) int { return cmp.Compare(labels.KeyOf[a], labels.KeyOf[b]) })
	for len(seen) > 0 {
		key := labels.KeyOf[seen[0]]
		var hashes, minutes []uint64
		for len(seen) > 0 && labels.KeyOf[seen[0]] == key {
			hashes, minutes = append(hashes, short(labels.Hashes[seen[0]])), append(minutes, values.minutes[seen[0]])
			seen = seen[1:]
		}
		m.Labels = append(m.Labels, Label{counts.Key{Of: of, Name: strings.Clone(rollup.Name(labels.Keys[key]))}, l.set(hashes, minutes, MostValues)})
	}
}

func (l *looked) set(hashes, minutes []uint64, most int) Set {
	if l.by == nil {
		minutes = nil
	}
	return setOf(hashes, minutes, most)
}

// cut is a text of which the beginning is told, where it is longer than so many bytes; nothing where these are few.
func cut(s string, most int) string {
	if len(s) <= most {
		return strings.Clone(s)
	}
	const mark = "…"
	n := most - len(mark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	if n <= 0 {
		return ""
	}
	return strings.Clone(s[:n]) + mark
}

// settle makes the part of segments of one hour.
func settle(segments []*segment.Segment) ([]rollup.Content, error) {
	v, err := segment.NewView()
	if err != nil {
		return nil, fmt.Errorf("open segments: %w", err)
	}
	defer v.Close()
	total := New()
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, seg := range segments {
		d, err := segment.ParseDirectory(seg.Directory)
		if err != nil {
			return nil, err
		}
		v.Open(d, []segment.Part{{Bytes: seg.Body}})
		p := Points{
			Times: v.Ints(segment.ColTime), Series: v.Ints(segment.ColSeries), Services: v.Services(), Table: segment.NewTable(seg.Tenant, telemetry.Metrics),
		}
		p.List = v.Series(p.Table)
		if err := v.Err(); err != nil {
			return nil, err
		}
		if hour := telemetry.Grain(p.Times[0], time.Hour); slices.Min(p.Times) < hour || slices.Max(p.Times) >= hour+int64(time.Hour) {
			return nil, segment.ErrDamaged.New("points of several hours")
		}
		total.add(p.catalogue(math.MinInt64, math.MaxInt64, true))
		first, last = min(first, seg.MinTime), max(last, seg.MaxTime)
	}
	return contents(rollup.Part, total, first, last, telemetry.Grain(first, time.Hour))
}

// fold makes an hour of parts and hours, or a day of hours.
func fold(to rollup.Grain, start int64, _ bool, rows iter.Seq2[*rollup.Row, error]) ([]rollup.Content, error) {
	total := New()
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		c, err := decode(Blob(r.Grain, r.Total, r.Minutes), r.Start, AllMinutes, to == rollup.Hour, true)
		if err != nil {
			return nil, fmt.Errorf("row %x of %s: %w", r.ID, time.Unix(0, r.Start).UTC().Format(time.RFC3339), err)
		}
		total.add(c)
		first, last = min(first, r.MinTime), max(last, r.MaxTime)
	}
	return contents(to, total, first, last, start)
}

// Blob is where a row tells what it does.
func Blob(grain rollup.Grain, total, minutes []byte) []byte {
	if grain == rollup.Day {
		return total
	}
	return minutes
}

// contents are what is stored of a catalogue; none of no points.
func contents(grain rollup.Grain, c *Catalogue, first, last, start int64) ([]rollup.Content, error) {
	if len(c.Metrics) == 0 && c.Untold == 0 {
		return nil, nil
	}
	blob, err := c.encode(start, grain != rollup.Day)
	if err != nil {
		return nil, err
	}
	out := rollup.Content{MinTime: first, MaxTime: last, Low: []byte{}, High: []byte{}, Total: []byte{}, Minutes: blob}
	if grain == rollup.Day {
		out.Total, out.Minutes = out.Minutes, out.Total
	}
	return []rollup.Content{out}, nil
}

// add merges another catalogue, and keeps this one, which is in the making, from growing without end.
func (c *Catalogue) add(o *Catalogue) {
	c.Merge(o)
	whole := wholeRoom().times(2, 1)
	if c.upTo = c.upTo.plus(o.used()); c.upTo.within(whole) {
		return
	}
	if c.upTo = c.used(); !c.upTo.within(whole) {
		c.narrow(wholeRoom())
		c.upTo = c.used()
	}
}

// narrow leaves out what a row has no room for: metrics with few series, and of the others hashes, keys, services and texts of those that have most.
func (c *Catalogue) narrow(to room) []Key {
	keys := slices.SortedFunc(maps.Keys(c.Metrics), func(a, b Key) int {
		return cmp.Or(cmp.Compare(len(c.Metrics[b].Series.values), len(c.Metrics[a].Series.values)), a.Compare(b))
	})
	if len(keys) > to.metrics {
		for _, key := range keys[to.metrics:] {
			c.Untold += c.Metrics[key].Points
			delete(c.Metrics, key)
		}
		keys = keys[:to.metrics]
	}
	// fitting is the most of something that each metric may have, so that all have no more than there is room for.
	fitting := func(most, least, room int, size func(m *Metric, most int) int) int {
		for ; most > least; most /= 2 {
			sum := 0
			for _, key := range keys {
				sum += size(c.Metrics[key], most)
			}
			if sum <= room {
				break
			}
		}
		return most
	}
	labels := fitting(mostLabels, 1, to.labels, (*Metric).labelBytes)
	values := fitting(MostValues, leastValues, to.values, func(m *Metric, most int) (n int) {
		for i := range m.Labels[:min(len(m.Labels), labels)] {
			n += min(len(m.Labels[i].Values.values), most)
		}
		return n
	})
	hashes := fitting(MostSeries, leastHashes, to.series, func(m *Metric, most int) int { return min(len(m.Series.values), most) })
	services := fitting(mostNames, 1, to.services, (*Metric).serviceBytes)
	texts := fitting(mostMeta, 1, to.texts, (*Metric).textBytes)
	for _, key := range keys {
		c.Metrics[key].bound(labels, values, hashes, services, texts)
	}
	slices.SortFunc(keys, Key.Compare)
	return keys
}

// bound keeps so many keys, values of each, series, services, and bytes of texts at most.
func (m *Metric) bound(labels, values, series, services, texts int) {
	m.Series.bound(series)
	if len(m.Labels) > labels {
		m.Labels, m.More = slices.Clone(m.Labels[:labels]), true
	}
	for i := range m.Labels {
		m.Labels[i].Values.bound(values)
	}
	if len(m.Services.values) > services {
		m.Services.cut(services)
		m.More = true
	}
	if len(m.Description) > texts {
		m.Description = cut(m.Description, texts)
	}
	if m.metaBytes() > texts {
		m.Metadata = nil
	}
}

// AllMinutes are those of an hour.
const AllMinutes = 1<<60 - 1

// Minutes are those of the hour that begins at start which are wholly in a range, as bits; all times are Unix ns.
func Minutes(start, from, to int64) uint64 {
	const length = int64(time.Minute)
	first, last := max(0, (from-start+length-1)/length), min(60, (to-start)/length)
	if from <= start {
		first = 0
	}
	if first >= last {
		return 0
	}
	return (1<<last - 1) &^ (1<<first - 1)
}

// Read is what a rollup tells of some minutes of its hour; of all where it is of a day. Without values, what is told of labels is their keys. What cannot be read is rollup.damaged.
func Read(blob []byte, start int64, minutes uint64, values bool) (*Catalogue, error) {
	return decode(blob, start, minutes, false, values)
}

// Names are texts that some points have, sorted.
type Names struct{ list[string] }

// Values are the names.
func (n *Names) Values() []string { return n.values }
