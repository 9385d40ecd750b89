package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zlib"
	"github.com/pierrec/lz4/v4"
)

// The encodings beside gzip and zstd that a Collector's exporter can be set to.

// zlibDecoder reads what HTTP calls deflate: a zlib stream. Some senders leave its frame away; the first two bytes tell.
type zlibDecoder struct {
	in     *bufio.Reader
	z, raw io.ReadCloser
	from   io.Reader
}

func newZlibDecoder() (decoder, error) {
	return &zlibDecoder{in: bufio.NewReaderSize(nil, peeked)}, nil
}

// peeked is how far a decoder looks before it knows what comes.
const peeked = 4 << 10

// Reset begins a stream.
func (d *zlibDecoder) Reset(source io.Reader) error {
	in := d.in
	in.Reset(source)
	head, err := in.Peek(2)
	if err != nil {
		return err
	}
	if head[0]&0x0f != 8 || (uint(head[0])<<8|uint(head[1]))%31 != 0 {
		if d.raw == nil {
			d.raw = flate.NewReader(in)
		} else if err := d.raw.(flate.Resetter).Reset(in, nil); err != nil { //nolint:forcetypeassert // as flate says
			return err
		}
		d.from = d.raw
		return nil
	}
	if d.z == nil {
		d.z, err = zlib.NewReader(in)
	} else {
		err = d.z.(zlib.Resetter).Reset(in, nil) //nolint:forcetypeassert // as zlib says
	}
	d.from = d.z
	return err
}

// Read reads decompressed bytes.
func (d *zlibDecoder) Read(p []byte) (int, error) { return d.from.Read(p) }

// maxBlock bounds what one block of snappy decompresses to: it is taken whole, so that what is larger must come framed.
const maxBlock = 4 << 20

// snappyMagic begins a framed stream.
const snappyMagic = "\xff\x06\x00\x00sNaPpY"

// snappyDecoder reads both forms: the framed stream, which is what older Collectors call snappy and newer ones x-snappy-framed, and one block.
type snappyDecoder struct {
	in     *bufio.Reader
	framed *s2.Reader
	block  bytes.Reader
	out    []byte
	from   io.Reader
}

func newSnappyDecoder() (decoder, error) {
	return &snappyDecoder{in: bufio.NewReaderSize(nil, peeked), framed: s2.NewReader(nil, s2.ReaderMaxBlockSize(64<<10))}, nil
}

// Reset begins a stream.
func (d *snappyDecoder) Reset(source io.Reader) error {
	d.framed.Reset(nil)
	d.out = nil
	d.block.Reset(nil)
	in := d.in
	in.Reset(source)
	head, err := in.Peek(len(snappyMagic))
	if len(head) == 0 {
		return err
	}
	if string(head) == snappyMagic {
		d.framed.Reset(in)
		d.from = d.framed
		return nil
	}
	size, err := s2.DecodedLen(head)
	if err == nil && size > maxBlock {
		return fmt.Errorf("snappy: one block of %d bytes, at most %d are taken: send it framed", size, maxBlock)
	}
	if err != nil {
		return err
	}
	block, err := io.ReadAll(io.LimitReader(in, int64(s2.MaxEncodedLen(size))+1))
	if err != nil {
		return err
	}
	if d.out, err = s2.Decode(nil, block); err != nil {
		return err
	}
	d.block.Reset(d.out)
	d.from = &d.block
	return nil
}

// Read reads decompressed bytes.
func (d *snappyDecoder) Read(p []byte) (int, error) { return d.from.Read(p) }

// lz4Magic begins a frame.
const lz4Magic = "\x04\x22\x4d\x18"

// lz4Decoder reads frames of LZ4, of which a block has at most 4 MiB; those of the legacy format, with blocks of 8 MiB, are refused.
type lz4Decoder struct {
	*lz4.Reader
	in *bufio.Reader
}

func newLZ4Decoder() (decoder, error) {
	return &lz4Decoder{lz4.NewReader(nil), bufio.NewReaderSize(nil, peeked)}, nil
}

// Reset begins a stream.
func (d *lz4Decoder) Reset(source io.Reader) error {
	d.in.Reset(source)
	d.Reader.Reset(d.in)
	head, err := d.in.Peek(len(lz4Magic))
	if err == nil && string(head) != lz4Magic {
		return errors.New("lz4: invalid frame")
	}
	return err
}
