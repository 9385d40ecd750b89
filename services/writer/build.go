package writer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres/pgcopy"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// leaf is one partition that a flush needs: the table and the start of the day or hour, Unix ns.
type leaf struct {
	table string
	start int64
}

// build is one flush made ready for PostgreSQL, and the memory for the next one.
type build struct {
	signal   telemetry.Signal
	segments pgcopy.Stream
	rows     projection
	red      pgcopy.Stream
	dims     dimensions
	leaves   map[leaf]struct{}
	items    int

	row     segmentrow.Row     // being written
	encoded []*segment.Segment // of some rows, until they are written
	table   *segment.Table
	json    jsonValues
	rollup  *rollup
	batches []batchRows
}

func newBuild(signal telemetry.Signal) *build {
	return &build{signal: signal, leaves: map[leaf]struct{}{}, table: segment.NewTable("", signal), rollup: newRollup()}
}

// refusal is a batch that cannot be decoded, with the reason.
type refusal struct {
	held *held
	err  error
}

// plan is what a flush is built by.
type plan struct {
	now          time.Time
	segmentItems int
	known        *known
	// bounds are the times, Unix ns, both inclusive, between which the items of a tenant may lie.
	bounds func(telemetry.Tenant) (least, most int64)
	// rowsSince is the time from which on a tenant's items are projected to rows too; math.MaxInt64 for never.
	rowsSince func(telemetry.Tenant) int64
}

// fill builds the segments, rows, rollups and dimension entries of the batches. Batches that cannot be decoded are left out and returned;
// they cost their neighbours nothing. An error is a defect of the encoder and names no batch.
func (b *build) fill(batches []*held, p plan) ([]refusal, error) {
	b.segments.Reset()
	b.rows.stream.Reset()
	b.red.Reset()
	b.dims.reset(p.known, p.now)
	clear(b.leaves)
	b.items = 0

	var refused []refusal
	for _, batches := range byTenant(batches) {
		bad, err := b.tenant(batches, p)
		refused = append(refused, bad...)
		if err != nil {
			return refused, err
		}
	}
	return refused, nil
}

// release lets go of the payloads of the last fill; the memory of the streams stays for the next one.
func (b *build) release() { b.table.Reset() }

// byTenant groups batches, tenants in order, batches of a tenant as they came.
func byTenant(batches []*held) [][]*held {
	sorted := slices.Clone(batches)
	slices.SortStableFunc(sorted, func(a, b *held) int { return cmp.Compare(a.Tenant, b.Tenant) })
	var groups [][]*held
	for first, i := 0, 1; i <= len(sorted); i++ {
		if i == len(sorted) || sorted[i].Tenant != sorted[first].Tenant {
			if i > first {
				groups = append(groups, sorted[first:i])
			}
			first = i
		}
	}
	return groups
}

func (b *build) tenant(batches []*held, p plan) ([]refusal, error) {
	t := b.table
	t.Tenant = batches[0].Tenant
	t.Reset()
	b.batches = b.batches[:0]
	var refused []refusal
	least, most := p.bounds(t.Tenant)
	strays := false
	for _, h := range batches {
		first := t.N
		n, err := t.Append(h.Payload, h.position)
		if err != nil {
			refused = append(refused, refusal{h, err})
			continue
		}
		if at, ok := outside(t.Ints[segment.ColTime][first:first+n], least, most); ok {
			refused = append(refused, refusal{h, errTime.Newf("an item of the batch has the time %s; %s are stored from %s to %s",
				instant(at), b.signal, instant(least), instant(most))})
			strays = true
			continue
		}
		if n > 0 {
			b.batches = append(b.batches, batchRows{first: first, end: first + n, connection: []byte(h.Connection)})
		}
	}
	if strays {
		// What a table has taken it keeps: once more without them.
		rest, err := b.tenantWithout(batches, refused, p)
		return append(refused, rest...), err
	}
	if t.N == 0 {
		return refused, nil
	}
	b.items += t.N

	for _, rows := range t.Slices(p.segmentItems) {
		segments, err := t.AppendEncoded(b.encoded[:0], rows, 0)
		if err != nil {
			return refused, fmt.Errorf("encode a segment of %s: %w", b.signal, err)
		}
		for _, s := range segments {
			b.segment(s)
		}
		clear(segments) // they are as large as what was received
		b.encoded = segments
	}
	b.json.reset(t)
	if b.signal == telemetry.Traces {
		b.rollup.build(t)
		b.rollup.write(&b.red, t.Tenant)
		for i := range b.rollup.cells {
			b.leaf(schema.RedMinute, b.rollup.cells[i].minute, day)
		}
	}
	b.dims.add(t, &b.json, b.rollup)
	b.rows.json, b.rows.rollup = &b.json, b.rollup
	fact := factTable(b.signal)
	b.rows.write(t, b.batches, p.rowsSince(t.Tenant), func(at int64) { b.leaf(fact, at, time.Hour) })
	return refused, nil
}

// tenantWithout is tenant for the batches that are not refused.
func (b *build) tenantWithout(batches []*held, refused []refusal, p plan) ([]refusal, error) {
	if batches = without(batches, refused); len(batches) == 0 {
		b.table.Reset()
		return nil, nil
	}
	return b.tenant(batches, p)
}

// outside is the first of times that lies outside the bounds.
func outside(times []int64, least, most int64) (at int64, ok bool) {
	for _, t := range times {
		if t < least || t > most {
			return t, true
		}
	}
	return 0, false
}

// instant is a time in Unix nanoseconds for people.
func instant(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }

const day = 24 * time.Hour

// leaf notes that an instant of a table must have a partition.
func (b *build) leaf(table string, at int64, span time.Duration) {
	b.leaves[leaf{table, telemetry.Grain(at, span)}] = struct{}{}
}

// segment appends one row to the stream of segments.
func (b *build) segment(s *segment.Segment) {
	b.leaf(segmentTable(b.signal), s.MinTime, day)
	b.row = segmentrow.New(s)
	segmentrow.Append(&b.segments, &b.row)
	b.row = segmentrow.Row{} // its bytes are in the stream
}
