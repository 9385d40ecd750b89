package counts

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"sync"

	"github.com/ollyscale/ollyscale/libs/segment"
)

// List is how many items of one segment have which values, in the order in which these were found, one value perhaps several times. It is a list, and not
// values by content, because there is one for each of hundreds of segments, which nearly all have the same few values.
type List struct {
	Items  int64 // that were looked at, with a value or without
	values []counted
	raw    []byte // of all values
	counts []int64
}

// counted is a value, whose bytes in raw end there and begin where those of the value before do.
type counted struct {
	kind  segment.ValueType
	num   uint64
	end   int
	items int64
}

// Add notes that so many items have a value, unless there are none.
func (c *List) Add(v segment.Value, items int64) {
	if items <= 0 {
		return
	}
	if last := len(c.values) - 1; last >= 0 { // resources of a service stand together as a rule
		from := 0
		if last > 0 {
			from = c.values[last-1].end
		}
		if have := &c.values[last]; have.kind == v.Type && have.num == v.Num && bytes.Equal(c.raw[from:], v.Raw) {
			have.items += items
			return
		}
	}
	c.raw = append(c.raw, v.Raw...)
	c.values = append(c.values, counted{v.Type, v.Num, len(c.raw), items})
}

// Join is one list of all that lists have, each value once. It shares no memory with them.
func Join(lists []*List) *List {
	out := &List{}
	at := map[string]int{} // by type and content
	var key []byte
	values, bytes := 0, 0
	for _, l := range lists {
		values, bytes = max(values, len(l.values)), max(bytes, len(l.raw))
	}
	out.values, out.raw = make([]counted, 0, values), make([]byte, 0, bytes)
	for _, l := range lists {
		out.Items += l.Items
		l.Each(func(v segment.Value, items int64) {
			key = append(key[:0], byte(v.Type))
			key = binary.LittleEndian.AppendUint64(key, v.Num)
			key = append(key, v.Raw...)
			if i, ok := at[string(key)]; ok {
				out.values[i].items += items
				return
			}
			at[string(key)] = len(out.values)
			out.raw = append(out.raw, v.Raw...)
			out.values = append(out.values, counted{v.Type, v.Num, len(out.raw), items})
		})
	}
	return out
}

// Memory is about how many bytes the list takes.
func (c *List) Memory() int64 {
	return 256 + int64(cap(c.values)*int(reflect.TypeFor[counted]().Size())+cap(c.raw)+cap(c.counts)*8)
}

// Each visits the values. Raw is valid until the list is changed.
func (c *List) Each(visit func(v segment.Value, items int64)) {
	from := 0
	for _, v := range c.values {
		visit(segment.Value{Type: v.kind, Num: v.num, Raw: c.raw[from:v.end]}, v.items)
		from = v.end
	}
}

// zeros is n zeros to count in, until the next call.
func (c *List) zeros(n int) []int64 {
	c.counts = slices.Grow(c.counts[:0], n)[:n]
	clear(c.counts)
	return c.counts
}

// Forget makes the list empty and keeps its memory.
func (c *List) Forget() { c.Items, c.values, c.raw = 0, c.values[:0], c.raw[:0] }

// Lists lends out lists, whose memory is worth keeping.
type Lists struct{ free sync.Pool }

// Take lends an empty list until Put.
func (m *Lists) Take() *List {
	if c, ok := m.free.Get().(*List); ok {
		return c
	}
	return &List{}
}

// mostKept is the bytes of values that are kept of a list: one with more is seldom.
const mostKept = 64 << 10

// Put takes a list back; nothing may refer to it any more.
func (m *Lists) Put(c *List) {
	if cap(c.raw) > mostKept {
		return
	}
	c.Forget()
	m.free.Put(c)
}
