//nolint:gosec // G115: integers are converted to what the wire and the columns hold; sizes are bounded by a bus message
package writer

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/postgres/pgcopy"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// operation is a span name and kind of a service, as operation_dim holds it.
type operation struct {
	id, service int64
	name        string
	kind        int32
}

// redCell is one row of red_minute: what one flush saw of one operation, kind and status in one minute. Rows are partial sums; nobody
// updates them, readers add them up.
type redCell struct {
	minute        int64 // Unix ns
	service       int64
	operation     int64
	kind, status  int32
	count, errors int64
	sum           int64 // of durations, ns; saturates
	first         int   // bucket of counts[0]
	counts        []int32
}

// rollup counts the spans of one table by operation and minute.
type rollup struct {
	operations []operation
	cells      []redCell

	byName map[operationKey]uint32
	byCell map[cellKey]uint32
	names  []uint32 // by row: index into operations
	latest []latest // by operation
	seen   [256]seen
}

// seen and latest stand before the maps: most spans are of an operation, minute and status that were counted a moment ago.
type seen struct {
	key operationKey
	at  uint32 // index into operations, plus one; 0 for none
}

type latest struct {
	key cellKey
	at  uint32 // index into cells, plus one
}

type operationKey struct {
	service int64
	name    segment.ValueID
	kind    int32
}

type cellKey struct {
	minute    int64
	operation uint32
	status    int32
}

func newRollup() *rollup {
	return &rollup{byName: map[operationKey]uint32{}, byCell: map[cellKey]uint32{}}
}

// build counts all rows of t, a table of spans.
func (r *rollup) build(t *segment.Table) {
	r.operations = r.operations[:0]
	r.cells = r.cells[:0]
	clear(r.byName)
	clear(r.byCell)
	clear(r.seen[:])
	r.latest = r.latest[:0]
	r.names = slices.Grow(r.names[:0], t.N)[:t.N]

	times, durations := t.Ints[segment.ColTime], t.Ints[segment.ColDuration]
	resources, kinds, statuses := t.Ints[segment.ColResource], t.Ints[segment.ColKind], t.Ints[segment.ColStatus]
	names := t.Texts[segment.TextName]
	for i := range t.N {
		op := r.operation(t, t.Resources[resources[i]].ServiceID, names[i], int32(kinds[i]))
		r.names[i] = op
		r.cell(op, telemetry.Grain(times[i], time.Minute), int32(statuses[i])).add(durations[i])
	}
	slices.SortFunc(r.cells, func(a, b redCell) int {
		return cmp.Or(cmp.Compare(a.minute, b.minute), cmp.Compare(a.service, b.service), cmp.Compare(a.operation, b.operation),
			cmp.Compare(a.status, b.status))
	})
}

// operationOf returns the operation of a row of the table last built.
func (r *rollup) operationOf(row int) *operation { return &r.operations[r.names[row]] }

func (r *rollup) operation(t *segment.Table, service int64, name segment.ValueID, kind int32) uint32 {
	key := operationKey{service, name, kind}
	s := &r.seen[(uint32(name)+uint32(kind)<<5+uint32(service)<<3)%uint32(len(r.seen))]
	if s.at == 0 || s.key != key {
		*s = seen{key, r.find(t, key) + 1}
	}
	return s.at - 1
}

func (r *rollup) find(t *segment.Table, key operationKey) uint32 {
	if i, ok := r.byName[key]; ok {
		return i
	}
	service, name, kind := key.service, key.name, key.kind
	text := string(t.Values[name].Raw)
	i := uint32(len(r.operations))
	r.operations = append(r.operations, operation{
		id: segment.OperationID(t.Tenant, service, text, kind), service: service, name: schema.Text(text), kind: kind,
	})
	r.latest = append(r.latest, latest{})
	r.byName[key] = i
	return i
}

func (r *rollup) cell(op uint32, minute int64, status int32) *redCell {
	key := cellKey{minute, op, status}
	l := &r.latest[op]
	if l.at != 0 && l.key == key {
		return &r.cells[l.at-1]
	}
	if i, ok := r.byCell[key]; ok {
		*l = latest{key, i + 1}
		return &r.cells[i]
	}
	i := len(r.cells)
	r.byCell[key] = uint32(i)
	*l = latest{key, uint32(i) + 1}
	r.cells = slices.Grow(r.cells, 1)[:i+1]
	c := &r.cells[i]
	*c = redCell{
		minute: minute, service: r.operations[op].service, operation: r.operations[op].id, kind: r.operations[op].kind, status: status,
		counts: c.counts[:0], // the memory of an earlier flush
	}
	return c
}

func (c *redCell) add(duration int64) {
	c.count++
	if c.status == otlp.StatusError {
		c.errors++
	}
	switch sum := c.sum + duration; {
	case duration > 0 && sum < c.sum:
		c.sum = math.MaxInt64
	case duration < 0 && sum > c.sum:
		c.sum = math.MinInt64
	default:
		c.sum = sum
	}
	b := schema.RedBucket(duration)
	if len(c.counts) == 0 {
		c.first = b
		c.counts = append(c.counts, 1)
		return
	}
	if b < c.first {
		old := len(c.counts)
		shift := c.first - b
		c.counts = slices.Grow(c.counts, shift)[:old+shift]
		copy(c.counts[shift:], c.counts[:old])
		clear(c.counts[:shift])
		c.first = b
	}
	for b >= c.first+len(c.counts) {
		c.counts = append(c.counts, 0)
	}
	c.counts[b-c.first]++
}

const redColumns = 10

// write appends the cells to a COPY stream for red_minute.
func (r *rollup) write(c *pgcopy.Stream, tenant telemetry.Tenant) {
	for i := range r.cells {
		cell := &r.cells[i]
		c.Begin(redColumns)
		c.Int8(cell.minute)
		c.Int8(cell.service)
		c.Int8(cell.operation)
		c.Int8(cell.count)
		c.Int8(cell.errors)
		c.Int8(cell.sum)
		c.Int2(clamp16(int64(cell.kind)))
		c.Int2(clamp16(int64(cell.status)))
		c.Text(string(tenant))
		m := c.Array(pgcopy.OIDInt4, len(cell.counts), cell.first)
		for _, n := range cell.counts {
			c.Int4(n)
		}
		c.Close(m)
	}
}
