package engine

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// Scans: waves of segments in the order of their headers. One statement fetches the byte ranges of a wave, workers decode it side by side, and
// while they do the next wave is fetched. Invariants: done sees the waves one after the other, newest first; a wave's memory is given back
// before done sees what visit made of it, so that nothing made may refer to it.

// How a scan goes about: waves of segments, few at first because a page is often full after the newest one, then more at a time,
// within what may be in memory.
const (
	firstWave     = 2
	largestWave   = 64
	waveBytes     = 16 << 20
	rowsBytes     = 16 << 20 // of segments, decompressed, whose rows are read at a time and kept until they are drawn
	prefetchAfter = 3        // waves; from here on the next wave is fetched while this one is decoded
)

// Complete is the frontier of a scan that saw all that it had to.
const Complete int64 = math.MinInt64

// Scan reads columns of the query's segments, newest first. visit is called for each segment, in parallel. done is called after each wave
// with its segments, newest first, and what visit made of each; the lists are valid during the call. next is the newest time that the segments
// still to come can hold (Complete: none come). done returns false to stop. The frontier is Complete, too, when done stopped the scan.
func Scan[T any](ctx context.Context, s *Snapshot, q *Query, w Columns,
	visit func(r *columns.Reader, h *Header) (T, error), done func(wave []*Header, made []T, next int64) bool,
) (frontier int64, err error) {
	return scan(ctx, s, q, w.ofStream, visit, done)
}

// wanted is Columns for those that know how the stream of headers came about.
type wanted func(of *headers, h *Header) segment.Want

func scan[T any](ctx context.Context, s *Snapshot, q *Query, w wanted,
	visit func(r *columns.Reader, h *Header) (T, error), done func(wave []*Header, made []T, next int64) bool,
) (frontier int64, err error) {
	stream, err := s.headers(ctx, q)
	if err != nil {
		return 0, err
	}
	return scanOf(ctx, s, q, stream, w, visit, done)
}

// scanOf is a scan of a stream that is open.
func scanOf[T any](ctx context.Context, s *Snapshot, q *Query, stream *headers, w wanted,
	visit func(r *columns.Reader, h *Header) (T, error), done func(wave []*Header, made []T, next int64) bool,
) (frontier int64, err error) {
	made := make([]T, largestWave)
	each := func(i int, r *columns.Reader, h *Header) (err error) {
		made[i], err = visit(r, h)
		return err
	}
	// What filters have picked is few, and most of it will be wanted.
	selective := len(stream.bounds.Probes) > 0 || stream.bounds.MinDuration > 0
	size := firstWave
	current, err := s.load(ctx, stream, w, size, loadNow)
	var following *wave
	defer func() {
		s.engine.waves.put(current)
		s.engine.waves.put(following)
	}()
	for number := 1; err == nil && len(current.headers) > 0; number++ {
		size = min(size*2, largestWave)
		g, decoding := errgroup.WithContext(ctx)
		g.Go(func() error { return s.decode(decoding, q, current, each) })
		var fetchErr error
		if number >= prefetchAfter || selective {
			following, fetchErr = s.load(ctx, stream, w, size, loadAhead)
		}
		if err := g.Wait(); err != nil {
			return 0, err
		}
		if fetchErr != nil {
			return 0, fetchErr
		}
		s.account(current)
		s.engine.waves.put(current)
		var next int64
		if following != nil && len(following.headers) > 0 {
			next = following.headers[0].maxTime
		} else if next, err = stream.next(ctx); err != nil {
			return 0, err
		}
		if !done(current.headers, made[:len(current.headers)], next) || next == Complete {
			return Complete, nil
		}
		// A cut answer is continued from next: stopping before the scan has got below where it began would go in circles.
		if next < q.newest() && s.Exhausted(q) {
			return next, nil
		}
		if following == nil {
			following, err = s.load(ctx, stream, w, size, loadNow)
		}
		current, following = following, nil
	}
	if err == nil && stream.cut && s.Exhausted(q) {
		return stream.missed, nil
	}
	return Complete, err
}

// wave is some segments with the byte ranges of their bodies that are wanted.
type wave struct {
	headers []*Header
	ranges  [][]segment.Range
	parts   [][]segment.Part // the same, with their bytes
	wants   []segment.Want
	bytes   int64  // the same together
	buffer  []byte // that parts lie in
	charge  charge // for all of it, until its memory is given back
}

// loading is how a wave is fetched.
type loading uint8

const (
	loadNow   loading = iota // the question has no other: it waits for its part of the memory
	loadAhead                // of another that is being decoded: only where there is memory for both
	loadRows                 // loadNow, to read rows that are kept until all of the wave are drawn
	loadRowsAhead
)

func (l loading) waits() bool { return l == loadNow || l == loadRows }
func (l loading) keeps() bool { return l == loadRows || l == loadRowsAhead }

// decodedTwice is how many times what is decompressed of a segment is in memory while it is decoded: as it is, and as columns or rows.
const decodedTwice = 2

// load takes up to n headers from the stream, as many as fit into waveBytes, and fetches their parts. It returns nil where there is no
// memory for a wave that is fetched ahead.
func (s *Snapshot) load(ctx context.Context, stream *headers, w wanted, n int, how loading) (*wave, error) {
	list, err := stream.take(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &wave{}
	var largest, all int64 // bytes of a segment, and of all, when decompressed
	for i, h := range list {
		want := w(stream, h)
		ranges := h.directory.Ranges(want)
		size := int64(0)
		for _, r := range ranges {
			size += int64(r.Length)
		}
		decoded := h.directory.Decoded(want)
		if i > 0 && (out.bytes+size > waveBytes || how.keeps() && all+decoded > rowsBytes) {
			stream.buffer = append(slices.Clone(list[i:]), stream.buffer...)
			list = list[:i]
			break
		}
		out.add(h, want, ranges)
		largest, all = max(largest, decoded), all+decoded
	}
	if len(list) == 0 {
		return out, nil
	}
	bytes := out.bytes
	if how.keeps() {
		bytes += decodedTwice * all
	} else {
		bytes += decodedTwice * min(all, largest*int64(s.engine.set.Workers))
	}
	var ok bool
	if out.charge, ok, err = s.engine.memory.take(ctx, s.share, bytes, s.long, how.waits()); !ok {
		stream.buffer = append(slices.Clone(list), stream.buffer...)
		return nil, err
	}
	if err := s.fetch(ctx, stream.query, out); err != nil {
		s.engine.waves.put(out)
		return nil, err
	}
	return out, nil
}

// add adds ranges of a segment to those to be fetched.
func (w *wave) add(h *Header, want segment.Want, ranges []segment.Range) {
	parts := make([]segment.Part, len(ranges))
	for i, r := range ranges {
		parts[i].Offset = r.Offset
		w.bytes += int64(r.Length)
	}
	w.headers, w.wants, w.ranges, w.parts = append(w.headers, h), append(w.wants, want), append(w.ranges, ranges), append(w.parts, parts)
}

// fetch fills the parts of a wave, by one statement for each table that their bodies are in: a wave is of neighbours, whose bodies are in one or two.
func (s *Snapshot) fetch(ctx context.Context, q *Query, w *wave) error {
	if w.bytes == 0 {
		return nil
	}
	// In the order of ids, which is about that in which bodies lie.
	order := make([]int, 0, len(w.headers))
	for i := range w.headers {
		if len(w.parts[i]) > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(w.headers[a].id[:], w.headers[b].id[:]) })
	var of []*leafParts
	for _, i := range order {
		at := leafOf(w.headers[i])
		which := slices.IndexFunc(of, func(l *leafParts) bool { return l.leaf == at })
		if which < 0 {
			which, of = len(of), append(of, &leafParts{leaf: at})
		}
		of[which].ranges.Add(w.headers[i].id, w.ranges[i]...)
		of[which].numbers = append(of[which].numbers, i)
	}
	w.buffer = s.engine.waves.take(w.bytes)
	for _, leaf := range of {
		found, err := leaf.ranges.Read(ctx, s.tx, s.engine.statements.parts(q.Signal, leaf.leaf), s.list, q.Tenant, func(number int, b []byte) error {
			w.fill(leaf.numbers[number], b)
			return nil
		})
		if err == nil && found < leaf.ranges.Len() {
			err = errMissing.Newf("%d of %d bodies of segments were found", found, leaf.ranges.Len())
		}
		if err != nil {
			return vanished(err)
		}
	}
	return nil
}

// fill gives the parts of one segment their bytes, which follow one another.
func (w *wave) fill(i int, b []byte) {
	for j := range w.parts[i] {
		from := len(w.buffer)
		w.buffer = append(w.buffer, b[:w.ranges[i][j].Length]...)
		w.parts[i][j].Bytes = w.buffer[from:len(w.buffer):len(w.buffer)]
		b = b[w.ranges[i][j].Length:]
	}
}

// leaf names one of the tables that bodies are in, by what a header says: a slot, or a day (Unix ns) of settled ones.
type leaf struct {
	slot int
	day  int64
}

func leafOf(h *Header) leaf {
	if h.slot != schema.Settled {
		return leaf{slot: h.slot}
	}
	return leaf{h.slot, telemetry.Grain(h.minTime, 24*time.Hour)}
}

// leafParts are the parts of a wave that one statement reads.
type leafParts struct {
	leaf    leaf
	ranges  segmentrow.Ranges
	numbers []int // of the segments in the wave
}

// vanished says what an error of reading bodies means: a day that is not there was dropped, with its headers.
func vanished(err error) error {
	if postgres.MissingTable(err) {
		return errMissing.Wrap(err, "the bodies of a day were dropped")
	}
	if err != nil {
		return fmt.Errorf("fetch segments: %w", err)
	}
	return nil
}

// visit looks at one segment: i numbers it in its wave. r is only valid during the call.
type visit func(i int, r *columns.Reader, h *Header) error

// decode runs each over the segments of a wave, one worker to a core.
func (s *Snapshot) decode(ctx context.Context, q *Query, current *wave, each visit) error {
	g, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64
	for range min(s.engine.set.Workers, len(current.headers)) {
		g.Go(func() error {
			r, err := s.engine.readers.Take(q.Tenant)
			if err != nil {
				return err
			}
			for {
				i := int(taken.Add(1)) - 1
				if i >= len(current.headers) {
					s.engine.readers.Put(r)
					return nil
				}
				if err := ctx.Err(); err != nil {
					s.engine.readers.Put(r)
					return err
				}
				end, err := s.engine.memory.decoding(ctx, s.long)
				if err != nil {
					s.engine.readers.Put(r)
					return err
				}
				err = visitOne(i, current, r, each)
				end()
				if err != nil {
					return fmt.Errorf("segment %x: %w", current.headers[i].id, err)
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("scan %s: %w", q.Signal, err)
	}
	return nil
}

// visitOne runs each over one segment of a wave. A panic is the segment's damage: one row of a table must not end the process, and with it
// everything else that runs there. After an error, the reader is in no state to be used again.
func visitOne(i int, of *wave, r *columns.Reader, each visit) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = segment.ErrDamaged.Newf("segment is damaged: reading it failed with: %v", p)
		}
	}()
	r.Open(of.headers[i].directory, of.wants[i], of.parts[i])
	if err := each(i, r, of.headers[i]); err != nil {
		return err
	}
	return r.Err()
}
