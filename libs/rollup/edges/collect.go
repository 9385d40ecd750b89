package edges

import (
	"encoding/binary"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// Want is what of segments must be in the table that Add is given.
func Want() segment.Want {
	w := segment.Want{
		Ints:     []segment.Column{segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus},
		TraceIDs: true, SpanIDs: true, ParentIDs: true, Links: true,
	}
	for _, keys := range keysOf {
		w.Attributes = append(w.Attributes, keys...)
	}
	return w
}

// mostLinks is how many links of a span are followed: a batch of more messages tells of the first.
const mostLinks = 32

// adding is rows of a table on their way into calls.
type adding struct {
	*Calls
	t     *segment.Table
	peers *peers
	plain []caller
	fresh []half
}

// Add adds rows of a table of spans, which holds what Want says; all rows without rows.
func (c *Calls) Add(t *segment.Table, rows []uint32) {
	n := len(rows)
	if rows == nil {
		n = t.N
	}
	if n == 0 {
		return
	}
	browser := inBrowser(t)
	services := make([]int32, len(t.Resources))
	for i := range t.Resources {
		node := ServiceNode(t.Resources[i].ServiceNamespace, t.Resources[i].ServiceName)
		if browser[i] {
			node.Kind = Browser
		}
		services[i] = c.node(node)
	}
	a := &adding{Calls: c, t: t, peers: newPeers(t), plain: make([]caller, 0, n), fresh: make([]half, 0, n/4)}
	times, lengths, kinds, codes := t.Ints[segment.ColTime], t.Ints[segment.ColDuration], t.Ints[segment.ColKind], t.Ints[segment.ColStatus]
	resources := t.Ints[segment.ColResource]
	for k := range n {
		i := uint32(k)
		if rows != nil {
			i = rows[k]
		}
		h := half{
			key:  spanKey(binary.LittleEndian.Uint64(t.TraceIDs[i][8:]), binary.LittleEndian.Uint64(t.SpanIDs[i][:])),
			node: services[resources[i]], target: -1, minute: minuteOf(times[i]), bucket: uint16(red.BucketOf(times[i], lengths[i])), //nolint:gosec // below 4096
			failed: codes[i] == otlp.StatusError, border: atBorder(times[i], lengths[i]),
		}
		kind := kinds[i]
		if browser[resources[i]] && (kind == otlp.KindServer || kind == otlp.KindConsumer) {
			kind = otlp.KindInternal
		}
		if !a.add(i, kind, &h) {
			a.plain = append(a.plain, caller{h.key, h.node, -1})
		}
	}
	c.plain, c.fresh = append(c.plain, callers{list: a.plain}), append(c.fresh, a.fresh)
}

// matters is what each kind of span may say that decides anything.
func matters(kind int64) set {
	about := setOf(Broker, Destination, Operation, Peer)
	switch kind {
	case otlp.KindClient, otlp.KindProducer:
		return 1<<things - 1
	case otlp.KindServer, otlp.KindConsumer:
		return about
	}
	return about | setOf(DatabaseKind)
}

// add adds a span, and tells whether it is kept as one that calls.
func (a *adding) add(i uint32, kind int64, h *half) bool {
	var said named
	if a.peers.may(i)&matters(kind) != 0 {
		said = a.peers.of(i)
	}
	switch a.peers.flow(&said, kind) {
	case gives:
		h.does, h.target = sends, a.peers.topicOf(a.Calls, &said)
		if h.target >= 0 {
			a.count(h.node, h.target, h, 1)
		} else {
			h.does, h.target = hands, a.peers.brokerOf(a.Calls, &said)
		}
		a.fresh = append(a.fresh, *h)
		return true
	case takes:
		topic := a.peers.topicOf(a.Calls, &said)
		broker := a.peers.brokerOf(a.Calls, &said)
		switch {
		case topic >= 0:
			a.count(topic, h.node, h, 1)
			a.tie(i, kind, h, topic)
		case a.linked(i, h, broker):
		case kind != otlp.KindClient && a.called(i, h, broker):
		case broker >= 0:
			a.count(broker, h.node, h, 1)
		}
		if kind == otlp.KindClient {
			a.fresh = append(a.fresh, *h)
			return true
		}
		return false
	case noFlow:
	}
	switch kind {
	case otlp.KindServer:
		by := a.peers.callerOf(a.Calls, &said)
		if !a.called(i, h, by) && !a.linked(i, h, by) && by >= 0 {
			a.count(by, h.node, h, 1)
		}
		return false
	case otlp.KindClient:
		h.target = a.peers.targetOf(a.Calls, &said)
		a.fresh = append(a.fresh, *h)
		return true
	}
	if said[DatabaseKind] != 0 || said[Peer] != 0 { // a database in the process, or an instrumentation that knows no kinds
		h.target = a.peers.targetOf(a.Calls, &said)
		a.fresh = append(a.fresh, *h)
		return true
	}
	if a.t.ParentIDs[i] == [8]byte{} && a.nodes[h.node].Kind != Browser { // a job, begun by what it has links to
		a.linked(i, h, -1)
	}
	return false
}

// tie adds a tie to the spans that sent what one took from a topic.
func (a *adding) tie(i uint32, kind int64, h *half, topic int32) {
	callees := len(a.callees)
	if !a.linked(i, h, -1) && kind != otlp.KindClient {
		a.called(i, h, -1)
	}
	for _, one := range a.callees[callees:] {
		a.ties = append(a.ties, half{key: one.key, node: topic, target: -1, minute: one.minute, border: one.border})
	}
	a.callees = a.callees[:callees]
}

// called adds a callee, and who it says has called, if it has a parent.
func (a *adding) called(i uint32, h *half, by int32) bool {
	parent := a.t.ParentIDs[i]
	if parent == [8]byte{} {
		return false
	}
	callee := *h
	callee.key, callee.target = spanKey(binary.LittleEndian.Uint64(a.t.TraceIDs[i][8:]), binary.LittleEndian.Uint64(parent[:])), by
	a.callees = append(a.callees, callee)
	return true
}

// linked adds a callee for each span that a span has links to, and tells whether there is one.
func (a *adding) linked(i uint32, h *half, by int32) bool {
	links := &a.t.Links
	if len(links.Offsets) == 0 {
		return false
	}
	first := len(a.callees)
	for k := links.Offsets[i]; k < links.Offsets[i+1] && len(a.callees)-first < mostLinks; k++ {
		if links.SpanIDs[k] == [8]byte{} || links.TraceIDs[k] == [16]byte{} {
			continue
		}
		callee := *h
		callee.key, callee.target = spanKey(binary.LittleEndian.Uint64(links.TraceIDs[k][8:]), binary.LittleEndian.Uint64(links.SpanIDs[k][:])), by
		a.callees = append(a.callees, callee)
	}
	return len(a.callees) > first
}

// atBorder tells whether a span begins or ends close to the beginning or the end of the hour in which it begins.
func atBorder(start, length int64) bool {
	hour := int64(time.Hour)
	into := start % hour
	if into < 0 {
		into += hour
	}
	return into < int64(borderTime) || hour-into <= max(length, 0)+int64(borderTime)
}
