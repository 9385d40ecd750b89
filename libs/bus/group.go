package bus

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Small batches share a message of the bus, and with it the write to disk that its acknowledgement waits for: that is nearly all that a small one
// costs. Invariants:
//
//   - A group is of one subject, a tenant and signal.
//   - Who finds nobody of his subject on the way, nor was answered together with others just now, is sent at once and alone, as if there were no
//     groups. Others gather in one group. It goes when nobody is on the way any more and as many are in it as are expected: those who were there when
//     the last message came back, and as many as that answered, who are likely to send again. It goes at once when it is full, and at the latest when
//     it is Config.GroupDelay old; while mostOnTheWay messages are on their way, the server has work enough, and its age does not count: what was
//     sent sooner would wait there. It then goes when the first of these is back.
//   - No sender waits longer than his own context. Without one, four times Config.PublishTimeout bound him: a message that is on its way waits for its
//     turn (Config.MaxInFlight) for one of them and for its acknowledgement for another, and a group that waits for such a message then takes as long.
//     Where turns are free, which is nearly always, that is twice. A lone message takes its turn within its own sender's context.
//   - A sender is told yes only after the acknowledgement of the message that holds his batch. An error of it is told to all whose batches it
//     holds; each may try again, alone or in whatever company: a batch keeps its own id (group_body.go), by which the ledger knows it.
//   - A batch is copied into its group when it comes: its sender may leave at any time, and what he has sent is then stored or not, as ever. The copy is
//     charged (Publisher.Charge) before it is made and until the message is sent; who may not have one goes alone.

const (
	// groupBytes is how large a group's body may be, before compression; less where the bus takes no such message.
	groupBytes = 256 << 10
	// groupParts is how many batches a group may hold.
	groupParts = 256
	// memberShare is which part of a group one batch may take; a larger one goes alone.
	memberShare = 4
	// mostOnTheWay is how many messages of a subject may be on the way for a group to go because of its age.
	mostOnTheWay = 4
	// forgetAfter is how often it is looked whether a lane that had company is still used. A timer for each message would wake the process once more.
	forgetAfter = time.Second
)

// groups are those of a Publisher.
type groups struct {
	publisher *Publisher
	flying    sync.WaitGroup // groups that gather or are on their way
	bodies    sync.Pool      // *[]byte

	mu    sync.Mutex
	lanes map[lane]*traffic // of which something is on the way, or was just now
}

// lane is a subject.
type lane struct {
	signal telemetry.Signal
	tenant telemetry.Tenant
}

// traffic is what is on its way on a lane.
type traffic struct {
	lane   lane
	flying int       // messages that are sent
	open   *group    // that gathers; nil where none does
	expect int       // how many are likely to be in it …
	until  time.Time // … if they come until then
	watch  bool      // it is looked at again by itself, and let go of when it is not used
}

// company reports whether who comes now is likely not to be alone.
func (t *traffic) company() bool {
	return t.flying > 0 || t.open != nil || t.expect > 1 && time.Now().Before(t.until)
}

// group is some batches that are sent as one message.
type group struct {
	batches []telemetry.Batch // whose payloads are in body; until it is sealed they are where their senders have them, and not read
	ends    []int             // of the payloads in body
	body    []byte
	buffer  *[]byte // of body
	charged int64   // for body
	timer   *time.Timer
	overdue bool

	done    chan struct{} // closed when what follows is known
	err     error
	at      uint64
	repeats []bool // which of the batches were taken for repeats
}

// most is how large a group may be now.
func (g *groups) most() int { return min(groupBytes, g.publisher.bus.MaxPayload()) }

// take reports whether a batch may go in a group.
func (g *groups) take(b *telemetry.Batch) bool {
	return g.publisher.bus.cfg.GroupDelay > 0 && len(b.Payload) <= g.most()/memberShare
}

// publish stores one batch, that of batches, as Publish does.
func (g *groups) publish(ctx context.Context, batches []telemetry.Batch) (out Published, err error) {
	b := &batches[0]
	if err := g.publisher.bus.known(b.Signal); err != nil {
		return out, err
	}
	of, in, place := g.join(ctx, b)
	if in == nil {
		err := g.publisher.publishWave(ctx, batches, &out)
		g.back(ctx, of, answered(1, err))
		return out, err
	}
	select {
	case <-in.done:
	case <-ctx.Done():
		return out, errAckTimeout.Wrap(context.Cause(ctx), "the queue did not acknowledge in time; retry")
	}
	if in.err != nil {
		return out, in.err
	}
	out.Position = in.at
	if in.repeats[place] {
		out.Repeats = b.Items
	}
	return out, nil
}

// join puts a batch into the group that gathers on its lane, at a place; nil where the caller is to send it at once, and to tell when it is back.
func (g *groups) join(ctx context.Context, b *telemetry.Batch) (*traffic, *group, int) {
	l := lane{b.Signal, b.Tenant}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.lanes[l]
	if t == nil {
		t = &traffic{lane: l}
		g.lanes[l] = t
	}
	if !t.company() {
		t.flying++
		return t, nil, 0
	}
	most := g.most()
	room := partRoom(b)
	if !g.publisher.take(int64(room)) {
		t.flying++
		return t, nil, 0
	}
	if t.open != nil && len(t.open.body)+room > most {
		g.seal(ctx, t)
	}
	if t.open == nil {
		t.open = g.gather(ctx, t)
	}
	in := t.open
	in.charged += int64(room)
	in.body = appendPart(in.body, b)
	in.batches, in.ends = append(in.batches, *b), append(in.ends, len(in.body))
	place := len(in.batches) - 1
	if len(in.batches) == groupParts || t.flying == 0 && len(in.batches) >= t.expect {
		g.seal(ctx, t)
	}
	return t, in, place
}

// gather begins a group.
func (g *groups) gather(ctx context.Context, t *traffic) *group {
	g.flying.Add(1)
	buffer, _ := g.bodies.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	in := &group{done: make(chan struct{}), buffer: buffer, body: (*buffer)[:0]}
	ctx = context.WithoutCancel(ctx)
	in.timer = time.AfterFunc(g.publisher.bus.cfg.GroupDelay, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		switch {
		case t.open != in:
		case t.flying < mostOnTheWay:
			g.seal(ctx, t)
		default:
			in.overdue = true
		}
	})
	return in
}

// seal sends the group that gathers.
func (g *groups) seal(ctx context.Context, t *traffic) {
	in := t.open
	t.open = nil
	t.flying++
	in.timer.Stop()
	go g.send(context.WithoutCancel(ctx), t, in)
}

// back notes that a message is back, which answered so many, and sends the group that gathers, unless these are likely to join it.
func (g *groups) back(ctx context.Context, t *traffic, answered int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t.flying--
	t.expect, t.until = answered, time.Now().Add(g.publisher.bus.cfg.GroupDelay)
	if t.open != nil {
		if t.expect += len(t.open.batches); t.open.overdue || t.flying == 0 && answered == 0 {
			g.seal(ctx, t)
		}
		return
	}
	switch {
	case t.flying > 0:
	case t.expect <= 1:
		delete(g.lanes, t.lane)
	case !t.watch:
		t.watch = true
		time.AfterFunc(forgetAfter, func() { g.forget(t) })
	}
}

// forget lets go of a lane on which nothing is on the way, and looks again where something is.
func (g *groups) forget(t *traffic) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.lanes[t.lane] != t:
	case t.company():
		time.AfterFunc(forgetAfter, func() { g.forget(t) })
	default:
		delete(g.lanes, t.lane)
	}
}

// answered is how many of n senders were told that they need not send the same again.
func answered(n int, err error) int {
	if err != nil {
		return 0
	}
	return n
}

// send sends a group and tells its senders what became of it. No sender's patience bounds it: that of the bus does.
func (g *groups) send(ctx context.Context, t *traffic, in *group) {
	defer g.flying.Done()
	for i := range in.batches {
		b, end := &in.batches[i], in.ends[i]
		b.Payload = in.body[end-len(b.Payload) : end]
	}
	in.err = g.deliver(ctx, in)
	g.back(ctx, t, answered(len(in.batches), in.err)) // before anybody is told: who is quick is expected
	close(in.done)
}

func (g *groups) deliver(ctx context.Context, in *group) error {
	p := g.publisher
	limited, cancel := context.WithTimeout(ctx, p.bus.cfg.PublishTimeout)
	defer cancel()
	if err := p.flight.Acquire(limited, 1); err != nil {
		in.body = nil
		p.free(in.charged)
		return errInFlight.Wrap(err, "too many batches wait for the queue; retry later")
	}
	defer p.flight.Release(1)
	s, err := p.send(in.batches, in.body)
	for i := range in.batches {
		in.batches[i].Payload = nil // what was sent is a copy
	}
	*in.buffer, in.body = in.body, nil
	g.bodies.Put(in.buffer)
	p.free(in.charged)
	var ack *jetstream.PubAck
	if err == nil {
		ack, err = p.await(ctx, in.batches, &s)
	}
	switch {
	case errMessageTooLarge.Matches(err) && len(in.batches) > 1:
		return errLimitChanged.Wrap(err, "the queue takes smaller messages than it did a moment ago; retry") // none of them is too large by itself
	case err != nil:
		return err
	}
	in.at, in.repeats = ack.Sequence, make([]bool, len(in.batches))
	for i := range in.batches {
		in.repeats[i] = p.recent.note(in.batches[i].ID()) || ack.Duplicate
	}
	return nil
}

// partRoom is what a batch takes of a group at most.
func partRoom(b *telemetry.Batch) int {
	const numbers = 64 // the id, and numbers with room to spare
	return numbers + len(b.Connection) + len(b.Ordinals.String()) + len(b.Payload)
}

// recent are the ids of the batches that were acknowledged lately, for at least a window or the last mostRecent of them. JetStream knows messages,
// and so not what a group holds; that a batch is stored once is the ledger's matter, and does not depend on this. Safe for concurrent use; the
// zero value with a window is ready.
type recent struct {
	window time.Duration

	mu           sync.Mutex
	newer, older map[telemetry.BatchID]struct{}
	began        time.Time // newer
}

// mostRecent is how many ids are remembered at least, about 40 bytes each; at most twice as many.
const mostRecent = 1 << 16

// note remembers an id, and reports whether it was there already.
func (r *recent) note(id telemetry.BatchID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); len(r.newer) >= mostRecent || now.Sub(r.began) > r.window {
		if r.older = r.newer; now.Sub(r.began) > 2*r.window {
			r.older = nil
		}
		r.newer, r.began = make(map[telemetry.BatchID]struct{}), now
	}
	if _, ok := r.newer[id]; ok {
		return true
	}
	_, ok := r.older[id]
	r.newer[id] = struct{}{}
	return ok
}
