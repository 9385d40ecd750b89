package edges

import (
	"cmp"
	"encoding/binary"
	"net/url"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// The attributes that name what is on the other side of a span; of those for one thing the first counts that is a string and not empty.
const (
	peer      = iota // peer.service, server.address, net.peer.name
	dbSystem         // db.system.name, db.system
	dbName           // db.namespace, db.name
	system           // messaging.system
	topic            // messaging.destination.name, messaging.destination
	operation        // messaging.operation.type, messaging.operation
	fullURL          // url.full, http.url
	host             // http.host
	things
)

// peerKeys are the keys for each thing, the best first.
func peerKeys() [things][]string {
	return [things][]string{
		peer:      {"peer.service", "server.address", "net.peer.name"},
		dbSystem:  {"db.system.name", "db.system"},
		dbName:    {"db.namespace", "db.name"},
		system:    {"messaging.system"},
		topic:     {"messaging.destination.name", "messaging.destination"},
		operation: {"messaging.operation.type", "messaging.operation"},
		fullURL:   {"url.full", "http.url"},
		host:      {"http.host"},
	}
}

// Want is what of segments must be in the table that Add is given.
func Want() segment.Want {
	w := segment.Want{
		Ints:     []segment.Column{segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus},
		TraceIDs: true, SpanIDs: true, ParentIDs: true,
	}
	for _, keys := range peerKeys() {
		w.Attributes = append(w.Attributes, keys...)
	}
	return w
}

// peers finds what spans of a table say of their other side.
type peers struct {
	t    *segment.Table
	rank []uint8 // by key: 0, or 4 × the thing + the place of the key among its keys + 1
	seen map[named]int32
}

// named is what a span says of its other side, as values of its table; 0 for none.
type named [things]segment.ValueID

func newPeers(t *segment.Table) *peers {
	p := &peers{t: t, rank: make([]uint8, len(t.Keys)), seen: map[named]int32{}}
	ranks := map[string]uint8{}
	for thing, keys := range peerKeys() {
		for i, key := range keys {
			ranks[key] = uint8(4*thing + i + 1)
		}
	}
	// The keys below are those of columns: none has the name of an attribute of ours.
	for k, key := range t.Keys {
		p.rank[k] = ranks[key]
	}
	return p
}

// of is what a row says.
func (p *peers) of(row uint32) (out named) {
	if len(p.t.Attributes.Offsets) == 0 {
		return out
	}
	var best [things]uint8
	for _, id := range p.t.Attributes.Row(int(row)) {
		v := &p.t.Values[id]
		rank := p.rank[v.Key]
		if rank == 0 || v.Type != segment.String || len(v.Raw) == 0 {
			continue
		}
		thing := (rank - 1) / 4
		if best[thing] == 0 || rank < best[thing] {
			best[thing], out[thing] = rank, id
		}
	}
	return out
}

func (p *peers) text(id segment.ValueID) string {
	if id == 0 {
		return ""
	}
	return string(p.t.Values[id].Raw)
}

// topicOf is the node of the destination that a span names, -1 without one.
func (p *peers) topicOf(c *Calls, n *named) int32 {
	if n[topic] == 0 {
		return -1
	}
	return c.node(Node{Kind: Messaging, System: p.text(n[system]), Name: p.text(n[topic])})
}

// targetOf is the node that a client span calls, as far as it says, -1 if it does not.
func (p *peers) targetOf(c *Calls, n *named) int32 {
	if n[peer] != 0 || n[dbSystem] != 0 || n[system] != 0 {
		n[fullURL], n[host] = 0, 0 // the address of each request may be another
	}
	key := *n
	key[operation] = 0
	if at, ok := p.seen[key]; ok {
		return at
	}
	at := p.find(c, n)
	p.seen[key] = at
	return at
}

func (p *peers) find(c *Calls, n *named) int32 {
	to := p.text(n[peer])
	if n[dbSystem] != 0 {
		kind, name := p.text(n[dbSystem]), p.text(n[dbName])
		if strings.Trim(name, "0123456789") == "" { // the number of a Redis database names nothing
			name = cmp.Or(to, kind)
		}
		return c.node(Node{Kind: Database, System: kind, Name: name})
	}
	if n[system] != 0 {
		if at := p.topicOf(c, n); at >= 0 {
			return at
		}
		kind := p.text(n[system])
		return c.node(Node{Kind: Messaging, System: kind, Name: cmp.Or(to, kind)})
	}
	if to == "" {
		if u, err := url.Parse(p.text(n[fullURL])); err == nil {
			to = u.Hostname()
		}
	}
	if to == "" {
		to, _, _ = strings.Cut(p.text(n[host]), ":")
	}
	if to == "" {
		return -1
	}
	return c.node(Node{Kind: External, Name: to})
}

// receives tells whether a span takes from a topic, whatever its kind says.
func (p *peers) receives(n *named) bool {
	if n[operation] == 0 {
		return false
	}
	switch string(p.t.Values[n[operation]].Raw) {
	case "receive", "process":
		return true
	}
	return false
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
	services := make([]int32, len(t.Resources))
	for i := range t.Resources {
		r := &t.Resources[i]
		services[i] = c.node(Node{Kind: Service, Namespace: r.ServiceNamespace, Name: r.ServiceName})
	}
	p := newPeers(t)
	times, lengths, kinds, codes := t.Ints[segment.ColTime], t.Ints[segment.ColDuration], t.Ints[segment.ColKind], t.Ints[segment.ColStatus]
	resources := t.Ints[segment.ColResource]
	plain, fresh := make([]caller, 0, n), make([]half, 0, n/4)
	for k := range n {
		i := uint32(k)
		if rows != nil {
			i = rows[k]
		}
		trace := binary.LittleEndian.Uint64(t.TraceIDs[i][8:])
		h := half{
			key:  spanKey(trace, binary.LittleEndian.Uint64(t.SpanIDs[i][:])),
			node: services[resources[i]], target: -1, minute: minuteOf(times[i]), bucket: uint16(red.BucketOf(times[i], lengths[i])), //nolint:gosec // below 4096
			failed: codes[i] == otlp.StatusError, border: atBorder(times[i], lengths[i]),
		}
		switch kinds[i] {
		case otlp.KindServer, otlp.KindConsumer:
			if kinds[i] == otlp.KindConsumer {
				said := p.of(i)
				if at := p.topicOf(c, &said); at >= 0 {
					c.count(at, &h, 1)
					break
				}
			}
			if t.ParentIDs[i] != [8]byte{} {
				callee := h
				callee.key = spanKey(trace, binary.LittleEndian.Uint64(t.ParentIDs[i][:]))
				c.callees = append(c.callees, callee)
			}
		case otlp.KindProducer:
			fresh = append(fresh, h)
			said := p.of(i)
			if at := p.topicOf(c, &said); at >= 0 {
				to := h
				to.target = at
				c.count(h.node, &to, 1)
			}
			continue
		case otlp.KindClient:
			said := p.of(i)
			if said[topic] != 0 && p.receives(&said) {
				c.count(p.topicOf(c, &said), &h, 1)
			} else {
				h.target = p.targetOf(c, &said)
			}
			fresh = append(fresh, h)
			continue
		}
		plain = append(plain, caller{h.key, h.node})
	}
	c.plain, c.fresh = append(c.plain, callers{list: plain}), append(c.fresh, fresh)
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
