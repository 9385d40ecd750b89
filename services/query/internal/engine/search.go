package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Searches: the newest items that meet a filter, found by their columns of identity and read in full afterwards, or when they are found where they
// are rare (ADR-013). Invariant: an item that was given is certainly one of the newest, whatever cut the scan.

// How rows of rare items are read.
const (
	fewRows  = 8  // of a segment, which are kept from when they are found until they are drawn
	mostKept = 64 // tables with such rows, of some 100 kB each, that a query keeps

	drawFrom = 1 << 20 // bytes of such rows that are drawn before more are read

	// idsPerRow is how many bytes of ids take as long to fetch as the three ids of one row by themselves: 20 µs.
	idsPerRow = 16 << 10
)

// Item is an item that a search found: its place in the list, and from where it can be read in full. It is good for the snapshot that found it.
type Item struct {
	Key
	header *Header
	row    uint32
	table  *segment.Table // nil: not read yet
	at     uint32         // its row in table
}

// Found is what a search found: the first items in the query's order. More says whether others exist; where the frontier is not Complete, only
// the items that are certainly the first are given, and the frontier is where to go on.
type Found struct {
	Items    []Item
	More     bool
	Frontier int64
}

// Next is the key after which the next page begins.
func (f *Found) Next(of Order) Key {
	if f.Frontier != Complete {
		return of.Below(f.Frontier)
	}
	return f.Items[len(f.Items)-1].Key
}

// Search finds the first limit items of a query in its order.
//
// Columns that the filter needs come first, and what is found is read in full by Read. Where items are so rare that each lies in a segment of
// its own, that would fetch most segments twice: they are fetched whole, and read when they are found.
func (s *Snapshot) Search(ctx context.Context, q *Query, limit int) (Found, error) {
	if q.Order != Newest {
		return s.searchInOrder(ctx, q, limit)
	}
	w := columns.NewSet(q.Signal)
	q.Filter.Columns(w)
	order := func(a, b Item) int { return a.Compare(b.Key) }
	var found []Item
	var oldest atomic.Int64 // once the page is full, what is older than its last item need not be looked at
	oldest.Store(math.MinInt64)
	var common atomic.Bool // the planner took the items for rare, but they are not, or too many
	needed := func(of *headers, h *Header) segment.Want {
		if !of.rare || common.Load() || q.Partly {
			return w.Want
		}
		all := wholeRows(h, 1)
		all.IDPlaces = all.IDPlaces && !w.TraceIDs && !w.SpanIDs && !w.ParentIDs // the filter looks at ids itself
		return all
	}
	frontier, err := scan(ctx, s, q, needed,
		func(r *columns.Reader, h *Header) ([]Item, error) {
			var list []Item
			least := oldest.Load()
			q.Rows(r, func(row int, k Key) {
				if k.Time >= least {
					list = append(list, Item{Key: k, header: h, row: uint32(row)}) //nolint:gosec // a segment has a few thousand rows
				}
			})
			if r.AtHand.All && len(list) <= fewRows {
				kept, err := s.readFound(q, r, list)
				if err != nil {
					return nil, err
				}
				if !kept {
					common.Store(true) // for all that is left to keep
				}
			}
			slices.SortFunc(list, order)
			return list[:min(len(list), limit+1)], nil
		},
		func(wave []*Header, lists [][]Item, next int64) bool {
			with := 0
			for _, list := range lists {
				found = append(found, list...)
				common.Store(common.Load() || len(list) > fewRows)
				with += min(len(list), 1)
			}
			common.Store(common.Load() || 2*with < len(wave))
			slices.SortFunc(found, order)
			found = slices.Clip(found[:min(len(found), limit+1)])
			s.drop(found)
			if len(found) <= limit {
				return q.Only == nil || len(found) == 0
			}
			oldest.Store(found[limit].Time)
			// An item of the same time in an older segment may still come before the last one found.
			return next >= found[limit].Time
		})
	if err != nil {
		return Found{}, err
	}
	return certain(q, found, limit, frontier), nil
}

// wholeRows is what n whole rows need of a segment. Ids of other rows are two fifths of its bytes: 35 of 93 kB of spans.
func wholeRows(h *Header, n int) segment.Want {
	w := segment.WantAll()
	w.IDPlaces = h.directory.IDBytes() >= n*idsPerRow
	return w
}

// keep keeps a table with rows of items until they are drawn, charged so many bytes; false when there are enough of them, or no memory.
func (s *Snapshot) keep(t *segment.Table, bytes int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == mostKept {
		return false
	}
	if ok, _ := tryBoth(s.share.keptOf(), s.engine.memory.kept, bytes); !ok {
		return false
	}
	if s.kept == nil {
		s.kept = map[*segment.Table]int64{}
	}
	s.kept[t] = bytes
	return true
}

// drop gives back the kept tables that no item of the list refers to.
func (s *Snapshot) drop(list []Item) {
	if len(s.kept) == 0 {
		return
	}
	used := make(map[*segment.Table]bool, len(s.kept))
	for i := range list {
		used[list[i].table] = true
	}
	for t, bytes := range s.kept {
		if !used[t] {
			s.engine.readers.Tables.Put(t)
			releaseBoth(s.share.keptOf(), s.engine.memory.kept, bytes)
			delete(s.kept, t)
		}
	}
}

// readFound reads a few items of a segment that is at hand whole into a table that is kept; false if there are enough of these. The
// items are in the order of their rows.
func (s *Snapshot) readFound(q *Query, r *columns.Reader, list []Item) (kept bool, err error) {
	if len(list) == 0 {
		return true, nil
	}
	t := s.engine.readers.Tables.Take(q.Tenant, q.Signal)
	picked := make([]uint32, len(list))
	for i := range list {
		picked[i] = list[i].row
	}
	err = r.Read(t, r.AtHand, picked)
	if err != nil || !s.keep(t, int64(t.Memory())) {
		s.engine.readers.Tables.Put(t)
		return false, err
	}
	for i := range list {
		list[i].table, list[i].at = t, uint32(i)
	}
	return true, nil
}

// toRead are the items of one segment, in the order of its rows.
type toRead struct {
	header  *Header
	numbers []int          // of the items in the list
	first   int            // the smallest of them
	rows    []uint32       // where they are in the segment,
	at      []uint32       // and in table
	table   *segment.Table // nil: they have to be read
	keep    bool           // table is kept until all are read, and have got their ids
	empty   *segment.Table // the one that will be, until it is read
}

// Unread forgets what was read of items when they were found, since Read gives it back of all: those of a list of which a part was read are read from their segments.
func Unread(list []Item) {
	for i := range list {
		list[i].table = nil
	}
}

// Read decodes items that a search found, and no other rows of their segments, in full: segment by segment, in parallel. It calls each once a segment,
// one at a time, in the order in which their first items come in the list: rows[k] of t is item numbers[k] of the list. t is only valid during the call. each returns the first item that is
// not wanted any more, len(list) where all are: segments that hold none before it are not decoded. A list is read once.
func (s *Snapshot) Read(ctx context.Context, q *Query, list []Item, each func(t *segment.Table, rows []uint32, numbers []int) (end int)) error {
	defer s.drop(nil)
	var all []*toRead
	of := map[*Header]*toRead{}
	for n, c := range list {
		r := of[c.header]
		if r == nil {
			r = &toRead{header: c.header, table: c.table, keep: c.table != nil, first: n}
			of[c.header] = r
			all = append(all, r)
		}
		r.numbers = append(r.numbers, n)
	}
	var unread []*Header
	for _, r := range all {
		slices.SortFunc(r.numbers, func(a, b int) int { return cmp.Compare(list[a].row, list[b].row) })
		for k, n := range r.numbers {
			r.rows = append(r.rows, list[n].row)
			if r.table != nil {
				r.at = append(r.at, list[n].at)
			} else {
				r.at = append(r.at, uint32(k))
			}
		}
		if r.table == nil {
			unread = append(unread, r.header)
			if len(r.rows) <= fewRows {
				// Before it is fetched, what few rows will take is not known; it is less than the whole segment.
				if t := s.engine.readers.Tables.Take(q.Tenant, q.Signal); s.keep(t, r.header.directory.Decoded(segment.WantAll())) {
					r.keep, r.empty = true, t
				} else {
					s.engine.readers.Tables.Put(t)
				}
			}
		}
	}
	end := len(list)
	draw := func(r *toRead) { end = min(end, each(r.table, r.at, r.numbers)) }
	wanted := func(h *Header) bool { return of[h].first < end }
	// What is kept gets its ids together, but before anything that comes after it in the list is drawn: what has room in an answer must not
	// depend on what there was memory to keep.
	waiting := all
	drawKept := func(before int) error {
		n := 0
		for n < len(waiting) && waiting[n].first < before {
			n++
		}
		var kept []*toRead
		for _, r := range waiting[:n] {
			if r.keep && r.table != nil && r.first < end {
				kept = append(kept, r)
			}
		}
		waiting = waiting[n:]
		if err := s.fetchIDs(ctx, q, kept); err != nil {
			return err
		}
		for _, r := range kept {
			if r.first < end {
				draw(r)
			}
		}
		return nil
	}
	drawNow := func(r *toRead) error {
		err := drawKept(r.first)
		if err == nil && r.first < end {
			draw(r)
		}
		return err
	}
	// Where rows are large, few of them fill an answer: it is looked whether they have before more are read.
	lookNow := func() error {
		bytes := 0
		for _, r := range waiting {
			if r.table == nil {
				if bytes > drawFrom {
					return drawKept(r.first)
				}
				break
			}
			if r.keep {
				bytes += r.table.Memory()
			}
		}
		return nil
	}
	if err := s.readUnread(ctx, q, unread, of, wanted, drawNow, lookNow); err != nil {
		return err
	}
	return drawKept(len(list))
}

// readUnread reads what is not at hand, in the order of the list, as long as it is wanted. What is not to be kept is drawn at once.
func (s *Snapshot) readUnread(ctx context.Context, q *Query, unread []*Header, of map[*Header]*toRead, wanted func(*Header) bool, draw func(r *toRead) error, look func() error) error {
	needed := func(_ *headers, h *Header) segment.Want {
		if r := of[h]; r.keep {
			return wholeRows(h, len(r.rows))
		}
		return segment.WantAll()
	}
	stream := &headers{snapshot: s, query: q, buffer: unread, ended: true}
	current, err := s.load(ctx, stream, needed, s.engine.set.Workers, loadRows)
	var following *wave
	defer func() {
		s.engine.waves.put(current)
		s.engine.waves.put(following)
	}()
	for size := 2 * s.engine.set.Workers; err == nil && len(current.headers) > 0; size = min(2*size, largestWave) {
		g, decoding := errgroup.WithContext(ctx)
		g.Go(func() error {
			return s.decode(decoding, q, current, func(_ int, r *columns.Reader, h *Header) error {
				to := of[h]
				if !wanted(h) {
					return nil
				}
				if to.table = to.empty; !to.keep {
					to.table = s.engine.readers.Tables.Take(q.Tenant, q.Signal)
				}
				return r.Read(to.table, r.AtHand, to.rows)
			})
		})
		following, err = s.load(ctx, stream, needed, size, loadRowsAhead)
		if failed := g.Wait(); err == nil {
			err = failed
		}
		s.bytes += current.bytes
		for _, h := range current.headers {
			r := of[h]
			if r.keep || r.table == nil {
				continue
			}
			if err == nil {
				err = draw(r)
			}
			s.engine.readers.Tables.Put(r.table)
		}
		s.engine.waves.put(current)
		if err == nil {
			err = look()
		}
		if err != nil {
			return err
		}
		stream.buffer = slices.DeleteFunc(stream.buffer, func(h *Header) bool { return !wanted(h) })
		if following == nil {
			following, err = s.load(ctx, stream, needed, size, loadRows)
		}
		current, following = following, nil
	}
	return err
}

// ItemOf is an item that a visit saw in a row of a segment, for ReadColumns.
func ItemOf(h *Header, row int, k Key) Item {
	return Item{Key: k, header: h, row: uint32(row)} //nolint:gosec // a segment has a few thousand rows
}

// ReadColumns reads columns of items that were found. It calls each once a segment, one after the other, in the order in which their first items come in the list: row
// rows[k] of r is item numbers[k] of the list. r is only valid during the call. each returns the first item that is not wanted any more, len(list) where all are: segments
// that hold none before it are not read.
func (s *Snapshot) ReadColumns(ctx context.Context, q *Query, list []Item, w Columns, each func(r *columns.Reader, rows []uint32, numbers []int) (end int)) error {
	of := map[*Header]*toRead{}
	stream := &headers{snapshot: s, query: q, ended: true}
	for n, c := range list {
		r := of[c.header]
		if r == nil {
			r = &toRead{first: n}
			of[c.header] = r
			stream.buffer = append(stream.buffer, c.header)
		}
		r.numbers, r.rows = append(r.numbers, n), append(r.rows, c.row)
	}
	end := len(list)
	reader, err := s.engine.readers.Take(q.Tenant)
	if err != nil {
		return err
	}
	for err == nil && len(stream.buffer) > 0 {
		err = s.readWave(ctx, stream, w, reader, func(r *columns.Reader, h *Header) {
			if of := of[h]; of.first < end {
				end = min(end, each(r, of.rows, of.numbers))
			}
		})
		stream.buffer = slices.DeleteFunc(stream.buffer, func(h *Header) bool { return of[h].first >= end })
	}
	if err == nil { // after an error, it is in no state to be used again
		s.engine.readers.Put(reader)
	}
	return err
}

// readWave takes a wave of a stream and reads it with one reader, one segment after the other.
func (s *Snapshot) readWave(ctx context.Context, stream *headers, w Columns, reader *columns.Reader, each func(r *columns.Reader, h *Header)) error {
	current, err := s.load(ctx, stream, w.ofStream, largestWave, loadNow)
	if err != nil {
		return err
	}
	defer s.engine.waves.put(current)
	s.bytes += current.bytes
	for i := range current.headers {
		done, err := s.engine.memory.decoding(ctx, s.long)
		if err != nil {
			return err
		}
		err = visitOne(i, current, reader, func(_ int, r *columns.Reader, h *Header) error {
			each(r, h)
			return nil
		})
		done()
		if err != nil {
			return fmt.Errorf("segment %x: %w", current.headers[i].id, err)
		}
	}
	return nil
}

// fetchIDs gives the kept rows that were read without their ids these, in one round trip.
func (s *Snapshot) fetchIDs(ctx context.Context, q *Query, kept []*toRead) error {
	w := &wave{}
	var of []*toRead
	for _, r := range kept {
		var ranges []segment.Range
		for _, row := range r.at {
			ranges = r.table.IDRanges(ranges, row)
		}
		if len(ranges) > 0 {
			of = append(of, r)
			w.add(r.header, segment.Want{}, ranges)
		}
	}
	if len(of) == 0 {
		return nil
	}
	if err := s.fetch(ctx, q, w); err != nil {
		return err
	}
	defer s.engine.waves.put(w)
	s.bytes += w.bytes
	for i, r := range of {
		parts := w.parts[i]
		for _, row := range r.at {
			var err error
			if parts, err = r.table.SetIDs(row, parts); err != nil {
				return err
			}
		}
	}
	return nil
}
