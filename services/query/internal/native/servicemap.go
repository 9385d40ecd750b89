package native

import (
	"cmp"
	"context"
	"maps"
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

// drawn asks for a map of a range of whole minutes.
func (n *API) drawn(ctx context.Context, tenant telemetry.Tenant, from, to int64, out *api.ServiceMap) (*picture, time.Duration, error) {
	started := n.now()
	from, to = wholeMinutes(from, to)
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.All{}, MaxItems: maxMapSpans}
	var m mapSums
	var over time.Duration
	err := n.ask(ctx, q, engine.OfRollups, &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		m, over, err = mapOf(ctx, s, q)
		if err == nil {
			out.Covered, over, err = n.covered(ctx, s, q, over)
		}
		out.Basis = figuresBasis(s)
		out.Stats, out.Incomplete = n.told(s, started)
		out.Incomplete = m.services.lacking("services", out.Incomplete)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return draw(m.services, m.told), over, nil
}

func (n *API) serviceMap(ctx context.Context, tenant telemetry.Tenant, from, to int64, p *api.GetServiceMapParams) (*api.ServiceMap, error) {
	limit, err := pageLimit(p.Limit, maxLimit, mostMapNodes)
	if err != nil {
		return nil, err
	}
	out := &api.ServiceMap{Nodes: []api.MapNode{}, Edges: []api.MapEdge{}}
	drawn, over, err := n.drawn(ctx, tenant, from, to, out)
	if err != nil {
		return nil, err
	}
	drawn.narrow(p.Namespace, p.HideOwn)
	out.Total = len(drawn.nodes)
	drawn.fold(limit)
	drawn.render(out, over)
	return out, nil
}

// mostMapNodes is how many nodes may be asked for, and of their calls only the most frequent are told apart, so many to a node.
const (
	mostMapNodes = 10_000
	edgesANode   = 10
)

// mapSums is what a map is drawn from.
type mapSums struct {
	services *sums[serviceKey]
	calls    *edges.Calls
	told     []edges.Edge

	held  int64 // what the question is charged for calls
	since int64 // about what they have grown by since that was looked up
}

func newMapSums(s *engine.Snapshot) mapSums {
	return mapSums{services: newSums[serviceKey](s), calls: edges.New()}
}

// mapOf sums the services and calls of a range of whole minutes up, and for how long. Where the budget or the time cuts it, all of it is of the whole minutes
// that were seen, so that every rate divides by the same time.
func mapOf(ctx context.Context, s *engine.Snapshot, q *engine.Query) (mapSums, time.Duration, error) {
	m, seen := newMapSums(s), *q
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
			rolledService(m.services, nil, of, &parts[i].of, &parts[i].red.Services[k], nil)
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
		rolledService(m.services, nil, of, r, one, nil)
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
	nodes     int  // how many it stands for; 0 for itself
}

// picture is a map before it is rendered.
type picture struct {
	nodes map[edges.Node]*mapped
	calls map[[2]edges.Node]*red.Sum
	other *red.Sum // calls that are in no edge, since those at their ends are not told apart; nil for none
}

func draw(services *sums[serviceKey], calls []edges.Edge) *picture {
	p := &picture{nodes: map[edges.Node]*mapped{}, calls: map[[2]edges.Node]*red.Sum{}}
	list := make([]edges.Node, 0, len(services.of))
	for k, sum := range services.of {
		requests, _ := sum.requests()
		if requests.Requests == 0 {
			continue // all its spans in the segments read are outside the range
		}
		service := edges.ServiceNode(k.namespace, k.name)
		sumOf(p.nodes, service).requests.Merge(requests)
		list = append(list, service)
	}
	if services.mixed {
		others := sumOf(p.nodes, edges.ServiceNode("", edges.OtherName))
		others.requests.Merge(&services.others.entry)
		others.requests.Merge(&services.others.rest)
		others.nodes++
	}
	known := hostsOf(list)
	for i := range calls {
		c := &calls[i]
		from, to := shown(p.nodes, c.From), shown(p.nodes, c.To)
		if from.Kind == edges.Unknown {
			sumOf(p.nodes, to).unmatched += c.Requests
			continue
		}
		if from, to = known.of(from, to), known.of(to, from); to != from {
			sumOf(p.calls, [2]edges.Node{from, to}).Merge(&c.Sum)
		}
	}
	for pair, sum := range p.calls {
		for _, n := range pair {
			sumOf(p.nodes, n)
		}
		if pair[1].Kind != edges.Service {
			p.nodes[pair[1]].requests.Merge(sum)
		}
	}
	return p
}

// narrow leaves the calls of services of a namespace (of any where it is empty), maybe without ollyScale's own, and the nodes of these.
func (p *picture) narrow(namespace string, hideOwn bool) {
	if namespace == "" && !hideOwn {
		return
	}
	in := func(n edges.Node) bool { return n.Kind == edges.Service && serviceOf(n).shown(namespace, hideOwn) }
	own := func(n edges.Node) bool { return n.Kind == edges.Service && !serviceOf(n).shown("", hideOwn) }
	linked := map[edges.Node]bool{}
	for pair := range p.calls {
		if own(pair[0]) || own(pair[1]) || !in(pair[0]) && !in(pair[1]) {
			delete(p.calls, pair)
			continue
		}
		linked[pair[0]], linked[pair[1]] = true, true
	}
	for n := range p.nodes {
		if !in(n) && !linked[n] {
			delete(p.nodes, n)
		}
	}
}

func serviceOf(n edges.Node) serviceKey { return serviceKey{n.Namespace, n.Name} }

// busiest are nodes with the most requests first.
func (p *picture) busiest() []edges.Node {
	list := slices.Collect(maps.Keys(p.nodes))
	slices.SortFunc(list, func(a, b edges.Node) int {
		return cmp.Or(cmp.Compare(p.nodes[b].requests.Requests, p.nodes[a].requests.Requests), a.Compare(b))
	})
	return list
}

// fold leaves so many of the busiest nodes, and one more of each kind that stands for the others; and so many of the most frequent calls to a node.
func (p *picture) fold(limit int) {
	into := map[edges.Node]edges.Node{}
	if len(p.nodes) > limit {
		for _, n := range p.busiest()[limit:] {
			others := edges.Node{Kind: n.Kind, Name: edges.OtherName}
			into[n] = others
			if n == others {
				continue
			}
			from, to := p.nodes[n], sumOf(p.nodes, others)
			to.requests.Merge(&from.requests)
			to.unmatched += from.unmatched
			to.nodes++
			delete(p.nodes, n)
		}
	}
	if len(into) > 0 {
		calls := map[[2]edges.Node]*red.Sum{}
		for pair, sum := range p.calls {
			for end := range pair {
				if others, ok := into[pair[end]]; ok {
					pair[end] = others
				}
			}
			if pair[0] == pair[1] {
				p.leaveOut(sum)
				continue
			}
			sumOf(calls, pair).Merge(sum)
		}
		p.calls = calls
	}
	if most := limit * edgesANode; len(p.calls) > most {
		pairs := slices.Collect(maps.Keys(p.calls))
		slices.SortFunc(pairs, func(a, b [2]edges.Node) int {
			return cmp.Or(cmp.Compare(p.calls[b].Requests, p.calls[a].Requests), a[0].Compare(b[0]), a[1].Compare(b[1]))
		})
		for _, pair := range pairs[most:] {
			p.leaveOut(p.calls[pair])
			delete(p.calls, pair)
		}
	}
}

func (p *picture) leaveOut(calls *red.Sum) {
	if p.other == nil {
		p.other = &red.Sum{}
	}
	p.other.Merge(calls)
}

func (p *picture) render(out *api.ServiceMap, over time.Duration) {
	if p.other != nil {
		told := figures(p.other, over)
		out.Other = &told
	}
	for pair, sum := range p.calls {
		out.Edges = append(out.Edges, api.MapEdge{Source: nodeID(pair[0]), Target: nodeID(pair[1]), Red: figures(sum, over)})
	}
	for _, n := range slices.SortedFunc(maps.Keys(p.nodes), edges.Node.Compare) {
		out.Nodes = append(out.Nodes, p.node(n, over))
	}
	slices.SortFunc(out.Edges, func(a, b api.MapEdge) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target))
	})
}

func (p *picture) node(n edges.Node, over time.Duration) api.MapNode {
	of := p.nodes[n]
	told := figures(&of.requests, over)
	node := api.MapNode{
		ID: nodeID(n), Name: cmp.Or(n.Name, n.Address, n.System), Namespace: n.Namespace, Type: nodeTypes[n.Kind], System: n.System,
		Address: n.Address, Red: &told, UnmatchedCalls: of.unmatched, Filters: nodeFilters(n), Nodes: of.nodes,
	}
	if n.Port != "" {
		node.Address = net.JoinHostPort(n.Address, n.Port)
	}
	if of.browser {
		node.Type = api.MapNodeTypeBrowser
	}
	return node
}

// shown is the node that stands for one: a service that runs in browsers is one of the services, and known as such.
func shown(nodes map[edges.Node]*mapped, n edges.Node) edges.Node {
	if n.Kind == edges.Browser {
		n.Kind = edges.Service
		sumOf(nodes, n).browser = true
	}
	return n
}

// listDependencies are the edges of a map at one service, of any namespace where none is given.
func (n *API) listDependencies(ctx context.Context, tenant telemetry.Tenant, name string, from, to int64, p *api.ListDependenciesParams) (*api.DependencyList, error) {
	limit, err := pageLimit(p.Limit, maxLimit, maxLimit)
	if err != nil {
		return nil, err
	}
	var told api.ServiceMap
	drawn, over, err := n.drawn(ctx, tenant, from, to, &told)
	if err != nil {
		return nil, err
	}
	out := &api.DependencyList{
		Covered: told.Covered, Basis: told.Basis, Completeness: told.Completeness, Stats: told.Stats, Incomplete: told.Incomplete,
	}
	wanted := serviceKey{p.Namespace, name}
	at := func(end int) (list []api.Dependency, other *api.RED, total int) {
		pairs := slices.DeleteFunc(slices.Collect(maps.Keys(drawn.calls)), func(pair [2]edges.Node) bool {
			k := serviceOf(pair[end])
			return pair[end].Kind != edges.Service || !wanted.is(k.name, k.namespace)
		})
		slices.SortFunc(pairs, func(a, b [2]edges.Node) int {
			return cmp.Or(cmp.Compare(drawn.calls[b].Requests, drawn.calls[a].Requests), a[1-end].Compare(b[1-end]), a[end].Compare(b[end]))
		})
		shown := min(limit, len(pairs))
		list = make([]api.Dependency, shown)
		for i, pair := range pairs[:shown] {
			list[i] = api.Dependency{Node: drawn.node(pair[1-end], over), Red: figures(drawn.calls[pair], over)}
		}
		if shown < len(pairs) {
			var rest red.Sum
			for _, pair := range pairs[shown:] {
				rest.Merge(drawn.calls[pair])
			}
			told := figures(&rest, over)
			other = &told
		}
		return list, other, len(pairs)
	}
	out.Callers, out.OtherCallers, out.TotalCallers = at(1)
	out.Calls, out.OtherCalls, out.TotalCalls = at(0)
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
