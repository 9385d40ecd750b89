package segment_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// A second reader, of directories and integer columns, written from docs/segment-format.md and nothing else: it shares no code with the first. Where it
// and the first differ, the page lacks something.

// cursor reads one stream; what is not there panics, which a test reports.
type cursor struct{ b, all []byte }

func cursorOf(b []byte) *cursor { return &cursor{b, b} }

func (c *cursor) byte() byte { return c.take(1)[0] }

func (c *cursor) take(n int) []byte {
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) uvarint() uint64 {
	v := uint64(0)
	for shift := 0; shift < 70; shift += 7 {
		b := c.byte()
		if v |= uint64(b&0x7f) << shift; b < 0x80 {
			return v
		}
	}
	panic("a uvarint of more than ten bytes")
}

func (c *cursor) svarint() int64 { return unzigzag(c.uvarint()) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// writtenEntry is a section or a key, section 4.
type writtenEntry struct {
	id       byte
	key      string
	count    uint64
	min, max int64
	streams  [4][]byte // raw
	head     [3]uint64 // bytes
}

// written is a segment, sections 3 and 4.
type written struct {
	signal  byte
	items   int
	entries []writtenEntry
}

func readWritten(directory, body []byte) written {
	d := cursorOf(directory)
	if v := d.byte(); v != 1 {
		panic(fmt.Sprint("version ", v))
	}
	out := written{signal: d.byte()}
	out.items = int(d.uvarint())
	var frames []*frame
	for range d.uvarint() {
		frames = append(frames, frameOf(d, cursorOf(body), &body))
	}
	if len(body) > 0 {
		panic("the body has gaps")
	}
	for range d.uvarint() {
		e := writtenEntry{id: d.byte()}
		if e.id >= 64 {
			e.count = d.uvarint()
		}
		e.rest(d, frames)
		out.entries = append(out.entries, e)
	}
	last := ""
	for range d.uvarint() {
		e := writtenEntry{id: 255}
		shared := d.uvarint()
		e.key = last[:shared] + string(d.take(int(d.uvarint())))
		if e.key <= last && last != "" {
			panic("keys are out of order")
		}
		last = e.key
		e.count = d.uvarint()
		e.rest(d, frames)
		out.entries = append(out.entries, e)
	}
	fields := d.take(int(d.uvarint()))
	readPassages(cursorOf(fields), frames)
	readSums(directory, cursorOf(fields), frames)
	head := frameOf(d, d, nil).open()
	told := 0
	for i := range out.entries {
		for _, n := range out.entries[i].head {
			told += int(n)
		}
	}
	if told != len(head.b) || len(d.b) > 0 {
		panic("the head is not as long as its sections say, or something follows it")
	}
	return out
}

// frame is one that is opened when something of it is wanted.
type frame struct {
	stored []byte
	zipped bool
	raw    int
	opened *cursor
	parts  []int // bytes of streams, and of the ids that one begins with
}

// frameOf reads the lengths of a frame, which stands at the beginning of from; after, if it is not nil, becomes what follows it.
func frameOf(d, from *cursor, after *[]byte) *frame {
	v := d.uvarint()
	f := &frame{zipped: v&1 == 1}
	if f.zipped {
		f.raw = int(d.uvarint())
	}
	f.stored = from.take(int(v >> 1))
	if after != nil {
		*after = from.b
	}
	return f
}

func (f *frame) open() *cursor {
	if f.opened == nil {
		f.opened = cursorOf(f.stored)
		if f.zipped {
			z, err := zstd.NewReader(bytes.NewReader(f.stored))
			if err != nil {
				panic(err)
			}
			defer z.Close()
			if f.opened.b, err = io.ReadAll(z); err != nil || len(f.opened.b) != f.raw {
				panic(fmt.Sprint("a frame of ", len(f.opened.b), " bytes, not ", f.raw, ": ", err))
			}
		}
	}
	return f.opened
}

// readPassages reads what of passages is in phrases, section 3, of which the field of the directory tells, section 4. Their last frames are those of chunks.
func readPassages(fields *cursor, frames []*frame) {
	for len(fields.b) > 0 {
		tag, field := fields.uvarint()>>1, cursorOf(fields.take(int(fields.uvarint())))
		if tag != 3 {
			continue
		}
		if chunks := int(field.uvarint()); field.byte() == 2 {
			of := frames[len(frames)-2*chunks-3:]
			model := of[0].open()
			for i := 3; i < len(of); i += 2 {
				if of[i].zipped {
					phrasesOf(cursorOf(model.b), cursorOf(of[i].stored), of[i].raw)
				}
			}
		}
	}
}

// readSums checks the sums of a segment that has some, section 4.
func readSums(directory []byte, fields *cursor, frames []*frame) {
	low := func(b []byte) uint32 { return uint32(xxh3.Hash(b)) }
	for len(fields.b) > 0 {
		tag, content := fields.uvarint()>>1, fields.take(int(fields.uvarint()))
		if tag != 6 {
			continue
		}
		sums := cursorOf(content)
		for _, f := range frames {
			parts := f.parts
			if f.zipped || len(parts) == 0 {
				parts = []int{len(f.stored)}
			}
			stored := cursorOf(f.stored)
			for _, n := range parts {
				if unit := stored.take(n); n > 0 && binary.LittleEndian.Uint32(sums.take(4)) != low(unit) {
					panic("a unit has another sum")
				}
			}
		}
		whole, at := slices.Clone(directory), len(directory)-len(fields.all)
		for !bytes.Equal(directory[at:min(at+len(fields.all), len(directory))], fields.all) {
			at--
		}
		clear(whole[at+len(fields.all)-len(fields.b)-4:][:4])
		if binary.LittleEndian.Uint32(sums.take(4)) != low(whole) || len(sums.b) > 0 {
			panic("the directory has another sum")
		}
	}
}

// phrasesOf reads a text of n bytes.
func phrasesOf(model, text *cursor, n int) (out []byte) {
	var symbols [][]byte
	for i := range 256 {
		symbols = append(symbols, []byte{byte(i)})
	}
	for range model.uvarint() {
		a, b := symbols[model.uvarint()], symbols[model.uvarint()]
		symbols = append(symbols, slices.Concat(a, b))
	}
	classes := make([][][3]int, model.uvarint()) // symbol, shares, the first of them
	classOf := model.take(len(symbols))
	for c := range classes {
		list := make([][3]int, model.uvarint())
		next, sum, most := 0, 0, 0
		for i := range list {
			list[i][0] = next + int(model.uvarint())
			next = list[i][0] + 1
		}
		often := make([]int, len(list))
		for i := range often {
			often[i] = int(model.uvarint()) + 1
			sum += often[i]
			if often[i] > often[most] {
				most = i
			}
		}
		left := 1 << 14
		for i := range list {
			list[i][1] = 1 + often[i]*(1<<14-len(list))/sum
			left -= list[i][1]
		}
		start := 0
		for i := range list {
			if i == most {
				list[i][1] += left
			}
			list[i][2] = start
			start += list[i][1]
		}
		classes[c] = list
	}
	state, class := int(binary.LittleEndian.Uint32(text.take(4))), classOf[0]
	for len(out) < n {
		at := state % (1 << 14)
		for _, x := range classes[class] {
			if at >= x[2] && at < x[2]+x[1] {
				out, class = append(out, symbols[x[0]]...), classOf[x[0]]
				state = x[1]*(state>>14) + at - x[2]
				break
			}
		}
		if state < 1<<16 {
			state = state<<16 + int(binary.LittleEndian.Uint16(text.take(2)))
		}
	}
	if len(out) != n || state != 1<<16 || len(text.b)+len(model.b) > 0 {
		panic("something is left of a text in phrases, or of their model")
	}
	return out
}

func (e *writtenEntry) rest(d *cursor, frames []*frame) {
	types := byte(0)
	if e.id == 255 || e.id >= 64 && e.id < 96 {
		types = d.byte()
		d.uvarint() // distinct
	}
	if e.id < 64 || e.id == 255 && types>>3&1 == 1 {
		e.min = d.svarint()
		e.max = int64(uint64(e.min) + d.uvarint())
	}
	mask := d.byte()
	for i := range e.streams {
		if mask>>i&1 == 1 {
			frame := frames[d.uvarint()]
			e.streams[i] = frame.open().take(int(d.uvarint()))
			n := len(e.streams[i])
			if ids := int(map[byte]uint64{112: 16, 113: 8, 114: 8}[e.id] * e.count); i == 1 && ids > 0 && ids < n {
				frame.parts = append(frame.parts, ids)
				n -= ids
			}
			frame.parts = append(frame.parts, n)
		}
	}
	if mask>>4&1 == 1 {
		for range d.uvarint() {
			d.uvarint()
		}
	}
	if mask>>5&1 == 1 {
		for i := range e.head {
			e.head[i] = d.uvarint()
		}
	}
	if mask>>7&1 == 1 {
		d.take(int(d.uvarint()))
	}
}

// column gives an integer column, section 5.
func (w *written) column(id byte) []int64 {
	for i := range w.entries {
		if e := &w.entries[i]; e.id == id {
			code, plain := cursorOf(e.streams[0]), cursorOf(e.streams[1])
			if len(e.streams[0])+len(e.streams[1])+len(e.streams[2]) == 0 {
				return slices.Repeat([]int64{e.min}, w.items)
			}
			relative := (id == 12 || id == 15) && code.byte() == 1
			v := integersOf(code, plain, w.items, 1)
			if relative {
				for i, time := range w.column(0) {
					v[i] += time
				}
			}
			if len(code.b)+len(plain.b) > 0 || slices.Min(v) != e.min || slices.Max(v) != e.max {
				panic(fmt.Sprint("column ", id, " has something left, or other bounds than it says"))
			}
			return v
		}
	}
	return make([]int64, w.items)
}

// integersOf is ints(n) of section 6.
func integersOf(code, plain *cursor, n, depth int) []int64 {
	v := make([]int64, n)
	if n == 0 {
		return v
	}
	if depth > 4 {
		panic("nested too deep")
	}
	switch encoding := code.byte(); encoding {
	case 0:
		x := code.svarint()
		for i := range v {
			v[i] = x
		}
	case 1:
		base, width := code.svarint(), code.byte()
		for i, x := range bitsOf(plain, n, int(width)) {
			v[i] = base + int64(x)
		}
	case 2:
		base := code.svarint()
		for i, x := range code.take(n) {
			v[i] = base + int64(x)
		}
	case 3:
		r := int(code.uvarint())
		values, lengths := integersOf(code, plain, r, depth+1), integersOf(code, plain, r, depth+1)
		v = v[:0]
		for i, x := range values {
			v = append(v, slices.Repeat([]int64{x}, int(lengths[i]+1))...)
		}
		if len(v) != n {
			panic("runs do not add up")
		}
	case 4:
		entries := integersOf(code, plain, int(code.uvarint()), depth+1)
		for i, x := range integersOf(code, plain, n, depth+1) {
			v[i] = entries[x]
		}
	case 5:
		v[0] = code.svarint()
		for i := 1; i < n; {
			low, width := code.svarint(), code.byte()
			for _, x := range bitsOf(plain, min(128, n-i), int(width)) {
				v[i] = v[i-1] + low + int64(x)
				i++
			}
		}
	case 6:
		base := code.svarint()
		for i, u := range splitOf(code, plain, n) {
			v[i] = base + int64(u)
		}
	case 7:
		v[0] = code.svarint()
		for i, u := range splitOf(code, plain, n-1) {
			v[i+1] = v[i] + unzigzag(u)
		}
	case 8:
		d := code.uvarint()
		for i, x := range integersOf(code, plain, n, depth+1) {
			v[i] = int64(d) * x
		}
	case 9:
		here := len(code.all) - len(code.b) - 1
		c, p := int(code.uvarint()), int(code.uvarint())
		if depth > 1 || code.all[here-c] == 9 {
			panic("a list again that is no outermost one, or of one that is so itself")
		}
		start := len(plain.all) - len(plain.b) - p
		return integersOf(cursorOf(code.all[here-c:here]), cursorOf(plain.all[start:]), n, depth)
	case 10:
		v[0] = code.svarint()
		d, lengths, at := int64(code.uvarint()), code.take(n-1), 0
		all := 0
		for _, l := range lengths {
			all += max(int(l)%65-1, 0)
		}
		b := plain.take((all + 7) / 8)
		for i, l := range lengths {
			u, width := uint64(0), int(l)%65
			if width > 0 {
				u = 1<<(width-1) + bitsAt(b, at, width-1)
				at += width - 1
			}
			step := unzigzag(u)
			if l >= 65 {
				step *= d
			}
			v[i+1] = v[i] + step
		}
	default:
		panic(fmt.Sprint("encoding ", encoding))
	}
	return v
}

// bitsOf is bits(n, w).
func bitsOf(plain *cursor, n, w int) []uint64 {
	v := make([]uint64, n)
	b, at := plain.take((n*w+7)/8), 0
	for i := range v {
		v[i], at = bitsAt(b, at, w), at+w
	}
	return v
}

func bitsAt(b []byte, at, w int) (v uint64) {
	for k := range w {
		v |= uint64(b[(at+k)/8]>>((at+k)%8)&1) << k
	}
	return v
}

// splitOf is split(n).
func splitOf(code, plain *cursor, n int) []uint64 {
	v := make([]uint64, n)
	lengths, all := code.take(n), 0
	for _, l := range lengths {
		all += max(int(l)-1, 0)
	}
	b, at := plain.take((all+7)/8), 0
	for i, l := range lengths {
		if l > 0 {
			v[i] = 1<<(l-1) + bitsAt(b, at, int(l)-1)
			at += int(l) - 1
		}
	}
	return v
}

// TestListsOfASectionAgain: a list that stands before is read by the second reader, too, which meets none in the columns of items.
func TestListsOfASectionAgain(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	lists := make([][]int64, 8)
	for i := range lists {
		for range 40 {
			lists[i] = append(lists[i], r.Int64N(1<<(i*7+1)))
		}
	}
	e, to := integers.NewEncoder(), &streams.Sink{}
	to.Uvarint(77) // what stands before takes no part
	e.Remember()
	order := []int{0, 1, 2, 3, 2, 2, 4, 5, 0, 6, 7, 3, 7}
	for _, i := range order {
		e.Write(to, lists[i])
	}
	e.Forget()
	code, plain, first := cursorOf(to.Code), cursorOf(to.Plain), streams.NewSource(to.Code, to.Plain, nil, nil)
	code.uvarint()
	first.Uvarint()
	d, again := integers.NewDecoder(), 0
	for _, i := range order {
		if code.b[0] == 9 {
			again++
		}
		require.Equal(t, lists[i], integersOf(code, plain, 40, 1))
		got := make([]int64, 40)
		d.Read(first, got)
		require.False(t, first.Bad)
		require.Equal(t, lists[i], got)
	}
	require.Equal(t, 5, again)
	require.Empty(t, code.b)
	require.Empty(t, plain.b)
	require.Empty(t, first.Code)
	require.Empty(t, first.Plain)
}

// TestTheSpecificationIsEnough reads every golden segment by the second reader, and compares with the OTLP that pdata finds in what the first gave.
func TestTheSpecificationIsEnough(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "v1", "*.seg"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			all, err := os.ReadFile(file)
			require.NoError(t, err)
			c := cursorOf(all[8:])
			var parts [3][]byte
			for i := range parts {
				parts[i] = c.take(int(binary.LittleEndian.Uint32(c.take(4))))
			}
			directory, body, request := parts[0], parts[1], parts[2]
			require.Equal(t, binary.LittleEndian.Uint64(all), xxh3.Hash(slices.Concat(directory, body)))
			var w written
			require.NotPanics(t, func() { w = readWritten(directory, body) })
			want := wantedOf(t, w.signal, request)
			got := make([][8]int64, w.items)
			for k, id := range columnsOf(w.signal) {
				var v []int64
				require.NotPanics(t, func() { v = w.column(id) }, "column %d", id)
				var has []int64
				if id == 13 {
					require.NotPanics(t, func() { has = w.column(16) })
				}
				for i := range got {
					if has != nil && has[i]&256 != 0 {
						require.NotZero(t, v[i])
						continue // its sender gave none
					}
					got[i][k] = v[i]
				}
			}
			require.ElementsMatch(t, want, got)
		})
	}
}

// columnsOf is what wantedOf tells of each item.
func columnsOf(signal byte) []byte {
	return [][]byte{{0, 5, 6, 7, 8, 9, 10, 11}, {0, 8, 9, 12, 13}, {0, 6, 8, 15}}[signal]
}

func wantedOf(t *testing.T, signal byte, request []byte) (out [][8]int64) {
	t.Helper()
	switch signal {
	case 0:
		r := ptraceotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalProto(request))
		for _, resource := range r.Traces().ResourceSpans().All() {
			for _, scope := range resource.ScopeSpans().All() {
				for _, s := range scope.Spans().All() {
					out = append(out, [8]int64{
						int64(s.StartTimestamp()), int64(s.EndTimestamp()) - int64(s.StartTimestamp()), int64(s.Kind()), int64(s.Status().Code()), int64(s.Flags()),
						int64(s.DroppedAttributesCount()), int64(s.DroppedEventsCount()), int64(s.DroppedLinksCount()),
					})
				}
			}
		}
	case 1:
		r := plogotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalProto(request))
		for _, resource := range r.Logs().ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				for _, l := range scope.LogRecords().All() {
					time := l.Timestamp()
					if time == 0 {
						time = l.ObservedTimestamp()
					}
					out = append(out, [8]int64{int64(time), int64(l.Flags()), int64(l.DroppedAttributesCount()), int64(l.ObservedTimestamp()), int64(l.SeverityNumber())})
				}
			}
		}
	default:
		r := pmetricotlp.NewExportRequest()
		require.NoError(t, r.UnmarshalProto(request))
		for _, resource := range r.Metrics().ResourceMetrics().All() {
			for _, scope := range resource.ScopeMetrics().All() {
				for _, m := range scope.Metrics().All() {
					out = append(out, pointsOf(m)...)
				}
			}
		}
	}
	return out
}

func pointsOf(m pmetric.Metric) (out [][8]int64) {
	add := func(time, start, flags uint64) {
		out = append(out, [8]int64{int64(time), int64(m.Type()), int64(flags), int64(start)})
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			add(uint64(p.Timestamp()), uint64(p.StartTimestamp()), uint64(p.Flags()))
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			add(uint64(p.Timestamp()), uint64(p.StartTimestamp()), uint64(p.Flags()))
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			add(uint64(p.Timestamp()), uint64(p.StartTimestamp()), uint64(p.Flags()))
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			add(uint64(p.Timestamp()), uint64(p.StartTimestamp()), uint64(p.Flags()))
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			add(uint64(p.Timestamp()), uint64(p.StartTimestamp()), uint64(p.Flags()))
		}
	case pmetric.MetricTypeEmpty:
	}
	return out
}
