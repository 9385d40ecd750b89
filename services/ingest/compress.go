package ingest

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // registers itself first, so that the faster one below replaces it
)

// gRPC knows compressors by one table per process, which may be written only while the program initialises: a package variable's
// initialiser is that moment, and is what grpc/encoding/gzip does. Nothing is changed afterwards.
var _ = register()

// register makes the encodings known in which answers are sent; without one of its name, gRPC refuses a request before it is looked at. What
// requests hold is decompressed by codings: these here see only what other services get, which is a few bytes.
func register() []encoding.Compressor {
	compressors := []encoding.Compressor{&gzipCompressor{}, &zstdCompressor{}, &snappyCompressor{}}
	for _, c := range compressors {
		encoding.RegisterCompressor(c)
	}
	return compressors
}

// gzipCompressor is gRPC's gzip by klauspost/compress, whose inflate takes about two thirds of the standard library's time.
type gzipCompressor struct {
	writers, readers sync.Pool
}

// Name is the encoding's name in grpc-encoding.
func (*gzipCompressor) Name() string { return "gzip" }

// Compress compresses what is written; Close ends the stream.
func (c *gzipCompressor) Compress(w io.Writer) (io.WriteCloser, error) {
	z, ok := c.writers.Get().(*gzipWriter)
	if !ok {
		z = &gzipWriter{Writer: gzip.NewWriter(w), pool: &c.writers}
		return z, nil
	}
	z.Reset(w)
	return z, nil
}

// Decompress reads a stream; gRPC closes it.
func (c *gzipCompressor) Decompress(r io.Reader) (io.Reader, error) {
	z, ok := c.readers.Get().(*gzipReader)
	if !ok {
		z = &gzipReader{pool: &c.readers}
	}
	if err := z.Reset(r); err != nil {
		c.readers.Put(z)
		return nil, err
	}
	return z, nil
}

type gzipWriter struct {
	*gzip.Writer
	pool *sync.Pool
}

// Close ends the stream and keeps the writer for the next.
func (z *gzipWriter) Close() error {
	defer z.pool.Put(z)
	return z.Writer.Close()
}

type gzipReader struct {
	gzip.Reader
	pool *sync.Pool
}

// Close keeps the reader for the next stream.
func (z *gzipReader) Close() error {
	z.pool.Put(z)
	return nil
}

// zstdCompressor is zstd for gRPC, which has none of its own.
type zstdCompressor struct {
	writers, readers sync.Pool
}

// Name is the encoding's name in grpc-encoding.
func (*zstdCompressor) Name() string { return "zstd" }

// Compress compresses what is written; Close ends the stream.
func (c *zstdCompressor) Compress(w io.Writer) (io.WriteCloser, error) {
	z, ok := c.writers.Get().(*zstdWriter)
	if !ok {
		e, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return nil, err
		}
		return &zstdWriter{Encoder: e, pool: &c.writers}, nil
	}
	z.Reset(w)
	return z, nil
}

// Decompress reads a stream; gRPC closes it.
func (c *zstdCompressor) Decompress(r io.Reader) (io.Reader, error) {
	z, ok := c.readers.Get().(*zstdReader)
	if !ok {
		d, err := newZstdDecoder()
		if err != nil {
			return nil, err
		}
		z = &zstdReader{decoder: d, pool: &c.readers}
	}
	if err := z.Reset(r); err != nil {
		return nil, err
	}
	return z, nil
}

type zstdWriter struct {
	*zstd.Encoder
	pool *sync.Pool
}

// Close ends the stream and keeps the encoder for the next.
func (z *zstdWriter) Close() error {
	defer z.pool.Put(z)
	return z.Encoder.Close()
}

type zstdReader struct {
	decoder
	pool *sync.Pool
}

// Close keeps the decoder for the next stream.
func (z *zstdReader) Close() error {
	if err := z.Reset(nothing{}); err != nil {
		return err
	}
	z.pool.Put(z)
	return nil
}

// snappyCompressor is the Collector's snappy for gRPC: the framed stream.
type snappyCompressor struct{}

// Name is the encoding's name in grpc-encoding.
func (*snappyCompressor) Name() string { return "snappy" }

// Compress compresses what is written; Close ends the stream.
func (*snappyCompressor) Compress(w io.Writer) (io.WriteCloser, error) {
	return s2.NewWriter(w, s2.WriterSnappyCompat(), s2.WriterConcurrency(1)), nil
}

// Decompress reads a stream.
func (*snappyCompressor) Decompress(r io.Reader) (io.Reader, error) {
	return s2.NewReader(r, s2.ReaderMaxBlockSize(64<<10)), nil
}
