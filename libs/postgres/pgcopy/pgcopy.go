// Package pgcopy writes PostgreSQL's binary COPY format by hand, into a buffer that is used again: a third of the client's cost of
// pgx's CopyFrom, which boxes every value. The format is that of https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
//
// Invariant: a row is Begin and then exactly one value for each column, in the order of the statement's columns. A value is one call, or
// Open (JSONB, Array) … Close around appended bytes.
package pgcopy

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// PostgreSQL's type numbers of array elements; fixed for all versions.
const (
	OIDInt8   = 20
	OIDInt4   = 23
	OIDFloat8 = 701
	OIDUUID   = 2950
)

const (
	header  = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	trailer = "\xff\xff"
)

// Statement is the COPY statement for columns of a table in schema public. Both are names of this program, which need no quotes.
func Statement(table string, columns []string) string {
	return "COPY public." + table + " (" + strings.Join(columns, ", ") + ") FROM STDIN (FORMAT binary)"
}

// Insert is the statement that inserts one row of columns of a table in schema public, for the values that Each gives.
func Insert(table string, columns []string) string {
	places := make([]string, len(columns))
	for i := range places {
		places[i] = "$" + strconv.Itoa(i+1)
	}
	return "INSERT INTO public." + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")"
}

// Stream is rows for one COPY.
type Stream struct {
	Buf  []byte // what was written since Reset; bytes of a value that is open may be appended
	Rows int
}

// Reset starts an empty stream.
func (c *Stream) Reset() {
	c.Rows = 0
	c.Buf = append(c.Buf[:0], header...)
}

// Send ends the stream and copies its rows. An error of the server is returned as it is, for the caller to say what it means; a server that
// stores another number of rows is fault.Internal, code "postgres.short_copy".
func (c *Stream) Send(ctx context.Context, tx pgx.Tx, statement string) error {
	c.Buf = append(c.Buf, trailer...)
	return send(ctx, tx, statement, bytes.NewReader(c.Buf), &c.Rows)
}

// Each calls f with the values of each row as the parameters of a prepared statement take them, in binary form: nil is NULL. They are f's until it
// returns.
func (c *Stream) Each(f func(values [][]byte)) {
	var values [][]byte
	for at := len(header); at+2 <= len(c.Buf); {
		n := int(binary.BigEndian.Uint16(c.Buf[at:]))
		at += 2
		values = values[:0]
		for range n {
			length := int32(binary.BigEndian.Uint32(c.Buf[at:])) //nolint:gosec // -1 is NULL
			at += 4
			if length < 0 {
				values = append(values, nil)
				continue
			}
			values = append(values, c.Buf[at:at+int(length):at+int(length)])
			at += int(length)
		}
		f(values)
	}
}

// SendRows copies n rows, each written by row when the one before it is on its way, so that no more than the largest of them is in memory.
func SendRows(ctx context.Context, tx pgx.Tx, statement string, n int, row func(c *Stream, i int)) error {
	r := &rows{n: n, row: row}
	r.Reset()
	return send(ctx, tx, statement, r, &r.Rows)
}

func send(ctx context.Context, tx pgx.Tx, statement string, from io.Reader, sent *int) error {
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, from, statement)
	if err != nil {
		return err
	}
	if stored := tag.RowsAffected(); stored != int64(*sent) {
		return errShortCopy.Newf("%d rows sent, %d stored", *sent, stored)
	}
	return nil
}

// rows is a Stream that holds one row at a time.
type rows struct {
	Stream
	row   func(c *Stream, i int)
	n     int
	read  int // bytes of Buf
	ended bool
}

func (r *rows) Read(to []byte) (int, error) {
	if r.read == len(r.Buf) {
		if r.ended {
			return 0, io.EOF
		}
		r.Buf, r.read = r.Buf[:0], 0
		if r.Rows == r.n {
			r.Buf, r.ended = append(r.Buf, trailer...), true
		} else {
			r.row(&r.Stream, r.Rows)
		}
	}
	n := copy(to, r.Buf[r.read:])
	r.read += n
	return n, nil
}

// Begin starts a row of the given number of columns.
func (c *Stream) Begin(columns int) {
	c.Rows++
	c.Buf = binary.BigEndian.AppendUint16(c.Buf, uint16(columns)) //nolint:gosec // PostgreSQL has no table of more than 1,600
}

// Null writes NULL.
func (c *Stream) Null() { c.Buf = append(c.Buf, 0xff, 0xff, 0xff, 0xff) }

// Int2 writes a smallint.
func (c *Stream) Int2(v int16) {
	c.Buf = append(c.Buf, 0, 0, 0, 2)
	c.Buf = binary.BigEndian.AppendUint16(c.Buf, uint16(v)) //nolint:gosec // the same bits
}

// Int4 writes an integer.
func (c *Stream) Int4(v int32) {
	c.Buf = append(c.Buf, 0, 0, 0, 4)
	c.Buf = binary.BigEndian.AppendUint32(c.Buf, uint32(v)) //nolint:gosec // the same bits
}

// Int8 writes a bigint, or a double precision given as its IEEE bits.
func (c *Stream) Int8(v int64) {
	c.Buf = append(c.Buf, 0, 0, 0, 8)
	c.Buf = binary.BigEndian.AppendUint64(c.Buf, uint64(v)) //nolint:gosec // the same bits
}

// sinceUnix is PostgreSQL's zero of timestamptz, 2000-01-01, in microseconds since 1970.
const sinceUnix = 946_684_800_000_000

// Timestamp writes an instant in Unix nanoseconds as a timestamptz, cut to the microsecond before it.
func (c *Stream) Timestamp(ns int64) {
	us := ns / 1000
	if ns%1000 < 0 {
		us--
	}
	c.Int8(us - sinceUnix)
}

// Bytes writes a bytea, or any value given in its binary form: sixteen bytes are a uuid, eight a bigint.
func (c *Stream) Bytes(v []byte) {
	c.length(len(v))
	c.Buf = append(c.Buf, v...)
}

// Text writes a string that is known to be clean: UTF-8 without NUL.
func (c *Stream) Text(v string) {
	c.length(len(v))
	c.Buf = append(c.Buf, v...)
}

func (c *Stream) length(n int) {
	c.Buf = binary.BigEndian.AppendUint32(c.Buf, uint32(n)) //nolint:gosec // the server takes no value beyond 1 GB, and says so
}

// Open starts a value whose length is not known yet; Close fills it in.
func (c *Stream) Open() (mark int) {
	c.Buf = append(c.Buf, 0, 0, 0, 0)
	return len(c.Buf)
}

// Close ends the value that Open, JSONB or Array has started.
func (c *Stream) Close(mark int) {
	binary.BigEndian.PutUint32(c.Buf[mark-4:], uint32(len(c.Buf)-mark)) //nolint:gosec // as in length
}

// JSONB starts a jsonb value: its version byte, then the text.
func (c *Stream) JSONB() (mark int) {
	mark = c.Open()
	c.Buf = append(c.Buf, 1)
	return mark
}

// Array starts a one-dimensional array without nulls, whose first index is lower; n elements follow as values, then Close.
func (c *Stream) Array(oid uint32, n, lower int) (mark int) {
	mark = c.Open()
	if n == 0 {
		c.Buf = append(c.Buf, 0, 0, 0, 0, 0, 0, 0, 0)
		c.Buf = binary.BigEndian.AppendUint32(c.Buf, oid)
		return mark
	}
	c.Buf = append(c.Buf, 0, 0, 0, 1, 0, 0, 0, 0)
	c.Buf = binary.BigEndian.AppendUint32(c.Buf, oid)
	c.length(n)
	c.Buf = binary.BigEndian.AppendUint32(c.Buf, uint32(int32(lower))) //nolint:gosec // the bucket of a histogram
	return mark
}

// Int8s writes a bigint[].
func (c *Stream) Int8s(v []int64) {
	m := c.Array(OIDInt8, len(v), 1)
	for _, x := range v {
		c.Int8(x)
	}
	c.Close(m)
}

// Doubles writes a double precision[] given as IEEE bits.
func (c *Stream) Doubles(bits []int64) {
	m := c.Array(OIDFloat8, len(bits), 1)
	for _, x := range bits {
		c.Int8(x)
	}
	c.Close(m)
}
