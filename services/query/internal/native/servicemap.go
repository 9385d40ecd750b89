package native

import (
	"cmp"
	"context"
	"encoding/binary"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// maxMapSpans bounds the memory of a service map computed on the fly: about 60 bytes a span while spans are joined with their parents.
const maxMapSpans = 4_000_000

// maxMaps bounds the service maps that are computed at a time: each may take hundreds of megabytes.
const maxMaps = 2

// mapNode is a node by what tells it from others.
type mapNode struct {
	kind      api.MapNodeType
	namespace string // services
	system    string // databases and messaging
	name      string
}

func (n mapNode) id() string {
	parts := []string{string(n.kind), n.namespace, n.system, n.name}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func (n mapNode) compare(o mapNode) int {
	return cmp.Or(cmp.Compare(n.kind, o.kind), cmp.Compare(n.name, o.name), cmp.Compare(n.namespace, o.namespace), cmp.Compare(n.system, o.system))
}

// spanKey is a span within the range. Eight bytes of the trace id are enough to tell spans with one span id apart.
type spanKey struct{ trace, span uint64 }

// caller is any span: it may be the parent of a call.
type caller struct {
	spanKey
	node int32
}

// call is a span that someone called, or one that calls out: at is the parent's key for the first, its own for the second.
type call struct {
	at       spanKey
	node     int32
	target   int32 // calls out: the node that the span names; -1: none
	failed   bool
	duration int64
	before   *call // join: another call with the same parent
}

// mapPart is what was seen in one segment, or in all.
type mapPart struct {
	nodes []mapNode
	index map[mapNode]int32
	sums  []serviceSum // by node; services only
	edges map[[2]int32]*red.Sum
	// By segment, so that what may be millions of entries is never copied to grow.
	callers [][]caller
	calls   [][]call // spans of kind server and consumer, whose parents are looked for
	clients [][]call // spans of kind client, which count where nobody answered in the range
}

func (m *mapPart) node(n mapNode) int32 {
	i, ok := m.index[n]
	if !ok {
		i = int32(len(m.nodes)) //nolint:gosec // far fewer
		n.namespace, n.system, n.name = strings.Clone(n.namespace), strings.Clone(n.system), strings.Clone(n.name)
		m.index[n] = i
		m.nodes = append(m.nodes, n)
		m.sums = append(m.sums, serviceSum{})
	}
	return i
}

func newMapPart() *mapPart {
	return &mapPart{index: map[mapNode]int32{}, edges: map[[2]int32]*red.Sum{}}
}

func (n *API) serviceMap(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.ServiceMap, error) {
	select {
	case n.maps <- struct{}{}:
		defer func() { <-n.maps }()
	default:
		return nil, errOverloaded.Newf("%d service maps are being computed already; try again in a moment", maxMaps)
	}
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.All{}, MaxItems: maxMapSpans}
	out := &api.ServiceMap{Nodes: []api.MapNode{}, Edges: []api.MapEdge{}, Completeness: n.completeness(q)}
	w := segment.Want{
		Ints:     []segment.Column{segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus},
		TraceIDs: true, SpanIDs: true, ParentIDs: true, Attributes: peerAttributes(),
	}
	total := newMapPart()
	var over time.Duration
	err := n.engine.Ask(ctx, q.Span(), func(ctx context.Context, s *engine.Snapshot) (err error) {
		if over, err = engine.Fold(ctx, s, q, engine.Always(w), foldMap, total.merge); err != nil {
			return err
		}
		err = total.join(ctx)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	total.render(out, over)
	return out, nil
}

// foldMap takes the spans of a segment that start in the range.
func foldMap(s *columns.Reader, _ *engine.Header, q *engine.Query) *mapPart {
	m := newMapPart()
	var nodes []int32
	for _, service := range s.Services() {
		nodes = append(nodes, m.node(mapNode{kind: api.MapNodeTypeService, namespace: service.Namespace, name: service.Name}))
	}
	callers := make([]caller, 0, s.Len())
	var calls, clients []call
	times, lengths, kinds, codes := s.Ints(segment.ColTime), s.Ints(segment.ColDuration), s.Ints(segment.ColKind), s.Ints(segment.ColStatus)
	resources, traces, spans, parents := s.Ints(segment.ColResource), s.TraceIDs(), s.SpanIDs(), s.ParentIDs()
	if s.Err() != nil {
		return m
	}
	peers := newPeers(s)
	for i, at := range times {
		if at < q.From || at >= q.To {
			continue
		}
		node, failed := nodes[resources[i]], codes[i] == otlp.StatusError
		m.sums[node].add(at, lengths[i], kinds[i], failed)
		trace := binary.LittleEndian.Uint64(traces.Distinct[traces.Rows[i]][8:])
		self := spanKey{trace, binary.LittleEndian.Uint64(spans[i][:])}
		callers = append(callers, caller{self, node})
		switch kinds[i] {
		case otlp.KindServer, otlp.KindConsumer:
			if topic := m.topic(peers, i); topic >= 0 && kinds[i] == otlp.KindConsumer {
				sumOf(m.edges, [2]int32{topic, node}).Add(lengths[i], failed)
				break
			}
			if parents[i] != [8]byte{} {
				parent := spanKey{trace, binary.LittleEndian.Uint64(parents[i][:])}
				calls = append(calls, call{at: parent, node: node, failed: failed, duration: lengths[i]})
			}
		case otlp.KindProducer:
			if topic := m.topic(peers, i); topic >= 0 {
				sumOf(m.edges, [2]int32{node, topic}).Add(lengths[i], failed)
			}
		case otlp.KindClient:
			if target := m.target(peers, i); target >= 0 {
				clients = append(clients, call{at: self, node: node, target: target, failed: failed, duration: lengths[i]})
			}
		}
	}
	m.callers, m.calls, m.clients = append(m.callers, callers), append(m.calls, calls), append(m.clients, clients)
	return m
}

// peerAttributes name what is on the other side of a span.
func peerAttributes() []string {
	return []string{
		"db.system.name", "db.system", "db.namespace", "db.name", "messaging.system", "messaging.destination.name", "messaging.destination",
		"peer.service", "server.address", "net.peer.name", "url.full", "http.url", "http.host",
	}
}

// peers are the attributes of a segment that name what is on the other side of a span.
type peers map[string]*peerColumn

// peerColumn is a key's strings that are not empty.
type peerColumn struct {
	values *segment.Values
	entry  []int32  // per row: its first such value, −1 without one
	texts  []string // by value, once it was asked for
}

func newPeers(s *columns.Reader) peers {
	isText := segment.Test{Match: func(v segment.Value) bool { return v.Type == segment.String && len(v.Raw) > 0 }}
	out := peers{}
	for _, key := range peerAttributes() {
		values := s.Attribute(key)
		pass, some := values.Pass(&isText)
		if !some {
			continue
		}
		c := &peerColumn{values: values, entry: make([]int32, s.Len()), texts: make([]string, values.Distinct())}
		for i := range c.entry {
			c.entry[i] = -1
		}
		rows := values.Rows()
		for e := range values.Entries() {
			row := e
			if rows != nil {
				row = int(rows[e])
			}
			if c.entry[row] < 0 && pass[values.Code(e)] {
				c.entry[row] = int32(e)
			}
		}
		out[key] = c
	}
	return out
}

// first is the first of the keys that the span has as a string that is not empty.
func (p peers) first(row int, keys ...string) string {
	for _, k := range keys {
		c := p[k]
		if c == nil || c.entry[row] < 0 {
			continue
		}
		code := c.values.Code(int(c.entry[row]))
		if c.texts[code] == "" {
			v, _ := c.values.Value(code)
			c.texts[code] = string(v.Raw)
		}
		return c.texts[code]
	}
	return ""
}

// topic is the node of the destination that a messaging span names, -1 without one.
func (m *mapPart) topic(p peers, row int) int32 {
	name := p.first(row, "messaging.destination.name", "messaging.destination")
	if name == "" {
		return -1
	}
	return m.node(mapNode{kind: api.MapNodeTypeMessaging, system: p.first(row, "messaging.system"), name: name})
}

// target is the node that a client span calls, as far as it says, -1 if it does not.
func (m *mapPart) target(p peers, row int) int32 {
	peer := p.first(row, "peer.service", "server.address", "net.peer.name")
	if system := p.first(row, "db.system.name", "db.system"); system != "" {
		name := p.first(row, "db.namespace", "db.name")
		if strings.Trim(name, "0123456789") == "" { // the number of a Redis database names nothing
			name = cmp.Or(peer, system)
		}
		return m.node(mapNode{kind: api.MapNodeTypeDatabase, system: system, name: name})
	}
	if system := p.first(row, "messaging.system"); system != "" {
		if topic := m.topic(p, row); topic >= 0 {
			return topic
		}
		return m.node(mapNode{kind: api.MapNodeTypeMessaging, system: system, name: cmp.Or(peer, system)})
	}
	if peer == "" {
		if u, err := url.Parse(p.first(row, "url.full", "http.url")); err == nil {
			peer = u.Hostname()
		}
	}
	if peer == "" {
		peer, _, _ = strings.Cut(p.first(row, "http.host"), ":")
	}
	if peer == "" {
		return -1
	}
	return m.node(mapNode{kind: api.MapNodeTypeExternal, name: peer})
}

func (m *mapPart) merge(o *mapPart) {
	to := make([]int32, len(o.nodes))
	for i, n := range o.nodes {
		to[i] = m.node(n)
		m.sums[to[i]].merge(&o.sums[i])
	}
	for _, list := range o.callers {
		for i := range list {
			list[i].node = to[list[i].node]
		}
	}
	for _, list := range o.calls {
		for i := range list {
			list[i].node = to[list[i].node]
		}
	}
	for _, list := range o.clients {
		for i := range list {
			list[i].node, list[i].target = to[list[i].node], to[list[i].target]
		}
	}
	m.callers, m.calls, m.clients = append(m.callers, o.callers...), append(m.calls, o.calls...), append(m.clients, o.clients...)
	for e, sum := range o.edges {
		sumOf(m.edges, [2]int32{to[e[0]], to[e[1]]}).Merge(sum)
	}
}

// join finds the parents of calls, and turns what nobody answered into calls to what the client names. It ends with ctx.
func (m *mapPart) join(ctx context.Context) error {
	waiting := map[spanKey]*call{} // the calls of a parent, linked by before
	for _, list := range m.calls {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range list {
			c := &list[i]
			c.before = waiting[c.at]
			waiting[c.at] = c
		}
	}
	for _, list := range m.callers {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, parent := range list {
			c := waiting[parent.spanKey]
			if c == nil {
				continue
			}
			for ; c != nil; c = c.before {
				if c.node != parent.node {
					sumOf(m.edges, [2]int32{parent.node, c.node}).Add(c.duration, c.failed)
				}
			}
			waiting[parent.spanKey] = nil // a span sent twice is one parent; the key stays: its client span was answered
		}
	}
	hosts := m.hosts()
	for _, list := range m.clients {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, c := range list {
			target := c.target
			if m.nodes[target].kind == api.MapNodeTypeExternal {
				target = hosts.of(c.target, c.node)
			}
			if _, answered := waiting[c.at]; !answered && target != c.node {
				sumOf(m.edges, [2]int32{c.node, target}).Add(c.duration, c.failed)
			}
		}
	}
	return nil
}

// hosts finds the service that a host name means: a service may be called and answer without telemetry of its own.
type hosts struct {
	nodes  []mapNode
	byName map[string][]int32 // services, by namespace
	known  map[[2]int32]int32 // by host and caller
}

func (m *mapPart) hosts() *hosts {
	h := &hosts{nodes: m.nodes, byName: map[string][]int32{}, known: map[[2]int32]int32{}}
	for i, n := range m.nodes {
		if n.kind == api.MapNodeTypeService {
			h.byName[n.name] = append(h.byName[n.name], int32(i))
		}
	}
	for _, list := range h.byName {
		slices.SortFunc(list, func(a, b int32) int { return m.nodes[a].compare(m.nodes[b]) })
	}
	return h
}

// of is the service that the host of an external node is to a caller, or the node itself.
func (h *hosts) of(host, caller int32) int32 {
	pair := [2]int32{host, caller}
	node, ok := h.known[pair]
	if !ok {
		node = h.find(h.nodes[host].name, h.nodes[caller].namespace)
		if node < 0 {
			node = host
		}
		h.known[pair] = node
	}
	return node
}

// find matches a service's whole name, name.namespace, and the names that Kubernetes gives: name.namespace.svc and
// name.namespace.svc.cluster.local, whose namespace need not be the service's. Any other dot is a host outside: api.example.com is no
// service named api. Of services of one name in several namespaces it takes the one in the namespace said, then the one in the caller's,
// then the first.
func (h *hosts) find(host, callersNamespace string) int32 {
	if list := h.byName[host]; len(list) > 0 {
		return h.prefer(list, callersNamespace)
	}
	cluster := strings.TrimSuffix(host, ".cluster.local")
	short, inCluster := strings.CutSuffix(cluster, ".svc")
	if !inCluster {
		short = host
	}
	dot := strings.LastIndexByte(short, '.')
	if dot < 0 {
		return -1
	}
	list, namespace := h.byName[short[:dot]], short[dot+1:]
	switch at := slices.IndexFunc(list, func(i int32) bool { return h.nodes[i].namespace == namespace }); {
	case at >= 0:
		return list[at]
	case inCluster && len(list) > 0:
		return h.prefer(list, callersNamespace)
	}
	return -1
}

func (h *hosts) prefer(list []int32, namespace string) int32 {
	return list[max(slices.IndexFunc(list, func(i int32) bool { return h.nodes[i].namespace == namespace }), 0)]
}

func (m *mapPart) render(out *api.ServiceMap, over time.Duration) {
	into := make([]red.Sum, len(m.nodes))
	used := make([]bool, len(m.nodes))
	for e, sum := range m.edges {
		used[e[0]], used[e[1]] = true, true
		into[e[1]].Merge(sum)
		out.Edges = append(out.Edges, api.MapEdge{Source: m.nodes[e[0]].id(), Target: m.nodes[e[1]].id(), Red: figures(sum, over)})
	}
	order := make([]int, len(m.nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return m.nodes[a].compare(m.nodes[b]) })
	for _, i := range order {
		n := m.nodes[i]
		node := api.MapNode{ID: n.id(), Name: n.name, Namespace: n.namespace, Type: n.kind, System: n.system}
		requests := &into[i]
		if n.kind == api.MapNodeTypeService {
			requests, _ = m.sums[i].requests()
			used[i] = requests.Requests > 0
		}
		if !used[i] {
			continue
		}
		told := figures(requests, over)
		node.Red = &told
		out.Nodes = append(out.Nodes, node)
	}
	slices.SortFunc(out.Edges, func(a, b api.MapEdge) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target))
	})
}
