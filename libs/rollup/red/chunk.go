package red

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
)

// The bytes of a rollup before they are packed: a list of services as columns of numbers, one after the other, and all names at the end.
//
//	version │ services │ of services: name length, namespace length, 2 × operations + (1 where they are Many), times seen │
//	of times seen: minute (since the one before), first second (since the minute's), last (since first) │
//	of operations: name length, kind, cells │ of cells: minute (since the one before), errors, buckets │
//	of buckets: number (the first of a cell since that of the cell before, zigzag; then since the one before), less 1 │ count, less 1 │ names
//
// All numbers are varints, so that most are a byte, which zstd makes less of. Counts of requests are those of buckets together.

// Chunk is what one blob says: whole services, by name and namespace.
type Chunk struct {
	Services []Service

	seen       []Seen
	operations []Operation
	cells      []Cell
	buckets    []Bucket
	raw        []byte
}

// Memory is about how many bytes of memory it takes.
func (c *Chunk) Memory() int64 {
	const service, operation, cell, bucket, seen = 112, 56, 48, 16, 24
	n := 0
	for i := range c.Services {
		s := &c.Services[i]
		n += service + len(s.Name) + len(s.Namespace) + seen*len(s.Seen)
		for k := range s.Operations {
			o := &s.Operations[k]
			n += operation + len(o.Name) + cell*len(o.Cells)
			for j := range o.Cells {
				n += bucket * len(o.Cells[j].Buckets)
			}
		}
	}
	return int64(n)
}

// Service is one service with its operations, by name and kind.
type Service struct {
	Name, Namespace string
	// Many: it had more operations than are kept; what there is of them are sums by kind, without names.
	Many       bool
	Seen       []Seen
	Operations []Operation
}

// Seen says when spans of a service began.
type Seen struct {
	Minute      int   // since the row's start; 0 in a total
	First, Last int64 // whole seconds since the row's start
}

// Operation is what spans of one name and kind did.
type Operation struct {
	Name  string
	Kind  int32
	Cells []Cell // by minute; one in a total
}

// Cell counts the spans that began in one minute.
type Cell struct {
	Minute  int // since the row's start; 0 in a total
	Errors  int64
	Buckets []Bucket // with something in them, rising
}

// Bucket is how many durations are in a bucket (BucketOf).
type Bucket struct {
	Number int32
	Count  int64
}

const (
	version       = 1
	secondsMinute = 60
)

// encode writes services, which are in order and whole.
func encode(services []Service) ([]byte, error) {
	b := []byte{version}
	put := func(v int64) { b = binary.AppendUvarint(b, uint64(v)) } //nolint:gosec // never negative
	each := func(f func(s *Service)) {
		for i := range services {
			f(&services[i])
		}
	}
	operations := func(f func(o *Operation)) {
		each(func(s *Service) {
			for i := range s.Operations {
				f(&s.Operations[i])
			}
		})
	}
	cells := func(f func(c *Cell)) {
		operations(func(o *Operation) {
			for i := range o.Cells {
				f(&o.Cells[i])
			}
		})
	}
	put(int64(len(services)))
	each(func(s *Service) { put(int64(len(s.Name))) })
	each(func(s *Service) { put(int64(len(s.Namespace))) })
	each(func(s *Service) {
		n := int64(len(s.Operations)) << 1
		if s.Many {
			n |= 1
		}
		put(n)
	})
	each(func(s *Service) { put(int64(len(s.Seen))) })
	seen := func(f func(at *Seen, before int)) {
		each(func(s *Service) {
			before := 0
			for i := range s.Seen {
				f(&s.Seen[i], before)
				before = s.Seen[i].Minute
			}
		})
	}
	seen(func(at *Seen, before int) { put(int64(at.Minute - before)) })
	seen(func(at *Seen, _ int) { put(at.First - int64(at.Minute)*secondsMinute) })
	seen(func(at *Seen, _ int) { put(at.Last - at.First) })
	operations(func(o *Operation) { put(int64(len(o.Name))) })
	operations(func(o *Operation) { put(int64(uint32(o.Kind))) }) //nolint:gosec // bits
	operations(func(o *Operation) { put(int64(len(o.Cells))) })
	operations(func(o *Operation) {
		before := 0
		for i := range o.Cells {
			put(int64(o.Cells[i].Minute - before))
			before = o.Cells[i].Minute
		}
	})
	cells(func(c *Cell) { put(c.Errors) })
	cells(func(c *Cell) { put(int64(len(c.Buckets))) })
	first := int32(0)
	cells(func(c *Cell) {
		for i, bucket := range c.Buckets {
			if i == 0 {
				b = binary.AppendVarint(b, int64(bucket.Number-first))
				first = bucket.Number
			} else {
				put(int64(bucket.Number - c.Buckets[i-1].Number - 1))
			}
		}
	})
	cells(func(c *Cell) {
		for _, bucket := range c.Buckets {
			put(bucket.Count - 1)
		}
	})
	each(func(s *Service) { b = append(append(b, s.Name...), s.Namespace...) })
	operations(func(o *Operation) { b = append(b, o.Name...) })

	return packed.Pack(b)
}

// Decode reads a blob. What the chunk held before, and all that refers to it, is gone; names stay.
func (c *Chunk) Decode(blob []byte) error { return c.decode(blob, (*Chunk).read) }

// DecodeSeen is Decode of services without their operations: who they are, and when they were seen. It takes a small part of the time.
func (c *Chunk) DecodeSeen(blob []byte) error { return c.decode(blob, (*Chunk).readSeen) }

func (c *Chunk) decode(blob []byte, read func(*Chunk, *numbers)) error {
	raw, err := packed.Unpack(&c.raw, blob)
	if err != nil {
		return err
	}
	if len(raw) == 0 || raw[0] != version {
		return packed.ErrDamaged.New("the version is not known")
	}
	r := numbers{packed.Numbers{Rest: raw[1:]}}
	read(c, &r)
	if r.Bad {
		return packed.ErrDamaged.New("the columns do not fit one another")
	}
	return nil
}

// numbers are what is left of the columns.
type numbers struct{ packed.Numbers }

// resized is a list of n, of whatever was in it.
func resized[T any](list []T, n int) []T { return slices.Grow(list[:0], n)[:n] }

const (
	mostMinutes = 24 * 60
)

// some cuts the first n from a list.
func some[T any](list *[]T, n int) []T {
	out := (*list)[:n:n]
	*list = (*list)[n:]
	return out
}

// lengths reads n numbers of which each is at most most, and their sum at most as many as there are bytes left: so many follow.
func (r *numbers) lengths(n, most int) (list []int, sum int) {
	list = make([]int, n)
	for i := range list {
		list[i] = r.Below(most)
		sum += list[i]
	}
	if sum > len(r.Rest) {
		r.Bad = true
		return list, 0
	}
	return list, sum
}

func (c *Chunk) read(r *numbers) {
	s := c.readServices(r)
	if r.Bad {
		return
	}
	ofOperations := c.readCells(r)
	if r.Bad {
		return
	}
	left := c.name(r, s, string(r.Rest))
	for i := range c.operations {
		left, c.operations[i].Name = named(r, left, ofOperations[i])
	}
	r.Bad = r.Bad || left != ""
}

func (c *Chunk) readSeen(r *numbers) {
	s := c.readServices(r)
	if r.Bad {
		return
	}
	_, tail := r.lengths(len(c.operations), rollup.MostName)
	for i := range c.Services {
		c.Services[i].Operations = nil
		tail += s.names[i] + s.namespaces[i]
	}
	if tail > len(r.Rest) {
		r.Bad = true
		return
	}
	c.name(r, s, string(r.Rest[len(r.Rest)-tail:]))
}

// lengthsOf are those of the names of services.
type lengthsOf struct{ names, namespaces []int }

// name gives services their names, of one string for all of the chunk: what refers to it keeps all of them, a few kilobytes. It returns what is left of it.
func (c *Chunk) name(r *numbers, of lengthsOf, text string) string {
	for i := range c.Services {
		text, c.Services[i].Name = named(r, text, of.names[i])
		text, c.Services[i].Namespace = named(r, text, of.namespaces[i])
	}
	return text
}

// named cuts a name from a text.
func named(r *numbers, text string, length int) (left, name string) {
	if length > len(text) {
		r.Bad = true
		return "", ""
	}
	return text[length:], text[:length]
}

// readServices reads services but for their names, with as many operations as they have.
func (c *Chunk) readServices(r *numbers) (of lengthsOf) {
	n := r.Count()
	if r.Bad {
		return of
	}
	of.names, _ = r.lengths(n, rollup.MostName)
	of.namespaces, _ = r.lengths(n, rollup.MostName)
	shapes, _ := r.lengths(n, math.MaxInt32)
	times, all := r.lengths(n, mostMinutes)
	if r.Bad {
		return of
	}
	c.Services, c.seen = resized(c.Services, n), resized(c.seen, all)
	operations := 0
	for i, left := 0, c.seen; i < n; i++ {
		c.Services[i] = Service{Many: shapes[i]&1 != 0, Seen: some(&left, times[i])}
		operations += shapes[i] >> 1
		minute := 0
		for k := range c.Services[i].Seen {
			minute += r.Below(mostMinutes)
			c.Services[i].Seen[k].Minute = minute
		}
	}
	for i := range c.seen {
		c.seen[i].First = int64(c.seen[i].Minute)*secondsMinute + int64(r.Below(math.MaxInt32))
	}
	for i := range c.seen {
		c.seen[i].Last = c.seen[i].First + int64(r.Below(math.MaxInt32))
	}
	if operations > len(r.Rest) {
		r.Bad = true
	}
	if r.Bad {
		return of
	}
	c.operations = resized(c.operations, operations)
	for i, left := 0, c.operations; i < n; i++ {
		c.Services[i].Operations = some(&left, shapes[i]>>1)
	}
	return of
}

// readCells reads operations but for their names, of which it returns the lengths.
func (c *Chunk) readCells(r *numbers) (names []int) {
	names, _ = r.lengths(len(c.operations), rollup.MostName)
	for i := range c.operations {
		c.operations[i].Kind = int32(uint32(r.Next())) //nolint:gosec // bits
	}
	counts, all := r.lengths(len(c.operations), mostMinutes)
	if r.Bad {
		return nil
	}
	c.cells = resized(c.cells, all)
	for i, left := 0, c.cells; i < len(c.operations); i++ {
		o := &c.operations[i]
		o.Cells = some(&left, counts[i])
		minute := 0
		for k := range o.Cells {
			minute += r.Below(mostMinutes)
			o.Cells[k].Minute = minute
		}
	}
	for i := range c.cells {
		c.cells[i].Errors = int64(r.Below(math.MaxInt))
	}
	ofCells, all := r.lengths(len(c.cells), buckets)
	if r.Bad {
		return nil
	}
	c.buckets = resized(c.buckets, all)
	first := int64(0)
	for i, left := 0, c.buckets; i < len(c.cells); i++ {
		list := some(&left, ofCells[i])
		c.cells[i].Buckets = list
		at := int64(-1)
		for k := range list {
			if k == 0 {
				first += r.Signed()
				at = first
			} else {
				at += 1 + int64(r.Below(buckets))
			}
			if at < 0 || at >= buckets {
				r.Bad = true
				return nil
			}
			list[k].Number = int32(at)
		}
	}
	for i := range c.buckets {
		c.buckets[i].Count = 1 + int64(r.Below(math.MaxInt64/2))
	}
	return names
}
