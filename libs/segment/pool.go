package segment

// Dictionaries of resources, scopes, metrics and series (section 9 of docs/segment-format.md). Invariants: an entry's number in a segment is
// the order in which the rows first refer to it; a table has one entry for what is the same in several segments.

import (
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// mapping numbers what a segment refers to, in order of first appearance.
type mapping struct {
	code  []uint32 // + 1
	list  []uint32
	items []uint32 // how often each of list was referred to
}

func (m *mapping) reset(n int) {
	for _, i := range m.list {
		if int(i) < len(m.code) {
			m.code[i] = 0
		}
	}
	m.list, m.items = m.list[:0], m.items[:0]
	if len(m.code) < n {
		m.code = make([]uint32, n+n/2)
	}
}

func (m *mapping) add(i uint32) int64 {
	if m.code[i] == 0 {
		m.list, m.items = append(m.list, i), append(m.items, 0)
		m.code[i] = uint32(len(m.list))
	}
	code := m.code[i] - 1
	m.items[code]++
	return int64(code)
}

// mostHeadDictionary is how many bytes of a dictionary go to the head.
const mostHeadDictionary = 4 << 10

// addDictionary writes the section of what m numbers, which is in e.s. Of spans and log records, a small one goes to the head, after how many items refer
// to each entry.
func (e *encoder) addDictionary(t *table.Builder, id uint8, m *mapping) {
	s := container.Section{ID: id, Count: len(m.list)}
	apart := t.Signal != telemetry.Metrics && !slices.ContainsFunc(e.s.Chunks, func(bits uint64) bool { return bits != 0 }) &&
		len(e.s.Code)+len(e.s.Plain)+len(e.s.Text)+binary.MaxVarintLen16*len(m.list) <= min(mostHeadDictionary, e.out.Room())
	if apart {
		e.h.Reset()
		for _, n := range m.items {
			e.h.Uvarint(uint64(n))
		}
		e.h.Code, e.h.Plain, e.h.Text = append(e.h.Code, e.s.Code...), append(e.h.Plain, e.s.Plain...), append(e.h.Text, e.s.Text...)
		s.Head = e.out.AddHead(&e.h)
		e.s.Reset()
	}
	e.add(s)
}

// texts writes strings: lengths, then the bytes.
func (e *encoder) texts(n int, text func(i int) string) {
	v := scratch.Slice(e.codes, n)
	e.codes = v
	for i := range n {
		s := text(i)
		v[i] = int64(len(s))
		e.s.Text = append(e.s.Text, s...)
	}
	e.c.Write(&e.s, v)
}

// numbersOf writes n integers.
func (e *encoder) numbersOf(n int, number func(i int) int64) {
	v := scratch.Slice(e.codes, n)
	e.codes = v
	for i := range n {
		v[i] = number(i)
	}
	e.c.Write(&e.s, v)
}

func (e *encoder) scopeTokens(t *table.Builder, scope uint64, ids []ValueID) {
	for _, id := range ids {
		v := &t.Values[id]
		e.tokens.Add(table.HashValue(table.KeySeed(scope, t.Keys[v.Key]), v.Type, v.Num, v.Raw))
		e.leafTokens(scope, t.Keys[v.Key], v)
	}
}

func (e *encoder) fieldToken(scope uint64, key, text string) {
	e.tokens.Add(xxh3.HashStringSeed(text, table.KeySeed(scope, key)+uint64(String)))
}

// resources writes the resources that the rows refer to.
func (e *encoder) resources(t *table.Builder) {
	list := e.maps[mapResources].list
	n := len(list)
	e.s.Reset()
	e.numbersOf(n, func(i int) int64 { return int64(t.Resources[list[i]].Dropped) })
	e.texts(n, func(i int) string { return t.Resources[list[i]].SchemaURL })
	e.numbersOf(n, func(i int) int64 { return int64(len(t.Resources[list[i]].EntityRefs)) })
	lengths := e.codes[:0]
	for _, i := range list {
		for _, r := range t.Resources[i].EntityRefs {
			lengths = append(lengths, int64(len(r)))
			e.s.Text = append(e.s.Text, r...)
		}
	}
	e.codes = lengths
	e.out.Hold(len(lengths))
	e.c.Write(&e.s, lengths)
	e.attributeLists(t, n, func(i int) []ValueID { return t.Resources[list[i]].Attributes }, false)
	e.addDictionary(t, container.SectionResources, &e.maps[mapResources])
	for _, i := range list {
		e.scopeTokens(t, table.SeedResource, t.Resources[i].Attributes)
	}
}

func (e *encoder) scopes(t *table.Builder) {
	list := e.maps[mapScopes].list
	n := len(list)
	e.s.Reset()
	e.texts(n, func(i int) string { return t.Scopes[list[i]].Name })
	e.texts(n, func(i int) string { return t.Scopes[list[i]].Version })
	e.texts(n, func(i int) string { return t.Scopes[list[i]].SchemaURL })
	e.numbersOf(n, func(i int) int64 { return int64(t.Scopes[list[i]].Dropped) })
	e.attributeLists(t, n, func(i int) []ValueID { return t.Scopes[list[i]].Attributes }, false)
	e.addDictionary(t, container.SectionScopes, &e.maps[mapScopes])
	for _, i := range list {
		s := &t.Scopes[i]
		e.scopeTokens(t, table.SeedScope, s.Attributes)
		e.fieldToken(table.SeedScope, "name", s.Name)
		e.fieldToken(table.SeedScope, "version", s.Version)
	}
}

func (e *encoder) metrics(t *table.Builder) {
	list := e.maps[mapMetrics].list
	n := len(list)
	e.s.Reset()
	e.texts(n, func(i int) string { return t.Metrics[list[i]].Name })
	e.texts(n, func(i int) string { return t.Metrics[list[i]].Description })
	e.texts(n, func(i int) string { return t.Metrics[list[i]].Unit })
	e.numbersOf(n, func(i int) int64 { return int64(t.Metrics[list[i]].Kind) })
	e.numbersOf(n, func(i int) int64 { return int64(t.Metrics[list[i]].Temporality) })
	e.numbersOf(n, func(i int) int64 {
		if t.Metrics[list[i]].Monotonic {
			return 1
		}
		return 0
	})
	e.attributeLists(t, n, func(i int) []ValueID { return t.Metrics[list[i]].Metadata }, false)
	e.add(container.Section{ID: container.SectionMetrics, Count: n})
	for _, i := range list {
		e.fieldToken(table.SeedField, table.ReservedKey(table.KeyOf(TextName)), t.Metrics[i].Name)
	}
}

func (e *encoder) series(t *table.Builder) {
	list := e.maps[mapSeries].list
	n := len(list)
	e.s.Reset()
	e.numbersOf(n, func(i int) int64 { return e.maps[mapMetrics].add(t.Series[list[i]].Metric) })
	e.numbersOf(n, func(i int) int64 { return e.maps[mapResources].add(t.Series[list[i]].Resource) })
	e.numbersOf(n, func(i int) int64 { return e.maps[mapScopes].add(t.Series[list[i]].Scope) })
	e.attributeLists(t, n, func(i int) []ValueID { return t.Series[list[i]].Attributes }, true)
	e.add(container.Section{ID: container.SectionSeries, Count: n})
}

// pool opens a dictionary's section; nil when it is not needed or empty.
func (x *decoder) pool(id uint8) (*container.Section, *streams.Source, error) {
	s := x.d.Section(id)
	if s == nil || !x.needs.section(id) {
		return nil, nil, nil
	}
	src, _, err := x.dictionary(s)
	return s, src, err
}

// dictionary gives the streams of a dictionary, and how many items refer to each entry, where the head tells: valid until
// the next dictionary. Metrics without exemplars and the like have at most as many entries as items.
func (x *decoder) dictionary(s *container.Section) (src *streams.Source, items []int64, err error) {
	if s.Count > MaxItems {
		return nil, nil, damagedf("dictionary %d has %d entries", s.ID, s.Count)
	}
	if src, err = x.in.Head(s); src == nil && err == nil {
		src, err = x.in.Source(s)
		return src, nil, err
	}
	if err != nil {
		return nil, nil, err
	}
	x.items = scratch.Slice(x.items, s.Count)
	items = x.items
	left := uint64(x.d.Items)
	for i := range items {
		n := src.Uvarint()
		if src.Bad = src.Bad || n == 0 || n > left; src.Bad {
			break
		}
		left -= n
		items[i] = int64(n)
	}
	src.Bad = src.Bad || left != 0
	return src, items, nil
}

// dictionaryReader reads the lists of which dictionaries are made. What it returns is valid until the list of the same number is read
// again; texts lie in the memory of the section.
type dictionaryReader struct {
	ints    *integers.Decoder
	numbers [3][]int64
	texts   [4][][]byte
	lengths []int64 // of texts; valid during one call
	from    []int   // of resources: where in the list of entity references those of each begin
}

// keyTexts is the number of the list of texts that names the keys of a block.
const keyTexts = 3

// readNumbers reads list i: n integers.
func (r *dictionaryReader) readNumbers(i int, src *streams.Source, n int) []int64 {
	r.numbers[i] = scratch.Slice(r.numbers[i], n)
	r.ints.Read(src, r.numbers[i])
	return r.numbers[i]
}

// readTexts reads list i: n strings. Where src is bad, they are not all there.
func (r *dictionaryReader) readTexts(i int, src *streams.Source, n int) [][]byte {
	r.lengths = scratch.Slice(r.lengths, n)
	r.ints.Read(src, r.lengths)
	out := scratch.Slice(r.texts[i], n)
	clear(out)
	r.texts[i] = out
	for k, l := range r.lengths {
		if uint64(l) > uint64(len(src.Text)) {
			src.Bad = true
		}
		if src.Bad {
			break
		}
		out[k] = src.Take(&src.Text, int(l))
	}
	return out
}

// forget lets go of the memory of sections.
func (r *dictionaryReader) forget() {
	for i := range r.texts {
		if cap(r.texts[i]) > MaxItems {
			r.texts[i] = nil
		}
		clear(r.texts[i][:cap(r.texts[i])])
	}
}

// noEntry marks an entry of a dictionary that no picked row refers to and that was not read.
const noEntry = ^uint32(0)

// referred lists the entries of a dictionary of n that the picked rows refer to, in rising order; nil when all rows are picked.
func (x *decoder) referred(c Column, n int) ([]uint32, error) {
	if x.pick == nil {
		return nil, nil
	}
	x.columns.v = scratch.Slice(x.columns.v, len(x.pick))
	if err := x.someInts(c, x.pick, x.columns.v); err != nil {
		return nil, err
	}
	x.place = scratch.Slice(x.place, n)
	clear(x.place)
	for _, r := range x.columns.v {
		if uint64(r) >= uint64(n) {
			return nil, damagedf("column %d refers to entry %d of %d", c, r, n)
		}
		x.place[r] = 1
	}
	list := make([]uint32, 0, min(n, len(x.pick)))
	for i, used := range x.place {
		if used != 0 {
			list = append(list, uint32(i))
		}
	}
	return list, nil
}

// entries calls each for the entries of a dictionary of n: k numbers those in list, or all where list is nil. It returns what each gave,
// by entry.
func entries(to []uint32, n int, list []uint32, each func(k, i int) uint32) []uint32 {
	to = scratch.Slice(to, n)
	if list == nil {
		for i := range n {
			to[i] = each(i, i)
		}
		return to
	}
	for i := range to {
		to[i] = noEntry
	}
	for k, i := range list {
		to[i] = each(k, int(i))
	}
	return to
}

// resourceHeads is what stands before the attributes of resources, by resource.
type resourceHeads struct {
	dropped  []int64
	urls     [][]byte
	refs     [][]byte // entity references of all
	refsFrom []int    // where in refs those of each begin, and where the last ones end
}

// readResourceHeads reads the section of n resources up to their attributes. The texts lie in src's memory.
func (r *dictionaryReader) readResourceHeads(src *streams.Source, n int) (h resourceHeads) {
	h.dropped = r.readNumbers(0, src, n)
	h.urls = r.readTexts(0, src, n)
	r.from = append(r.from[:0], 0)
	total := 0
	for _, c := range r.readNumbers(1, src, n) {
		if c < 0 || c > int64(container.MaxEntries-total) || src.Bad { // empty references take no bytes
			src.Bad = true
			return h
		}
		total += int(c)
		r.from = append(r.from, total)
	}
	h.refs, h.refsFrom = r.readTexts(1, src, total), r.from
	return h
}

func (t *Table) readResources(x *decoder) error {
	x.resources = x.resources[:0]
	s, src, err := x.pool(container.SectionResources)
	if s == nil || err != nil {
		return err
	}
	h := x.dicts.readResourceHeads(src, s.Count)
	if src.Bad {
		return damagedf("resources")
	}
	var some []uint32
	if t.Signal != telemetry.Metrics { // points refer to resources by their series
		if some, err = x.referred(ColResource, s.Count); err != nil {
			return err
		}
	}
	lists, starts := t.attributeBlock(x, src, s.Count, some)
	if src.Bad {
		return damagedf("resources")
	}
	if x.pick != nil {
		for i, r := range h.refs {
			h.refs[i] = x.copied(r)
		}
	}
	x.resources = entries(x.resources, s.Count, some, func(k, i int) uint32 {
		return t.b.InternResource(lists[starts[k]:starts[k+1]], uint32(h.dropped[i]), h.urls[i], h.refs[h.refsFrom[i]:h.refsFrom[i+1]])
	})
	return nil
}

// scopeHeads is what stands before the attributes of scopes, by scope.
type scopeHeads struct {
	names, versions, urls [][]byte
	dropped               []int64
}

// readScopeHeads reads the section of n scopes up to their attributes. The texts lie in src's memory.
func (r *dictionaryReader) readScopeHeads(src *streams.Source, n int) scopeHeads {
	return scopeHeads{names: r.readTexts(0, src, n), versions: r.readTexts(1, src, n), urls: r.readTexts(2, src, n), dropped: r.readNumbers(0, src, n)}
}

func (t *Table) readScopes(x *decoder) error {
	x.scopes = x.scopes[:0]
	s, src, err := x.pool(container.SectionScopes)
	if s == nil || err != nil {
		return err
	}
	h := x.dicts.readScopeHeads(src, s.Count)
	var some []uint32
	if t.Signal != telemetry.Metrics {
		if some, err = x.referred(ColScope, s.Count); err != nil {
			return err
		}
	}
	lists, starts := t.attributeBlock(x, src, s.Count, some)
	if src.Bad {
		return damagedf("scopes")
	}
	x.scopes = entries(x.scopes, s.Count, some, func(k, i int) uint32 {
		return t.b.InternScope(h.names[i], h.versions[i], lists[starts[k]:starts[k+1]], uint32(h.dropped[i]), h.urls[i])
	})
	return nil
}

func (t *Table) readMetrics(x *decoder) error {
	x.metrics = x.metrics[:0]
	s, src, err := x.pool(container.SectionMetrics)
	if s == nil || err != nil {
		return err
	}
	names := x.dicts.readTexts(0, src, s.Count)
	descriptions := x.dicts.readTexts(1, src, s.Count)
	units := x.dicts.readTexts(2, src, s.Count)
	kinds := x.dicts.readNumbers(0, src, s.Count)
	temporalities := x.dicts.readNumbers(1, src, s.Count)
	monotonic := x.dicts.readNumbers(2, src, s.Count)
	lists, starts := t.attributeBlock(x, src, s.Count, nil)
	if src.Bad {
		return damagedf("metrics")
	}
	for i := range s.Count {
		if kinds[i] < int64(Gauge) || kinds[i] > int64(Summary) {
			return damagedf("metric of kind %d", kinds[i])
		}
		m := table.MetricText{
			Name: names[i], Description: descriptions[i], Unit: units[i],
			Kind: MetricKind(kinds[i]), Temporality: int32(temporalities[i]), Monotonic: monotonic[i] != 0,
		}
		x.metrics = append(x.metrics, t.b.InternMetric(&m, lists[starts[i]:starts[i+1]]))
	}
	return nil
}

func (t *Table) readSeries(x *decoder) error {
	x.series = x.series[:0]
	s, src, err := x.pool(container.SectionSeries)
	if s == nil || err != nil {
		return err
	}
	metrics := x.dicts.readNumbers(0, src, s.Count)
	resources := x.dicts.readNumbers(1, src, s.Count)
	scopes := x.dicts.readNumbers(2, src, s.Count)
	some, err := x.referred(ColSeries, s.Count)
	if err != nil {
		return err
	}
	lists, starts := t.attributeBlock(x, src, s.Count, some)
	if src.Bad {
		return damagedf("series")
	}
	for i := range s.Count {
		m, r, c := metrics[i], resources[i], scopes[i]
		if uint64(m) >= uint64(len(x.metrics)) || uint64(r) >= uint64(len(x.resources)) || uint64(c) >= uint64(len(x.scopes)) {
			return damagedf("series %d refers to nothing", i)
		}
	}
	x.series = entries(x.series, s.Count, some, func(k, i int) uint32 {
		return t.b.InternSeries(x.metrics[metrics[i]], x.resources[resources[i]], x.scopes[scopes[i]], lists[starts[k]:starts[k+1]])
	})
	return nil
}
