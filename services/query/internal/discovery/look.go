package discovery

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What one segment has.

// look is what is looked at.
type look struct {
	signal telemetry.Signal
	prefix string
	keys   bool               // attributes of items, resources and scopes are counted; else only the values that no head tells are seen
	heads  bool               // of segments all of whose items count, only what heads tell; and nothing of what lies within anything
	lost   map[int64]*dayLost // only these keys; nil for all
}

// id names a key.
type id struct {
	of     Scope
	within string
	name   string
}

// found is what some segments have.
type found struct {
	all  int64 // items, those that do not count, too
	met  bool  // some count
	keys map[id]*known
	lost bool // there were more keys than are told apart

	failed error // damage
}

// known is what is known of a key.
type known struct {
	items  int64
	types  uint16
	untold bool             // heads do not tell some of its values
	cut    bool             // some are left out
	values map[string]int64 // how many items have each, as filter.AppendKey writes it
}

// Bounds of what is known of some segments, and about what it takes.
const (
	mostFound   = 10_000 // keys
	mostValues  = 256    // values of a key; of more, those that most items have
	mostText    = 256    // bytes of a value: longer ones are no examples
	keyBytes    = 300
	lostBytes   = 64
	valueBytes  = 80
	spareValues = 2 // times as many values are kept until some are left out
)

func newFound() *found { return &found{keys: map[id]*known{}} }

// of is what is known of a key; where there is no room for one more, what is noted there is lost.
func (f *found) of(key id) *known {
	if len(key.name) > rollup.MostName {
		key.name = rollup.Name(key.name)
	}
	k := f.keys[key]
	if k != nil {
		return k
	}
	k = &known{}
	if len(f.keys) >= mostFound {
		f.lost = true
		return k
	}
	key.name, key.within = strings.Clone(key.name), strings.Clone(key.within)
	f.keys[key] = k
	return k
}

// count notes that so many items have a value.
func (k *known) count(v segment.Value, items int64) {
	k.items += items
	k.see(v, items)
}

// see notes a value of items that are counted elsewhere.
func (k *known) see(v segment.Value, items int64) {
	k.types |= 1 << v.Type
	if len(v.Raw) > mostText {
		k.cut = true
		return
	}
	if k.values == nil {
		k.values = map[string]int64{}
	}
	k.values[string(filter.AppendKey(nil, v))] += items
	k.bound(spareValues * mostValues)
}

// bound leaves those values that most items have, if there are more than so many.
func (k *known) bound(most int) {
	if len(k.values) <= most {
		return
	}
	k.cut = true
	for _, v := range k.ranked()[mostValues:] {
		delete(k.values, v)
	}
}

// ranked are the values, those that most items have first.
func (k *known) ranked() []string {
	list := make([]string, 0, len(k.values))
	for v := range k.values {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(k.values[b], k.values[a]), cmp.Compare(a, b)) })
	return list
}

// merge adds what is known of others.
func (k *known) merge(o *known) {
	k.items += o.items
	k.types |= o.types
	k.untold, k.cut = k.untold || o.untold, k.cut || o.cut
	if len(o.values) > 0 && k.values == nil {
		k.values = make(map[string]int64, len(o.values))
	}
	for v, n := range o.values {
		k.values[v] += n
	}
	k.bound(spareValues * mostValues)
}

func (k *known) memory() (n int64) {
	for v := range k.values {
		n += int64(valueBytes + len(v))
	}
	return n
}

func (f *found) memory() (n int64) {
	for key, k := range f.keys {
		n += int64(keyBytes+len(key.name)+len(key.within)) + k.memory()
	}
	return n
}

// join is one of several.
func join(list []*found) *found {
	out := newFound()
	for _, f := range list {
		out.all += f.all
		out.lost = out.lost || f.lost
		for key, k := range f.keys {
			out.of(key).merge(k)
		}
	}
	return out
}

// dayOf is what sums do not tell of a segment's day; nil where they tell all.
func (l *look) dayOf(h *engine.Header) *dayLost {
	at, _ := h.Times()
	return l.lost[at-at%day]
}

func (l *look) lostOf(h *engine.Header) map[counts.Key]bool {
	if d := l.dayOf(h); d != nil {
		return d.keys
	}
	return nil
}

func (l *look) allLost(h *engine.Header) bool {
	d := l.dayOf(h)
	return d != nil && d.all
}

// wants tells whether a key is looked at in a segment.
func (l *look) wants(h *engine.Header, key counts.Key) bool {
	return strings.HasPrefix(key.Name, l.prefix) && (l.lost == nil || l.allLost(h) || l.lostOf(h)[key])
}

// fold looks at a segment.
func (l *look) fold(r *columns.Reader, h *engine.Header, q *engine.Query) *found {
	out := newFound()
	out.all = int64(h.Items())
	var within []bool // nil: all
	if !q.All(h) {
		within = r.Borrow()
		defer r.GiveBack()
		if q.Mark(r, h, within) == 0 {
			return out
		}
	}
	out.met = true
	if l.signal == telemetry.Metrics {
		l.points(r, within, out)
		return out
	}
	if l.lost != nil && len(l.lostOf(h)) == 0 && !l.allLost(h) {
		return out
	}
	list := &counts.List{}
	if l.keys {
		for _, of := range []struct {
			of   counts.Of
			keys []string
		}{{counts.OfResource, r.Resources().Keys()}, {counts.OfScope, r.Scopes().Keys()}} {
			for _, name := range of.keys {
				if key := (counts.Key{Of: of.of, Name: name}); l.wants(h, key) {
					l.count(r, key, within, list)
					out.add(id{of: scopeOf(of.of), name: name}, list, (*known).count)
				}
			}
		}
	}
	for _, name := range h.Keys() {
		info, _ := h.Key(name)
		key := counts.Key{Of: counts.OfItem, Name: name}
		if l.heads && !l.wants(h, key) {
			continue
		}
		at := id{of: Attribute, name: name}
		if l.heads && within == nil && !info.Told {
			k := out.of(at)
			k.items, k.types, k.untold = k.items+int64(info.Values), k.types|uint16(info.Types), true
			continue
		}
		if !l.heads && !l.reads(name, info, within == nil) {
			continue
		}
		l.count(r, key, within, list)
		if strings.HasPrefix(name, l.prefix) {
			note := (*known).see
			if l.keys {
				note = (*known).count
			}
			out.add(at, list, note)
		}
		if !l.heads && structured(info.Types) {
			list.Each(func(v segment.Value, items int64) { out.inside(l, Attribute, name, v, items) })
		}
	}
	if l.heads || r.Err() != nil {
		return out
	}
	if l.signal == telemetry.Logs {
		l.bodies(r, h, within, out)
	} else {
		l.nested(r, within, out)
	}
	return out
}

// points looks at what the series of points have: each counts as often as it has points.
func (l *look) points(r *columns.Reader, within []bool, out *found) {
	all := r.Dictionaries()
	if r.Err() != nil {
		return
	}
	series, resources, scopes := make([]int64, len(all.Series)), make([]int64, len(all.Resources)), make([]int64, len(all.Scopes))
	for row, n := range all.Ints[segment.ColSeries] {
		if within == nil || within[row] {
			series[n]++
		}
	}
	note := func(of Scope, attributes []segment.ValueID, items int64) {
		if items == 0 {
			return
		}
		for _, at := range attributes {
			v := &all.Values[at]
			name := all.Keys[v.Key]
			if strings.HasPrefix(name, l.prefix) {
				out.of(id{of: of, name: name}).count(*v, items)
			}
			if of == Attribute {
				out.inside(l, Attribute, name, *v, items)
			}
		}
	}
	for i := range all.Series {
		s := &all.Series[i]
		resources[s.Resource] += series[i]
		scopes[s.Scope] += series[i]
		note(Attribute, s.Attributes, series[i])
	}
	for i, items := range resources {
		note(Resource, all.Resources[i].Attributes, items)
	}
	for i, items := range scopes {
		note(InstrumentationScope, all.Scopes[i].Attributes, items)
	}
}

// add notes the values of a key, if there are any.
func (f *found) add(key id, list *counts.List, note func(k *known, v segment.Value, items int64)) {
	var k *known
	list.Each(func(v segment.Value, items int64) {
		if k == nil {
			k = f.of(key)
		}
		note(k, v, items)
	})
}

func (l *look) count(r *columns.Reader, key counts.Key, within []bool, list *counts.List) {
	list.Forget()
	if f, ok := counts.For(l.signal, key); ok && r.Err() == nil {
		f.Count(r.View, within, list)
	}
}

// bodies looks at what lies within the bodies of log records.
func (l *look) bodies(r *columns.Reader, h *engine.Header, within []bool, out *found) {
	info, ok := h.Text(segment.TextBody)
	if !ok || !structured(info.Types) {
		return
	}
	values := r.Text(segment.TextBody)
	n := make([]int64, values.Distinct())
	values.Count(within, n)
	for i, items := range n {
		if items == 0 {
			continue
		}
		if v, ok := values.Value(i); ok {
			out.inside(l, Body, "", v, items)
		}
	}
}

// inside notes what lies within a list or a map: each way to a value that is no map, once for an item.
func (f *found) inside(l *look, of Scope, within string, v segment.Value, items int64) {
	if v.Type != segment.Array && v.Type != segment.Map {
		return
	}
	seen := map[*known]bool{}
	name := []byte(within)
	walk(v.OTLP(), name, func(way []byte, leaf otlp.Value) {
		if !strings.HasPrefix(string(way), l.prefix) {
			return
		}
		k := f.of(id{of: of, within: within, name: string(way)})
		if !seen[k] {
			seen[k] = true
			k.items += items
		}
		k.see(segment.Value{Type: leaf.Type, Num: leaf.Num, Raw: leaf.Raw}, items)
	})
}

// walk visits what is no map among what lies within maps, through lists; the way is valid during the call.
func walk(v otlp.Value, way []byte, visit func(way []byte, leaf otlp.Value)) {
	for e := v.Elements(); e.Next(); {
		at := way
		if v.Type == segment.Map {
			if len(at) > 0 {
				at = append(at, '.')
			}
			at = append(at, e.Key...)
			if e.Value.Type != segment.Map {
				visit(at, e.Value)
			}
		}
		walk(e.Value, at, visit)
	}
}

// nested looks at the attributes of events and links, once for a span.
func (l *look) nested(r *columns.Reader, within []bool, out *found) {
	var rows []uint32
	if within != nil {
		rows = r.Marked(within)
	} else {
		for row := range r.Len() {
			rows = append(rows, uint32(row))
		}
	}
	err := r.Rows(segment.Want{Events: true, Links: true}, rows, func(t *segment.Table) {
		for _, of := range []struct {
			scope Scope
			rows  *segment.Children
		}{{Event, &t.Events}, {Link, &t.Links}} {
			l.children(t, of.scope, of.rows, len(rows), out)
		}
	})
	if err != nil {
		out.failed = err
	}
}

func (l *look) children(t *segment.Table, scope Scope, of *segment.Children, rows int, out *found) {
	counted := map[segment.KeyID]int{} // of a key: 1 and the last row that has it
	for row := range rows {
		if row+1 >= len(of.Offsets) {
			return
		}
		list := &of.Attributes
		for child := of.Offsets[row]; child < of.Offsets[row+1] && int(child)+1 < len(list.Offsets); child++ {
			for _, value := range list.IDs[list.Offsets[child]:list.Offsets[child+1]] {
				v := &t.Values[value]
				name := t.Keys[v.Key]
				if !strings.HasPrefix(name, l.prefix) {
					continue
				}
				k := out.of(id{of: scope, name: name})
				if counted[v.Key] != row+1 {
					counted[v.Key] = row + 1
					k.items++
				}
				k.see(*v, 1)
			}
		}
	}
}
