package segment

// The series of a segment by their ids, without a table: what counts them needs neither their values nor to intern them (sections 7 and 11 of
// docs/segment-format.md). It takes two thirds of the time of putting them into one, and hardly any memory.

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/attributes"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
)

// SeriesList is a segment's dictionary of series, which ColSeries numbers. IDs are as Series.ID. It is valid until the View's next Open.
type SeriesList struct {
	IDs      []int64
	Metric   []uint32 // of each: in the Metrics of the table that was given
	Resource []uint32 // of each: in View.Services
	Labels   Labels   // the attributes of series
	Shared   Labels   // the attributes of resources
}

// Labels are the attributes of some rows, as values that are told apart by key and content. A segment may name one value of a key several times.
type Labels struct {
	Keys   []string
	Hashes []uint64 // of values: equal for equal values of a key, in any segment
	KeyOf  []uint32 // of each value: in Keys

	of   []uint32 // the values of all rows
	ends []uint32 // in of, a row each
}

// Row is which values a row has, as places in Hashes.
func (l *Labels) Row(i int) []uint32 {
	from := uint32(0)
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.of[from:l.ends[i]]
}

func (l *Labels) forget() {
	*l = Labels{Keys: l.Keys[:0], Hashes: l.Hashes[:0], KeyOf: l.KeyOf[:0], of: l.of[:0], ends: l.ends[:0]}
}

// seriesReader is the memory of Series. What it holds is valid during one call, list excepted.
type seriesReader struct {
	list              SeriesList
	names             table.Identity
	resources, scopes []int64  // ids
	flat              []uint32 // of a block: the values of all keys, one key after the other, as places in hashes
	hashes            []uint64 // of a block: of its values
	next              []uint32 // per key: the first in flat that was not used yet
	row               []uint64
	refs              [3][]int64
}

// Series lists the series of a segment of points, and adds its metrics to t, a table of the same tenant that may be empty. Nothing else of the View
// may be asked for until the list is done with, but integer columns and Services that were asked for before.
func (v *View) Series(t *Table) *SeriesList {
	r := &v.series
	r.list.IDs, r.list.Metric, r.list.Resource = r.list.IDs[:0], r.list.Metric[:0], r.list.Resource[:0]
	r.list.Labels.forget()
	r.list.Shared.forget()
	if v.err != nil {
		return &r.list
	}
	if err := v.readSeries(t, r); err != nil {
		v.fail(err)
		r.list = SeriesList{}
	}
	return &r.list
}

func (v *View) readSeries(t *Table, r *seriesReader) error {
	x := v.x
	if err := v.resourceIDs(t, r); err != nil {
		return err
	}
	if err := v.scopeIDs(t, r); err != nil {
		return err
	}
	x.needs, x.pick, x.kept = needsOf(x.d, Want{Ints: []Column{ColSeries}}), nil, &t.arena
	err := t.readMetrics(x)
	x.needs, x.kept = nil, nil
	if err != nil {
		return err
	}
	s := x.d.Section(container.SectionSeries)
	if s == nil {
		return nil
	}
	src, _, err := x.dictionary(s)
	if err != nil {
		return err
	}
	for i := range r.refs {
		r.refs[i] = append(r.refs[i][:0], x.dicts.readNumbers(i, src, s.Count)...)
	}
	if src.Bad {
		return damagedf("series")
	}
	for i := range s.Count {
		m, of, c := r.refs[0][i], r.refs[1][i], r.refs[2][i]
		if uint64(m) >= uint64(len(x.metrics)) || uint64(of) >= uint64(len(r.resources)) || uint64(c) >= uint64(len(r.scopes)) {
			return damagedf("series %d refers to nothing", i)
		}
		r.list.Metric, r.list.Resource = append(r.list.Metric, x.metrics[m]), append(r.list.Resource, uint32(of))
	}
	v.hashes(src, s.Count, r, &r.list.Labels, func(i int, attributes []uint64) {
		r.list.IDs = append(r.list.IDs, r.names.Series(t.Tenant, t.b.MetricHash(r.list.Metric[i]), r.resources[r.refs[1][i]], r.scopes[r.refs[2][i]], attributes))
	})
	if src.Bad {
		return damagedf("series")
	}
	return nil
}

func (v *View) resourceIDs(t *Table, r *seriesReader) error {
	r.resources = r.resources[:0]
	s := v.x.d.Section(container.SectionResources)
	if s == nil {
		return nil
	}
	src, _, err := v.x.dictionary(s)
	if err != nil {
		return err
	}
	h := v.x.dicts.readResourceHeads(src, s.Count)
	if src.Bad {
		return damagedf("resources")
	}
	v.hashes(src, s.Count, r, &r.list.Shared, func(i int, attributes []uint64) {
		r.resources = append(r.resources, r.names.Resource(t.Tenant, attributes, uint32(h.dropped[i]), h.urls[i], h.refs[h.refsFrom[i]:h.refsFrom[i+1]]))
	})
	if src.Bad {
		return damagedf("resources")
	}
	return nil
}

func (v *View) scopeIDs(t *Table, r *seriesReader) error {
	r.scopes = r.scopes[:0]
	s := v.x.d.Section(container.SectionScopes)
	if s == nil {
		return nil
	}
	src, _, err := v.x.dictionary(s)
	if err != nil {
		return err
	}
	h := v.x.dicts.readScopeHeads(src, s.Count)
	if src.Bad {
		return damagedf("scopes")
	}
	v.hashes(src, s.Count, r, nil, func(i int, attributes []uint64) {
		r.scopes = append(r.scopes, r.names.Scope(t.Tenant, h.names[i], h.versions[i], attributes, uint32(h.dropped[i]), h.urls[i]))
	})
	if src.Bad {
		return damagedf("scopes")
	}
	return nil
}

// hashes gives the hashes of the attributes of each of n nested rows, which each may sort, and notes which values each has, unless labels is nil. Where src is
// bad, not all rows were given.
func (v *View) hashes(src *streams.Source, n int, r *seriesReader, labels *Labels, each func(row int, attributes []uint64)) {
	names, p := v.x.blockHead(src, n, nil)
	if src.Bad {
		return
	}
	var keys []uint32
	if r.hashes = r.hashes[:0]; len(names) > 0 {
		if keys = v.blockValues(src, names, p, r, labels); src.Bad {
			return
		}
	}
	list := r.row
	row := func(of []int64) {
		list = list[:0]
		for _, k := range of {
			value := r.flat[keys[k]]
			keys[k]++
			list = append(list, r.hashes[value])
			if labels != nil {
				labels.of = append(labels.of, value)
			}
		}
	}
	for i := range n {
		list = list[:0]
		if len(names) > 0 {
			row(p.Row(i))
		}
		if labels != nil {
			labels.ends = append(labels.ends, uint32(len(labels.of)))
		}
		each(i, list)
	}
	r.row = list
	if labels != nil {
		labels.Hashes = append(labels.Hashes, r.hashes...)
	}
}

// blockValues reads the values of all keys of a block into r.hashes, and which of them each key has, one row after the other, into r.flat. It returns where
// in that each key begins.
func (v *View) blockValues(src *streams.Source, names [][]byte, p *attributes.Plan, r *seriesReader, labels *Labels) []uint32 {
	r.next, r.flat = scratch.Slice(r.next, len(names)), scratch.Slice(r.flat, p.Picked)
	from := 0
	for i, name := range names {
		r.next[i] = uint32(from)
		to := from + p.Counts[i]
		key := v.name(name)
		if v.valueHashes(src, key, r, r.flat[from:to]); src.Bad {
			return nil
		}
		if from = to; labels != nil {
			labels.Keys = append(labels.Keys, key)
			for len(labels.KeyOf) < len(r.hashes) {
				labels.KeyOf = append(labels.KeyOf, uint32(i))
			}
		}
	}
	return r.next
}

// valueHashes reads a list of values of a key: it adds their hashes, that of nothing being 0, and tells where each is.
func (v *View) valueHashes(src *streams.Source, key string, r *seriesReader, to []uint32) {
	c := &v.x.parsed
	if c.Read(v.x.r, src, len(to)); src.Bad {
		return
	}
	codes, distinct, base := c.Codes(), len(to), uint32(len(r.hashes))
	if codes != nil {
		distinct = c.Len()
	}
	seed := table.KeySeed(table.SeedItem, key)
	for i := range distinct {
		value, ok := c.At(i)
		if !ok {
			src.Bad = true
			return
		}
		hash := uint64(0)
		if value.Type != values.Absent {
			hash = table.HashValue(seed, value.Type, value.Num, value.Raw)
		}
		r.hashes = append(r.hashes, hash)
	}
	for i := range to {
		to[i] = base + uint32(i)
		if codes != nil {
			to[i] = base + uint32(codes[i])
		}
	}
}
