package query

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// How rows of rare items are read.
const (
	fewRows  = 8  // of a segment, which are kept from when they are found until they are drawn
	mostKept = 64 // tables with such rows, of some 100 kB each, that a query keeps

	// idsPerRow is how many bytes of ids take as long to fetch as the three ids of one row by themselves: 20 µs.
	idsPerRow = 16 << 10
)

// candidate is an item that meets the filter, with the place from which it can be read in full, or the row that it was read to.
type candidate struct {
	key
	header *header
	row    uint32
	table  *segment.Table // nil: not read yet
	at     uint32         // its row in table
}

// hits are the rows of a segment that the plan holds, in the segment's order. Columns of identity are decoded only where something met
// the filter, and only for what did.
func (p *plan) hits(s *columns.Reader, found func(row int, k key)) {
	met := s.Borrow()
	defer s.GiveBack()
	p.filter.Match(s, met)
	rows := s.Marked(met)
	if len(rows) == 0 {
		return
	}
	times, positions, ordinals := s.Pick(segment.ColTime, rows), s.Pick(segment.ColPosition, rows), s.Pick(segment.ColOrdinal, rows)
	for i, row := range rows {
		if k := (key{times[i], positions[i], ordinals[i]}); p.holds(k) {
			found(int(row), k)
		}
	}
}

// search finds the newest limit items of a plan, newest first. more says whether older ones exist. When the budget or time ran out,
// only the items that are certainly the newest are given, and frontier is where to go on.
//
// Columns that the filter needs come first, and what is found is read in full by read. Where items are so rare that each lies in a segment of
// its own, that would fetch most segments twice: they are fetched whole, and read when they are found.
func (v *view) search(ctx context.Context, p *plan, limit int) (found []candidate, more bool, frontier int64, err error) {
	w := columns.NewSet(p.signal)
	p.filter.Columns(w)
	results := make([][]candidate, largestWave)
	order := func(a, b candidate) int { return a.compare(b.key) }
	var oldest atomic.Int64 // once the page is full, what is older than its last item need not be looked at
	oldest.Store(math.MinInt64)
	var common atomic.Bool // the planner took the items for rare, but they are not, or too many
	needed := func(of *headers, h *header) segment.Want {
		if !of.rare || common.Load() {
			return w.Want
		}
		all := wholeRows(h, 1)
		all.IDPlaces = all.IDPlaces && !w.TraceIDs && !w.SpanIDs && !w.ParentIDs // the filter looks at ids itself
		return all
	}
	frontier, err = v.walk(ctx, p, needed,
		func(i int, h *header, s *columns.Reader) error {
			var list []candidate
			least := oldest.Load()
			p.hits(s, func(row int, k key) {
				if k.time >= least {
					list = append(list, candidate{key: k, header: h, row: uint32(row)}) //nolint:gosec // a segment has a few thousand rows
				}
			})
			if s.AtHand.All && len(list) <= fewRows {
				kept, err := v.readFound(p, s, list)
				if err != nil {
					return err
				}
				if !kept {
					common.Store(true) // for all that is left to keep
				}
			}
			slices.SortFunc(list, order)
			results[i] = list[:min(len(list), limit+1)]
			return nil
		},
		func(wave []*header, next int64) bool {
			with := 0
			for i := range wave {
				found = append(found, results[i]...)
				common.Store(common.Load() || len(results[i]) > fewRows)
				with += min(len(results[i]), 1)
			}
			common.Store(common.Load() || 2*with < len(wave))
			slices.SortFunc(found, order)
			found = slices.Clip(found[:min(len(found), limit+1)])
			v.drop(found)
			if len(found) <= limit {
				return true
			}
			oldest.Store(found[limit].time)
			// An item of the same time in an older segment may still come before the last one found.
			return next >= found[limit].time
		})
	if err != nil {
		return nil, false, 0, err
	}
	if frontier != math.MinInt64 {
		certain := slices.IndexFunc(found, func(c candidate) bool { return c.time <= frontier })
		if certain >= 0 {
			found = found[:certain]
		}
	}
	if len(found) > limit {
		return found[:limit], true, math.MinInt64, nil
	}
	return found, frontier != math.MinInt64, frontier, nil
}

// wholeRows is what n whole rows need of a segment. Ids of other rows are two fifths of its bytes: 35 of 93 kB of spans.
func wholeRows(h *header, n int) segment.Want {
	w := segment.WantAll()
	w.IDPlaces = h.directory.IDBytes() >= n*idsPerRow
	return w
}

// keep lends a table for rows of candidates, until read is done with them; nil when there are enough of them.
func (v *view) keep(p *plan) *segment.Table {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.kept) == mostKept {
		return nil
	}
	t := v.readers.Tables.Take(p.tenant, p.signal)
	v.kept = append(v.kept, t)
	return t
}

// drop gives back the kept tables that no candidate of the list refers to.
func (v *view) drop(list []candidate) {
	if len(v.kept) == 0 {
		return
	}
	used := make(map[*segment.Table]bool, len(v.kept))
	for i := range list {
		used[list[i].table] = true
	}
	v.kept = slices.DeleteFunc(v.kept, func(t *segment.Table) bool {
		if !used[t] {
			v.readers.Tables.Put(t)
		}
		return !used[t]
	})
}

// readFound reads a few candidates of a segment that is at hand whole into a table that is kept; false if there are enough of these. The
// candidates are in the order of their rows.
func (v *view) readFound(p *plan, s *columns.Reader, list []candidate) (kept bool, err error) {
	if len(list) == 0 {
		return true, nil
	}
	t := v.keep(p)
	if t == nil {
		return false, nil
	}
	rows := make([]uint32, len(list))
	for i := range list {
		list[i].table, list[i].at, rows[i] = t, uint32(i), list[i].row
	}
	return true, s.Read(t, s.AtHand, rows)
}

// reading is the candidates of one segment, in the order of its rows.
type reading struct {
	header  *header
	numbers []int          // of the candidates in the list
	rows    []uint32       // where they are in the segment,
	at      []uint32       // and in table
	table   *segment.Table // nil: they have to be read
	keep    bool           // table is kept until all are read, and have got their ids
}

// read decodes the candidates, and no other rows of their segments, in full: segment by segment, in parallel. It calls each once a segment,
// one at a time, in no order: rows[k] of t is candidate numbers[k] of the list. t is only valid during the call.
func (v *view) read(ctx context.Context, p *plan, list []candidate, each func(t *segment.Table, rows []uint32, numbers []int)) error {
	defer v.drop(nil)
	var all []*reading
	of := map[*header]*reading{}
	for n, c := range list {
		r := of[c.header]
		if r == nil {
			r = &reading{header: c.header, table: c.table, keep: c.table != nil}
			of[c.header] = r
			all = append(all, r)
		}
		r.numbers = append(r.numbers, n)
	}
	free := mostKept - len(v.kept)
	var unread []*header
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
			if len(r.rows) <= fewRows && free > 0 {
				r.keep = true
				free--
			}
		}
	}
	draw := func(r *reading) { each(r.table, r.at, r.numbers) }
	if err := v.readUnread(ctx, p, unread, of, draw); err != nil {
		return err
	}
	if err := v.fetchIDs(ctx, p, all); err != nil {
		return err
	}
	for _, r := range all {
		if r.keep {
			draw(r)
		}
	}
	return nil
}

// readUnread reads what is not at hand. What is not to be kept is drawn at once.
func (v *view) readUnread(ctx context.Context, p *plan, unread []*header, of map[*header]*reading, draw func(r *reading)) error {
	needed := func(_ *headers, h *header) segment.Want {
		if r := of[h]; r.keep {
			return wholeRows(h, len(r.rows))
		}
		return segment.WantAll()
	}
	stream := &headers{view: v, plan: p, buffer: unread, ended: true}
	current, err := v.load(ctx, stream, needed, v.workers)
	for size := 2 * v.workers; err == nil && len(current.headers) > 0; size = min(2*size, largestWave) {
		g, decoding := errgroup.WithContext(ctx)
		g.Go(func() error {
			return v.decode(decoding, p, current, func(_ int, h *header, s *columns.Reader) error {
				r := of[h]
				if r.keep {
					r.table = v.keep(p)
				} else {
					r.table = v.readers.Tables.Take(p.tenant, p.signal)
				}
				return s.Read(r.table, s.AtHand, r.rows)
			})
		})
		var following *wave
		following, err = v.load(ctx, stream, needed, size)
		if failed := g.Wait(); err == nil {
			err = failed
		}
		v.bytes += current.bytes
		for _, h := range current.headers {
			r := of[h]
			if r.keep || r.table == nil {
				continue
			}
			if err == nil {
				draw(r)
			}
			v.readers.Tables.Put(r.table)
		}
		v.buffers.put(current)
		current = following
	}
	return err
}

// fetchIDs gives the kept rows that were read without their ids these, in one round trip.
func (v *view) fetchIDs(ctx context.Context, p *plan, all []*reading) error {
	w := &wave{}
	var of []*reading
	for _, r := range all {
		var ranges []segment.Range
		for i := 0; r.keep && i < len(r.at); i++ {
			ranges = r.table.IDRanges(ranges, r.at[i])
		}
		if len(ranges) > 0 {
			of = append(of, r)
			w.add(r.header, segment.Want{}, ranges)
		}
	}
	if err := v.fetch(ctx, p, w); err != nil {
		return err
	}
	defer v.buffers.put(w)
	v.bytes += w.bytes
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
