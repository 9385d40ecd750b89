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
