//nolint:gosec // G115: integers are converted to what the wire and the columns hold; sizes are bounded by a bus message
package writer

import "encoding/binary"

// PostgreSQL's type numbers of array elements; fixed for all versions.
const (
	oidInt8   = 20
	oidInt4   = 23
	oidFloat8 = 701
)

// copyStream is one COPY … (FORMAT binary) stream, built by hand in a buffer that is used again: a third of the client's cost of
// CopyFrom over boxed values. The caller writes rows with begin and one value per column, in the statement's column order.
type copyStream struct {
	buf  []byte
	rows int
}

// reset starts an empty stream.
func (c *copyStream) reset() {
	c.rows = 0
	c.buf = append(c.buf[:0], "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
}

// finish ends the stream and returns its bytes, valid until reset. It may be called once.
func (c *copyStream) finish() []byte {
	c.buf = append(c.buf, 0xff, 0xff)
	return c.buf
}

// begin starts a row of the given number of columns.
func (c *copyStream) begin(columns int) {
	c.rows++
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(columns))
}

func (c *copyStream) null() { c.buf = append(c.buf, 0xff, 0xff, 0xff, 0xff) }

func (c *copyStream) int2(v int16) {
	c.buf = append(c.buf, 0, 0, 0, 2)
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(v))
}

func (c *copyStream) int4(v int32) {
	c.buf = append(c.buf, 0, 0, 0, 4)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(v))
}

func (c *copyStream) int8(v int64) {
	c.buf = append(c.buf, 0, 0, 0, 8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(v))
}

func (c *copyStream) bytes(v []byte) {
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(v)))
	c.buf = append(c.buf, v...)
}

// text writes a string that is known to be clean.
func (c *copyStream) text(v string) {
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(v)))
	c.buf = append(c.buf, v...)
}

// open starts a value whose length is not known yet; close fills it in.
func (c *copyStream) open() (mark int) {
	c.buf = append(c.buf, 0, 0, 0, 0)
	return len(c.buf)
}

func (c *copyStream) close(mark int) {
	binary.BigEndian.PutUint32(c.buf[mark-4:], uint32(len(c.buf)-mark))
}

// jsonb starts a jsonb value: its version byte, then the text.
func (c *copyStream) jsonb() (mark int) {
	mark = c.open()
	c.buf = append(c.buf, 1)
	return mark
}

// array starts a one-dimensional array without nulls; n elements follow as values, then close.
func (c *copyStream) array(oid uint32, n, lower int) (mark int) {
	mark = c.open()
	if n == 0 {
		c.buf = append(c.buf, 0, 0, 0, 0, 0, 0, 0, 0)
		c.buf = binary.BigEndian.AppendUint32(c.buf, oid)
		return mark
	}
	c.buf = append(c.buf, 0, 0, 0, 1, 0, 0, 0, 0)
	c.buf = binary.BigEndian.AppendUint32(c.buf, oid)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n))
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(int32(lower)))
	return mark
}

func (c *copyStream) int8s(v []int64) {
	m := c.array(oidInt8, len(v), 1)
	for _, x := range v {
		c.int8(x)
	}
	c.close(m)
}

// doubles writes a float8[] given as IEEE bits.
func (c *copyStream) doubles(bits []int64) {
	m := c.array(oidFloat8, len(bits), 1)
	for _, x := range bits {
		c.int8(x)
	}
	c.close(m)
}
