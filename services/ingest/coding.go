package ingest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/ollyscale/ollyscale/libs/httpserver"
)

// coding is one way in which senders compress: a line of newCodings. The message is at hand whole when it is decompressed, and what comes
// out is bounded by who reads it; what a decoder holds beside that must be bounded by itself.
type coding struct {
	names []string // in Content-Encoding and grpc-encoding
	holds int64    // most bytes that a decoder takes beside what comes out: its window
	make  func() (decoder, error)
	kept  sync.Pool                          // decoder
	write func(w io.Writer) (encoder, error) // for answers by gRPC, which come in the encoding of the request
}

// encoder writes one stream after another.
type encoder interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// decoder reads one stream after another. It works in its reader's goroutine.
type decoder interface {
	io.Reader
	Reset(source io.Reader) error
}

// maxWindow bounds what a zstd stream may ask a decoder to hold, as RFC 8878 recommends. Every level of zstd up to 19 keeps below it.
const maxWindow = 8 << 20

type codings []*coding

func newCodings() codings {
	return codings{
		{
			names: []string{"gzip", "x-gzip"}, holds: 64 << 10,
			make:  func() (decoder, error) { return new(gzip.Reader), nil },
			write: func(w io.Writer) (encoder, error) { return gzip.NewWriter(w), nil },
		},
		{
			names: []string{"zstd"}, holds: maxWindow,
			make: newZstdDecoder,
			write: func(w io.Writer) (encoder, error) {
				return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
			},
		},
		{
			names: []string{"deflate", "zlib"}, holds: 64 << 10,
			make:  newZlibDecoder,
			write: func(w io.Writer) (encoder, error) { return zlib.NewWriter(w), nil },
		},
		{
			names: []string{"snappy", "x-snappy-framed"}, holds: 2 * maxBlock, // a block as it came, and what is in it
			make: newSnappyDecoder,
			write: func(w io.Writer) (encoder, error) {
				return s2.NewWriter(w, s2.WriterSnappyCompat(), s2.WriterConcurrency(1)), nil
			},
		},
		{
			names: []string{"lz4"}, holds: 8 << 20, // likewise of a block
			make:  newLZ4Decoder,
			write: func(w io.Writer) (encoder, error) { return lz4.NewWriter(w), nil },
		},
	}
}

// newZstdDecoder makes a decoder that leaves no goroutine behind.
func newZstdDecoder() (decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, fmt.Errorf("zstd decoder: %w", err)
	}
	return z, nil
}

// find returns the coding of a name, nil for identity.
func (c codings) find(name string) (*coding, error) {
	wanted := strings.ToLower(strings.TrimSpace(name))
	if wanted == "" || wanted == "identity" {
		return nil, nil //nolint:nilnil // identity is no coding
	}
	var known []string
	for _, one := range c {
		if slices.Contains(one.names, wanted) {
			return one, nil
		}
		known = append(known, one.names[0])
	}
	return nil, httpserver.ErrMediaType.Newf("Content-Encoding %s is not known: want %s or identity", printable(name), strings.Join(known, ", "))
}

// take returns a decoder of a stream, which put gives back.
func (c *coding) take(source io.Reader) (decoder, error) {
	z, ok := c.kept.Get().(decoder)
	if !ok {
		var err error
		if z, err = c.make(); err != nil {
			return nil, err
		}
	}
	if err := z.Reset(source); err != nil {
		c.put(z)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // nothing at all
		}
		return nil, &codingError{err}
	}
	return reading{z}, nil
}

func (c *coding) put(z decoder) {
	if r, ok := z.(reading); ok {
		z = r.decoder
	}
	_ = z.Reset(nothing{}) // lets go of the message; that nothing is no stream does not matter
	c.kept.Put(z)
}

// nothing is a source without a byte.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) ReadByte() (byte, error)  { return 0, io.EOF }

// reading marks what a decoder fails by.
type reading struct{ decoder }

// Read reads decompressed bytes.
func (r reading) Read(p []byte) (int, error) {
	n, err := r.decoder.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &codingError{err}
	}
	return n, err
}

// codingError is what is wrong with compressed bytes.
type codingError struct{ err error }

// Error is the decoder's words.
func (e *codingError) Error() string { return e.err.Error() }

// Unwrap is the decoder's error.
func (e *codingError) Unwrap() error { return e.err }

// what says it without the decoder's own prefix.
func (e *codingError) what() string {
	if errors.Is(e.err, io.ErrUnexpectedEOF) {
		return "it ends early"
	}
	_, rest, found := strings.Cut(e.Error(), ": ")
	if !found {
		return e.Error()
	}
	return rest
}
