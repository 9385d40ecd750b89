package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
)

// How a request's bytes come into memory, the same for both transports. Invariants: the budget is taken before memory is; what a request
// takes is in proportion to what has arrived of it, whatever length it announces; what comes out of a decompressor is charged as it grows.

// body is a request's message, decompressed.
type body struct {
	of       *visit // whose request it is; nil for nobody's
	bytes    []byte
	buffer   *[]byte
	reserved int64         // of the budget: for the buffer, and for what was made of it and lives as long
	place    chan struct{} // of the lane of large requests, while one is held
}

// incoming is a message on its way.
type incoming struct {
	source    io.Reader
	announced int64  // its length, as its sender says; less than 0 where it says none
	encoding  string // as in Content-Encoding and grpc-encoding
}

const (
	// firstRead is what a request is charged before a byte of it has arrived.
	firstRead = 16 << 10
	// arrivedShare of an announced length must have arrived before the rest is believed.
	arrivedShare = 4
	// smallRequest is the size up to which a request may use what is kept free of larger ones, and needs no place among them.
	smallRequest = 1 << 20
)

// read takes a message of at most limit bytes, decompressed, into memory. The caller ends with release. fault.TooLarge beyond the limit,
// fault.Invalid for what cannot be decompressed, fault.Overloaded where the budget is spent, ctx's error when it ends.
func (s *Service) read(ctx context.Context, v *visit, in incoming, limit int64) (b body, err error) {
	b.of = v
	compressed := 0
	defer func() {
		if err != nil {
			err = readError(ctx, err, in.encoding, limit)
			v.spoil(s.env.Now(), max(compressed, len(b.bytes)), err)
			s.release(&b)
		}
	}()
	coding, err := s.codings.find(in.encoding)
	if err != nil {
		return b, err
	}
	if err := s.fill(ctx, &b, in.source, in.announced, limit); err != nil {
		return b, err
	}
	if coding != nil {
		raw := b
		compressed = len(raw.bytes)
		b = body{of: v}
		defer s.release(&raw)
		if err := s.decompress(ctx, coding, raw.bytes, &b, limit); err != nil {
			return b, err
		}
	}
	if len(b.bytes) > smallRequest {
		return b, s.enter(ctx, &b)
	}
	return b, nil
}

// errTooLarge is turned into words by readError.
var errTooLarge = errors.New("the body is too large")

// fill reads source to its end into b.
func (s *Service) fill(ctx context.Context, b *body, source io.Reader, announced, limit int64) error {
	if announced > limit {
		return errTooLarge
	}
	if b.buffer == nil {
		if err := s.grow(b, firstSize(announced)); err != nil {
			return err
		}
	}
	for {
		buf := *b.buffer
		n, err := source.Read(buf[len(buf):min(int64(cap(buf)), limit+1)])
		buf = buf[:len(buf)+n]
		*b.buffer, b.bytes = buf, buf
		switch {
		case int64(len(buf)) > limit:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(buf) < cap(buf):
		default:
			if err := s.grow(b, nextSize(int64(len(buf)), announced, limit)); err != nil {
				return err
			}
		}
		if b.place == nil && len(buf) > smallRequest && announced == decompressed {
			if err := s.enter(ctx, b); err != nil {
				return err
			}
		}
	}
}

// decompressed is the announced length of what comes out of a decompressor: it comes as fast as it is read.
const decompressed = -2

// firstSize is what is taken for a message of which nothing has arrived.
func firstSize(announced int64) int64 {
	if announced >= 0 && announced < firstRead {
		return announced + 1 // one more than expected, so that the end is seen without growing
	}
	return firstRead
}

// nextSize is what is taken once arrived bytes fill what was.
func nextSize(arrived, announced, limit int64) int64 {
	if arrived < announced && arrived*arrivedShare >= announced {
		return announced + 1
	}
	return min(2*arrived, limit+1)
}

// grow moves what has been read of a body to a buffer of want bytes, a kept one of up to twice that where there is one and room for it.
func (s *Service) grow(b *body, want int64) error {
	next := s.buffers.get(want)
	if next != nil {
		size := int64(cap(*next))
		if most := s.budget.most(size); s.budget.used.Load()+size <= most && s.reserve(b.of, size, most) == nil {
			want = size
		} else {
			s.buffers.put(next)
			next = nil
		}
	}
	if next == nil {
		if err := s.reserve(b.of, want, s.budget.most(want)); err != nil {
			return err
		}
		made := make([]byte, 0, want)
		next = &made
	}
	*next = append((*next)[:0], b.bytes...)
	s.buffers.put(b.buffer) // only now: it belongs to the next request at once
	s.free(b.of, b.reserved)
	b.buffer, b.bytes, b.reserved = next, *next, want
	return nil
}

// enter waits for a place among the few large requests that are worked on at a time: what that takes beside their bytes (parts, what is
// compressed for the bus) is bounded by their number.
func (s *Service) enter(ctx context.Context, b *body) error {
	if b.place != nil {
		return nil
	}
	if err := s.large.take(ctx, s.cfg.PublishTimeout); err != nil {
		return err
	}
	b.place = s.large
	return nil
}

// reserve takes n bytes of the budget for a request, before they are allocated, if no more than most are used then; its tenant may have none
// left, or nobody has. A request that is alone is always taken.
func (s *Service) reserve(v *visit, n, most int64) error {
	if err := v.hold(n); err != nil {
		return err
	}
	if err := s.budget.take(n, most, v.charges()); err != nil {
		v.release(n)
		return err
	}
	v.charge(n)
	return nil
}

// reserveSome takes what is free for a request that was received, of what it wants. The least it takes of what is kept for smaller ones, too, and
// that is bounded by what the request leaves free itself.
func (s *Service) reserveSome(v *visit, least, want int64) (int64, error) {
	least = min(least, max(s.budget.largest()-v.charges(), 0))
	if some := min(want, s.budget.largest()-s.budget.used.Load()); some > least && s.reserve(v, some, s.budget.largest()) == nil {
		return some, nil
	}
	most := s.budget.published()
	if want <= 2*smallRequest {
		most = s.budget.limit
	}
	return least, s.reserve(v, least, most)
}

// free gives back what reserve took.
func (s *Service) free(v *visit, n int64) {
	s.budget.free(n)
	v.charge(-n)
	v.release(n)
}

// release gives back what read took; the bytes must not be used any more.
func (s *Service) release(b *body) {
	s.free(b.of, b.reserved)
	s.buffers.put(b.buffer)
	if b.place != nil {
		lane(b.place).leave()
	}
	*b = body{}
}

// decompress turns a message that has arrived whole into what it holds. Few do so at a time, small ones apart from large ones: more at once
// than there are processors would gain nothing, and each has a window.
func (s *Service) decompress(ctx context.Context, c *coding, compressed []byte, b *body, limit int64) error {
	if err := s.small.take(ctx, s.cfg.PublishTimeout); err != nil {
		return err
	}
	out := &unpacking{small: s.small}
	defer out.yield()
	holds := min(c.holds, limit)
	if err := s.reserve(b.of, holds, s.budget.limit); err != nil {
		return err
	}
	defer s.free(b.of, holds)
	z, err := c.take(bytes.NewReader(compressed))
	if err != nil {
		return err
	}
	defer c.put(z)
	out.Reader = z
	if err := s.grow(b, unpackedSize(int64(len(compressed)), limit)); err != nil {
		return err
	}
	return s.fill(ctx, b, out, decompressed, limit)
}

// unpackedSize is what is taken at first for what a message of so many bytes decompresses to.
func unpackedSize(compressed, limit int64) int64 {
	want := max(firstRead, 2*compressed)
	if want > limit/2 {
		return limit + 1 // growing to it would hold both
	}
	return want
}

// unpacking is a decompressor whose output gives up the place among the small ones as soon as it is large.
type unpacking struct {
	io.Reader
	small lane
	out   int
	gone  bool
}

// Read reads decompressed bytes.
func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if u.out += n; u.out > smallRequest {
		u.yield()
	}
	return n, err
}

func (u *unpacking) yield() {
	if !u.gone {
		u.gone = true
		u.small.leave()
	}
}

// lane bounds how many requests do something at once.
type lane chan struct{}

// take waits for a place, which leave gives back; fault.Overloaded where that takes longer than wait.
func (l lane) take(ctx context.Context, wait time.Duration) error {
	select {
	case l <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case l <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy.New("too many large requests are being taken; retry later")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l lane) leave() { <-l }

// buffers keeps what requests were read into for the next ones, apart by size, so that a request does not hold, and is not charged for, a
// buffer much larger than it asks for. The zero value is ready; safe for concurrent use.
type buffers [maxKeptBits]sync.Pool // *[]byte, by how many bits its capacity has, less one

// A buffer of up to maxKept bytes is kept, a number of so many bits.
const (
	maxKept     = 1 << (maxKeptBits - 1)
	maxKeptBits = 24
)

// get returns a kept buffer of at least want bytes and at most twice as many, nil where none is found.
func (b *buffers) get(want int64) *[]byte {
	class := bits.Len64(uint64(want)) - 1 //nolint:gosec // not negative
	for i := class; i <= class+1 && i < len(b); i++ {
		buffer, _ := b[i].Get().(*[]byte)
		if buffer == nil {
			continue
		}
		if size := int64(cap(*buffer)); want <= size && size <= 2*want {
			return buffer
		}
		b[i].Put(buffer)
	}
	return nil
}

// put keeps a buffer; it belongs to another at once.
func (b *buffers) put(buffer *[]byte) {
	if buffer != nil && cap(*buffer) > 0 && cap(*buffer) <= maxKept {
		b[bits.Len(uint(cap(*buffer)))-1].Put(buffer)
	}
}

func readError(ctx context.Context, err error, encoding string, limit int64) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return httpserver.BodyTooLarge(tooLarge.Limit)
	}
	if errors.Is(err, errTooLarge) {
		return httpserver.BodyTooLarge(limit)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("read the body: %w", ctx.Err())
	}
	if problem, ok := errors.AsType[*codingError](err); ok {
		return errEncoding.Wrap(err, "the body cannot be read as "+printable(encoding)+": "+problem.what())
	}
	return errBody.Wrap(err, "the body is not framed as it should be")
}

// printable makes a client's text fit for a message.
func printable(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
