package edges

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// What a span says of its other side, and so which way it points. What it does is told by its attributes before its kind: a poll of a queue is of
// kind client, and takes. Names are those of the semantic conventions of OpenTelemetry (messaging, database, rpc, faas, gen-ai, peer), the newest first and
// then those that older instrumentations send.

// Thing is something that attributes of a span say of its other side.
type Thing uint8

// The things.
const (
	Peer         Thing = iota // the logical name of the other side
	Address                   // its host
	Port                      // of the host
	DatabaseKind              // which database system
	DatabaseName              // the database in it
	Broker                    // which messaging system
	Destination               // the topic or queue
	Operation                 // what is done with a message
	FullURL
	HostHeader
	Called // whatever else is called by a name: a remote procedure's service, a function, a model's provider
	things
)

const mostKeys = 4

// keysOf are the keys that say each thing. Of those for one the first counts that is a string and not empty, or of a port a number.
//
//nolint:gochecknoglobals // a table
var keysOf = [things][]string{
	Peer:         {"peer.service"},
	Address:      {"server.address", "net.peer.name"},
	Port:         {"server.port", "net.peer.port"},
	DatabaseKind: {"db.system.name", "db.system"},
	DatabaseName: {"db.namespace", "db.name"},
	Broker:       {"messaging.system"},
	Destination:  {"messaging.destination.template", "messaging.destination.name", "messaging.destination", "messaging.source.name"},
	Operation:    {"messaging.operation.type", "messaging.operation", "messaging.operation.name"},
	FullURL:      {"url.full", "http.url"},
	HostHeader:   {"http.host"},
	Called:       {"rpc.service", "faas.invoked_name", "gen_ai.provider.name", "gen_ai.system"},
}

// Keys are the keys that say a thing, the best first.
func (t Thing) Keys() []string { return keysOf[t] }

// flow is which way a message goes.
type flow uint8

const (
	noFlow flow = iota
	gives       // to a destination
	takes       // from one
)

// flowOf is the way of each operation, by its type and by the names that systems have for it.
//
//nolint:gochecknoglobals // a table
var flowOf = map[string]flow{
	"create": gives, "send": gives, "publish": gives, "produce": gives, "enqueue": gives,
	"receive": takes, "process": takes, "deliver": takes, "settle": takes,
	"poll": takes, "pull": takes, "consume": takes, "dequeue": takes, "ack": takes, "nack": takes, "commit": takes,
}

// standardPorts are those that database systems have unless something else is said: instrumentations tell them or leave them out, and mean the same.
//
//nolint:gochecknoglobals // a table
var standardPorts = map[string]uint64{
	"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "redis": 6379, "mongodb": 27017, "microsoft.sql_server": 1433, "mssql": 1433, "oracle.db": 1521,
	"oracle": 1521, "cassandra": 9042, "elasticsearch": 9200, "opensearch": 9200, "memcached": 11211, "clickhouse": 9000, "cockroachdb": 26257, "neo4j": 7687,
	"couchdb": 5984, "influxdb": 8086,
}

// StandardPort is the port of a database system that its nodes do not tell; 0 where none is known.
func StandardPort(system string) uint64 { return standardPorts[system] }

// set is some things.
type set uint16

func (s set) has(t Thing) bool { return s&(1<<t) != 0 }

func setOf(list ...Thing) (s set) {
	for _, t := range list {
		s |= 1 << t
	}
	return s
}

// named is what a span says of its other side, as values of its table; 0 for none.
type named [things]segment.ValueID

// peers finds what spans of a table say of their other side.
type peers struct {
	t      *segment.Table
	rank   []uint8 // by key: 0, or mostKeys × the thing + the place of the key among its keys + 1
	shapes []shape // by list of keys
	seen   map[named]int32
}

// shape is what the attributes of a list of keys may say.
type shape struct {
	known bool
	says  set
}

func newPeers(t *segment.Table) *peers {
	p := &peers{t: t, rank: make([]uint8, len(t.Keys)), seen: map[named]int32{}}
	ranks := map[string]uint8{}
	for thing, keys := range keysOf {
		for i, key := range keys {
			ranks[key] = uint8(mostKeys*thing + i + 1)
		}
	}
	// The keys below are those of columns: none has the name of an attribute of ours.
	for k, key := range t.Keys {
		p.rank[k] = ranks[key]
	}
	return p
}

// may is what a row may say, by its keys.
func (p *peers) may(row uint32) set {
	list := &p.t.Attributes
	if len(list.Offsets) == 0 {
		return 0
	}
	node := list.Shape(row)
	if int(node) >= len(p.shapes) {
		p.shapes = append(p.shapes, make([]shape, int(node)+1-len(p.shapes))...)
	}
	s := &p.shapes[node]
	if !s.known {
		s.known = true
		for _, id := range list.Row(int(row)) {
			if rank := p.rank[p.t.Values[id].Key]; rank > 0 {
				s.says |= 1 << ((rank - 1) / mostKeys)
			}
		}
	}
	return s.says
}

// of is what a row says.
func (p *peers) of(row uint32) (out named) {
	var best [things]uint8
	for _, id := range p.t.Attributes.Row(int(row)) {
		v := &p.t.Values[id]
		rank := p.rank[v.Key]
		if rank == 0 {
			continue
		}
		thing := Thing((rank - 1) / mostKeys)
		said := v.Type == segment.String && len(v.Raw) > 0
		if thing == Port {
			said = v.Type == segment.Int && v.Num > 0 && v.Num < 1<<16
		}
		if said && (best[thing] == 0 || rank < best[thing]) {
			best[thing], out[thing] = rank, id
		}
	}
	return out
}

func (p *peers) text(n *named, t Thing) string {
	if n[t] == 0 {
		return ""
	}
	return string(p.t.Values[n[t]].Raw)
}

// flow is which way a message goes by what a span does and, where it does not say, by its kind; none where it is about no message.
func (p *peers) flow(n *named, kind int64) flow {
	if n[Operation] != 0 && (n[Broker] != 0 || n[Destination] != 0 || kind == otlp.KindProducer || kind == otlp.KindConsumer) {
		if f := flowOf[strings.ToLower(p.text(n, Operation))]; f != noFlow {
			return f
		}
	}
	switch {
	case kind == otlp.KindProducer, kind == otlp.KindClient && n[Destination] != 0:
		return gives
	case kind == otlp.KindConsumer:
		return takes
	}
	return noFlow
}

// find is the node that some things of what a span says name, -1 without any; made makes it.
func (p *peers) find(c *Calls, n *named, of set, made func(p *peers, n *named) (Node, bool)) int32 {
	key := named{}
	for t := range things {
		if of.has(t) {
			key[t] = n[t]
		}
	}
	if at, ok := p.seen[key]; ok {
		return at
	}
	at := int32(-1)
	if node, ok := made(p, n); ok {
		at = c.node(node)
	}
	p.seen[key] = at
	return at
}

// topicOf is the node of the destination that a span names, -1 without one.
func (p *peers) topicOf(c *Calls, n *named) int32 {
	if n[Destination] == 0 {
		return -1
	}
	return p.find(c, n, setOf(Destination, Broker), func(p *peers, n *named) (Node, bool) {
		return Node{Kind: Messaging, System: p.text(n, Broker), Name: p.text(n, Destination)}, true
	})
}

// brokerOf is the node of the messaging system that a span names without a destination, -1 without one.
func (p *peers) brokerOf(c *Calls, n *named) int32 {
	if n[Broker] == 0 {
		return -1
	}
	return p.find(c, n, setOf(Broker, Address, Peer), func(p *peers, n *named) (Node, bool) {
		return Node{Kind: Messaging, System: p.text(n, Broker), Address: cmp.Or(p.text(n, Address), p.text(n, Peer))}, true
	})
}

// callerOf is the node that a span of a server names as its caller, -1 without one.
func (p *peers) callerOf(c *Calls, n *named) int32 {
	if n[Peer] == 0 {
		return -1
	}
	return p.find(c, n, setOf(Peer), func(p *peers, n *named) (Node, bool) {
		return Node{Kind: External, Name: p.text(n, Peer)}, true
	})
}

// targetOf is the node that a span calls, as far as it says, -1 if it does not.
func (p *peers) targetOf(c *Calls, n *named) int32 {
	if n[DatabaseKind] != 0 {
		return p.find(c, n, setOf(DatabaseKind, DatabaseName, Address, Port, Peer), (*peers).database)
	}
	if n[Broker] != 0 {
		return p.brokerOf(c, n)
	}
	if n[Peer] != 0 || n[Address] != 0 {
		return p.find(c, n, setOf(Peer, Address), (*peers).host)
	}
	return p.find(c, n, setOf(FullURL, HostHeader, Called), (*peers).host)
}

// database is a system with the database in it, where it is. The number of a Redis database names nothing.
func (p *peers) database(n *named) (Node, bool) {
	out := Node{Kind: Database, System: p.text(n, DatabaseKind), Name: p.text(n, DatabaseName), Address: cmp.Or(p.text(n, Address), p.text(n, Peer))}
	if strings.Trim(out.Name, "0123456789") == "" {
		out.Name = ""
	}
	if n[Port] != 0 && out.Address != "" {
		if port := p.t.Values[n[Port]].Num; port != StandardPort(out.System) {
			out.Port = strconv.FormatUint(port, 10)
		}
	}
	return out, true
}

// host is whatever is called that is neither a database nor messaging.
func (p *peers) host(n *named) (Node, bool) {
	name := cmp.Or(p.text(n, Peer), p.text(n, Address))
	if name == "" {
		if u, err := url.Parse(p.text(n, FullURL)); err == nil {
			name = u.Hostname()
		}
	}
	if name == "" {
		name = p.text(n, HostHeader)
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
		}
	}
	if name == "" {
		name = p.text(n, Called)
	}
	return Node{Kind: External, Name: name}, name != ""
}

// inBrowser tells of each resource whether it is a page in a browser, which is called by nobody, whatever its spans say.
func inBrowser(t *segment.Table) []bool {
	out := make([]bool, len(t.Resources))
	for i := range t.Resources {
		for _, id := range t.Resources[i].Attributes {
			v := &t.Values[id]
			key := t.Keys[v.Key]
			if strings.HasPrefix(key, "browser.") || key == "telemetry.sdk.language" && v.Type == segment.String && string(v.Raw) == "webjs" {
				out[i] = true
				break
			}
		}
	}
	return out
}
