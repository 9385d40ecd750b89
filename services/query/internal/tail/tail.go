// Package tail shows items as the queue takes them, before they are in the database: who looks on gives a filter, and gets what meets it.
//
//	queue ── follow, one to a tenant ──> decode, encode as a segment ──> each onlooker's filter ──> its own bounded list ──> who writes it out
//
// Invariant: an onlooker that is slow, or stands still, costs itself what it misses, which it is told, and nobody else anything; a tenant's filters are
// looked at in that tenant's own time (docs/adr/041).
package tail

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// MostBytes is what waits for one onlooker at most, in bytes of what was drawn for it: what comes beyond is counted as missed.
const MostBytes = 1 << 20

// Queue says what it takes of a tenant; bus.Bus is one.
type Queue interface {
	Follow(signal telemetry.Signal, tenant telemetry.Tenant, take func(bus.Arrival)) (stop func(), err error)
}

// Hub knows who looks on.
type Hub struct {
	queue   Queue
	most    int
	log     *slog.Logger
	readers columns.Readers
	making  sync.Mutex // one message is made a segment at a time: what that takes is bounded by what a message may hold

	mu    sync.Mutex
	feeds map[feedKey]*feed
	all   int
}

type feedKey struct {
	signal telemetry.Signal
	tenant telemetry.Tenant
}

// New makes a hub for so many onlookers, of whom a tenant may be half.
func New(queue Queue, most int, log *slog.Logger) *Hub {
	return &Hub{queue: queue, most: most, log: log, feeds: map[feedKey]*feed{}}
}

// feed is a tenant's data on its way to those who look on.
type feed struct {
	hub *Hub
	key feedKey

	beginning sync.Mutex
	stop      func() // ends it; nil until it has begun

	mu        sync.Mutex
	onlookers map[*Onlooker]bool
}

// Request is what somebody wants to see.
type Request struct {
	Tenant telemetry.Tenant
	Signal telemetry.Signal
	Filter filter.Filter
	Base   int64 // of positions, in the life that the queue is in
	Last   int64 // position that the queue had given, as it counts, before the request
	// Draw is called for each table, and makes of its rows what is kept for the onlooker. One goroutine calls it at a time.
	Draw func(t *segment.Table) (row func(row int) []byte)
}

// Event is one item, or where some are missing.
type Event struct {
	Position, Ordinal int64 // of the item; of a gap those of the last item that was seen before it, or 0
	Data              []byte
	Missed            int64 // that came and found no room; Data is nil
	Unknown           bool  // there were more, nobody knows how many
}

// Onlooker gets what meets its request. One goroutine takes.
type Onlooker struct {
	request Request
	feed    *feed
	ready   chan struct{}
	life    chan struct{} // closed when the queue counts anew

	// Of the message at hand, in the hands of the feed.
	drawn      []Event
	drawnBytes int
	undrawn    int64 // for which there was no room

	mu     sync.Mutex
	list   []Event
	bytes  int
	last   int64 // position in the stream
	closed bool
}

// Open begins to look on: what the queue takes once it has returned is seen. The error is ErrBusy, or why the queue cannot be followed.
func (h *Hub) Open(r Request) (*Onlooker, error) {
	key := feedKey{r.Signal, r.Tenant}
	o := &Onlooker{request: r, last: r.Last, ready: make(chan struct{}, 1), life: make(chan struct{})}
	if err := h.enter(o, key); err != nil {
		return nil, err
	}
	if err := o.feed.begin(); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// enter gives an onlooker a place among those of its tenant.
func (h *Hub) enter(o *Onlooker, key feedKey) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.feeds[key]
	if of == nil {
		of = &feed{hub: h, key: key, onlookers: map[*Onlooker]bool{}}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if mine := len(of.onlookers); h.all >= h.most || mine >= (h.most+1)/2 {
		return ErrBusy.Newf("%d follow live data already, %d of them this tenant's", h.all, mine)
	}
	h.feeds[key] = of
	of.onlookers[o] = true
	o.feed = of
	h.all++
	return nil
}

// begin has the queue followed, which may take its time: nobody but this tenant waits for it.
func (f *feed) begin() (err error) {
	f.beginning.Lock()
	defer f.beginning.Unlock()
	if f.stop == nil {
		f.stop, err = f.hub.queue.Follow(f.key.signal, f.key.tenant, f.take)
	}
	return err
}

// end is begin's opposite.
func (f *feed) end() {
	f.beginning.Lock()
	defer f.beginning.Unlock()
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
}

// Close ends looking on.
func (o *Onlooker) Close() {
	o.mu.Lock()
	was := o.closed
	o.closed, o.list = true, nil
	o.mu.Unlock()
	if was {
		return
	}
	h, of := o.feed.hub, o.feed
	h.mu.Lock()
	h.all--
	of.mu.Lock()
	delete(of.onlookers, o)
	last := len(of.onlookers) == 0
	if last {
		delete(h.feeds, of.key) // who comes now has a feed of its own
	}
	of.mu.Unlock()
	h.mu.Unlock()
	if last {
		of.end()
	}
}

// Ready says that there is something to Take.
func (o *Onlooker) Ready() <-chan struct{} { return o.ready }

// Anew is closed when the queue was made anew, so that positions count from another base: who looks on opens again.
func (o *Onlooker) Anew() <-chan struct{} { return o.life }

// Take is what came since, in order.
func (o *Onlooker) Take() []Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.list
	o.list, o.bytes = nil, 0
	return list
}

// put adds an event, or counts it as missed where there is no room.
func (o *Onlooker) put(e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	if e.Data != nil && o.bytes+len(e.Data) > MostBytes && o.bytes > 0 {
		e = Event{Missed: 1}
	}
	if n := len(o.list); e.Data == nil && n > 0 && o.list[n-1].Data == nil {
		o.list[n-1].Missed += e.Missed
		o.list[n-1].Unknown = o.list[n-1].Unknown || e.Unknown
	} else {
		o.list = append(o.list, e)
		o.bytes += len(e.Data) + 64 // and what the event itself takes
	}
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// arrived notes a message, and reports whether it is of the life of the queue that the onlooker knows.
func (o *Onlooker) arrived(position int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if position <= o.last {
		select {
		case <-o.life:
		default:
			close(o.life)
		}
		return false
	}
	o.last = position
	return true
}

// take shows one message to all. What cannot be read, or makes the codec panic, is a gap: the writer will say what is wrong with it.
func (f *feed) take(a bus.Arrival) {
	f.mu.Lock()
	list := make([]*Onlooker, 0, len(f.onlookers))
	for o := range f.onlookers {
		list = append(list, o)
	}
	f.mu.Unlock()
	kept := list[:0]
	for _, o := range list {
		if a.Gap {
			o.put(Event{Unknown: true})
		}
		if o.arrived(int64(a.Position)) { //nolint:gosec // a stream never counts beyond 2^63
			kept = append(kept, o)
		}
	}
	if err := f.hub.show(a, f.key, kept); err != nil {
		f.hub.log.Warn("a message could not be shown live", "signal", f.key.signal.String(), "position", a.Position, "error", err)
		for _, o := range kept {
			o.put(Event{Unknown: true})
		}
	}
}

// show lets each onlooker's filter look at a message, as it will be in the database.
func (h *Hub) show(a bus.Arrival, key feedKey, list []*Onlooker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it made the codec panic: %v", p)
		}
	}()
	segments, err := h.segments(a, key)
	if err != nil {
		return err
	}
	for _, s := range segments {
		if err := h.showSegment(s, key.tenant, list); err != nil {
			return err
		}
	}
	for _, o := range list {
		slices.SortFunc(o.drawn, func(a, b Event) int { return cmp.Compare(a.Ordinal, b.Ordinal) }) // as they were sent
		for _, e := range o.drawn {
			o.put(e)
		}
		if o.undrawn > 0 {
			o.put(Event{Missed: o.undrawn})
		}
		o.drawn, o.undrawn, o.drawnBytes = nil, 0, 0
	}
	return nil
}

// segments makes of a message what the writer will.
func (h *Hub) segments(a bus.Arrival, key feedKey) (segments []*segment.Segment, err error) {
	h.making.Lock()
	defer h.making.Unlock()
	t := h.readers.Tables.Take(key.tenant, key.signal)
	ordinal := int64(0)
	for _, b := range a.Batches {
		n, err := t.AppendFrom(b.Payload, segment.Origin{Position: int64(a.Position), Ordinal: ordinal, Connection: b.Connection}) //nolint:gosec // as above
		if err != nil {
			return nil, fmt.Errorf("decode: %w", err)
		}
		ordinal += int64(max(n, b.Items))
	}
	for _, rows := range t.Slices(0) {
		if segments, err = t.AppendEncoded(segments, rows, 0); err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
	}
	h.readers.Tables.Put(t)
	return segments, nil
}

func (h *Hub) showSegment(s *segment.Segment, tenant telemetry.Tenant, list []*Onlooker) error {
	d, err := segment.ParseDirectory(s.Directory)
	if err != nil {
		return err
	}
	r, err := h.readers.Take(tenant)
	if err != nil {
		return err
	}
	all := segment.WantAll()
	var parts []segment.Part
	for _, of := range d.Ranges(all) {
		parts = append(parts, segment.Part{Offset: of.Offset, Bytes: s.Body[of.Offset : of.Offset+of.Length]})
	}
	for _, o := range list {
		r.Open(d, all, parts)
		met := r.Borrow()
		o.request.Filter.Match(r, met)
		rows := r.Marked(met)
		r.GiveBack()
		if err := r.Err(); err != nil {
			return err
		}
		if len(rows) == 0 {
			continue
		}
		if err := r.Rows(all, rows, func(t *segment.Table) { o.draw(t, len(rows)) }); err != nil {
			return err
		}
	}
	h.readers.Put(r)
	return nil
}

// draw makes events of rows of a table, which tells positions as the stream counts them, as far as there is room for them.
func (o *Onlooker) draw(t *segment.Table, n int) {
	positions, ordinals := t.Ints[segment.ColPosition], t.Ints[segment.ColOrdinal]
	o.mu.Lock()
	taken := o.bytes
	o.mu.Unlock()
	draw := o.request.Draw(t)
	for row := range n {
		if taken+o.drawnBytes >= MostBytes {
			o.undrawn++
			continue
		}
		positions[row] += o.request.Base
		data := draw(row)
		o.drawnBytes += len(data)
		o.drawn = append(o.drawn, Event{Position: positions[row], Ordinal: ordinals[row], Data: data})
	}
}
