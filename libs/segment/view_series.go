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
	Keys     []string // of attributes of series

	plan *attributes.Plan
}

// KeysOf is which of Keys a series has.
func (l *SeriesList) KeysOf(series int) []int64 {
	if l.plan == nil {
		return nil
	}
	return l.plan.Row(series)
}

// seriesReader is the memory of Series. What it holds is valid during one call, list excepted.
type seriesReader struct {
	list              SeriesList
	names             table.Identity
	resources, scopes []int64 // ids
	flat, distinct    []int64 // of a block: hashes of the values of all keys, one key after the other
	next              []int   // per key: the first in flat that was not used yet
	row               []uint64
	refs              [3][]int64
}

// Series lists the series of a segment of points, and adds its metrics to t, a table of the same tenant that may be empty. Nothing else of the View
// may be asked for until the list is done with, but integer columns and Services that were asked for before.
func (v *View) Series(t *Table) *SeriesList {
	r := &v.series
	r.list = SeriesList{IDs: r.list.IDs[:0], Metric: r.list.Metric[:0], Resource: r.list.Resource[:0], Keys: r.list.Keys[:0]}
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
	names, plan := v.hashes(src, s.Count, r, func(i int, attributes []uint64) {
		r.list.IDs = append(r.list.IDs, r.names.Series(t.Tenant, t.b.MetricHash(r.list.Metric[i]), r.resources[r.refs[1][i]], r.scopes[r.refs[2][i]], attributes))
	})
	if src.Bad {
		return damagedf("series")
	}
	for _, name := range names {
		r.list.Keys = append(r.list.Keys, v.name(name))
	}
	r.list.plan = plan
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
	v.hashes(src, s.Count, r, func(i int, attributes []uint64) {
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
	v.hashes(src, s.Count, r, func(i int, attributes []uint64) {
		r.scopes = append(r.scopes, r.names.Scope(t.Tenant, h.names[i], h.versions[i], attributes, uint32(h.dropped[i]), h.urls[i]))
	})
	if src.Bad {
		return damagedf("scopes")
	}
	return nil
}

// hashes gives the hashes of the attributes of each of n nested rows, which each may sort. It returns the names of their keys, and which of these each
// row has. Where src is bad, not all rows were given.
func (v *View) hashes(src *streams.Source, n int, r *seriesReader, each func(row int, attributes []uint64)) (names [][]byte, p *attributes.Plan) {
	names, p = v.x.blockHead(src, n, nil)
	if src.Bad {
		return nil, nil
	}
	if len(names) == 0 {
		for i := range n {
			each(i, nil)
		}
		return nil, nil
	}
	r.next, r.flat = scratch.Slice(r.next, len(names)), scratch.Slice(r.flat, p.Picked)
	from := 0
	for i, name := range names {
		r.next[i] = from
		from += p.Counts[i]
		if v.valueHashes(src, name, r, r.flat[r.next[i]:from]); src.Bad {
			return nil, nil
		}
	}
	next, flat, list, row := r.next, r.flat, r.row, 0
	p.EachRow(func(keys []int64) {
		list = list[:0]
		for _, k := range keys {
			list = append(list, uint64(flat[next[k]]))
			next[k]++
		}
		each(row, list)
		row++
	})
	r.row = list
	return names, p
}

// valueHashes reads a list of values as their hashes under a key; that of nothing is 0.
func (v *View) valueHashes(src *streams.Source, key []byte, r *seriesReader, to []int64) {
	c := &v.x.parsed
	if c.Read(v.x.r, src, len(to)); src.Bad {
		return
	}
	codes, distinct := c.Codes(), to
	if codes != nil {
		r.distinct = scratch.Slice(r.distinct, c.Len())
		distinct = r.distinct
	}
	seed := table.KeySeed(table.SeedItem, v.name(key))
	for i := range distinct {
		value, ok := c.At(i)
		if !ok {
			src.Bad = true
			return
		}
		distinct[i] = 0
		if value.Type != values.Absent {
			distinct[i] = int64(table.HashValue(seed, value.Type, value.Num, value.Raw))
		}
	}
	for i, code := range codes {
		to[i] = distinct[code]
	}
}
