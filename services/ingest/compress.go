package ingest

import (
	"io"
	"sync"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // registers itself first, so that ours replaces it
)

// gRPC knows compressors by one table per process, which may be written only while the program initialises: a package variable's
// initialiser is that moment, and is what grpc/encoding/gzip does. Nothing is changed afterwards.
var _ = register()

// register makes every coding known by all of its names, because gRPC refuses a request in an encoding that it has no compressor of before it
// is looked at. What requests hold is decompressed by Service.read: these here compress answers, and see of requests only what other services
// get, which is a few bytes.
func register() codings {
	all := newCodings()
	for _, c := range all {
		for _, name := range c.names {
			encoding.RegisterCompressor(&compressor{name: name, coding: c})
		}
	}
	return all
}

// compressor is a coding under one of its names.
type compressor struct {
	name    string
	coding  *coding
	writers sync.Pool // *compressing
}

// Name is the encoding's name in grpc-encoding.
func (c *compressor) Name() string { return c.name }

// Compress compresses what is written; Close ends the stream.
func (c *compressor) Compress(w io.Writer) (io.WriteCloser, error) {
	if z, ok := c.writers.Get().(*compressing); ok {
		z.Reset(w)
		return z, nil
	}
	z, err := c.coding.write(w)
	if err != nil {
		return nil, err
	}
	return &compressing{encoder: z, pool: &c.writers}, nil
}

// Decompress reads a stream; gRPC closes it.
func (c *compressor) Decompress(r io.Reader) (io.Reader, error) {
	z, err := c.coding.take(r)
	if err != nil {
		return nil, err
	}
	return &decompressing{decoder: z, coding: c.coding}, nil
}

type compressing struct {
	encoder
	pool *sync.Pool
}

// Close ends the stream and keeps the encoder for the next.
func (z *compressing) Close() error {
	defer z.pool.Put(z)
	return z.encoder.Close()
}

type decompressing struct {
	decoder
	coding *coding
}

// Close keeps the decoder for the next stream.
func (z *decompressing) Close() error {
	z.coding.put(z.decoder)
	return nil
}
