package filter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Conditions on other spans of a span's trace (docs/adr/048). No segment tells by itself whether they hold: what a single segment can be asked is taken out of them
// (Related.Candidate, Related.Needs, Related.Of), and whoever has all spans of a trace asks Related.Holds.

// Relation is a row of the table of relations: which spans of its trace a condition of a span is about.
type Relation struct {
	Name        string
	Description string

	byIDs bool // it goes by the ids of spans
	// from tells for which spans of a trace one of those that are meant is among hits.
	from func(t *members, hits []bool) []bool
}

// Relations is the table.
func Relations() []Relation {
	return []Relation{
		{Name: "trace", from: anywhere, Description: "any span of its trace, itself as well"},
		{Name: "root", byIDs: true, from: (*members).atRoot, Description: "a span of its trace that has no parent, itself as well"},
		{Name: "parent", byIDs: true, from: (*members).belowOne, Description: "the span whose id it names as its parent's"},
		{Name: "child", byIDs: true, from: (*members).aboveOne, Description: "a span that names its id as its parent's"},
		{Name: "ancestor", byIDs: true, from: (*members).below, Description: "its parent, the parent of that, and so on"},
		{Name: "descendant", byIDs: true, from: (*members).above, Description: "its children, the children of these, and so on"},
	}
}

// relation is a condition on spans that stand in a relation: one of them must meet the filters.
type relation struct {
	All
	of *Relation
}

// Bounds of what another span must meet say nothing of a span's own segment.
func (*relation) Bounds() Bounds { return Bounds{} }

// Match cannot tell; Related.Candidate has no relation.
func (*relation) Match(*columns.Reader, []bool) {}

// Columns are none of the span's own.
func (*relation) Columns(*columns.Set) {}

// Related is a filter of spans that looks at other spans of their traces as well. It never changes and may be used by many workers at a time.
type Related struct {
	// Of are the conditions on single spans that it is made of, at most 64.
	Of []Filter
	// Candidate holds for every span that the filter can hold for.
	Candidate Filter
	// Needs are filters of which each must hold for some span of a trace in which there is a span that the filter holds for.
	Needs []Filter
	// ByIDs says that it goes by the ids of spans and their parents.
	ByIDs bool
	// Monotone says that further spans of a trace can only make it hold for more spans.
	Monotone bool

	root node
}

// mostParts is how many conditions on single spans a Related has: a bit of Member.Meets each.
const mostParts = 64

// mostRelations is how many relations a request may have: each looks at all spans of a trace.
const mostRelations = 32

// ParseSpans reads the filters of a list of spans or traces, as Parse does, which may have relations. each says that each of them must hold for some span of the trace, and the
// first of them for what is listed; else all must hold for one span. related is nil where no other span is looked at, and f all there is.
func (p *Parser) ParseSpans(raw []json.RawMessage, each bool) (f Filter, related *Related, err error) {
	r := request{Parser: p, signal: telemetry.Traces, related: true}
	if !each || len(raw) < 2 {
		f, err = r.list("filters", raw, 0)
	} else {
		f, err = r.eachInTrace(raw)
	}
	if err != nil || !hasRelation(f) {
		return f, nil, err
	}
	related = &Related{Candidate: candidate(f), Needs: needs(f), Monotone: true}
	related.root = related.compile(f, false)
	if len(related.Of) > mostParts {
		return nil, nil, refused(errTooLarge, "filters", "more than %d conditions beside relations", mostParts)
	}
	return related.Candidate, related, nil
}

// eachInTrace is a conjunction in which all but the first may hold for other spans of the trace.
func (p *request) eachInTrace(raw []json.RawMessage) (All, error) {
	table := Relations()
	out := All{}
	for i, one := range raw {
		f, err := p.one(fmt.Sprintf("filters[%d]", i), one, 0)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			if err := p.oneMoreRelation(fmt.Sprintf("filters[%d]", i)); err != nil {
				return nil, err
			}
			f = &relation{All{f}, &table[0]}
		}
		out = append(out, f)
	}
	return out, nil
}

func (p *request) oneMoreRelation(path string) error {
	if p.relations++; p.relations > mostRelations {
		return refused(errTooLarge, path, "more than %d relations", mostRelations)
	}
	return nil
}

// relation reads {relation, filters}.
func (p *request) relation(path, name string, raw []json.RawMessage, depth int) (Filter, error) {
	if err := p.oneMoreRelation(path); err != nil {
		return nil, err
	}
	if !p.related {
		return nil, refused(errRelation, path, "conditions on other spans of a trace are for lists of spans and traces")
	}
	table := Relations()
	i := slices.IndexFunc(table, func(r Relation) bool { return r.Name == name })
	if i < 0 {
		names := make([]string, len(table))
		for i := range table {
			names[i] = table[i].Name
		}
		return nil, refused(errRelation, path, "unknown relation %.64q: want one of %s", name, strings.Join(names, ", "))
	}
	list, err := p.group(path+".filters", raw, depth)
	return &relation{list, &table[i]}, err
}

func hasRelation(f Filter) bool {
	switch f := f.(type) {
	case *relation:
		return true
	case All:
		return slices.ContainsFunc(f, hasRelation)
	case Any:
		return slices.ContainsFunc(f, hasRelation)
	case Not:
		return hasRelation(f.Filter)
	}
	return false
}

// candidate is what a filter asks of the span itself: it holds wherever the filter does.
func candidate(f Filter) Filter {
	if !hasRelation(f) {
		return f
	}
	each := func(list []Filter) []Filter {
		out := make([]Filter, len(list))
		for i, part := range list {
			out[i] = candidate(part)
		}
		return out
	}
	switch f := f.(type) {
	case All:
		out := All(each(f))
		cheapFirst(out)
		return out
	case Any:
		return Any(each(f))
	}
	return All{} // a relation, or the negation of one
}

// needs are what spans of the trace must meet so that the filter can hold for one of them.
func needs(f Filter) (out []Filter) {
	switch f := f.(type) {
	case All:
		for _, part := range f {
			out = append(out, needs(part)...)
		}
	case *relation:
		out = append(needs(f.All), candidate(f.All))
	}
	return out
}

// node is a part of a filter: a condition on single spans by its number, or one of the others.
type node struct {
	leaf  int // in Related.Of; -1 for none
	of    *Relation
	kind  joint
	parts []node
}

// joint is how the parts of a node come together.
type joint uint8

const (
	all joint = iota
	anyOf
	noneOf // of one part: its negation
)

func (r *Related) compile(f Filter, negated bool) node {
	if !hasRelation(f) {
		r.Of = append(r.Of, f)
		return node{leaf: len(r.Of) - 1}
	}
	each := func(n node, negated bool, list []Filter) node {
		n.leaf = -1
		for _, part := range list {
			n.parts = append(n.parts, r.compile(part, negated))
		}
		return n
	}
	switch f := f.(type) {
	case Any:
		return each(node{kind: anyOf}, negated, f)
	case Not:
		return each(node{kind: noneOf}, !negated, []Filter{f.Filter})
	case *relation:
		r.ByIDs = r.ByIDs || f.of.byIDs
		r.Monotone = r.Monotone && !negated
		return each(node{of: f.of}, negated, f.All)
	case All:
		return each(node{}, negated, f)
	}
	return node{leaf: -1}
}

// Member is what a Related looks at of a span.
type Member struct {
	ID, Parent [8]byte // where ByIDs
	Meets      uint64  // a bit for each of Related.Of
}

// Holds tells for which spans of a trace the filter holds, of which all are given.
func (r *Related) Holds(trace []Member) []bool {
	return r.root.holds(&members{list: trace})
}

func (n *node) holds(t *members) []bool {
	hits := make([]bool, len(t.list))
	if n.leaf >= 0 {
		for i := range hits {
			hits[i] = t.list[i].Meets>>n.leaf&1 != 0
		}
		return hits
	}
	for i := range hits {
		hits[i] = n.kind != anyOf
	}
	for i := range n.parts {
		for at, hit := range n.parts[i].holds(t) {
			switch n.kind {
			case all:
				hits[at] = hits[at] && hit
			case anyOf:
				hits[at] = hits[at] || hit
			case noneOf:
				hits[at] = !hit
			}
		}
	}
	if n.of != nil {
		return n.of.from(t, hits)
	}
	return hits
}

// members are the spans of a trace. What is done with them looks at each span and each id once, however many spans share an id.
type members struct{ list []Member }

func anywhere(_ *members, hits []bool) []bool {
	some := slices.Contains(hits, true)
	for i := range hits {
		hits[i] = some
	}
	return hits
}

func (t *members) atRoot(hits []bool) []bool {
	for i := range hits {
		hits[i] = hits[i] && t.list[i].Parent == [8]byte{}
	}
	return anywhere(t, hits)
}

func (m *Member) id() [8]byte     { return m.ID }
func (m *Member) parent() [8]byte { return m.Parent }

func (t *members) belowOne(hits []bool) []bool {
	return t.step(hits, (*Member).id, (*Member).parent)
}

func (t *members) aboveOne(hits []bool) []bool {
	return t.step(hits, (*Member).parent, (*Member).id)
}

func (t *members) below(hits []bool) []bool {
	return t.reach(hits, (*Member).id, (*Member).parent)
}

func (t *members) above(hits []bool) []bool {
	return t.reach(hits, (*Member).parent, (*Member).id)
}

// step marks the spans of which to is what from is of a marked one.
func (t *members) step(hits []bool, from, to func(*Member) [8]byte) []bool {
	ids := map[[8]byte]bool{}
	for i, hit := range hits {
		if hit {
			ids[from(&t.list[i])] = true
		}
	}
	delete(ids, [8]byte{}) // of no span
	out := make([]bool, len(hits))
	for i := range out {
		out[i] = ids[to(&t.list[i])]
	}
	return out
}

// reach marks what any number of steps leads to, one at least.
func (t *members) reach(hits []bool, from, to func(*Member) [8]byte) []bool {
	by := make(map[[8]byte][]int, len(t.list))
	for i := range t.list {
		by[to(&t.list[i])] = append(by[to(&t.list[i])], i)
	}
	seen := map[[8]byte]bool{{}: true}
	var open [][8]byte
	look := func(id [8]byte) {
		if !seen[id] {
			seen[id], open = true, append(open, id)
		}
	}
	for i, hit := range hits {
		if hit {
			look(from(&t.list[i]))
		}
	}
	out := make([]bool, len(hits))
	for len(open) > 0 {
		id := open[len(open)-1]
		open = open[:len(open)-1]
		for _, i := range by[id] {
			out[i] = true
			look(from(&t.list[i]))
		}
	}
	return out
}
