package writer

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// leaf is one partition that a flush needs: the table and the start of the day or hour, Unix ns.
type leaf struct {
	table string
	start int64
}

// build is one flush made ready for PostgreSQL, and the memory for the next one.
type build struct {
	signal   telemetry.Signal
	segments segmentrow.Streams
	rows     projection
	dims     dimensions
	leaves   map[leaf]int64 // and an instant of each that the flush has, Unix ns
	items    int
	usage    usage
	share    int32               // part of usage, which no other flusher has
	at       telemetry.Placement // of what is being built

	row        segmentrow.Row     // being written
	encoded    []*segment.Segment // of some rows, until they are written
	table      *segment.Table
	json       jsonValues
	operations *operations // of table, when it holds spans
	counts     []int       // items of each batch that was taken
}

func newBuild(signal telemetry.Signal) *build {
	share := rand.Int32() //nolint:gosec // two that are the same wait for one another, no more
	return &build{signal: signal, leaves: map[leaf]int64{}, usage: usage{}, table: segment.NewTable("", signal), operations: newOperations(), share: share}
}

// refusal is a batch that cannot be stored, or not all of it, with the reason.
type refusal struct {
	held *held
	err  error
	rest *held // what of it is stored all the same; nil for nothing
}

// plan is what a flush is built by.
type plan struct {
	now          time.Time
	segmentItems int
	known        *known
	heavy        *heavy // of the writer; nil for a build that has it for itself
	// bounds are the times, Unix ns, both inclusive, between which the items of a tenant may lie.
	bounds func(telemetry.Tenant) (least, most int64)
	// rowsSince is the time from which on a tenant's items are projected to rows too; math.MaxInt64 for never.
	rowsSince func(telemetry.Tenant) int64
	// homes are where a batch's request belongs: the first is where its items go.
	homes func(*held) []telemetry.Placement
}

func (p *plan) home(h *held) telemetry.Placement { return p.homes(h)[0] }

// fill builds the segments, rows and dimension entries of the batches. Batches that cannot be decoded, and items out of time, are
// left out and returned; they cost their neighbours nothing. An error is a defect of the encoder and names no batch.
func (b *build) fill(batches []*held, p plan) ([]refusal, error) {
	b.segments.Reset()
	b.rows.stream.Reset()
	b.dims.reset(p.known, p.now)
	clear(b.leaves)
	b.items = 0
	clear(b.usage)

	var refused []refusal
	for _, of := range byPlacement(batches, p.home) {
		b.at = of.at
		bad, err := b.placement(of.batches, p)
		refused = append(refused, bad...)
		if err != nil {
			return refused, err
		}
	}
	return refused, nil
}

// mostKeys is how many different keys of attributes a table may have before no further batch is taken into it. Each is a column by itself:
// a batch of 2 MB that has 100,000 of them takes 50 MB while it is built, where one of few keys takes 10. One that has more is built alone.
const mostKeys = 1 << 15

// heavy are the builds of so many keys that only one may be encoded at a time, over all signals and flushers.
type heavy struct{ sync.Mutex }

// lock takes turns where a table is heavy, and returns what ends the turn.
func (h *heavy) lock(t *segment.Table) (unlock func()) {
	if h == nil || len(t.Keys) <= mostKeys {
		return func() {}
	}
	h.Lock()
	return h.Unlock
}

// release lets go of the payloads of the last fill; the memory of the streams stays for the next one.
func (b *build) release() { b.table.Reset() }

// together are batches that lie together, as they came.
type together struct {
	at      telemetry.Placement
	batches []*held
}

// byPlacement groups batches by where their items go, placements in order.
func byPlacement(batches []*held, home func(*held) telemetry.Placement) []together {
	byPlacement := map[telemetry.Placement]int{}
	var groups []together
	for _, h := range batches {
		at := home(h)
		i, ok := byPlacement[at]
		if !ok {
			i = len(groups)
			byPlacement[at] = i
			groups = append(groups, together{at: at})
		}
		groups[i].batches = append(groups[i].batches, h)
	}
	slices.SortFunc(groups, func(a, b together) int { return cmp.Compare(a.at, b.at) })
	return groups
}

// placement builds what is of one placement, in as many parts as its keys make necessary.
func (b *build) placement(batches []*held, p plan) (refused []refusal, err error) {
	for len(batches) > 0 {
		n, bad, err := b.part(batches, p)
		refused = append(refused, bad...)
		if err != nil {
			return refused, err
		}
		batches = batches[n:]
	}
	return refused, nil
}

// part builds the first of some batches, and says how many it has taken.
func (b *build) part(batches []*held, p plan) (took int, refused []refusal, err error) {
	t := b.table
	t.Tenant = batches[0].Tenant
	t.Reset()
	b.counts = b.counts[:0]
	kept := make([]*held, 0, len(batches)) // whose items are b.counts
	least, most := p.bounds(t.Tenant)
	astray := false
	for _, h := range batches {
		if took > 0 && len(t.Keys) > mostKeys {
			break
		}
		took++
		first := t.N
		n, err := t.AppendFrom(h.Payload, segment.Origin{Position: h.position, Ordinal: int64(h.before), Connection: h.Connection})
		if err != nil {
			refused = append(refused, refusal{held: h, err: err})
			continue
		}
		if h.shared && n > h.Items {
			astray = true // the next one in its message would have the same ordinals
			refused = append(refused, refusal{held: h, err: errCount.Newf("the batch holds %d items, its envelope says %d", n, h.Items)})
			continue
		}
		if strays, at := outside(t.Ints[segment.ColTime][first:first+n], least, most); strays != nil {
			astray = true
			refused = append(refused, refusal{
				held: h, rest: h.rest(n, strays),
				err: errTime.Newf("%d of the %d items of the batch are out of time, the first at %s; %s are stored from %s to %s",
					strays.Count(), n, instant(at), b.signal, instant(least), instant(most)),
			})
			continue
		}
		if n > 0 {
			kept = append(kept, h)
			b.counts = append(b.counts, n)
		}
	}
	if astray {
		// What a table has taken it keeps: once more without them.
		again, err := b.placementWithout(batches[:took], refused, p)
		if err == nil && len(again) > 0 {
			err = rebuilt(again)
		}
		return took, refused, err
	}
	if t.N == 0 {
		return took, refused, nil
	}
	b.items += t.N
	for i, h := range kept {
		b.usage.add(h, b.counts[i], p.now)
	}
	defer p.heavy.lock(t)()

	for _, rows := range t.Slices(p.segmentItems) {
		segments, err := t.AppendEncoded(b.encoded[:0], rows, 0)
		if err != nil {
			return took, refused, fmt.Errorf("encode a segment of %s: %w", b.signal, err)
		}
		for _, s := range segments {
			b.segment(s, p.now)
		}
		clear(segments) // they are as large as what was received
		b.encoded = segments
	}
	b.json.reset(t)
	if b.signal == telemetry.Traces {
		b.operations.build(t)
	}
	b.dims.add(t, &b.json, b.operations)
	b.rows.json, b.rows.operations = &b.json, b.operations
	fact := factTable(b.signal)
	b.rows.write(t, p.rowsSince(t.Tenant), func(at int64) { b.leaf(fact, at, time.Hour) })
	if len(t.Keys) > mostKeys {
		b.forget()
	}
	return took, refused, nil
}

// forget lets the memory of the table and of what encodes it go: what many keys took is not worth keeping. What was built of it stays.
func (b *build) forget() {
	b.table, b.json, b.encoded = segment.NewTable("", b.signal), jsonValues{}, nil
}

// placementWithout is placement for what is not refused of the batches.
func (b *build) placementWithout(batches []*held, refused []refusal, p plan) ([]refusal, error) {
	if batches = taken(batches, refused); len(batches) == 0 {
		b.table.Reset()
		return nil, nil
	}
	return b.placement(batches, p)
}

// taken is what is not refused of the batches.
func taken(batches []*held, refused []refusal) []*held {
	rest := without(batches, refused)
	for _, r := range refused {
		if r.rest != nil {
			rest = append(rest, r.rest)
		}
	}
	return rest
}

// rebuilt is the error for batches that were built once and are refused when they are built again.
func rebuilt(refused []refusal) error {
	return errRebuilt.Newf("%d batches that were built once are refused when they are built again, the first: %v", len(refused), refused[0].err)
}

// outside are the places of the times that lie outside the bounds, and the first of these.
func outside(times []int64, least, most int64) (strays telemetry.Ordinals, first int64) {
	for i, t := range times {
		if t < least || t > most {
			if strays == nil {
				first = t
			}
			strays = strays.Add(uint32(i))
		}
	}
	return strays, first
}

// rest is what a batch of n items is without those at some places: nil where nothing is left, or where its envelope does not say which
// items it holds, so that the ledger could not say which are stored.
func (h *held) rest(n int, strays telemetry.Ordinals) *held {
	have := h.Ordinals
	if have == nil {
		have = telemetry.FirstOrdinals(n)
	}
	keep := have.Without(have.At(strays))
	if have.Count() != n || keep == nil {
		return nil
	}
	rest := *h
	rest.Payload, rest.Ordinals, rest.Items = telemetry.Cut(h.Signal, h.Payload, have, keep), keep, keep.Count()
	return &rest
}

// instant is a time in Unix nanoseconds for people.
func instant(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }

const day = 24 * time.Hour

// leaf notes that an instant of a table must have a partition.
func (b *build) leaf(table string, at int64, span time.Duration) {
	b.leaves[leaf{table, telemetry.Grain(at, span)}] = at
}

// segment appends one row to the streams of segments. Its body goes into the slot of this minute, which is always there.
func (b *build) segment(s *segment.Segment, now time.Time) {
	b.leaf(segmentTable(b.signal), s.MinTime, day)
	b.row = segmentrow.New(s, b.at, now)
	b.segments.Append(&b.row)
	b.row = segmentrow.Row{} // its bytes are in the streams
}
