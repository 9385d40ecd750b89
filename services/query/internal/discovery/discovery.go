// Package discovery tells which keys of attributes there are: how many items have each, of which types their values are and which some of these are; of items, their
// resources and scopes, of events and links, and of what lies within maps. It stands above the engine and knows no HTTP.
//
//	everything ─┬> sums of whole hours ────────────────────────────┐
//	            ├> heads of the segments that these do not tell of ┤
//	            └> a sample of bodies: what no head tells ─────────┼> book ─> Answer
//	a filter ───── a sample of bodies, all of them where few ──────┘
//	points ─────── the same, of their series; and where not all are looked at, the keys that a catalogue lists
//
// Invariants: a number that is said to be exact is that of all items of the range; what is kept is charged to the question and bounded, whatever names a sender makes up.
package discovery

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// Query is what is asked for. It is not changed while it is in use.
type Query struct {
	engine.Query
	Prefix string // of keys; "" for all
	Top    int    // keys that are told
	Sample int64  // about how many items are looked at one by one
	// First says which of n keys, of which the first have most items, is the first that is told; nil for the first of all. A key's name is Place's.
	First func(n int, at func(i int) (items int64, name []byte)) int
	// Listed tells, of points of which nothing is asked for by a filter, which keys of them and of their resources are listed without looking at them, and how many points
	// have each at most; lost says that some are not. It is asked where not all points are looked at.
	Listed func(ctx context.Context, s *engine.Snapshot) (points map[counts.Key]int64, lost bool, err error)
}

// Scope is what has the attributes of a key.
type Scope uint8

// The scopes.
const (
	Attribute Scope = iota // spans, log records and points
	Resource
	InstrumentationScope
	Event
	Link
	Body // of log records: what lies within it
)

// Basis says what a number of items is.
type Basis uint8

// The bases, the surest first.
const (
	Exact Basis = iota
	AtLeast
	Estimate
	AtMost
)

// Answer is what there is.
type Answer struct {
	Keys  []Key // those of most items, from First on
	First int   // of all, the one that stands first
	Total int   // keys that there are
	Lost  bool  // there are more keys than are kept: rare ones are left out
	Exact bool  // so are the numbers of all of them, and their order with them

	engine.Sample // that was looked at one by one
}

// Key is what is told of one.
type Key struct {
	Scope    Scope
	Name     string
	Within   string // the key of the attribute in whose maps it lies; "" where it is one itself
	Types    uint16 // bit 1<<segment.ValueType for each type that was seen
	Items    int64
	Basis    Basis
	Distinct int  // values that were seen
	More     bool // there may be more
	Values   []segment.Value
}

// MostExamples is how many values are told of a key.
const MostExamples = 5

// Ask answers a query. Errors are the engine's.
func Ask(ctx context.Context, s *engine.Snapshot, q *Query) (*Answer, error) {
	b := newBook(s, q.Prefix)
	out := &Answer{}
	var err error
	if q.Everything() && q.Signal != telemetry.Metrics {
		err = q.askHeads(ctx, s, b, out)
	} else {
		err = q.askBodies(ctx, s, b, out, &look{signal: q.Signal, prefix: q.Prefix, keys: true})
	}
	if err == nil && q.Everything() && q.Signal == telemetry.Metrics && out.Segments < out.OfSegments {
		err = q.addListed(ctx, s, b)
	}
	if err != nil {
		return nil, err
	}
	list := b.ranked()
	if q.First != nil {
		out.First = q.First(len(list), func(i int) (int64, []byte) { return b.keys[list[i]].items, list[i].place() })
	}
	out.Keys, out.Exact = b.tell(list, out.First, q.Top, s.Cut() != nil)
	out.Total, out.Lost = len(list), b.lost
	return out, nil
}

// addListed adds the keys that a sample of points has missed.
func (q *Query) addListed(ctx context.Context, s *engine.Snapshot, b *book) error {
	listed, lost, err := q.Listed(ctx, s)
	if err != nil {
		return err
	}
	const each = 64 // that one takes in the map
	if err := s.Hold(int64(len(listed)) * each); err != nil {
		return err
	}
	keys := slices.SortedFunc(maps.Keys(listed), func(a, b counts.Key) int { // so that the same are kept each time
		return cmp.Or(cmp.Compare(listed[b], listed[a]), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Name, b.Name))
	})
	for _, key := range keys {
		b.list(id{of: scopeOf(key.Of), name: key.Name}, listed[key], lost)
	}
	b.lost = b.lost || lost
	return nil
}

// askHeads tells of all items of a range.
func (q *Query) askHeads(ctx context.Context, s *engine.Snapshot, b *book, out *Answer) error {
	lost, of, err := q.askSums(ctx, s, b, out)
	if err != nil {
		return err
	}
	heads := &look{signal: q.Signal, keys: true, heads: true}
	rest := q.Query
	rest.Summed = of
	if _, err := engine.FoldUntold(ctx, s, &rest, &engine.Summary[*found]{
		Kept:    engine.Kept[*found]{Name: "keys", Join: join, Size: (*found).memory},
		Columns: heads.columns(&rest), Fold: heads.fold,
		Merge: func(f *found) {
			out.OfItems += f.all
			b.add(f, false)
		},
	}); err != nil {
		return err
	}
	if len(lost) > 0 {
		if err := q.askLost(ctx, s, b, of, lost); err != nil {
			return err
		}
	}
	return q.askBodies(ctx, s, b, out, &look{signal: q.Signal, prefix: q.Prefix})
}

// dayLost is what the sums of a day do not tell: a key that one of them does not is counted from the segments of all of the day, because a day and its hours cannot be
// taken apart.
type dayLost struct {
	all  bool
	keys map[counts.Key]bool
}

const day = 24 * int64(60*60*1e9)

// askSums adds what sums tell, and says which they do not.
func (q *Query) askSums(ctx context.Context, s *engine.Snapshot, b *book, out *Answer) (lost map[int64]*dayLost, of *engine.Summed, err error) {
	lost = map[int64]*dayLost{}
	names := map[string]string{} // of keys, each once
	var grown int64              // since it was charged
	of, err = s.Sums(ctx, &q.Query, func(r *engine.Rolled, c *counts.Chunk) error {
		start := r.Start - r.Start%day
		at := lost[start]
		if at == nil {
			at = &dayLost{keys: map[counts.Key]bool{}}
		}
		all, err := c.Each(func(key counts.Key, told bool, _ func(func(segment.Value, int64)) error) error {
			if told || at.keys[key] || at.all || key.Of == counts.OfField || !b.wants(key.Name) {
				return nil
			}
			name, ok := names[key.Name]
			if !ok {
				name = key.Name
				names[name] = name
				grown += int64(len(name)) + keyBytes
			}
			at.keys[counts.Key{Of: key.Of, Name: name}] = true
			grown += lostBytes
			return nil
		})
		at.all = at.all || !all
		if at.all || len(at.keys) > 0 {
			lost[start] = at
		}
		if err == nil && grown > little {
			err, grown = s.Hold(grown), 0
		}
		return err
	})
	if err != nil || of == nil {
		return nil, nil, err
	}
	_, err = s.Sums(ctx, &q.Query, func(r *engine.Rolled, c *counts.Chunk) error {
		out.OfItems += c.Items
		at := lost[r.Start-r.Start%day]
		if at == nil {
			at = &dayLost{}
		}
		if at.all {
			return nil
		}
		f := newFound()
		_, err := c.Each(func(key counts.Key, told bool, values func(func(segment.Value, int64)) error) error {
			if !told || at.keys[key] || key.Of == counts.OfField || !b.wants(key.Name) {
				return nil
			}
			k := f.of(id{of: scopeOf(key.Of), name: key.Name})
			return values(func(v segment.Value, items int64) { k.count(v, items) })
		})
		b.add(f, false)
		return err
	})
	return lost, of, err
}

// scopeOf is what has the attributes that are counted.
func scopeOf(of counts.Of) Scope {
	return [...]Scope{counts.OfItem: Attribute, counts.OfResource: Resource, counts.OfScope: InstrumentationScope}[of]
}

// mostLost is how many segments are looked at for what sums do not tell; of more, a sample.
const mostLost = 2000

// askLost counts the keys that sums do not tell of, by what heads and directories say.
func (q *Query) askLost(ctx context.Context, s *engine.Snapshot, b *book, of *engine.Summed, lost map[int64]*dayLost) error {
	part := q.Query
	part.Stage, part.From, part.To = engine.Settled, of.From, of.To
	n, err := s.CountSegments(ctx, &part)
	if err != nil {
		return err
	}
	part.OneIn = (n + mostLost - 1) / mostLost
	l := &look{signal: q.Signal, prefix: q.Prefix, keys: true, heads: true, lost: lost}
	var looked int64
	_, err = engine.Fold(ctx, s, &part, l.columns(&part), l.fold, func(f *found) {
		looked++
		b.add(f, true)
	})
	if part.OneIn > 1 {
		b.scale(float64(n) / float64(max(looked, 1)))
	} else {
		b.scale(1)
	}
	return err
}

// askBodies looks at some items one by one, at all where these are few.
func (q *Query) askBodies(ctx context.Context, s *engine.Snapshot, b *book, out *Answer, l *look) (err error) {
	met := false
	merge := func(f *found) error {
		met = met || f.met
		b.add(f, true)
		return f.failed
	}
	var over time.Duration
	if q.Everything() && q.Signal != telemetry.Metrics {
		out.Sample, over, err = engine.FoldSome(ctx, s, &q.Query, out.OfItems, q.Sample, l.columns(&q.Query), l.fold, merge)
	} else {
		var of *engine.Sampling
		of, over, err = engine.FoldSample(ctx, s, &q.Query, q.Sample, q.From, l.columns(&q.Query), l.fold, merge, func() bool { return met })
		out.Sample = of.Sample
	}
	if err != nil {
		return err
	}
	if out.Segments < out.OfSegments && out.Items > 0 {
		b.scale(float64(out.OfItems) / float64(out.Sample.Items))
		return nil
	}
	if b.scale(1); over.Nanoseconds() == q.To-q.From {
		b.complete()
	}
	return nil
}

// columns are what is read of a segment.
func (l *look) columns(q *engine.Query) engine.Columns {
	part := columns.NewSet(q.Signal)
	q.Filter.Columns(part)
	return func(q *engine.Query, h *engine.Header) segment.Want {
		w := columns.Set{Want: part.Want}
		w.Ints, w.Texts, w.Attributes = slices.Clone(part.Ints), slices.Clone(part.Texts), slices.Clone(part.Attributes)
		if q.All(h) {
			w.Want = segment.Want{}
		}
		if q.Signal == telemetry.Metrics {
			w.Int(segment.ColSeries)
			return w.Want
		}
		if l.lost != nil && len(l.lostOf(h)) == 0 && !l.allLost(h) {
			return w.Want
		}
		if l.keys && q.All(h) {
			w.Counts = segment.Counts{Resources: true, Scopes: true}
		} else if l.keys {
			w.Int(segment.ColResource, segment.ColScope)
		}
		for _, key := range h.Keys() {
			if info, _ := h.Key(key); l.reads(key, info, q.All(h)) {
				w.Attributes = append(w.Attributes, key)
			}
		}
		if l.heads {
			return w.Want
		}
		if q.Signal == telemetry.Logs {
			if info, ok := h.Text(segment.TextBody); ok && structured(info.Types) {
				w.Text(segment.TextBody)
			}
			return w.Want
		}
		w.Events, w.Links = true, true
		return w.Want
	}
}

// reads tells whether the values of an attribute are looked at in bodies.
func (l *look) reads(key string, info segment.KeyInfo, all bool) bool {
	switch {
	case !strings.HasPrefix(key, l.prefix) && !strings.HasPrefix(l.prefix, key+"."):
		return false
	case l.heads:
		return !all
	case l.keys:
		return true
	}
	return !info.Told || structured(info.Types)
}

func structured(types uint8) bool { return types&(1<<segment.Array|1<<segment.Map) != 0 }
