package query

import (
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
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// How a scan goes about: waves of segments, few at first because a page is often full after the newest one, then more at a time,
// within what may be in memory.
const (
	firstWave     = 2
	largestWave   = 64
	waveBytes     = 16 << 20
	prefetchAfter = 3 // waves; from here on the next wave is fetched while this one is decoded
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
	readers    *columns.Readers
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

// visit is called for each segment, in parallel: i numbers the segment in its wave. s is only valid during the call.
type visit func(i int, h *header, s *columns.Reader) error

// settle is called after each wave with its segments, newest first; next is the newest time that the segments still to come
// can hold (math.MinInt64: none come). It returns false to stop.
type settle func(wave []*header, next int64) bool

// walk reads the wanted columns of the plan's segments, newest first. frontier is math.MinInt64 when it saw all, or was stopped by
// settle; when the budget or the time ran out it is the newest time that it may have missed, and view.incomplete says why.
func (v *view) walk(ctx context.Context, p *plan, w wants, each visit, done settle) (frontier int64, err error) {
	stream, err := v.headers(ctx, p)
	if err != nil {
		return 0, err
	}
	// What filters have picked is few, and most of it will be wanted.
	selective := len(stream.bounds.Probes) > 0 || stream.bounds.MinDuration > 0
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
	wants   []segment.Want
	lengths []int32 // of all parts
	bytes   int64   // the same together
	buffer  []byte  // that parts lie in
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

// load takes up to n headers from the stream, as many as fit into waveBytes, and fetches their parts.
func (v *view) load(ctx context.Context, stream *headers, w wants, n int) (*wave, error) {
	list, err := stream.take(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &wave{}
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
		out.add(h, want, ranges)
	}
	return out, v.fetch(ctx, stream.plan, out)
}

// add adds ranges of a segment to those to be fetched.
func (w *wave) add(h *header, want segment.Want, ranges []segment.Range) {
	parts := make([]segment.Part, len(ranges))
	for i, r := range ranges {
		parts[i].Offset = r.Offset
		w.lengths = append(w.lengths, int32(r.Length)) //nolint:gosec // a bytea is at most 1 GB
		w.bytes += int64(r.Length)
	}
	w.headers, w.wants, w.parts = append(w.headers, h), append(w.wants, want), append(w.parts, parts)
}

// fetch fills the parts of a wave by one statement.
func (v *view) fetch(ctx context.Context, p *plan, w *wave) error {
	n := len(w.lengths)
	if n == 0 {
		return nil
	}
	ids, minTimes, firsts := make([][16]byte, 0, n), make([]int64, 0, n), make([]int32, 0, n)
	for i, h := range w.headers {
		for _, part := range w.parts[i] {
			ids, minTimes, firsts = append(ids, h.id), append(minTimes, h.minTime), append(firsts, int32(part.Offset+1)) //nolint:gosec // as above
		}
	}
	w.buffer = v.buffers.take(w.bytes)
	rows, err := v.tx.Query(ctx, v.sql.parts[p.signal], v.list, string(p.tenant), ids, minTimes, firsts, w.lengths, slices.Min(minTimes), slices.Max(minTimes))
	if err != nil {
		return fmt.Errorf("fetch segments: %w", err)
	}
	defer rows.Close()
	read := 0
	for i := range w.parts {
		for j := range w.parts[i] {
			if !rows.Next() {
				break
			}
			// Not scanned where that would only copy it; behind a pooler the bytes come as text.
			raw := rows.RawValues()[0]
			if rows.FieldDescriptions()[0].Format != pgx.BinaryFormatCode {
				if err := rows.Scan(&raw); err != nil {
					return fmt.Errorf("read a segment: %w", err)
				}
			}
			if len(w.buffer)+len(raw) > cap(w.buffer) {
				return fault.New(fault.Internal, "segment.damaged", "a segment is longer than its directory says")
			}
			from := len(w.buffer)
			w.buffer = append(w.buffer, raw...)
			w.parts[i][j].Bytes = w.buffer[from:len(w.buffer):len(w.buffer)]
			read++
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return fmt.Errorf("fetch segments: %w", err)
	}
	if read != n {
		return fault.Newf(fault.Internal, "segment.missing", "%d of %d parts of segments were found", read, n)
	}
	return nil
}

// decode runs each over the segments of a wave, one worker to a core.
func (v *view) decode(ctx context.Context, p *plan, current *wave, each visit) error {
	g, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64
	for range min(v.workers, len(current.headers)) {
		g.Go(func() error {
			s, err := v.readers.Take(p.tenant)
			if err != nil {
				return err
			}
			for {
				i := int(taken.Add(1)) - 1
				if i >= len(current.headers) {
					v.readers.Put(s)
					return nil
				}
				if err := ctx.Err(); err != nil {
					v.readers.Put(s)
					return err
				}
				if err := visitOne(i, current, s, each); err != nil {
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

// visitOne runs each over one segment of a wave. A panic is the segment's damage: one row of a table must not end the process, and with it
// everything else that runs there. After an error, the reader is in no state to be used again.
func visitOne(i int, of *wave, s *columns.Reader, each visit) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.Newf(fault.Internal, "segment.damaged", "segment is damaged: reading it failed with: %v", r)
		}
	}()
	s.Open(of.headers[i].directory, of.wants[i], of.parts[i])
	if err := each(i, of.headers[i], s); err != nil {
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
