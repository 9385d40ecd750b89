package bench

import (
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// cost is what one case took, for all its items.
type cost struct {
	items     int
	client    time.Duration // CPU of the writers, or of whoever does the case's work beside PostgreSQL
	ingest    time.Duration
	nats      time.Duration
	server    time.Duration // all of PostgreSQL's processes
	generator time.Duration // this process, sending and watching; no part of the product
	others    time.Duration // who has nothing to do with this bench, on the same machine
	wall      time.Duration
	steady    float64 // items a second in the middle of the run; 0 where it was too short
	wal       int64
	disk      int64
	otlp      int64 // bytes of the requests, uncompressed
	allocated int64 // bytes that the client allocated
	objects   int64 // and how many pieces
	memory    memory
}

// memory is largest resident sizes in bytes; 0 where there is no such process. PostgreSQL's is what all its processes have together at the
// end, shared buffers counted once.
type memory struct{ writer, ingest, nats, postgres int64 }

// scaled is the cost of so many items.
func (c cost) scaled(items int) cost {
	factor := float64(items) / float64(max(c.items, 1))
	for _, d := range []*time.Duration{&c.client, &c.ingest, &c.nats, &c.server, &c.generator, &c.others, &c.wall} {
		*d = time.Duration(float64(*d) * factor)
	}
	for _, n := range []*int64{&c.wal, &c.disk, &c.otlp, &c.allocated, &c.objects} {
		*n = int64(float64(*n) * factor)
	}
	c.items = items
	return c
}

// less is what c takes more than o, for c's items.
func (c cost) less(o cost) cost {
	o = o.scaled(c.items)
	c.client -= o.client
	c.nats -= o.nats
	c.server -= o.server
	c.generator -= o.generator
	c.wall -= o.wall
	c.steady, c.others = 0, 0
	c.wal -= o.wal
	c.disk -= o.disk
	c.allocated -= o.allocated
	c.objects -= o.objects
	c.memory = memory{}
	return c
}

// rowsAlone is what rows would take without segments: what they add to segments, and the walk over OTLP that they share with them. The
// writer has no such mode. Its rate is that of both together, had it been busy in the same way with only this work.
func rowsAlone(both, added, walk cost) cost {
	c := added
	c.client += walk.scaled(c.items).client
	c.nats = both.nats
	c.wall = 0
	if own := c.client + c.server; own > 0 {
		c.steady = both.rate() * float64(both.client+both.server) / float64(own)
	}
	return c
}

func (c cost) all() time.Duration { return c.client + c.ingest + c.nats + c.server }

// micros is CPU per item.
func (c cost) micros(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(max(c.items, 1))
}

func (c cost) each(n int64) float64 { return float64(n) / float64(max(c.items, 1)) }

// neighbours is how many cores others kept busy meanwhile.
func (c cost) neighbours() float64 {
	if c.wall <= 0 {
		return 0
	}
	return max(c.others.Seconds()/c.wall.Seconds(), 0)
}

func (c cost) rate() float64 {
	if c.steady > 0 {
		return c.steady
	}
	if c.wall <= 0 {
		return 0
	}
	return float64(c.items) / c.wall.Seconds()
}

// countItems is a cost of nothing for the items of batches.
func countItems(batches []telemetry.Batch) (c cost) {
	for _, b := range batches {
		c.items += b.Items
		c.otlp += int64(len(b.Payload))
	}
	return c
}

// results are the costs of all rounds, by case.
type results map[string][]cost

func (r results) median(name string, of func(cost) float64) float64 {
	values := make([]float64, 0, len(r[name]))
	for _, c := range r[name] {
		values = append(values, of(c))
	}
	return middle(values)
}

// middle is the median of values, 0 of none; it sorts them.
func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
