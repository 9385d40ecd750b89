package ingest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
)

// buffers keeps what a request needs for reading. The zero value is ready; safe for concurrent use.
type buffers struct {
	small sync.Pool // *[]byte of at most maxSmall
	large sync.Pool // *[]byte
	gzips sync.Pool // *gzip.Reader
	zstds sync.Pool // *zstd.Decoder
}

// Buffers of up to maxSmall and of up to maxKept are kept for the next request, apart, so that a small request does not hold, and is
// not charged for, a large buffer.
const (
	maxSmall = 256 << 10
	maxKept  = 8 << 20
)

// maxWindow bounds what a zstd stream may ask a decoder to hold; RFC 8878 recommends 8 MiB.
const maxWindow = 32 << 20

// body is a request's body, decompressed.
type body struct {
	bytes    []byte
	buffer   *[]byte
	reserved int64
}

// read reads and decompresses a body of at most limit bytes. The caller ends with release. fault.TooLarge beyond the limit,
// fault.Invalid for what cannot be decompressed, fault.Overloaded where the budget is spent.
func (s *Service) read(r *http.Request, limit int64) (body, error) {
	source, done, err := s.buffers.decompress(r)
	if err != nil {
		return body{}, err
	}
	defer done()
	want := max(r.ContentLength, 4<<10)
	if source != io.Reader(r.Body) {
		want *= 6 // what OTLP compresses to, about
	}
	want = min(want, limit)
	b := body{}
	if b.buffer = s.buffers.get(want); b.buffer == nil {
		b.buffer = new([]byte)
	}
	if err := s.fill(&b, source, want, limit); err != nil {
		s.release(&b)
		return body{}, readError(err, r, limit)
	}
	return b, nil
}

// errTooLarge is turned into words by readError.
var errTooLarge = errors.New("the body is too large")

func (s *Service) fill(b *body, source io.Reader, want, limit int64) error {
	buf := (*b.buffer)[:0]
	if int64(cap(buf)) < want {
		buf = make([]byte, 0, want+1) // one more than expected, so that the end is seen without growing
	}
	for {
		if grown := int64(cap(buf)) - b.reserved; grown > 0 {
			if err := s.budget.take(grown); err != nil {
				return err
			}
			b.reserved += grown
		}
		n, err := source.Read(buf[len(buf):min(int64(cap(buf)), limit+1)])
		buf = buf[:len(buf)+n]
		*b.buffer, b.bytes = buf, buf
		if int64(len(buf)) > limit {
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(buf) == cap(buf) {
			buf = s.buffers.grow(b, limit)
		}
	}
}

// release gives back what read took; the bytes must not be used any more.
func (s *Service) release(b *body) {
	s.budget.free(b.reserved)
	s.buffers.put(b.buffer)
	*b = body{}
}

// get returns a buffer for about want bytes, nil where none is kept.
func (b *buffers) get(want int64) *[]byte {
	pool := &b.small
	if want > maxSmall {
		pool = &b.large
	}
	buffer, _ := pool.Get().(*[]byte)
	return buffer
}

// grow moves what has been read of a body to a larger buffer, a kept one where there is one.
func (b *buffers) grow(read *body, limit int64) []byte {
	old := *read.buffer
	want := min(2*int64(cap(old)), limit+1)
	if next := b.get(want); next != nil && int64(cap(*next)) >= want {
		grown := (*next)[:len(old)]
		copy(grown, old)
		b.put(read.buffer) // only now: it belongs to the next request at once
		read.buffer = next
		return grown
	}
	next := make([]byte, len(old), want)
	copy(next, old)
	return next
}

func (b *buffers) put(buffer *[]byte) {
	switch {
	case cap(*buffer) <= maxSmall:
		b.small.Put(buffer)
	case cap(*buffer) <= maxKept:
		b.large.Put(buffer)
	}
}

func readError(err error, r *http.Request, limit int64) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return httpserver.BodyTooLarge(tooLarge.Limit)
	}
	if errors.Is(err, errTooLarge) {
		return httpserver.BodyTooLarge(limit)
	}
	if r.Context().Err() != nil {
		return fmt.Errorf("read the body: %w", r.Context().Err())
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" {
		return errEncoding.Wrap(err, "the body cannot be read as "+printable(encoding)+": "+encodingProblem(err))
	}
	return errBody.Wrap(err, "the body ended early")
}

// encodingProblem says what a decompressor found, without its own prefix.
func encodingProblem(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends early"
	}
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "gzip: "), "zstd: ")
}

// decompress gives the body's content; done must be called when it has been read.
func (b *buffers) decompress(r *http.Request) (source io.Reader, done func(), err error) {
	switch strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return r.Body, func() {}, nil
	case "gzip", "x-gzip":
		z, ok := b.gzips.Get().(*gzip.Reader)
		if !ok {
			z = new(gzip.Reader)
		}
		if err := z.Reset(r.Body); err != nil {
			b.gzips.Put(z)
			return nil, nil, gzipHeader(err, r)
		}
		return z, func() { b.gzips.Put(z) }, nil
	case "zstd":
		z, ok := b.zstds.Get().(*zstd.Decoder)
		if !ok {
			z, err = newZstdDecoder()
			if err != nil {
				return nil, nil, err
			}
		}
		if err := z.Reset(r.Body); err != nil {
			return nil, nil, fmt.Errorf("zstd: %w", err)
		}
		return z, func() {
			_ = z.Reset(nil) // lets go of the request
			b.zstds.Put(z)
		}, nil
	}
	return nil, nil, httpserver.ErrMediaType.Newf("Content-Encoding %s is not known: want gzip, zstd or identity",
		printable(r.Header.Get("Content-Encoding")))
}

func gzipHeader(err error, r *http.Request) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // an empty body is no gzip
	}
	return readError(err, r, 0)
}

// newZstdDecoder makes a decoder that works in its caller's goroutine and leaves none behind.
func newZstdDecoder() (*zstd.Decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, fmt.Errorf("zstd decoder: %w", err)
	}
	return z, nil
}

// printable makes a client's text fit for a message.
func printable(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
