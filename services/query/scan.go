package query

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// How a scan goes about: waves of segments, few at first because a page is often full after the newest one, then more at a time,
// within what may be in memory.
const (
	firstWave     = 2
	largestWave   = 64
	waveBytes     = 16 << 20
	prefetchAfter = 3 // waves; from here on the next wave is fetched while this one is decoded
)

// How rows of rare items are read.
const (
	fewRows  = 8  // of a segment that are read as soon as they are found, where the whole segment is at hand
	mostKept = 64 // tables with such rows, of some 100 kB each, that a query keeps until it knows which are its answer
)

// view is one query's consistent sight of the database: a read-only REPEATABLE READ transaction, so that a merge which replaces
// segments is seen as before or as after, never half. One goroutine uses it; decoding is parallel inside walk.
type view struct {
	tx         pgx.Tx
	mode       pgx.QueryExecMode // of cursors, which are no statements to prepare
	list       pgx.QueryExecMode // of statements that take lists of ids
	sql        *queries
	workers    int
	budget     int64 // items
	deadline   time.Time
	now        func() time.Time
	cursorOpen bool
	tables     *tables
	pieces     *pieces
	buffers    *buffers
	known      *cache[[16]byte, *header]

	mu   sync.Mutex
	kept []*segment.Table // with rows of candidates

	// what the answer tells
	segmentsInRange int
	segmentsRead    map[[16]byte]bool // a query that walks twice reads some twice
	items           int64
	bytes           int64
	highest         int64 // ingest position that the range held when it was first looked at
	incomplete      *api.Incomplete
}

// tables lends out tables, whose memory is worth keeping.
type tables [3]sync.Pool // by signal

func (p *tables) take(tenant telemetry.Tenant, signal telemetry.Signal) *segment.Table {
	t, ok := p[signal].Get().(*segment.Table)
	if !ok {
		return segment.NewTable(tenant, signal)
	}
	t.Tenant = tenant
	return t
}

func (p *tables) put(t *segment.Table) {
	t.Reset() // hold no query's bytes
	p[t.Signal].Put(t)
}

// visit is called for each segment, in parallel: i numbers the segment in its wave. s is only valid during the call.
type visit func(i int, h *header, s *piece) error

// settle is called after each wave with its segments, newest first; next is the newest time that the segments still to come
// can hold (math.MinInt64: none come). It returns false to stop.
type settle func(wave []*header, next int64) bool

// keep lends a table for rows of candidates, until read is done with them; nil when there are enough of them.
func (v *view) keep(p *plan) *segment.Table {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.kept) == mostKept {
		return nil
	}
	t := v.tables.take(p.tenant, p.signal)
	v.kept = append(v.kept, t)
	return t
}

func (v *view) release() {
	for _, t := range v.kept {
		v.tables.put(t)
	}
	v.kept = nil
}

// walk reads the wanted columns of the plan's segments, newest first. frontier is math.MinInt64 when it saw all, or was stopped by
// settle; when the budget or the time ran out it is the newest time that it may have missed, and view.incomplete says why.
func (v *view) walk(ctx context.Context, p *plan, w wants, each visit, done settle) (frontier int64, err error) {
	stream, err := v.headers(ctx, p)
	if err != nil {
		return 0, err
	}
	// What filters have picked is few, and most of it will be wanted.
	selective := len(stream.bounds.probes) > 0 || stream.bounds.minDuration > 0
	size := firstWave
	current, err := v.load(ctx, stream, w, size)
	for number := 1; err == nil && len(current.headers) > 0; number++ {
		size = min(size*2, largestWave)
		g, decoding := errgroup.WithContext(ctx)
		g.Go(func() error { return v.decode(decoding, p, current, each) })
		var following *wave
		var fetchErr error
		if number >= prefetchAfter || selective {
			following, fetchErr = v.load(ctx, stream, w, size)
		}
		if err := g.Wait(); err != nil {
			return 0, err
		}
		if fetchErr != nil {
			return 0, fetchErr
		}
		v.account(current)
		v.buffers.put(current)
		var next int64
		if following != nil && len(following.headers) > 0 {
			next = following.headers[0].maxTime
		} else if next, err = stream.next(ctx); err != nil {
			return 0, err
		}
		if !done(current.headers, next) {
			return math.MinInt64, nil
		}
		if next == math.MinInt64 {
			return math.MinInt64, nil
		}
		// A cut answer is continued from next: stopping before the scan has got below where it began would go in circles.
		if next < p.newest() && v.exhausted() {
			return next, nil
		}
		if following == nil {
			following, err = v.load(ctx, stream, w, size)
		}
		current = following
	}
	if err == nil && stream.cut && v.exhausted() {
		return stream.missed, nil
	}
	return math.MinInt64, err
}

// exhausted reports whether the query has spent its budget or its time, and notes it for the answer.
func (v *view) exhausted() bool {
	switch {
	case v.items >= v.budget:
		v.incomplete = &api.Incomplete{
			Reason:  api.IncompleteReasonScanBudget,
			Message: fmt.Sprintf("%d items were looked at, the most that one query may", v.items),
		}
	case !v.now().Before(v.deadline):
		v.incomplete = &api.Incomplete{Reason: api.IncompleteReasonTimeout, Message: "the query's time is over"}
	default:
		return false
	}
	return true
}

func (v *view) account(w *wave) {
	if v.segmentsRead == nil {
		v.segmentsRead = map[[16]byte]bool{}
	}
	for _, h := range w.headers {
		v.segmentsRead[h.id] = true
		v.items += int64(h.items)
	}
	v.bytes += w.bytes
}

// wave is some segments with the byte ranges of their bodies that are wanted.
type wave struct {
	headers []*header
	parts   [][]segment.Part
	whole   []bool // everything was wanted
	bytes   int64
	buffer  []byte // that parts lie in
}

// buffers lends out memory for waves: it is megabytes, and need not be cleared each time.
type buffers struct{ sync.Pool }

func (b *buffers) take(size int64) []byte {
	if have, ok := b.Get().(*[]byte); ok && int64(cap(*have)) >= size {
		return (*have)[:0]
	}
	return make([]byte, 0, size+size/4)
}

// put takes a wave's memory back: nothing may refer to it any more.
func (b *buffers) put(w *wave) {
	if w != nil && cap(w.buffer) > 0 {
		b.Put(&w.buffer)
	}
}

// load takes up to n headers from the stream, as many as fit into waveBytes, and fetches their parts in one statement.
func (v *view) load(ctx context.Context, stream *headers, w wants, n int) (*wave, error) {
	list, err := stream.take(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &wave{}
	var ids [][16]byte
	var minTimes []int64
	var firsts, lengths []int32
	for i, h := range list {
		want := w(stream, h)
		ranges := h.directory.Ranges(want)
		size := int64(0)
		for _, r := range ranges {
			size += int64(r.Length)
		}
		if i > 0 && out.bytes+size > waveBytes {
			stream.buffer = append(slices.Clone(list[i:]), stream.buffer...)
			break
		}
		out.bytes += size
		out.headers, out.whole = append(out.headers, h), append(out.whole, want.All)
		parts := make([]segment.Part, len(ranges))
		for j, r := range ranges {
			parts[j].Offset = r.Offset
			ids, minTimes = append(ids, h.id), append(minTimes, h.minTime)
			firsts, lengths = append(firsts, int32(r.Offset+1)), append(lengths, int32(r.Length)) //nolint:gosec // a bytea is at most 1 GB
		}
		out.parts = append(out.parts, parts)
	}
	if len(ids) == 0 {
		return out, nil
	}
	out.buffer = v.buffers.take(out.bytes)
	rows, err := v.tx.Query(ctx, v.sql.parts[stream.plan.signal], v.list, string(stream.plan.tenant), ids, minTimes, firsts, lengths,
		slices.Min(minTimes), slices.Max(minTimes))
	if err != nil {
		return nil, fmt.Errorf("fetch segments: %w", err)
	}
	defer rows.Close()
	read := 0
	for i := range out.parts {
		for j := range out.parts[i] {
			if !rows.Next() {
				break
			}
			// Not scanned where that would only copy it; behind a pooler the bytes come as text.
			raw := rows.RawValues()[0]
			if rows.FieldDescriptions()[0].Format != pgx.BinaryFormatCode {
				if err := rows.Scan(&raw); err != nil {
					return nil, fmt.Errorf("read a segment: %w", err)
				}
			}
			if len(out.buffer)+len(raw) > cap(out.buffer) {
				return nil, fault.New(fault.Internal, "segment.damaged", "a segment is longer than its directory says")
			}
			from := len(out.buffer)
			out.buffer = append(out.buffer, raw...)
			out.parts[i][j].Bytes = out.buffer[from:len(out.buffer):len(out.buffer)]
			read++
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("fetch segments: %w", err)
	}
	if read != len(ids) {
		return nil, fault.Newf(fault.Internal, "segment.missing", "%d of %d parts of segments were found", read, len(ids))
	}
	return out, nil
}

// decode runs each over the segments of a wave, one worker to a core.
func (v *view) decode(ctx context.Context, p *plan, current *wave, each visit) error {
	g, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64
	for range min(v.workers, len(current.headers)) {
		g.Go(func() error {
			s, err := v.pieces.take(v.tables, p)
			if err != nil {
				return err
			}
			defer v.pieces.put(s)
			for {
				i := int(taken.Add(1)) - 1
				if i >= len(current.headers) {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				s.whole = current.whole[i]
				if err := visitOne(i, current.headers[i], current.parts[i], s, each); err != nil {
					return fmt.Errorf("segment %x: %w", current.headers[i].id, err)
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("scan %s: %w", p.signal, err)
	}
	return nil
}

// visitOne runs each over one segment. A panic is the segment's damage: one row of a table must not end the process, and with it
// everything else that runs there.
func visitOne(i int, h *header, parts []segment.Part, s *piece, each visit) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.broken = true
			err = fault.Newf(fault.Internal, "segment.damaged", "segment is damaged: reading it failed with: %v", r)
		}
	}()
	s.open(h.directory, parts)
	if err := each(i, h, s); err != nil {
		return err
	}
	return s.Err()
}

// stats are the figures of an answer.
func (v *view) stats(started time.Time) api.Stats {
	return api.Stats{
		ElapsedMs:      float64(v.now().Sub(started).Microseconds()) / 1000,
		ItemsScanned:   v.items,
		SegmentsRead:   len(v.segmentsRead),
		SegmentsPruned: max(v.segmentsInRange-len(v.segmentsRead), 0),
		BytesRead:      v.bytes,
	}
}

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
func (p *plan) hits(s *piece, found func(row int, k key)) {
	met := s.borrow()
	defer s.giveBack()
	p.filter.match(s, met)
	rows := s.rows[:0]
	for i, hit := range met {
		if hit {
			rows = append(rows, uint32(i))
		}
	}
	s.rows = rows
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
	w := want(p.signal)
	p.filter.want(w)
	results := make([][]candidate, largestWave)
	order := func(a, b candidate) int { return a.compare(b.key) }
	var oldest atomic.Int64 // once the page is full, what is older than its last item need not be looked at
	oldest.Store(math.MinInt64)
	var common atomic.Bool // the planner took the items for rare, but they are not
	columns := func(of *headers, _ *header) segment.Want {
		if of.rare && !common.Load() {
			return segment.WantAll()
		}
		return w.Want
	}
	frontier, err = v.walk(ctx, p, columns,
		func(i int, h *header, s *piece) error {
			var list []candidate
			least := oldest.Load()
			p.hits(s, func(row int, k key) {
				if k.time >= least {
					list = append(list, candidate{key: k, header: h, row: uint32(row)}) //nolint:gosec // a segment has a few thousand rows
				}
			})
			if s.whole && len(list) <= fewRows {
				if err := v.readFound(p, s, list); err != nil {
					return err
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

// readFound reads candidates of a segment that is at hand whole. They are in the order of their rows.
func (v *view) readFound(p *plan, s *piece, list []candidate) error {
	if len(list) == 0 {
		return nil
	}
	t := v.keep(p)
	if t == nil {
		return nil
	}
	rows := make([]uint32, len(list))
	for i := range list {
		list[i].table, list[i].at, rows[i] = t, uint32(i), list[i].row //nolint:gosec // a segment has a few thousand rows
	}
	return s.Read(t, segment.WantAll(), rows)
}

// read decodes the candidates, and no other rows of their segments, in full: segment by segment, in parallel. It calls each once a segment,
// one at a time: rows[k] of t is candidate numbers[k] of the list. t is only valid during the call.
func (v *view) read(ctx context.Context, p *plan, list []candidate, each func(t *segment.Table, rows []uint32, numbers []int)) error {
	defer v.release()
	var order []*header
	numbers := map[*header][]int{}
	for n, c := range list {
		if numbers[c.header] == nil {
			order = append(order, c.header)
		}
		numbers[c.header] = append(numbers[c.header], n)
	}
	unread := order[:0]
	var rows []uint32
	for _, h := range order {
		of := numbers[h]
		slices.SortFunc(of, func(a, b int) int { return cmp.Compare(list[a].row, list[b].row) })
		t := list[of[0]].table
		if t == nil {
			unread = append(unread, h)
			continue
		}
		rows = rows[:0]
		for _, n := range of {
			rows = append(rows, list[n].at)
		}
		each(t, rows, of)
	}
	order = unread
	stream := &headers{view: v, plan: p, buffer: order, ended: true}
	current, err := v.load(ctx, stream, always(segment.WantAll()), v.workers)
	for size := 2 * v.workers; err == nil && len(current.headers) > 0; size = min(2*size, largestWave) {
		tables := make([]*segment.Table, len(current.headers))
		g, decoding := errgroup.WithContext(ctx)
		g.Go(func() error {
			return v.decode(decoding, p, current, func(i int, h *header, s *piece) error {
				rows := make([]uint32, len(numbers[h]))
				for k, n := range numbers[h] {
					rows[k] = list[n].row
				}
				tables[i] = v.tables.take(p.tenant, p.signal)
				return s.Read(tables[i], segment.WantAll(), rows)
			})
		})
		var following *wave
		following, err = v.load(ctx, stream, always(segment.WantAll()), size)
		if failed := g.Wait(); err == nil {
			err = failed
		}
		v.bytes += current.bytes
		for i, t := range tables {
			if t == nil {
				continue
			}
			if err == nil {
				rows = rows[:0]
				for k := range numbers[current.headers[i]] {
					rows = append(rows, uint32(k)) //nolint:gosec // a segment has a few thousand rows
				}
				each(t, rows, numbers[current.headers[i]])
			}
			v.tables.put(t)
		}
		v.buffers.put(current)
		current = following
	}
	return err
}
