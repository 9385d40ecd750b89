package native

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Bounds of the distinct values that are counted at a time: their number, and the bytes of memory that they take.
const (
	maxValues     = 100_000
	maxValueBytes = 64 << 20
	valueOverhead = 150
)

// segmentCounts is how many items of one segment have which values, in the order in which these were found, one value perhaps several times. It is a list, and not
// values by content as valueCounts is, because there is one for each of hundreds of segments, which nearly all have the same few values.
type segmentCounts struct {
	items  int64 // with the attribute or without
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

// add notes that so many items have a value, unless there are none.
func (c *segmentCounts) add(v segment.Value, items int64) {
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

// zeros is n zeros to count in, until the next call.
func (c *segmentCounts) zeros(n int) []int64 {
	c.counts = slices.Grow(c.counts[:0], n)[:n]
	clear(c.counts)
	return c.counts
}

func (c *segmentCounts) forget() { c.items, c.values, c.raw = 0, c.values[:0], c.raw[:0] }

// countsMemory lends out segmentCounts.
type countsMemory struct{ sync.Pool }

func (m *countsMemory) take() *segmentCounts {
	if c, ok := m.Get().(*segmentCounts); ok {
		return c
	}
	return &segmentCounts{}
}

// mostCountsMemory is the bytes of values that are kept of a segment's counts: one with more is seldom.
const mostCountsMemory = 64 << 10

func (m *countsMemory) put(c *segmentCounts) {
	if cap(c.raw) > mostCountsMemory {
		return
	}
	c.forget()
	m.Put(c)
}

// valueCount is how many items have a value.
type valueCount struct {
	value segment.Value
	items int64
}

// valueCounts are the values of an attribute, by type and content.
type valueCounts struct {
	values map[string]*valueCount
	items  int64 // with the attribute or without
	bytes  int64 // of memory
	lost   bool  // there were more values than are kept
	key    []byte
}

func newValueCounts() *valueCounts { return &valueCounts{values: map[string]*valueCount{}} }

func (c *valueCounts) add(v segment.Value, items int64) {
	c.key = append(c.key[:0], byte(v.Type))
	c.key = binary.LittleEndian.AppendUint64(c.key, v.Num)
	c.key = append(c.key, v.Raw...)
	if have := c.values[string(c.key)]; have != nil {
		have.items += items
		return
	}
	v.Raw = slices.Clone(v.Raw)
	c.values[string(c.key)] = &valueCount{v, items}
	c.bytes += int64(len(c.key)+len(v.Raw)) + valueOverhead
}

// merge adds a segment's.
func (c *valueCounts) merge(of *segmentCounts) {
	c.items += of.items
	from := 0
	for _, v := range of.values {
		c.add(segment.Value{Type: v.kind, Num: v.num, Raw: of.raw[from:v.end]}, v.items)
		from = v.end
	}
	for len(c.values) > maxValues || c.bytes > maxValueBytes && len(c.values) > 1 {
		c.halve()
	}
}

// halve lets the rarest half go: what is frequent over the range is frequent in many segments.
func (c *valueCounts) halve() {
	c.lost = true
	order := make([]int64, 0, len(c.values))
	for _, v := range c.values {
		order = append(order, v.items)
	}
	slices.Sort(order)
	middle, kept := order[len(order)/2], len(order)/2
	for key, v := range c.values {
		if v.items <= middle && len(c.values) > kept {
			delete(c.values, key)
			c.bytes -= int64(len(key)+len(v.value.Raw)) + valueOverhead
		}
	}
}

// attributeQuestion asks for the values of one attribute or field.
type attributeQuestion struct {
	signal telemetry.Signal
	facet  *facet
}

func (n *API) attributeValues(ctx context.Context, tenant telemetry.Tenant, key string, from, to int64, asked api.ListAttributeValuesParams) (*api.AttributeValues, error) {
	a := attributeQuestion{signal: telemetry.Traces}
	switch asked.Signal {
	case "", api.ListAttributeValuesParamsSignalTraces:
	case api.ListAttributeValuesParamsSignalLogs:
		a.signal = telemetry.Logs
	default:
		return nil, errSignal.Newf("signal: %.64q is not traces or logs", string(asked.Signal))
	}
	var err error
	if a.facet, err = facetOf(a.signal, asked.Scope, key); err != nil {
		return nil, err
	}
	limit, err := pageLimit(asked.Limit, defaultLimit, maxLimit)
	if err != nil {
		return nil, err
	}
	filters, err := filterList(asked.Filters)
	if err != nil {
		return nil, err
	}
	f, err := n.filters.Parse(a.signal, filters)
	if err != nil {
		return nil, err
	}
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: a.signal, From: from, To: to, Filter: f}
	out := &api.AttributeValues{Key: key, Values: []api.AttributeValue{}, Completeness: n.completeness(q)}
	total := newValueCounts()
	err = n.engine.Ask(ctx, q.Span(), func(ctx context.Context, s *engine.Snapshot) error {
		_, err := engine.Fold(ctx, s, q, a.columns(q),
			func(r *columns.Reader, h *engine.Header, q *engine.Query) *segmentCounts {
				return a.count(n.counts.take(), r, h, q)
			},
			func(of *segmentCounts) {
				total.merge(of)
				n.counts.put(of)
			})
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	if total.lost && out.Incomplete == nil {
		out.Incomplete = limited("the attribute has more values than are counted at a time (%d, or %d MiB of them); rare ones are left out or counted too low",
			maxValues, maxValueBytes>>20)
	}
	out.Items, out.Distinct = total.items, len(total.values)
	out.Values = total.render(limit)
	return out, nil
}

// columns are what to read: of a segment that lies wholly in the range, and all of whose items count, what the head does not tell.
func (a attributeQuestion) columns(q *engine.Query) engine.Columns {
	whole := segment.Want{Counts: a.facet.counts}
	part := columns.NewSet(q.Signal)
	a.facet.columns(part)
	q.Filter.Columns(part)
	return func(q *engine.Query, h *engine.Header) segment.Want {
		if q.All(h) {
			return whole
		}
		return part.Want
	}
}

// count counts the values in a segment, into out.
func (a attributeQuestion) count(out *segmentCounts, s *columns.Reader, h *engine.Header, q *engine.Query) *segmentCounts {
	var within []bool // nil: all
	out.items = int64(s.Len())
	if !q.All(h) {
		within = s.Borrow()
		defer s.GiveBack()
		q.Rows(s, func(row int, _ engine.Key) { within[row] = true })
		out.items = 0
		for _, is := range within {
			if is {
				out.items++
			}
		}
		if out.items == 0 {
			return out
		}
	}
	a.facet.count(s, within, out)
	return out
}

// render lists the most frequent values.
func (c *valueCounts) render(limit int) []api.AttributeValue {
	list := make([]*valueCount, 0, len(c.values))
	for _, v := range c.values {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *valueCount) int {
		return cmp.Or(cmp.Compare(b.items, a.items), cmp.Compare(a.value.Type, b.value.Type),
			cmp.Compare(int64(a.value.Num), int64(b.value.Num)), slices.Compare(a.value.Raw, b.value.Raw)) //nolint:gosec // bits
	})
	out := make([]api.AttributeValue, min(limit, len(list)))
	for i := range out {
		out[i] = api.AttributeValue{Value: otlpjson.Of(list[i].value.OTLP()), Count: list[i].items}
	}
	return out
}
