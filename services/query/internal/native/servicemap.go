package native

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

const (
	// otherSide is how far outside the range the other side of a call is looked for.
	otherSide = time.Hour
	// maxMapSpans bounds the spans of a map that are in no rollup yet and were not counted for another, of which each takes some 20 bytes while its calls are
	// put together. Those are the spans of some minutes, and more only where no janitor has run for long.
	maxMapSpans = 4_000_000
)

func (n *API) serviceMap(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.ServiceMap, error) {
	started := n.now()
	from, to = wholeMinutes(from, to)
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.All{}, MaxItems: maxMapSpans}
	out := &api.ServiceMap{Nodes: []api.MapNode{}, Edges: []api.MapEdge{}}
	var m mapSums
	var over time.Duration
	err := n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		m, over, err = mapOf(ctx, s, q)
		if err == nil {
			out.Covered, over, err = n.covered(ctx, s, q, over)
		}
		out.Basis = figuresBasis(s)
		out.Stats, out.Incomplete = n.told(s, started)
		return err
	})
	if err != nil {
		return nil, err
	}
	renderMap(out, m.services, m.told, over)
	return out, nil
}

// mapSums is what a map is drawn from.
type mapSums struct {
	services map[serviceKey]*serviceSum
	calls    *edges.Calls
	told     []edges.Edge

	held  int64 // what the question is charged for calls
	since int64 // about what they have grown by since that was looked up
}

func newMapSums() mapSums { return mapSums{services: map[serviceKey]*serviceSum{}, calls: edges.New()} }

// mapOf sums the services and calls of a range of whole minutes up, and for how long. Where the budget or the time cuts it, all of it is of the whole minutes
// that were seen, so that every rate divides by the same time.
func mapOf(ctx context.Context, s *engine.Snapshot, q *engine.Query) (mapSums, time.Duration, error) {
	m, seen := newMapSums(), *q
	if err := m.fresh(ctx, s, &seen); err != nil {
		return m, 0, err
	}
	if err := m.roll(ctx, s, &seen); err != nil {
		return m, 0, err
	}
	told, err := m.calls.Edges(ctx, seen.From, seen.To)
	m.told = told
	return m, time.Duration(seen.To - seen.From), err
}

// freshCalls is what a map tells of segments that are in no rollup yet.
type freshCalls struct {
	red   *red.Chunk
	calls *edges.Calls // settled
}

func freshMap() *engine.Counter[freshCalls] {
	want := edges.Want() // with all numbers that red wants
	want.Texts = red.Want().Texts
	return &engine.Counter[freshCalls]{
		Want: want,
		Count: func(r *columns.Reader, start int64) (f freshCalls, err error) {
			err = r.Rows(want, nil, func(t *segment.Table) {
				f = freshCalls{red.Count(t, start), edges.New()}
				f.calls.Add(t, nil)
			})
			return f, err
		},
		Kept: engine.Kept[freshCalls]{
			Name: "map",
			Join: func(list []freshCalls) freshCalls {
				chunks, calls := make([]*red.Chunk, len(list)), edges.New()
				for i := range list {
					chunks[i] = list[i].red
					calls.Merge(list[i].calls)
				}
				calls.Settle()
				return freshCalls{red.Join(chunks), calls}
			},
			Size: func(f freshCalls) int64 { return f.red.Memory() + f.calls.Memory() },
		},
	}
}

// fresh adds the segments that are in no rollup yet. What lies within an hour of the range may hold other sides of its calls. Where the budget or the time cuts
// it, the query becomes that for the whole minutes that were seen.
func (m *mapSums) fresh(ctx context.Context, s *engine.Snapshot, q *engine.Query) error {
	wider := *q
	wider.From, wider.To = q.From-otherSide.Nanoseconds(), q.To+otherSide.Nanoseconds()
	type part struct {
		of  engine.Rolled
		red *red.Chunk
	}
	var parts []part
	since, err := engine.CountFresh(ctx, s, &wider, freshMap(), func(r *engine.Rolled, f freshCalls) error {
		parts = append(parts, part{*r, f.red})
		m.calls.Merge(f.calls)
		return m.hold(s, f.calls.Memory())
	})
	if err != nil {
		return err
	}
	if cut := s.Cut(); since >= q.To && cut != nil && cut.Reason == engine.Memory {
		return s.NoMemory()
	}
	if since > q.From {
		q.From = min(telemetry.Grain(since+int64(time.Minute)-1, time.Minute), q.To)
		s.CutAt(q.From)
	}
	of := &engine.RollupQuery{Tenant: q.Tenant, Kind: red.ID, From: q.From, To: q.To}
	for i := range parts {
		for k := range parts[i].red.Services {
			rolledService(m.services, nil, of, &parts[i].of, &parts[i].red.Services[k])
		}
	}
	return nil
}

// roll adds what rollups tell of the range.
func (m *mapSums) roll(ctx context.Context, s *engine.Snapshot, q *engine.Query) error {
	of := &engine.RollupQuery{Tenant: q.Tenant, Kind: edges.ID, From: q.From, To: q.To, Around: otherSide}
	err := s.Rollups(ctx, of, func(r *engine.Rolled) error {
		if err := m.calls.AddRolled(r.Start, r.Whole, r.Blob, q.From, q.To); err != nil {
			return err
		}
		return m.hold(s, rollup.Memory(r.Blob))
	})
	if err != nil {
		return err
	}
	visit := eachService(func(of *engine.RollupQuery, r *engine.Rolled, one *red.Service) {
		rolledService(m.services, nil, of, r, one)
	})
	of = &engine.RollupQuery{Tenant: q.Tenant, Kind: red.ID, From: q.From, To: q.To}
	return s.Rollups(ctx, of, func(r *engine.Rolled) error { return visit(of, r) })
}

// hold charges the question with what its calls take, now that they have grown by so many bytes at most.
func (m *mapSums) hold(s *engine.Snapshot, grown int64) error {
	const little = 1 << 20
	if m.since += grown; m.since < max(m.held, little) { // it takes time to look it up
		return nil
	}
	m.since = 0
	more := m.calls.Memory() - m.held
	if more <= 0 {
		return nil
	}
	m.held += more
	return s.Hold(more)
}

// wholeMinutes widens a range to the minutes that it touches.
func wholeMinutes(from, to int64) (int64, int64) {
	return telemetry.Grain(from, time.Minute), telemetry.Grain(to+int64(time.Minute)-1, time.Minute)
}

// hosts are the services that a host name may mean, by name and in order: a service may be called and answer without telemetry of its own.
type hosts map[string][]edges.Node

func hostsOf(services []edges.Node) hosts {
	h := hosts{}
	for _, n := range services {
		h[n.Name] = append(h[n.Name], n)
	}
	for _, list := range h {
		slices.SortFunc(list, edges.Node.Compare)
	}
	return h
}

// of is the service that the host of an external node is to a caller, or the node itself. It matches a service's whole name, name.namespace, and the
// names that Kubernetes gives: name.namespace.svc and name.namespace.svc.cluster.local, whose namespace need not be the service's. Any other dot is a
// host outside: api.example.com is no service named api. Of services of one name in several namespaces it takes the one in the namespace said, then
// the one in the caller's, then the first.
func (h hosts) of(host, caller edges.Node) edges.Node {
	if host.Kind != edges.External {
		return host
	}
	if list := h[host.Name]; len(list) > 0 {
		return prefer(list, caller.Namespace)
	}
	cluster := strings.TrimSuffix(host.Name, ".cluster.local")
	short, inCluster := strings.CutSuffix(cluster, ".svc")
	if !inCluster {
		short = host.Name
	}
	dot := strings.LastIndexByte(short, '.')
	if dot < 0 {
		return host
	}
	list, namespace := h[short[:dot]], short[dot+1:]
	switch at := slices.IndexFunc(list, func(n edges.Node) bool { return n.Namespace == namespace }); {
	case at >= 0:
		return list[at]
	case inCluster && len(list) > 0:
		return prefer(list, caller.Namespace)
	}
	return host
}

func prefer(list []edges.Node, namespace string) edges.Node {
	return list[max(slices.IndexFunc(list, func(n edges.Node) bool { return n.Namespace == namespace }), 0)]
}

// mapped is what a map tells of a node.
type mapped struct {
	requests  red.Sum
	unmatched int64
	browser   bool // a service that runs in browsers
}

func renderMap(out *api.ServiceMap, services map[serviceKey]*serviceSum, calls []edges.Edge, over time.Duration) {
	nodes := map[edges.Node]*mapped{}
	list := make([]edges.Node, 0, len(services))
	for k, sum := range services {
		requests, _ := sum.requests()
		if requests.Requests == 0 {
			continue // all its spans in the segments read are outside the range
		}
		service := edges.ServiceNode(k.namespace, k.name)
		sumOf(nodes, service).requests.Merge(requests)
		list = append(list, service)
	}
	known := hostsOf(list)
	sums := map[[2]edges.Node]*red.Sum{}
	for i := range calls {
		c := &calls[i]
		from, to := shown(nodes, c.From), shown(nodes, c.To)
		if from.Kind == edges.Unknown {
			sumOf(nodes, to).unmatched += c.Requests
			continue
		}
		if from, to = known.of(from, to), known.of(to, from); to != from {
			sumOf(sums, [2]edges.Node{from, to}).Merge(&c.Sum)
		}
	}
	for pair, sum := range sums {
		for _, n := range pair {
			sumOf(nodes, n)
		}
		if pair[1].Kind != edges.Service {
			nodes[pair[1]].requests.Merge(sum)
		}
		out.Edges = append(out.Edges, api.MapEdge{Source: nodeID(pair[0]), Target: nodeID(pair[1]), Red: figures(sum, over)})
	}
	list = list[:0]
	for n := range nodes {
		list = append(list, n)
	}
	slices.SortFunc(list, edges.Node.Compare)
	for _, n := range list {
		told := figures(&nodes[n].requests, over)
		node := api.MapNode{
			ID: nodeID(n), Name: cmp.Or(n.Name, n.Address, n.System), Namespace: n.Namespace, Type: nodeTypes[n.Kind], System: n.System,
			Address: n.Address, Red: &told, UnmatchedCalls: nodes[n].unmatched, Filters: nodeFilters(n),
		}
		if n.Port != "" {
			node.Address = net.JoinHostPort(n.Address, n.Port)
		}
		if nodes[n].browser {
			node.Type = api.MapNodeTypeBrowser
		}
		out.Nodes = append(out.Nodes, node)
	}
	slices.SortFunc(out.Edges, func(a, b api.MapEdge) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target))
	})
}

// shown is the node that stands for one: a service that runs in browsers is one of the services, and known as such.
func shown(nodes map[edges.Node]*mapped, n edges.Node) edges.Node {
	if n.Kind == edges.Browser {
		n.Kind = edges.Service
		sumOf(nodes, n).browser = true
	}
	return n
}

// narrowMap leaves the edges of services of a namespace (of any where it is empty), maybe without ollyScale's own, and the nodes of these.
func narrowMap(m *api.ServiceMap, namespace string, hideOwn bool) {
	own, in := map[string]bool{}, map[string]bool{}
	for i := range m.Nodes {
		n := &m.Nodes[i]
		service := n.Type == api.MapNodeTypeService || n.Type == api.MapNodeTypeBrowser
		k := serviceKey{n.Namespace, n.Name}
		own[n.ID] = service && hideOwn && !k.shown("", true)
		in[n.ID] = service && k.shown(namespace, hideOwn)
	}
	linked := map[string]bool{}
	m.Edges = slices.DeleteFunc(m.Edges, func(e api.MapEdge) bool {
		if own[e.Source] || own[e.Target] || !in[e.Source] && !in[e.Target] {
			return true
		}
		linked[e.Source], linked[e.Target] = true, true
		return false
	})
	m.Nodes = slices.DeleteFunc(m.Nodes, func(n api.MapNode) bool { return !in[n.ID] && !linked[n.ID] })
}

// listDependencies are the edges of a map at one service, of any namespace where none is given.
func (n *API) listDependencies(ctx context.Context, tenant telemetry.Tenant, name, namespace string, from, to int64) (*api.DependencyList, error) {
	picture, err := n.serviceMap(ctx, tenant, from, to)
	if err != nil {
		return nil, err
	}
	out := &api.DependencyList{
		Callers: []api.Dependency{}, Calls: []api.Dependency{}, Covered: picture.Covered, Basis: picture.Basis, Completeness: picture.Completeness,
		Stats: picture.Stats, Incomplete: picture.Incomplete,
	}
	wanted := serviceKey{namespace, name}
	nodes := map[string]*api.MapNode{}
	for i := range picture.Nodes {
		nodes[picture.Nodes[i].ID] = &picture.Nodes[i]
	}
	is := func(n *api.MapNode) bool {
		return (n.Type == api.MapNodeTypeService || n.Type == api.MapNodeTypeBrowser) && wanted.is(n.Name, n.Namespace)
	}
	for i := range picture.Edges {
		e := &picture.Edges[i]
		from, to := nodes[e.Source], nodes[e.Target]
		if is(to) {
			out.Callers = append(out.Callers, api.Dependency{Node: *from, Red: e.Red})
		}
		if is(from) {
			out.Calls = append(out.Calls, api.Dependency{Node: *to, Red: e.Red})
		}
	}
	for _, list := range [][]api.Dependency{out.Callers, out.Calls} {
		slices.SortStableFunc(list, func(a, b api.Dependency) int { return cmp.Compare(b.Red.Requests, a.Red.Requests) })
	}
	return out, nil
}

// nodeID is unique in a map.
func nodeID(n edges.Node) string {
	parts := []string{string(nodeTypes[n.Kind]), n.Namespace, n.System, n.Name, n.Address, n.Port}
	if n.Address == "" {
		parts = parts[:4]
	}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// nodeTypes is what each kind of node is in the API. Whoever is unknown is in no map.
//
//nolint:gochecknoglobals // a table
var nodeTypes = [...]api.MapNodeType{
	edges.Service: api.MapNodeTypeService, edges.Database: api.MapNodeTypeDatabase, edges.Messaging: api.MapNodeTypeMessaging,
	edges.External: api.MapNodeTypeExternal, edges.Unknown: "", edges.Browser: api.MapNodeTypeBrowser,
}
