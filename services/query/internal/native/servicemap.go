package native

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

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
	// maxMapSpans bounds the spans of a map that are in no rollup yet, of which each takes some 20 bytes while its calls are put together. Those are
	// the spans of some minutes, and more only where no janitor has run for long.
	maxMapSpans = 4_000_000
)

func (n *API) serviceMap(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.ServiceMap, error) {
	started := n.now()
	from, to = wholeMinutes(from, to)
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.All{}, MaxItems: maxMapSpans}
	out := &api.ServiceMap{Nodes: []api.MapNode{}, Edges: []api.MapEdge{}, Completeness: n.completeness(q)}
	var m mapSums
	var over time.Duration
	err := n.engine.Ask(ctx, engine.OfRollups, func(ctx context.Context, s *engine.Snapshot) (err error) {
		m, over, err = mapOf(ctx, s, q)
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
}

func newMapSums() mapSums { return mapSums{services: map[serviceKey]*serviceSum{}, calls: edges.New()} }

// mapOf sums the services and calls of a range of whole minutes up, and for how long. Where the budget or the time cuts it, all of it is of the whole minutes
// that were seen, so that every rate divides by the same time.
func mapOf(ctx context.Context, s *engine.Snapshot, q *engine.Query) (mapSums, time.Duration, error) {
	m := newMapSums()
	since, err := m.fold(ctx, s, q, otherSide)
	if err != nil {
		return m, 0, err
	}
	if since > q.From { // cut: once more of what was seen, without the minute that was cut and without what is around it
		seen := *q
		seen.From, seen.Whole = min(telemetry.Grain(since+int64(time.Minute)-1, time.Minute), q.To), true
		m, q = newMapSums(), &seen
		s.CutAt(seen.From)
		if _, err := m.fold(ctx, s, q, 0); err != nil {
			return m, 0, err
		}
	}
	if err := m.roll(ctx, s, q); err != nil {
		return m, 0, err
	}
	m.told, err = m.calls.Edges(ctx, q.From, q.To)
	return m, time.Duration(q.To - q.From), err
}

// fold adds the segments that are in no rollup yet. What lies within around of the range may hold other sides of its calls. since is from where on all was
// seen.
func (m *mapSums) fold(ctx context.Context, s *engine.Snapshot, q *engine.Query, around time.Duration) (since int64, err error) {
	wider := *q
	wider.Stage, wider.From, wider.To = engine.Fresh, q.From-around.Nanoseconds(), q.To+around.Nanoseconds()
	want := edges.Want()
	type part struct {
		services map[serviceKey]*serviceSum
		calls    *edges.Calls
		err      error
	}
	var damage error
	over, err := engine.Fold(ctx, s, &wider, engine.Always(want),
		func(r *columns.Reader, h *engine.Header, wider *engine.Query) part {
			p := part{calls: edges.New(), services: sumServices(r, h, q)}
			p.err = r.Rows(want, nil, func(t *segment.Table) { p.calls.Add(t, within(t, wider)) })
			return p
		},
		func(p part) {
			if damage = cmp.Or(damage, p.err); damage == nil {
				m.calls.Merge(p.calls)
				mergeSums(m.services, p.services, (*serviceSum).merge)
			}
		})
	return wider.To - over.Nanoseconds(), cmp.Or(err, damage)
}

// roll adds what rollups tell of the range.
func (m *mapSums) roll(ctx context.Context, s *engine.Snapshot, q *engine.Query) error {
	of := &engine.RollupQuery{Tenant: q.Tenant, Kind: edges.ID, From: q.From, To: q.To, Around: otherSide}
	if err := s.Rollups(ctx, of, func(r *engine.Rolled) error { return m.calls.AddRolled(r.Start, r.Whole, r.Blob, q.From, q.To) }); err != nil {
		return err
	}
	visit := servicesRolled(m.services)
	of = &engine.RollupQuery{Tenant: q.Tenant, Kind: red.ID, From: q.From, To: q.To}
	return s.Rollups(ctx, of, func(r *engine.Rolled) error { return visit(of, r) })
}

// wholeMinutes widens a range to the minutes that it touches.
func wholeMinutes(from, to int64) (int64, int64) {
	return telemetry.Grain(from, time.Minute), telemetry.Grain(to+int64(time.Minute)-1, time.Minute)
}

// within are the rows of a table that begin in a query's range.
func within(t *segment.Table, q *engine.Query) []uint32 {
	rows := make([]uint32, 0, t.N)
	for i, at := range t.Ints[segment.ColTime] {
		if at >= q.From && at < q.To {
			rows = append(rows, uint32(i))
		}
	}
	return rows
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
		if c.From.Kind == edges.Unknown {
			sumOf(nodes, c.To).unmatched += c.Requests
			continue
		}
		if to := known.of(c.To, c.From); to != c.From {
			sumOf(sums, [2]edges.Node{c.From, to}).Merge(&c.Sum)
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
		out.Nodes = append(out.Nodes, api.MapNode{
			ID: nodeID(n), Name: n.Name, Namespace: n.Namespace, Type: nodeType(n.Kind), System: n.System, Red: &told, UnmatchedCalls: nodes[n].unmatched,
		})
	}
	slices.SortFunc(out.Edges, func(a, b api.MapEdge) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target))
	})
}

// nodeID is unique in a map.
func nodeID(n edges.Node) string {
	parts := []string{string(nodeType(n.Kind)), n.Namespace, n.System, n.Name}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func nodeType(k edges.NodeKind) api.MapNodeType {
	switch k {
	case edges.Database:
		return api.MapNodeTypeDatabase
	case edges.Messaging:
		return api.MapNodeTypeMessaging
	case edges.External:
		return api.MapNodeTypeExternal
	case edges.Service, edges.Unknown:
	}
	return api.MapNodeTypeService
}
