package edges

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
)

// The bytes of a rollup, as columns one after the other, packed as those of package red are:
//
//	version │ nodes │ their kind │ length of namespace, system, name, address, port │ all these
//	callees │ their key (since the one before) │ node │ minute │ bucket │ failed + 2 × border + 4 × has a target + 8 × what it does │ targets of those
//	callers │ the same
//	ties │ the same
//	cells │ from, to │ minute (since that of the row's start, and since the one before of the same edge) │ errors │ buckets │ of buckets, as in red
//
// Version 2 had no ties, and 4 × gives + 8 × has a target. Version 1 had no address and no port, no targets of callees, and those of all callers + 1.
// All numbers are varints. Cells are in the order of from, to and minute, halves in that of their keys.

const version = 3

// writer appends columns.
type writer struct{ b []byte }

func (w *writer) put(v int) { w.b = binary.AppendUvarint(w.b, uint64(v)) } //nolint:gosec // never negative

// encode writes the sums and halves of a row that begins at a minute; whole leaves the minutes of the sums out.
func (c *Calls) encode(start int32, whole bool) ([]byte, error) {
	cells := c.cellsOf(start, whole)
	callees, callers := c.callees, c.callers
	// Only the nodes that are used, in order.
	number := make([]int32, len(c.nodes))
	for i := range cells {
		number[cells[i].from], number[cells[i].to] = 1, 1
	}
	for _, list := range [][]half{callees, callers, c.ties} {
		for i := range list {
			number[list[i].node] = 1
			if list[i].target >= 0 {
				number[list[i].target] = 1
			}
		}
	}
	var used []int32
	for i, n := range number {
		if n > 0 {
			used = append(used, int32(i))
		}
	}
	slices.SortFunc(used, func(a, b int32) int { return c.nodes[a].Compare(c.nodes[b]) })
	for n, i := range used {
		number[i] = int32(n)
	}
	for i := range cells {
		cells[i].from, cells[i].to = number[cells[i].from], number[cells[i].to]
	}
	slices.SortFunc(cells, func(a, b cellOf) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.minute, b.minute))
	})

	w := &writer{b: []byte{version}}
	w.put(len(used))
	for _, i := range used {
		w.put(int(c.nodes[i].Kind))
	}
	for _, i := range used {
		for _, s := range c.nodes[i].strings() {
			w.put(len(*s))
		}
	}
	for _, i := range used {
		for _, s := range c.nodes[i].strings() {
			w.b = append(w.b, *s...)
		}
	}
	w.halves(callees, start, number)
	w.halves(callers, start, number)
	w.halves(c.ties, start, number)
	w.cells(cells)
	return packed.Pack(w.b)
}

// cellOf is a sum and what it is of.
type cellOf struct {
	cellKey
	*red.Cell
}

// cellsOf are the sums, minutes since start; or those of all minutes together.
func (c *Calls) cellsOf(start int32, whole bool) []cellOf {
	out := make([]cellOf, 0, len(c.cells))
	// What was counted and taken back leaves nothing.
	none := func(b red.Bucket) bool { return b.Count == 0 }
	if !whole {
		for k, sum := range c.cells {
			k.minute -= start
			if sum.Buckets = slices.DeleteFunc(sum.Buckets, none); len(sum.Buckets) > 0 {
				out = append(out, cellOf{k, sum})
			}
		}
		return out
	}
	all := New()
	for k, sum := range c.cells {
		k.minute = 0
		all.add(k, &red.Cell{Errors: sum.Errors, Buckets: slices.Clone(sum.Buckets)})
	}
	for k, sum := range all.cells {
		if sum.Buckets = slices.DeleteFunc(sum.Buckets, none); len(sum.Buckets) > 0 {
			out = append(out, cellOf{k, sum})
		}
	}
	return out
}

func (w *writer) cells(cells []cellOf) {
	w.put(len(cells))
	for i := range cells {
		w.put(int(cells[i].from))
	}
	for i := range cells {
		w.put(int(cells[i].to))
	}
	for i := range cells {
		before := int32(0)
		if i > 0 && cells[i-1].from == cells[i].from && cells[i-1].to == cells[i].to {
			before = cells[i-1].minute
		}
		w.put(int(cells[i].minute - before))
	}
	for i := range cells {
		w.put(int(cells[i].Errors))
	}
	for i := range cells {
		w.put(len(cells[i].Buckets))
	}
	first := int32(0)
	for k := range cells {
		list := cells[k].Buckets
		for i, b := range list {
			if i == 0 {
				w.b = binary.AppendVarint(w.b, int64(b.Number-first))
				first = b.Number
			} else {
				w.put(int(b.Number - list[i-1].Number - 1))
			}
		}
	}
	for i := range cells {
		for _, b := range cells[i].Buckets {
			w.put(int(b.Count - 1))
		}
	}
}

// halves writes halves in the order of their keys, into which it brings them.
func (w *writer) halves(list []half, start int32, number []int32) {
	slices.SortFunc(list, func(a, b half) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.minute, b.minute)) })
	w.put(len(list))
	before := uint64(0)
	for i := range list {
		w.b = binary.AppendUvarint(w.b, list[i].key-before)
		before = list[i].key
	}
	for i := range list {
		w.put(int(number[list[i].node]))
	}
	for i := range list {
		w.put(int(list[i].minute - start))
	}
	for i := range list {
		w.put(int(list[i].bucket))
	}
	for i := range list {
		flags := 8 * int(list[i].does)
		if list[i].failed {
			flags |= 1
		}
		if list[i].border {
			flags |= 2
		}
		if list[i].target >= 0 {
			flags |= 4
		}
		w.put(flags)
	}
	for i := range list {
		if t := list[i].target; t >= 0 {
			w.put(int(number[t]))
		}
	}
}

// What is taken of a row.
type parts uint8

const (
	sums   parts = 1 << iota // with their minutes, which are 0 in a total
	halves                   // callees and callers
)

// decode adds what a row says that begins at a minute.
func (c *Calls) decode(blob []byte, start int32, take parts) error {
	raw, err := packed.Unpack(new([]byte), blob)
	if err != nil {
		return err
	}
	if len(raw) == 0 || raw[0] < 1 || raw[0] > version {
		return packed.ErrDamaged.New("the version is not known")
	}
	as := raw[0]
	old := as == 1
	said := len((&Node{}).strings())
	if old {
		said = 3
	}
	r := packed.Numbers{Rest: raw[1:]}
	n := r.Count()
	kinds, lengths := make([]NodeKind, n), make([][5]int, n)
	for i := range kinds {
		kinds[i] = NodeKind(r.Below(nodeKinds - 1)) //nolint:gosec // few
	}
	for i := range lengths {
		for k := range said {
			lengths[i][k] = r.Below(rollup.MostName)
		}
	}
	size := 0
	for i := range lengths {
		for _, length := range lengths[i] {
			size += length
		}
	}
	if size > len(r.Rest) {
		r.Fail()
	}
	names := string(r.Rest[:min(size, len(r.Rest))])
	r.Rest = r.Rest[len(names):]
	callees := readHalves(&r, n, as)
	callers := readHalves(&r, n, as)
	for i := range callers {
		if old {
			callers[i].target = int32(r.Below(n)) - 1 //nolint:gosec // few
		}
		if as < 3 && callers[i].does == sends && callers[i].target < 0 {
			callers[i].does = hands
		}
	}
	var ties []half
	if as >= 3 {
		ties = readHalves(&r, n, as)
	}
	var cells []readCell
	var buckets []red.Bucket
	if take&sums != 0 {
		cells, buckets = readCells(&r, n)
		if len(r.Rest) > 0 {
			r.Fail()
		}
	}
	if r.Bad {
		return packed.ErrDamaged.New("the columns do not fit one another")
	}
	to := make([]int32, n)
	for i := range to {
		node := Node{Kind: kinds[i]}
		for k, part := range node.strings() {
			*part, names = names[:lengths[i][k]], names[lengths[i][k]:]
		}
		to[i] = c.node(node)
	}
	if take&sums != 0 {
		for i := range cells {
			cell := &cells[i]
			cell.Buckets, buckets = buckets[:cell.n:cell.n], buckets[cell.n:]
			c.add(cellKey{to[cell.from], to[cell.to], start + cell.minute}, &cell.Cell)
		}
	}
	if take&halves != 0 {
		for _, list := range [][]half{callees, callers, ties} {
			for i := range list {
				h := &list[i]
				h.node, h.minute = to[h.node], start+h.minute
				if h.target >= 0 {
					h.target = to[h.target]
				}
			}
		}
		c.callees, c.callers, c.ties = append(c.callees, callees...), append(c.callers, callers...), append(c.ties, ties...)
	}
	return nil
}

const mostMinutes = int(24 * time.Hour / time.Minute)

// readCell is a cell until its buckets are read.
type readCell struct {
	red.Cell
	from, to, minute int32
	n                int
}

func readCells(r *packed.Numbers, nodes int) ([]readCell, []red.Bucket) {
	cells := make([]readCell, r.Count())
	node := func() int32 { return int32(r.Below(nodes - 1)) } //nolint:gosec // few
	for i := range cells {
		cells[i].from = node()
	}
	for i := range cells {
		cells[i].to = node()
	}
	for i := range cells {
		before := int32(0)
		if i > 0 && cells[i-1].from == cells[i].from && cells[i-1].to == cells[i].to {
			before = cells[i-1].minute
		}
		cells[i].minute = before + int32(r.Below(mostMinutes)) //nolint:gosec // few
	}
	for i := range cells {
		cells[i].Errors = int64(r.Below(math.MaxInt))
	}
	all := 0
	for i := range cells {
		cells[i].n = r.Count()
		all += cells[i].n
	}
	if r.Bad || all > len(r.Rest) {
		r.Bad = true
		return nil, nil
	}
	buckets := make([]red.Bucket, all)
	rest, first := buckets, int64(0)
	for i := range cells {
		list := rest[:cells[i].n]
		rest = rest[cells[i].n:]
		at := int64(0)
		for k := range list {
			if k == 0 {
				first += r.Signed()
				at = first
			} else {
				at += int64(r.Below(math.MaxUint16)) + 1
			}
			if at < 0 || at > math.MaxUint16 {
				r.Bad = true
				return nil, nil
			}
			list[k].Number = int32(at)
		}
	}
	for i := range buckets {
		buckets[i].Count = int64(r.Below(math.MaxInt32)) + 1
	}
	return cells, buckets
}

func readHalves(r *packed.Numbers, nodes int, as byte) []half {
	list := make([]half, r.Count())
	key := uint64(0)
	for i := range list {
		key += r.Next()
		list[i].key, list[i].target = key, -1
	}
	for i := range list {
		list[i].node = int32(r.Below(nodes - 1)) //nolint:gosec // few
	}
	for i := range list {
		list[i].minute = int32(r.Below(mostMinutes)) //nolint:gosec // few
	}
	for i := range list {
		list[i].bucket = uint16(r.Below(math.MaxUint16)) //nolint:gosec // as bounded
	}
	for i := range list {
		most := 8*acts - 1
		if as < 3 {
			most = 15
		}
		flags := r.Below(most)
		if as < 3 { // what is now a target was what it gives, and the other way round
			flags = flags&3 | flags&8>>1 | flags&4<<1
		}
		list[i].failed, list[i].border, list[i].does = flags&1 != 0, flags&2 != 0, act(flags>>3) //nolint:gosec // as bounded
		if flags&4 != 0 {
			list[i].target = 0
		}
	}
	for i := range list {
		if list[i].target == 0 {
			list[i].target = int32(r.Below(nodes - 1)) //nolint:gosec // few
		}
	}
	if r.Bad {
		return nil
	}
	return list
}
