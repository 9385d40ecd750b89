//nolint:gosec // G115: integers are converted to what the wire and the columns hold; sizes are bounded by a bus message
package writer

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/schema"
)

// operation is a span name and kind of a service, as operation_dim holds it.
type operation struct {
	id, service int64
	name        string
	kind        int32
}

// operations are those of the spans of one table.
type operations struct {
	all    []operation
	byName map[operationKey]uint32
	names  []uint32 // by row: index into all
	seen   [256]seen
}

// seen stands before the map: most spans are of an operation that was met a moment ago.
type seen struct {
	key operationKey
	at  uint32 // index into all, plus one; 0 for none
}

type operationKey struct {
	service int64
	name    segment.ValueID
	kind    int32
}

func newOperations() *operations { return &operations{byName: map[operationKey]uint32{}} }

// build finds the operations of all rows of t, a table of spans.
func (o *operations) build(t *segment.Table) {
	o.all = o.all[:0]
	clear(o.byName)
	clear(o.seen[:])
	o.names = slices.Grow(o.names[:0], t.N)[:t.N]
	resources, kinds, names := t.Ints[segment.ColResource], t.Ints[segment.ColKind], t.Texts[segment.TextName]
	for i := range t.N {
		o.names[i] = o.number(t, operationKey{t.Resources[resources[i]].ServiceID, names[i], int32(kinds[i])})
	}
}

// of returns the operation of a row of the table last built.
func (o *operations) of(row int) *operation { return &o.all[o.names[row]] }

func (o *operations) number(t *segment.Table, key operationKey) uint32 {
	s := &o.seen[(uint32(key.name)+uint32(key.kind)<<5+uint32(key.service)<<3)%uint32(len(o.seen))]
	if s.at == 0 || s.key != key {
		*s = seen{key, o.find(t, key) + 1}
	}
	return s.at - 1
}

func (o *operations) find(t *segment.Table, key operationKey) uint32 {
	if i, ok := o.byName[key]; ok {
		return i
	}
	text := string(t.Values[key.name].Raw)
	i := uint32(len(o.all))
	o.all = append(o.all, operation{
		id: segment.OperationID(t.Tenant, key.service, text, key.kind), service: key.service, name: schema.Text(text), kind: key.kind,
	})
	o.byName[key] = i
	return i
}
