package engine

// How many items have which values. Invariant: an item counts once: by a sum of its hour, where the hour is whole in the range, the item is settled, all
// items count, and sums tell of the key (docs/adr/035); else by its segment, whose head tells most of it where all of its items count (docs/adr/027).

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Bounds of the distinct values that are counted at a time: their number, and the bytes of memory that they take, of which all but the first are charged to the question.
const (
	MostValues      = 100_000
	MostValueBytes  = 64 << 20
	valueOverhead   = 150
	unchargedValues = 256 << 10
)

// holder is who is charged with what is kept.
type holder interface {
	HoldMore(need, rather int64) (charged int64, err error)
	LetGo(bytes int64)
}

// Counts are the values of something, by type and content, and how many items have each.
type Counts struct {
	Items int64 // that were looked at, with a value or without
	Basis Basis
	Lost  bool // there were more values than are kept, or than there is memory for: rare ones are left out or counted too low

	keep        func(v segment.Value) bool // nil: all values
	values      map[string]*ValueCount
	bytes, room int64 // of memory; and what may be
	held        int64 // by the question
	holder      holder
	key         []byte
}

// Basis says what counts rest on: how many items each kind of source told of.
type Basis struct {
	Sums     int64 // sums of hours and days
	Segments int64 // heads or bodies of segments
}

// ValueCount is how many items have a value.
type ValueCount struct {
	Value segment.Value
	Items int64
}

func newCounts(s holder, keep func(segment.Value) bool) *Counts {
	return &Counts{holder: s, room: unchargedValues, keep: keep, values: map[string]*ValueCount{}}
}

// LetGo ends the use of the counts before the question is answered.
func (c *Counts) LetGo() {
	c.holder.LetGo(c.held)
	c.values, c.bytes, c.room, c.held = nil, 0, unchargedValues, 0
}

// Bytes are about those that the values take.
func (c *Counts) Bytes() int64 { return c.bytes }

func (c *Counts) add(v segment.Value, items int64) {
	if c.keep != nil && !c.keep(v) {
		return
	}
	c.key = append(c.key[:0], byte(v.Type))
	c.key = binary.LittleEndian.AppendUint64(c.key, v.Num)
	c.key = append(c.key, v.Raw...)
	if have := c.values[string(c.key)]; have != nil {
		have.Items += items
		return
	}
	v.Raw = slices.Clone(v.Raw)
	c.values[string(c.key)] = &ValueCount{v, items}
	c.bytes += int64(len(c.key)+len(v.Raw)) + valueOverhead
}

// merge adds a segment's.
func (c *Counts) merge(of *counts.List) {
	c.Items += of.Items
	c.Basis.Segments += of.Items
	of.Each(c.add)
	c.bound()
}

// join adds others, which are not used any more.
func (c *Counts) join(of *Counts) {
	c.Items += of.Items
	c.Basis.Sums += of.Basis.Sums
	c.Basis.Segments += of.Basis.Segments
	c.Lost = c.Lost || of.Lost
	for _, v := range of.values {
		c.add(v.Value, v.Items)
	}
	of.LetGo()
	c.bound()
}

// bound lets the rarest half go until no more are kept than may be, or than the question is charged for: what is frequent over the range is frequent in many segments.
func (c *Counts) bound() {
	for {
		if c.bytes > c.room && c.bytes <= MostValueBytes {
			if more, err := c.holder.HoldMore(c.bytes-c.room, c.room); err == nil {
				c.held, c.room = c.held+more, c.room+more
			}
		}
		if len(c.values) <= MostValues && (c.bytes <= min(c.room, MostValueBytes) || len(c.values) <= 1) {
			return
		}
		c.halve()
	}
}

func (c *Counts) halve() {
	c.Lost = true
	order := make([]int64, 0, len(c.values))
	for _, v := range c.values {
		order = append(order, v.Items)
	}
	slices.Sort(order)
	middle, kept := order[len(order)/2], len(order)/2
	for key, v := range c.values {
		if v.Items <= middle && len(c.values) > kept {
			delete(c.values, key)
			c.bytes -= int64(len(key)+len(v.Value.Raw)) + valueOverhead
		}
	}
}

// Distinct is how many values there are.
func (c *Counts) Distinct() int { return len(c.values) }

// Repeated reports whether items are known to have several values, each of which counts.
func (c *Counts) Repeated() bool {
	left := c.Items
	for _, v := range c.values {
		left -= v.Items
	}
	return left < 0
}

// List lists the values, most frequent first, then in an order of their types and contents.
func (c *Counts) List() []*ValueCount {
	list := make([]*ValueCount, 0, len(c.values))
	for _, v := range c.values {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *ValueCount) int {
		return cmp.Or(cmp.Compare(b.Items, a.Items), cmp.Compare(a.Value.Type, b.Value.Type),
			cmp.Compare(int64(a.Value.Num), int64(b.Value.Num)), slices.Compare(a.Value.Raw, b.Value.Raw)) //nolint:gosec // bits
	})
	return list
}

// Counts counts the values of a facet over the items of a query, of spans or log records; those that keep holds for, nil for all. When the budget or the time cuts it, what was counted is exactly
// the items from Cut.Since on. Damage is fault.Internal.
func (s *Snapshot) Counts(ctx context.Context, q *Query, of *counts.Facet, keep func(segment.Value) bool) (*Counts, error) {
	sums, err := s.sumsOf(ctx, q, of.Key, keep)
	if err != nil {
		return nil, err
	}
	return s.countRest(ctx, q, of, sums, keep)
}

// CountsOfHeads is Counts of what sums and heads tell, but for items in segments that the range cuts; nil where these do not tell all of it, so that bodies would have to be read.
func (s *Snapshot) CountsOfHeads(ctx context.Context, q *Query, of *counts.Facet, keep func(segment.Value) bool) (*Counts, error) {
	sums, err := s.sumsOf(ctx, q, of.Key, keep)
	if err != nil {
		return nil, err
	}
	if of.Key.Of == counts.OfItem && (sums.of == nil || len(sums.of.But) > 0) {
		untold := false
		_, err := Fold(ctx, s, q, Always(segment.Want{}), func(_ *columns.Reader, h *Header, _ *Query) bool {
			info, has := h.Key(of.Key.Name)
			return has && !info.Told
		}, func(is bool) { untold = untold || is })
		if err != nil || untold {
			sums.counts.LetGo()
			return nil, err
		}
	}
	return s.countRest(ctx, q, of, sums, keep)
}

// countRest adds to what sums say what segments do.
func (s *Snapshot) countRest(ctx context.Context, q *Query, of *counts.Facet, sums sums, keep func(segment.Value) bool) (*Counts, error) {
	rest := *q
	rest.Summed = sums.of
	total := newCounts(s, keep)
	over, err := s.foldCounts(ctx, &rest, of, total)
	if err != nil {
		return nil, err
	}
	if since := q.To - over.Nanoseconds(); sums.of != nil && since > sums.of.From {
		if err := s.cutCounts(ctx, q, of, &sums, since, total); err != nil {
			return nil, err
		}
	}
	total.join(sums.counts)
	return total, nil
}

// CountColumn is Counts of any field that items have at most one value of; each item is looked at.
func (s *Snapshot) CountColumn(ctx context.Context, q *Query, of filter.Column, keep func(segment.Value) bool) (*Counts, error) {
	total := newCounts(s, keep)
	w := columns.NewSet(q.Signal)
	of.Columns(w)
	q.Filter.Columns(w)
	_, err := Fold(ctx, s, q, Always(w.Want), func(r *columns.Reader, h *Header, q *Query) *counts.List {
		return countRows(s.engine.lists.Take(), r, h, q, of)
	}, func(part *counts.List) {
		total.merge(part)
		s.engine.lists.Put(part)
	})
	return total, err
}

// countRows counts the values that items of a segment have of a field, into out.
func countRows(out *counts.List, r *columns.Reader, h *Header, q *Query, of filter.Column) *counts.List {
	within := r.Borrow()
	defer r.GiveBack()
	if out.Items = int64(q.Mark(r, h, within)); out.Items == 0 {
		return out
	}
	var codes filter.Codes
	if of.Read(r, &codes); r.Err() != nil {
		return out // the scan tells
	}
	items := make([]int64, codes.N)
	for row, is := range within {
		if code := codes.Of[row]; is && code != filter.NoValue {
			items[code]++
		}
	}
	for code, n := range items {
		if n == 0 {
			continue
		}
		if v, ok := codes.Value(code); ok {
			out.Add(v, n)
		}
	}
	return out
}

// cutCounts takes what is older than since away from sums, and adds to counts the items that are not and whose hour is cut by it.
func (s *Snapshot) cutCounts(ctx context.Context, q *Query, of *counts.Facet, sums *sums, since int64, to *Counts) error {
	whole := telemetry.Grain(since+time.Hour.Nanoseconds()-1, time.Hour)
	if hour := telemetry.Grain(since, time.Hour); hour < since && hour < sums.of.To && !slices.Contains(sums.of.But, hour) {
		part := *q
		part.Stage, part.From, part.To, part.Whole = Settled, since, min(whole, q.To), true
		if _, err := s.foldCounts(ctx, &part, of, to); err != nil {
			return err
		}
	}
	sums.of.From = min(whole, sums.of.To)
	return sums.read(ctx, s, q, of.Key)
}

// foldCounts adds what segments say.
func (s *Snapshot) foldCounts(ctx context.Context, q *Query, of *counts.Facet, to *Counts) (time.Duration, error) {
	return FoldUntold(ctx, s, q, &Summary[*counts.List]{
		Kept:    Kept[*counts.List]{Name: fmt.Sprintf("counts %d %s", of.Key.Of, of.Key.Name), Join: counts.Join, Size: (*counts.List).Memory},
		Columns: countColumns(q, of),
		Fold: func(r *columns.Reader, h *Header, q *Query) *counts.List {
			return countSegment(s.engine.lists.Take(), r, h, q, of)
		},
		Merge: to.merge,
		Free:  s.engine.lists.Put,
	})
}

// countColumns are what to read: of a segment that lies wholly in the range, and all of whose items count, what the head does not tell.
func countColumns(q *Query, of *counts.Facet) Columns {
	whole := segment.Want{Counts: of.Counts}
	part := columns.NewSet(q.Signal)
	part.Add(&of.Some)
	q.Filter.Columns(part)
	return func(q *Query, h *Header) segment.Want {
		if q.All(h) {
			return whole
		}
		return part.Want
	}
}

// countSegment counts the values in a segment, into out.
func countSegment(out *counts.List, r *columns.Reader, h *Header, q *Query, of *counts.Facet) *counts.List {
	var within []bool // nil: all
	out.Items = int64(r.Len())
	if !q.All(h) {
		within = r.Borrow()
		defer r.GiveBack()
		q.Rows(r, func(row int, _ Key) { within[row] = true })
		out.Items = 0
		for _, is := range within {
			if is {
				out.Items++
			}
		}
		if out.Items == 0 {
			return out
		}
	}
	of.Count(r.View, within, out)
	return out
}

// sums are what sums of hours say of a key over a query's range.
type sums struct {
	keep   func(segment.Value) bool
	kind   int16
	of     *Summed // nil where there is no whole hour, or not all items count
	counts *Counts
}

// sumsOf reads what sums say.
func (s *Snapshot) sumsOf(ctx context.Context, q *Query, key counts.Key, keep func(segment.Value) bool) (out sums, err error) {
	out.counts, out.keep = newCounts(s, keep), keep
	if out.kind, out.of = summed(q); out.of == nil {
		return out, nil
	}
	return out, out.read(ctx, s, q, key)
}

// Sums visits what sums say of the whole hours of a range; nil where there are none, or not all items count.
func (s *Snapshot) Sums(ctx context.Context, q *Query, visit func(r *Rolled, c *counts.Chunk) error) (*Summed, error) {
	kind, of := summed(q)
	if of == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	var chunk counts.Chunk
	err := s.Rollups(ctx, &RollupQuery{Tenant: q.Tenant, Kind: kind, From: of.From, To: of.To}, func(r *Rolled) error {
		if err := chunk.Decode(r.Blob); err != nil {
			return err
		}
		return visit(r, &chunk)
	})
	if err != nil {
		return nil, fmt.Errorf("sums of values: %w", err)
	}
	return of, nil
}

// summed are the whole hours of a query's range, and the kind of their sums; nil where there are none, or not all items count.
func summed(q *Query) (kind int16, of *Summed) {
	kind, told := counts.KindOf(q.Signal)
	hour := time.Hour.Nanoseconds()
	if !told || !q.Everything() || q.Span() == 0 {
		return kind, nil
	}
	from, to := telemetry.Grain(q.From+hour-1, time.Hour), telemetry.Grain(q.To, time.Hour)
	if from >= to {
		return kind, nil
	}
	return kind, &Summed{From: from, To: to, But: []int64{}}
}

// read reads the sums of a range. A day that does not tell of the key is read by its hours, and hours that do not are noted: a day one of whose hours is
// counted from segments is read by hours, too. What is learned on the way makes it begin anew, which for a key that all tell of does not happen.
func (m *sums) read(ctx context.Context, s *Snapshot, q *Query, key counts.Key) error {
	note := func(list *[]int64, start int64) bool {
		if slices.Contains(*list, start) {
			return false
		}
		*list = append(*list, start)
		return true
	}
	var byHours []int64 // starts of days
	for _, hour := range m.of.But {
		note(&byHours, telemetry.Grain(hour, 24*time.Hour))
	}
	var chunk counts.Chunk
	for again := true; again; {
		again = false
		m.counts.LetGo()
		m.counts = newCounts(s, m.keep)
		for _, part := range m.of.ranges(byHours) {
			of := &RollupQuery{Tenant: q.Tenant, Kind: m.kind, From: part[0], To: part[1]}
			err := s.Rollups(ctx, of, func(r *Rolled) error {
				if r.Grain != rollup.Day && slices.Contains(m.of.But, r.Start) {
					return nil
				}
				if err := chunk.Decode(r.Blob); err != nil {
					return err
				}
				known, err := chunk.Find(key, m.counts.add)
				switch day := telemetry.Grain(r.Start, 24*time.Hour); {
				case err != nil:
					return err
				case known:
					m.counts.Items += chunk.Items
					m.counts.Basis.Sums += chunk.Items
					m.counts.bound()
				case r.Grain == rollup.Day:
					again = note(&byHours, day) || again
				default:
					again = note(&m.of.But, r.Start) || again
					again = note(&byHours, day) || again
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("sums of values: %w", err)
			}
		}
	}
	return nil
}

// ranges cuts the range of sums so that in none of the pieces the given days are whole.
func (m *Summed) ranges(byHours []int64) (out [][2]int64) {
	from := m.From
	for _, day := range slices.Sorted(slices.Values(byHours)) {
		if noon := day + (12 * time.Hour).Nanoseconds(); noon > from && noon < m.To {
			out = append(out, [2]int64{from, noon})
			from = noon
		}
	}
	if from < m.To {
		out = append(out, [2]int64{from, m.To})
	}
	return out
}
