package ingest

import (
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // registers itself first, so that the faster one below replaces it
)

// gRPC knows compressors by one table per process, which may be written only while the program initialises: a package variable's
// initialiser is that moment, and is what grpc/encoding/gzip does. Nothing is changed afterwards.
var _ = register(make(slots, max(2, runtime.GOMAXPROCS(0))))

func register(s slots) []encoding.Compressor {
	compressors := []encoding.Compressor{&gzipCompressor{slots: s}, &zstdCompressor{slots: s}}
	for _, c := range compressors {
		encoding.RegisterCompressor(c)
	}
	return compressors
}

// slots bounds how many gRPC messages are decompressed at once in this process. gRPC decompresses a message, which it has received as a
// whole, before the codec is asked, so the budget sees it only afterwards; without a bound every stream of every connection could hold a
// decompressed message that is charged to nobody. More at once than there are processors would gain nothing. The rest waits, compressed.
type slots chan struct{}

func (s slots) take() { s <- struct{}{} }
func (s slots) free() { <-s }

// gzipCompressor is gRPC's gzip by klauspost/compress, whose inflate takes about two thirds of the standard library's time.
type gzipCompressor struct {
	writers, readers sync.Pool
	slots            slots
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

// Decompress reads a stream, once a slot is free; gRPC closes it.
func (c *gzipCompressor) Decompress(r io.Reader) (io.Reader, error) {
	z, ok := c.readers.Get().(*gzipReader)
	if !ok {
		z = &gzipReader{pool: &c.readers, slots: c.slots}
	}
	c.slots.take()
	if err := z.Reset(r); err != nil {
		c.slots.free()
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
	pool  *sync.Pool
	slots slots
}

// Close keeps the reader for the next stream.
func (z *gzipReader) Close() error {
	z.slots.free()
	z.pool.Put(z)
	return nil
}

// zstdCompressor is zstd for gRPC, which has none of its own.
type zstdCompressor struct {
	writers, readers sync.Pool
	slots            slots
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

// Decompress reads a stream, once a slot is free; gRPC closes it.
func (c *zstdCompressor) Decompress(r io.Reader) (io.Reader, error) {
	z, ok := c.readers.Get().(*zstdReader)
	if !ok {
		d, err := newZstdDecoder()
		if err != nil {
			return nil, err
		}
		z = &zstdReader{d: d, pool: &c.readers, slots: c.slots}
	}
	c.slots.take()
	if err := z.d.Reset(r); err != nil {
		c.slots.free()
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
	d     *zstd.Decoder
	pool  *sync.Pool
	slots slots
}

// Read reads decompressed bytes.
func (z *zstdReader) Read(p []byte) (int, error) { return z.d.Read(p) }

// Close keeps the decoder for the next stream.
func (z *zstdReader) Close() error {
	z.slots.free()
	if err := z.d.Reset(nil); err != nil {
		return err
	}
	z.pool.Put(z)
	return nil
}
