// Package red is the kind of rollup that says how often each operation of each service was called, how often it failed, and how long it took: by
// minute with the minutes' histograms, and for whole hours and days in one. The same buckets are counted here and by who counts the spans of a
// segment, so that a percentile is the same whichever way it comes about.
package red

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// ID is the kind's number in the database.
const ID = 0

// Kind is the kind of rollup.
func Kind() rollup.Kind {
	return rollup.Kind{ID: ID, Name: "red", Signal: telemetry.Traces, Collect: collect, Fold: fold}
}

const (
	// mostOperations is how many operations of a service one row tells apart. A service that has more, as one that makes names of ids, would have
	// a rollup as large as its spans: it is Many then, and its operations are counted from segments.
	mostOperations = 2000
	// chunkOperations and chunkBytes are from how much on another content begins, with the next service: they bound what one takes in memory.
	chunkOperations = 1024
	chunkBytes      = 8 << 20
	// mostBytes is how large a service may become, by what follows, before it is Many. The largest content, of one that is almost so large after others that
	// are almost chunkBytes, can be packed whatever its numbers are.
	mostBytes = 16 << 20
	// What parts of a service take, about: at most half of what they can take.
	cellBytes, bucketBytes, seenBytes = 8, 6, 4
)

// Key is the key of contents: the name of a service, as rollups tell it.
func Key(service string) []byte { return []byte(rollup.Name(service)) }

type serviceKey struct{ name, namespace string }

func (k serviceKey) compare(o serviceKey) int {
	return cmp.Or(strings.Compare(k.name, o.name), strings.Compare(k.namespace, o.namespace))
}

type operationKey struct {
	name string
	kind int32
}

// sums is what is known of services, in the making.
type sums struct {
	services   map[serviceKey]*serviceSums
	operations int // of all
	bytes      int // of all, about
}

type serviceSums struct {
	key        serviceKey
	many       bool
	bytes      int    // about
	seen       []Seen // by minute
	operations map[operationKey]*Operation
}

func newSums() *sums { return &sums{services: map[serviceKey]*serviceSums{}} }

func (s *sums) service(k serviceKey) *serviceSums {
	of := s.services[k]
	if of == nil {
		k = serviceKey{strings.Clone(k.name), strings.Clone(k.namespace)}
		of = &serviceSums{key: k, operations: map[operationKey]*Operation{}}
		s.services[k] = of
		s.grow(of, len(k.name)+len(k.namespace)+seenBytes)
	}
	return of
}

// grow notes that a service takes more bytes.
func (s *sums) grow(of *serviceSums, bytes int) {
	of.bytes += bytes
	s.bytes += bytes
}

// see notes that spans began in a minute from one second to another.
func (s *serviceSums) see(minute int, first, last int64) {
	i, found := slices.BinarySearchFunc(s.seen, minute, func(a Seen, minute int) int { return cmp.Compare(a.Minute, minute) })
	if !found {
		s.seen = slices.Insert(s.seen, i, Seen{minute, first, last})
		return
	}
	at := &s.seen[i]
	at.First, at.Last = min(at.First, first), max(at.Last, last)
}

// operation is the entry of an operation, that of its kind where the service has too many.
func (s *sums) operation(of *serviceSums, k operationKey) *Operation {
	if of.many {
		k.name = ""
		if k.kind < 0 || k.kind > otlp.KindConsumer { // a sender may say any number
			k.kind = 0
		}
	}
	o := of.operations[k]
	if o != nil {
		return o
	}
	if !of.many && (len(of.operations) >= mostOperations || of.bytes >= mostBytes) {
		s.collapse(of)
		return s.operation(of, k)
	}
	o = &Operation{Name: k.name, Kind: k.kind}
	of.operations[k] = o
	s.operations++
	s.grow(of, len(k.name))
	return o
}

// collapse forgets the names of a service's operations.
func (s *sums) collapse(of *serviceSums) {
	all := of.operations
	of.many, of.operations = true, map[operationKey]*Operation{}
	s.operations -= len(all)
	s.grow(of, len(of.key.name)+len(of.key.namespace)+seenBytes-of.bytes)
	for k, o := range all {
		into := s.operation(of, k)
		for i := range o.Cells {
			s.grow(of, into.add(&o.Cells[i]))
		}
	}
}

// cell is the operation's cell of a minute.
func (o *Operation) cell(minute int) *Cell {
	if n := len(o.Cells); n > 0 && o.Cells[n-1].Minute == minute {
		return &o.Cells[n-1]
	}
	i, found := slices.BinarySearchFunc(o.Cells, minute, func(c Cell, minute int) int { return cmp.Compare(c.Minute, minute) })
	if !found {
		o.Cells = slices.Insert(o.Cells, i, Cell{Minute: minute})
	}
	return &o.Cells[i]
}

// add adds a cell, whose memory stays its owner's, and returns how many bytes more that takes, about.
func (o *Operation) add(c *Cell) (grown int) {
	cells := len(o.Cells)
	into := o.cell(c.Minute)
	buckets := len(into.Buckets)
	into.Errors += c.Errors
	into.Buckets = Merged(into.Buckets, c.Buckets)
	return cellBytes*(len(o.Cells)-cells) + bucketBytes*(len(into.Buckets)-buckets)
}

// Merge adds another cell up into this one, which keeps nothing of it, and returns by how many bytes of memory it grew. What is told of few spans takes few bytes,
// however far apart their durations are. It costs what the other has, not what this one has, as long as it has no bucket that this one has not: a day's
// minutes, added up, soon meet no new one.
func (c *Cell) Merge(o *Cell) (grown int) {
	c.Errors += o.Errors
	have, more, i := c.Buckets, 0, 0
	for _, b := range o.Buckets {
		i = reach(have, i, b.Number)
		if i < len(have) && have[i].Number == b.Number {
			have[i].Count += b.Count
		} else {
			more++
		}
	}
	if more == 0 {
		return 0
	}
	before := cap(have)
	out := slices.Grow(have, more)[:len(have)+more]
	i = len(have) - 1
	at := len(out) - 1
	for k := len(o.Buckets) - 1; more > 0; k-- {
		b := o.Buckets[k]
		for ; i >= 0 && out[i].Number > b.Number; i-- {
			out[at] = out[i]
			at--
		}
		if i >= 0 && out[i].Number == b.Number { // it was added above
			continue
		}
		out[at] = b
		at--
		more--
	}
	c.Buckets = out
	const bucket = 16 // in memory
	return bucket * (cap(out) - before)
}

// reach is the first of sorted buckets from one on that is not below a number. Steps are doubled, since the next one is mostly near.
func reach(of []Bucket, from int, number int32) int {
	step := 1
	for from+step <= len(of) && of[from+step-1].Number < number {
		from += step
		step *= 2
	}
	low, high := from, min(from+step-1, len(of))
	for low < high {
		if middle := (low + high) / 2; of[middle].Number < number {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// Merged adds two lists of buckets up into a new one.
func Merged(a, b []Bucket) []Bucket {
	out := make([]Bucket, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Number < b[0].Number:
			out, a = append(out, a[0]), a[1:]
		case a[0].Number > b[0].Number:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, Bucket{a[0].Number, a[0].Count + b[0].Count})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// collect counts rows of a table by service, operation and minute.
func collect(t *segment.Table, start int64, rows []uint32) ([]rollup.Content, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	s := newSums()
	low, high := s.count(t, start, rows)
	return s.flush(nil, rollup.Part, low, high, nil)
}

// Want is what of segments must be in the table that Count is given.
func Want() segment.Want {
	return segment.Want{
		Ints:  []segment.Column{segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus},
		Texts: []segment.TextColumn{segment.TextName},
	}
}

// Count is what a part says of a table of spans that lie in the hour that begins at start, all of it in one. Nothing of it is the table's.
func Count(t *segment.Table, start int64) *Chunk {
	s := newSums()
	rows := make([]uint32, t.N)
	for i := range rows {
		rows[i] = uint32(i)
	}
	if len(rows) > 0 {
		s.count(t, start, rows)
	}
	return s.chunk()
}

// Join adds chunks of one hour up, which stay as they are.
func Join(list []*Chunk) *Chunk {
	s := newSums()
	for _, c := range list {
		s.add(c, 0)
	}
	return s.chunk()
}

// chunk is all that is known, by minute.
func (s *sums) chunk() *Chunk {
	out := &Chunk{}
	for _, k := range slices.SortedFunc(maps.Keys(s.services), serviceKey.compare) {
		out.Services = append(out.Services, s.services[k].finished())
	}
	return out
}

// count counts one row or more of a table, and tells when the first and the last began.
func (s *sums) count(t *segment.Table, start int64, rows []uint32) (low, high int64) {
	times, durations := t.Ints[segment.ColTime], t.Ints[segment.ColDuration]
	resources, kinds, statuses := t.Ints[segment.ColResource], t.Ints[segment.ColKind], t.Ints[segment.ColStatus]
	names := t.Texts[segment.TextName]

	// A span is its cell's number and its bucket until all are counted.
	type code struct {
		resource int64
		name     segment.ValueID
		kind     int64
	}
	type cellKey struct {
		operation uint32
		minute    int32
	}
	services := make([]*serviceSums, len(t.Resources))
	byCode, byOperation := map[code]uint32{}, map[*Operation]uint32{}
	byCell := map[cellKey]uint32{}
	var operations []*Operation
	var owners []*serviceSums // by operation
	var cells []cellKey
	var failures []int64
	var counted [][]int32 // by cell: buckets, one for each span
	low, high = times[rows[0]], times[rows[0]]
	var lastCode code
	var lastOperation uint32
	var lastKey cellKey
	var lastCell uint32
	for n, row := range rows {
		at := times[row]
		low, high = min(low, at), max(high, at)
		second := (at - start) / int64(time.Second)
		minute := int32(second / secondsMinute) //nolint:gosec // of an hour
		of := services[resources[row]]
		if of == nil {
			r := &t.Resources[resources[row]]
			of = s.service(serviceKey{rollup.Name(r.ServiceName), rollup.Name(r.ServiceNamespace)})
			services[resources[row]] = of
		}
		of.see(int(minute), second, second)
		c := code{resources[row], names[row], kinds[row]}
		if n == 0 || c != lastCode {
			op, ok := byCode[c]
			if !ok {
				o := s.operation(of, operationKey{rollup.Name(string(t.Values[c.name].Raw)), int32(c.kind)}) //nolint:gosec // an enum of OTLP
				if op, ok = byOperation[o]; !ok {
					op = uint32(len(operations)) //nolint:gosec // at most one for each row
					byOperation[o] = op
					operations, owners = append(operations, o), append(owners, of)
				}
				byCode[c] = op
			}
			lastCode, lastOperation = c, op
		}
		k := cellKey{lastOperation, minute}
		if n == 0 || k != lastKey {
			cell, ok := byCell[k]
			if !ok {
				cell = uint32(len(cells)) //nolint:gosec // as above
				byCell[k] = cell
				cells, counted, failures = append(cells, k), append(counted, nil), append(failures, 0)
			}
			lastKey, lastCell = k, cell
		}
		counted[lastCell] = append(counted[lastCell], int32(BucketOf(at, durations[row]))) //nolint:gosec // below 64 × 64
		if statuses[row] == otlp.StatusError {
			failures[lastCell]++
		}
	}
	// A service may have become Many meanwhile: what was found of it before is another operation then.
	current := map[*Operation]*Operation{}
	for _, of := range s.services {
		if !of.many {
			continue
		}
		for c, op := range byCode {
			if services[c.resource] == of {
				current[operations[op]] = s.operation(of, operationKey{"", int32(c.kind)}) //nolint:gosec // an enum of OTLP
			}
		}
	}
	for i, k := range cells {
		o := operations[k.operation]
		if now := current[o]; now != nil {
			o = now
		}
		s.grow(owners[k.operation], o.add(&Cell{Minute: int(k.minute), Errors: failures[i], Buckets: counts(counted[i])}))
	}
	return low, high
}

// counts sorts a list of buckets and counts each.
func counts(list []int32) (out []Bucket) {
	slices.Sort(list)
	for i, b := range list {
		if i == 0 || b != list[i-1] {
			out = append(out, Bucket{Number: b})
		}
		out[len(out)-1].Count++
	}
	return out
}

// flush appends contents of the services whose name is below a bound (nil for all) to a list, and forgets them.
func (s *sums) flush(out []rollup.Content, of rollup.Grain, low, high int64, below []byte) ([]rollup.Content, error) {
	keys := slices.SortedFunc(maps.Keys(s.services), serviceKey.compare)
	var chunk []Service
	operations, size := 0, 0
	put := func() (err error) {
		if len(chunk) == 0 {
			return nil
		}
		c := rollup.Content{MinTime: low, MaxTime: high, Low: Key(chunk[0].Name), High: Key(chunk[len(chunk)-1].Name)}
		if of != rollup.Part {
			if c.Total, err = encode(totals(chunk)); err != nil {
				return err
			}
		}
		if of != rollup.Day {
			if c.Minutes, err = encode(chunk); err != nil {
				return err
			}
		}
		out, chunk, operations, size = append(out, c), nil, 0, 0
		return nil
	}
	for _, k := range keys {
		if below != nil && bytes.Compare([]byte(k.name), below) >= 0 {
			break
		}
		of := s.services[k]
		chunk = append(chunk, of.finished())
		operations += len(of.operations)
		size += of.bytes
		s.operations -= len(of.operations)
		s.bytes -= of.bytes
		delete(s.services, k)
		if operations >= chunkOperations || size >= chunkBytes {
			if err := put(); err != nil {
				return nil, err
			}
		}
	}
	return out, put()
}

// finished is the service with its operations in order.
func (s *serviceSums) finished() Service {
	out := Service{Name: s.key.name, Namespace: s.key.namespace, Many: s.many, Seen: s.seen, Operations: make([]Operation, 0, len(s.operations))}
	for _, o := range s.operations {
		out.Operations = append(out.Operations, *o)
	}
	slices.SortFunc(out.Operations, func(a, b Operation) int { return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind)) })
	return out
}

// totals adds the minutes of services up.
func totals(services []Service) []Service {
	out := make([]Service, len(services))
	for i := range services {
		s := services[i]
		if n := len(s.Seen); n > 0 {
			s.Seen = []Seen{{0, s.Seen[0].First, s.Seen[n-1].Last}}
		}
		operations := make([]Operation, len(s.Operations))
		for k, o := range s.Operations {
			operations[k] = Operation{Name: o.Name, Kind: o.Kind, Cells: []Cell{total(o.Cells)}}
		}
		s.Operations = operations
		out[i] = s
	}
	return out
}

// total adds cells up.
func total(cells []Cell) Cell {
	if len(cells) == 1 {
		return Cell{Errors: cells[0].Errors, Buckets: cells[0].Buckets}
	}
	var sum Sum
	for i := range cells {
		sum.AddCell(&cells[i])
	}
	out := Cell{Errors: sum.Errors}
	for i, n := range sum.Durations.counts {
		if n > 0 {
			out.Buckets = append(out.Buckets, Bucket{int32(sum.Durations.first + i), int64(n)}) //nolint:gosec // counts of spans
			sum.Requests -= int64(n)                                                            //nolint:gosec // likewise
		}
	}
	if sum.Requests > 0 {
		out.Buckets = append(out.Buckets, Bucket{Unknown, sum.Requests})
	}
	return out
}

// fold makes an hour of parts and hours, by minutes; or a day of hours, of their totals.
func fold(to rollup.Grain, start int64, _ bool, rows iter.Seq2[*rollup.Row, error]) (out []rollup.Content, err error) {
	s := newSums()
	var low, high int64
	seen := false
	var c Chunk
	// Only when the next row is there is it known up to which key all is there.
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		if seen && (s.operations >= chunkOperations || s.bytes >= chunkBytes) {
			if out, err = s.flush(out, to, low, high, row.Low); err != nil {
				return nil, err
			}
		}
		if !seen {
			low, high = row.MinTime, row.MaxTime
		}
		seen = true
		low, high = min(low, row.MinTime), max(high, row.MaxTime)
		blob := row.Minutes
		if to == rollup.Day {
			blob = row.Total
		}
		if err := c.Decode(blob); err != nil {
			return nil, err
		}
		s.add(&c, (row.Start-start)/int64(time.Second))
	}
	if out, err = s.flush(out, to, low, high, nil); err != nil {
		return nil, err
	}
	for i := range out {
		out[i].MinTime, out[i].MaxTime = low, high
	}
	return out, nil
}

// add adds a chunk whose row begins so many seconds after what is made.
func (s *sums) add(c *Chunk, seconds int64) {
	for i := range c.Services {
		from := &c.Services[i]
		of := s.service(serviceKey{from.Name, from.Namespace})
		if from.Many && !of.many {
			s.collapse(of)
		}
		for _, at := range from.Seen {
			of.see(at.Minute, at.First+seconds, at.Last+seconds)
		}
		for k := range from.Operations {
			o := &from.Operations[k]
			into := s.operation(of, operationKey{o.Name, o.Kind})
			for j := range o.Cells {
				s.grow(of, into.add(&o.Cells[j]))
			}
			if !of.many && of.bytes >= mostBytes {
				s.collapse(of)
			}
		}
	}
}
