package segment

// Dictionaries as a View gives them: resources, scopes and the numbers of a column, with how many items have each.

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// Service names a service.
type Service struct{ Name, Namespace string }

// block is the attributes of a dictionary's entries.
type block struct {
	keys   []string
	values []*Values // by key; the row of an entry is its place in the dictionary
}

// Attribute is the values of an attribute of the dictionary's entries; the rows of its own entries are numbers of these. nil where none has it.
func (b *block) Attribute(key string) *Values {
	if i := slices.Index(b.keys, key); i >= 0 {
		return b.values[i]
	}
	return nil
}

// Keys lists the attributes that some of the dictionary's entries have.
func (b *block) Keys() []string { return b.keys }

func (b *block) forget() { b.keys, b.values = b.keys[:0], b.values[:0] }

// Resources is a segment's dictionary of resources.
type Resources struct {
	N int
	block
	items    []int64
	services []Service
}

// Scopes is a segment's dictionary of scopes.
type Scopes struct {
	N int
	block
	Names, Versions [][]byte // by scope; empty for none
	items           []int64
}

// Resources is the dictionary that ColResource numbers.
func (v *View) Resources() *Resources {
	if v.resources != nil {
		return v.resources
	}
	r := &v.resMemory
	v.resources = r
	*r = Resources{block: r.block, items: r.items[:0], services: r.services[:0]}
	r.forget()
	src, n := v.dictionary(container.SectionResources, &r.items)
	if src == nil {
		return r
	}
	if v.x.dicts.readResourceHeads(src, n); !src.Bad {
		v.block(src, n, &r.block)
	}
	if src.Bad {
		v.bad("resources")
		r.forget()
		return r
	}
	r.N = n
	return r
}

// Scopes is the dictionary that ColScope numbers.
func (v *View) Scopes() *Scopes {
	if v.scopes != nil {
		return v.scopes
	}
	r := &v.scopeMemory
	v.scopes = r
	*r = Scopes{block: r.block, items: r.items[:0], Names: r.Names[:0], Versions: r.Versions[:0]}
	r.forget()
	src, n := v.dictionary(container.SectionScopes, &r.items)
	if src == nil {
		return r
	}
	d := &v.x.dicts
	r.Names = append(r.Names, d.readTexts(0, src, n)...)
	r.Versions = append(r.Versions, d.readTexts(1, src, n)...)
	d.readTexts(2, src, n)
	if d.readNumbers(0, src, n); !src.Bad {
		v.block(src, n, &r.block)
	}
	if src.Bad {
		v.bad("scopes")
		r.forget()
		return r
	}
	r.N = n
	return r
}

// dictionary opens the dictionary with a number of a section: its streams (nil without one), its entries, and into items how many items refer to each, where the
// head tells.
func (v *View) dictionary(id uint8, items *[]int64) (src *streams.Source, n int) {
	s := v.x.d.Section(id)
	if s == nil {
		return nil, 0
	}
	src, counts, err := v.x.dictionary(s)
	if err != nil {
		v.fail(err)
		return nil, 0
	}
	*items = append(*items, counts...)
	return src, s.Count
}

// ResourceItems is how many spans or log records have each resource. It needs ColResource only where the head does not tell.
func (v *View) ResourceItems() []int64 {
	r := v.Resources()
	r.items = v.referred(r.items, r.N, ColResource)
	return r.items
}

// ScopeItems is how many spans or log records have each scope. It needs ColScope only where the head does not tell.
func (v *View) ScopeItems() []int64 {
	r := v.Scopes()
	r.items = v.referred(r.items, r.N, ColScope)
	return r.items
}

// referred counts, unless that was done, which of n entries the rows of a column refer to.
func (v *View) referred(items []int64, n int, c Column) []int64 {
	if len(items) > 0 || n == 0 {
		return items
	}
	items = scratch.Slice(items, n)
	clear(items)
	for _, r := range v.Ints(c) {
		if uint64(r) >= uint64(n) {
			v.bad("column %d refers to entry %d of %d", c, r, n)
			break
		}
		items[r]++
	}
	return items
}

// Numbers is the different numbers of an integer column and how many rows have each. It needs the column only where the head does not tell.
func (v *View) Numbers(c Column) (numbers, rows []int64) {
	s := v.x.d.Section(uint8(c))
	switch {
	case s == nil:
		return []int64{0}, []int64{int64(v.Len())}
	case s.HasHead():
		return v.headNumbers(s)
	case s.Constant():
		return []int64{s.Min}, []int64{int64(v.Len())}
	}
	at := map[int64]int{}
	for _, x := range v.Ints(c) {
		i, ok := at[x]
		if !ok {
			i = len(numbers)
			at[x] = i
			numbers, rows = append(numbers, x), append(rows, 0)
		}
		rows[i]++
	}
	return numbers, rows
}

func (v *View) headNumbers(s *container.Section) (numbers, rows []int64) {
	head, err := v.x.in.Head(s)
	if err != nil {
		v.fail(err)
		return nil, nil
	}
	left := uint64(v.Len())
	for range head.Count(mostHeadNumbers) {
		x, n := head.Svarint(), head.Uvarint()
		if head.Bad = head.Bad || n == 0 || n > left; head.Bad {
			break
		}
		left -= n
		numbers, rows = append(numbers, x), append(rows, int64(n))
	}
	if head.Bad || left != 0 || len(head.Code) > 0 {
		v.bad("the numbers of %s", s.Name())
		return nil, nil
	}
	return numbers, rows
}

// block reads the attributes of n entries of a dictionary.
func (v *View) block(src *streams.Source, n int, r *block) {
	names, p := v.x.blockHead(src, n, nil)
	for i, name := range names {
		if src.Bad {
			return
		}
		r.keys = append(r.keys, v.name(name))
		r.values = append(r.values, v.values(src, p.Counts[i]))
	}
	if len(names) == 0 || src.Bad {
		return
	}
	row := uint32(0)
	p.EachRow(func(keys []int64) {
		for _, k := range keys {
			r.values[k].rows = append(r.values[k].rows, row)
		}
		row++
	})
}

func (v *View) name(b []byte) string {
	if s, ok := v.names[string(b)]; ok {
		return s
	}
	if len(v.names) >= mostNames {
		clear(v.names)
	}
	s := string(b)
	v.names[s] = s
	return s
}

// Services names the service of each resource, as Resource does.
func (v *View) Services() []Service {
	r := v.Resources()
	if len(r.services) == r.N {
		return r.services
	}
	r.services = scratch.Slice(r.services, r.N)
	for i := range r.services {
		r.services[i] = Service{Name: otlp.UnknownService}
	}
	set := func(key string, to func(s *Service) *string) {
		c := r.Attribute(key)
		if c == nil {
			return
		}
		v.named = v.named[:0]
		for i := range c.Distinct() { // many resources are of one service
			name := ""
			if value, ok := c.Value(i); ok && value.Type == String {
				name = v.name(value.Raw)
			}
			v.named = append(v.named, name)
		}
		for e := range c.Entries() {
			if name := v.named[c.Code(e)]; name != "" {
				*to(&r.services[c.rows[e]]) = name
			}
		}
	}
	set(otlp.ServiceName, func(s *Service) *string { return &s.Name })
	set(otlp.ServiceNamespace, func(s *Service) *string { return &s.Namespace })
	return r.services
}
