package texts

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

func bytesField(tag byte, content []byte) []byte {
	return append(binary.AppendUvarint([]byte{tag}, uint64(len(content))), content...)
}

func textValue(s string) []byte { return bytesField(0x0a, []byte(s)) }

func intValue(v int64) []byte { return binary.AppendUvarint([]byte{0x18}, uint64(v)) }

func doubleValue(v float64) []byte {
	return binary.LittleEndian.AppendUint64([]byte{0x21}, math.Float64bits(v))
}

func entryOf(key string, value []byte) []byte {
	return bytesField(0x0a, append(bytesField(0x0a, []byte(key)), bytesField(0x12, value)...))
}

// swapped is an entry as the Collector writes it.
func swapped(key string, value []byte) []byte {
	return bytesField(0x0a, append(bytesField(0x12, value), bytesField(0x0a, []byte(key))...))
}

func listOf(values ...[]byte) (b []byte) {
	for _, v := range values {
		b = append(b, bytesField(0x0a, v)...)
	}
	return b
}

// events are maps as controllers report what happens to pods.
func events(n int) (list [][]byte) {
	r := rand.New(rand.NewPCG(3, 3))
	for i := range n {
		object := append(entryOf("kind", textValue("Pod")), entryOf("name", textValue(fmt.Sprintf("web-%08x-%05d", r.Uint32(), r.IntN(1e5))))...)
		if i%3 == 0 {
			object = append(object, entryOf("fieldPath", textValue("spec.containers{web}"))...)
		}
		s := append(entryOf("count", intValue(int64(r.IntN(9)-2))), entryOf("involvedObject", bytesField(0x32, object))...)
		s = append(s, entryOf("message", textValue(fmt.Sprintf("Back-off %d restarting failed container", r.IntN(300))))...)
		s = append(s, entryOf("weights", bytesField(0x2a, listOf(doubleValue(r.Float64()), doubleValue(0.25), nil, []byte{0x10, 1}, bytesField(0x3a, []byte{0, byte(i)}))))...)
		s = append(s, swapped("object", bytesField(0x32, append(swapped("kind", textValue("Event")), swapped("count", intValue(1))...)))...)
		list = append(list, append(s, entryOf("", nil)...))
	}
	return list
}

// wrapped is a list in a list, and so on.
func wrapped(depth int) []byte {
	b := listOf(intValue(1))
	for range depth {
		b = listOf(bytesField(0x2a, b))
	}
	return b
}

// TestNestedTakesWhatItCanMakeAgain: what differs from the usual way of writing protobuf in any byte is written in another form, with all that stands
// beside it.
func TestNestedTakesWhatItCanMakeAgain(t *testing.T) {
	t.Parallel()
	f := nested()
	many := events(20)
	_, ok := written(&f, many)
	require.True(t, ok)
	_, ok = written(&f, append(many[:8:8], wrapped(otlp.MaxNesting)))
	require.True(t, ok, "the deepest")
	for name, odd := range map[string][]byte{
		"text":              []byte("\nabc"),
		"cut":               many[3][:len(many[3])-1],
		"too deep":          wrapped(otlp.MaxNesting + 1),
		"long length":       {0x0a, 0x82, 0x00, 0x18, 1},
		"long number":       listOf([]byte{0x18, 0x81, 0x00}),
		"bool of 2":         listOf([]byte{0x10, 2}),
		"two values":        listOf(append(intValue(1), intValue(2)...)),
		"another field":     listOf([]byte{0x40, 1}),
		"no value":          listOf(bytesField(0x0a, nil), bytesField(0x12, nil)),
		"no key":            bytesField(0x0a, bytesField(0x12, nil)),
		"key twice":         bytesField(0x0a, append(swapped("a", nil)[2:], bytesField(0x0a, nil)...)),
		"value twice":       bytesField(0x0a, append(entryOf("a", nil)[2:], bytesField(0x12, nil)...)),
		"field of the list": {0x10, 1},
	} {
		list := slices.Concat(many[:8], [][]byte{odd})
		to := &streams.Sink{Passages: &passages.Builder{}}
		require.False(t, f.write(NewEncoder(integers.NewEncoder()), to, list), name)
		to = &streams.Sink{Passages: &passages.Builder{}}
		NewEncoder(integers.NewEncoder()).Write(to, list)
		requireSame(t, list, to)
	}
}

// TestNestedIsSmaller: columns of what maps hold take less than the maps.
func TestNestedIsSmaller(t *testing.T) {
	t.Parallel()
	list := events(400)
	f := nested()
	to, ok := written(&f, list)
	require.True(t, ok)
	size := len(to.Code) + len(to.Plain) + len(to.Text)
	require.Less(t, size*4, len(bytes.Join(list, nil)))
}

// TestNestedInAnyOrder: strings are found by number, whatever was asked before.
func TestNestedInAnyOrder(t *testing.T) {
	t.Parallel()
	list := events(60)
	f := nested()
	to, _ := written(&f, list)
	var l List
	l.Read(integers.NewDecoder(), begin(to), len(list))
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		i := r.IntN(len(list))
		got, ok := l.One([]byte("before "), i)
		require.True(t, ok)
		require.Equal(t, "before "+string(list[i]), string(got))
	}
	l.Forget()
	requireSame(t, list, to)
}

// TestNestedKeepsNoPayloads: an Encoder does not hold on to what it has written.
func TestNestedKeepsNoPayloads(t *testing.T) {
	t.Parallel()
	e := NewEncoder(integers.NewEncoder())
	to := &streams.Sink{Passages: &passages.Builder{}}
	e.Write(to, events(30))
	require.Equal(t, nested().code, to.Code[0])
	for _, n := range e.trees.nodes[:cap(e.trees.nodes)] {
		require.Nil(t, n.key)
		for _, raw := range n.raws[:cap(n.raws)] {
			require.Nil(t, raw)
		}
	}
}

// TestNestedClaims: a head that claims more than the segment's budget has is damage, before memory is taken.
func TestNestedClaims(t *testing.T) {
	t.Parallel()
	f := nested()
	list := events(40)
	to, _ := written(&f, list)
	budget := &passages.Budget{}
	require.True(t, budget.Take(2*passages.MostText-100))
	from := begin(to)
	from.Passages = kept{from.Passages.(kept).bytes, budget}
	var l List
	l.Read(integers.NewDecoder(), from, len(list))
	require.True(t, from.Bad)

	// A list within one would nest without end.
	head := []byte{f.code}
	head = binary.AppendUvarint(head, 4000)
	inner := &streams.Source{Code: append(bytes.Clone(head), to.Code[1:]...), Plain: to.Plain, Text: to.Text, Passages: passagesOf(to)}
	l = List{}
	l.nested.within = true
	l.Read(integers.NewDecoder(), inner, len(list))
	require.True(t, inner.Bad)
}

// counted is no passages, and counts what is taken of them.
type counted struct{ passages.Budget }

func (c *counted) Len() int { return 0 }

func (c *counted) Append(b []byte, _, _ int) ([]byte, bool) { return b, false }

// hostile is a list of n strings in the form nested that says it has total bytes: of one node each with a key, in one shape, with what strings are told after it.
func hostile(total, n int, nodes []int64, key []byte, shape []int64, rest func(e *integers.Encoder, to *streams.Sink)) *streams.Source {
	var to streams.Sink
	e := integers.NewEncoder()
	to.Byte(nested().code)
	to.Uvarint(uint64(total))
	to.Uvarint(uint64(len(nodes)))
	to.Uvarint(1)
	e.Write(&to, nodes)
	var keys []int64
	for _, node := range nodes {
		if order(node&(1<<orderBits-1)) != keyless {
			keys = append(keys, int64(len(key)))
			to.Text = append(to.Text, key...)
		}
	}
	e.Write(&to, keys)
	e.Write(&to, []int64{int64(len(shape))})
	e.Write(&to, shape)
	e.Write(&to, make([]int64, n))
	if rest != nil {
		rest(e, &to)
	}
	return &streams.Source{Code: to.Code, Plain: to.Plain, Text: to.Text, Passages: &counted{}}
}

// TestWhatNestedStringsComeTo: what strings come to is known of shapes, keys and the strings in them before one is put together: a few thousand bytes of
// a damaged segment take no more memory than they say. The node of a list with a long key, opened and closed over and over, holds nothing at which to look.
func TestWhatNestedStringsComeTo(t *testing.T) {
	t.Parallel()
	const n, total, times = 8, 20_000, 1 << 10
	var opened, flat []int64
	for range times {
		opened, flat = append(opened, 1, closed), append(flat, 1)
	}
	node := func(typ otlp.ValueType, o order) []int64 { return []int64{int64(typ)<<orderBits | int64(o)} }
	long := bytes.Repeat([]byte("k"), 1<<14)
	templated := func(tpl []byte, said int) func(e *integers.Encoder, to *streams.Sink) {
		return func(e *integers.Encoder, to *streams.Sink) {
			to.Byte(templates().code)
			to.Uvarint(uint64(said))
			to.Uvarint(1)
			e.Write(to, []int64{int64(len(tpl))})
			to.Text = append(to.Text, tpl...)
			e.Write(to, make([]int64, n))
			for range 2 * len(tpl) {
				e.Write(to, make([]int64, n))
			}
		}
	}
	for name, src := range map[string]*streams.Source{
		"lists with a key":  hostile(total, n, node(otlp.Array, keyFirst), long, opened, nil),
		"maps, key behind":  hostile(total, n, node(otlp.Map, valueFirst), long, opened, nil),
		"empty values":      hostile(total, n, node(otlp.Empty, keyFirst), long, flat, nil),
		"empty lists":       hostile(total, n, node(otlp.Array, keyless), nil, slices.Repeat(opened, 4), nil),
		"strings":           hostile(total, n, node(otlp.String, keyless), nil, []int64{1}, templated(bytes.Repeat([]byte{slotUUID}, 100), n*uuidLength*100)),
		"longer than said":  hostile(total, n, node(otlp.String, keyless), nil, []int64{1}, templated(bytes.Repeat([]byte{slotUUID}, 100), 100)),
		"numbers of a byte": hostile(total, n, node(otlp.Int, keyless), nil, flat, func(e *integers.Encoder, to *streams.Sink) { e.Write(to, make([]int64, n*times)) }),
	} {
		var l List
		l.Read(integers.NewDecoder(), src, n)
		require.True(t, src.Bad, name)
		require.Empty(t, l.nested.codes, name)
		for i := range l.nested.nodes[:cap(l.nested.nodes)] {
			require.Zero(t, cap(l.nested.nodes[i].numbers), "%s: memory was taken for what stands there", name)
		}
	}

	// What read cannot know, how many bytes lengths and numbers take, ends at the string that has too many.
	src := hostile(4*times*n, n, node(otlp.Int, keyless), nil, flat, func(e *integers.Encoder, to *streams.Sink) {
		e.Write(to, slices.Repeat([]int64{-1}, n*times))
	})
	var l List
	l.Read(integers.NewDecoder(), src, n)
	require.False(t, src.Bad)
	require.Equal(t, 4*times*n, l.Built())
	_, ok := l.All(nil, make([]byte, 0, l.Built()))
	require.False(t, ok)
	one := hostile(4*n, n, node(otlp.Int, keyless), nil, []int64{1}, func(e *integers.Encoder, to *streams.Sink) { e.Write(to, slices.Repeat([]int64{-1}, n)) })
	l.Read(integers.NewDecoder(), one, n)
	require.False(t, one.Bad)
	b, ok := l.One(nil, 3)
	require.True(t, ok)
	require.Len(t, b, 2+1+10)
	_, ok = l.All(nil, nil)
	require.False(t, ok)
}

// TestWhatTemplatesComeTo: templates that make more of their strings than the head says are damage before one is put together.
func TestWhatTemplatesComeTo(t *testing.T) {
	t.Parallel()
	e := integers.NewEncoder()
	for name, c := range map[string]struct {
		tpl   []byte
		least int
	}{
		"text":        {[]byte("abcdef"), 6},
		"number":      {[]byte{'a', slotNumber}, 2},
		"padded":      {[]byte{slotPadded, 7, 'b'}, 8},
		"hexadecimal": {[]byte{slotHex, 16}, 16},
		"uuid":        {[]byte{slotUUID, slotUUID}, 2 * uuidLength},
	} {
		const n = 5
		for _, said := range []int{c.least*n - 1, c.least * n} {
			var to streams.Sink
			to.Byte(templates().code)
			to.Uvarint(uint64(said))
			to.Uvarint(1)
			e.Write(&to, []int64{int64(len(c.tpl))})
			to.Text = append(to.Text, c.tpl...)
			e.Write(&to, make([]int64, n))
			slots, least := countSlots(c.tpl)
			require.Equal(t, c.least, least, name)
			for range slots {
				e.Write(&to, make([]int64, n))
			}
			src := &streams.Source{Code: to.Code, Plain: to.Plain, Text: to.Text}
			var l List
			l.Read(integers.NewDecoder(), src, n)
			require.Equal(t, said < c.least*n, src.Bad, "%s: %d bytes", name, said)
			if !src.Bad {
				_, ok := l.All(nil, make([]byte, 0, said))
				require.True(t, ok, name)
			}
		}
	}
}
