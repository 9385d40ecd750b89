package native

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// place is a part of what tells instances of a service apart.
type place int

const (
	inNamespace place = iota
	byInstance
	byVersion
	onHost
	inPod
	inKubernetes
	onNode
	places
)

// key is the attribute of resources that tells it.
func (p place) key() string {
	return [places]string{
		inNamespace: "service.namespace", byInstance: "service.instance.id", byVersion: "service.version", onHost: "host.name", inPod: "k8s.pod.name",
		inKubernetes: "k8s.namespace.name", onNode: "k8s.node.name",
	}[p]
}

// instanceKey is what tells instances of a service apart: texts of attributes of their resources, as rollups tell names; "" for none.
type instanceKey [places]string

func (k instanceKey) compare(o instanceKey) int { return slices.Compare(k[:], o[:]) }

func (k instanceKey) clone() instanceKey {
	for i := range k {
		k[i] = strings.Clone(k[i])
	}
	return k
}

func (k instanceKey) size() (n int64) {
	for i := range k {
		n += int64(len(k[i]))
	}
	return n
}

const (
	defaultInstances = 100
	mostInstances    = 1000
)

func (h handlers) ListInstances(c echo.Context, name string, p api.ListInstancesParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.InstanceList, error) {
		return h.listInstances(ctx, tenant, name, from, to, &p)
	})
}

func (n *API) listInstances(ctx context.Context, tenant telemetry.Tenant, name string, from, to int64, p *api.ListInstancesParams) (*api.InstanceList, error) {
	started := n.now()
	limit, err := pageLimit(p.Limit, defaultInstances, mostInstances)
	if err != nil {
		return nil, err
	}
	conditions, err := n.ofService(name, p.Namespace)
	if err != nil {
		return nil, err
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: conditions}
	out := &api.InstanceList{Instances: []api.Instance{}, Versions: []api.ServiceVersion{}}
	var total *sums[instanceKey]
	var over time.Duration
	err = n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) (err error) {
		w := columns.Bare(telemetry.Traces)
		w.Int(segment.ColTime, segment.ColDuration, segment.ColResource, segment.ColKind, segment.ColStatus)
		q.Filter.Columns(w)
		total = newSums[instanceKey](s)
		if over, err = engine.Fold(ctx, s, q, engine.Always(w.Want), sumInstances, func(part map[instanceKey]*serviceSum) { total.merge(part, nil) }); err != nil {
			return err
		}
		if out.Covered, over, err = n.covered(ctx, s, q, over); err != nil {
			return err
		}
		out.Stats, out.Incomplete = n.told(s, started)
		out.Figures, out.Incomplete = figuresBasis(s), total.lacking("instances", out.Incomplete)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var whole byKind // a sum of its own: others are told, too
	whole.merge(&total.others)
	versions := map[[2]string]*serviceSum{}
	for k, sum := range total.of {
		whole.merge(&sum.byKind)
		sumOf(versions, [2]string{k[inNamespace], k[byVersion]}).merge(sum)
	}
	_, out.Basis = whole.requests()
	shown := figuresOver{basis: out.Basis, over: over, from: from}
	keys := total.keys(func(a, b instanceKey) int {
		return cmp.Or(cmp.Compare(total.of[b].judged(out.Basis).Requests, total.of[a].judged(out.Basis).Requests), a.compare(b))
	})
	out.InstancesTotal, out.VersionsTotal = len(keys), len(versions)
	for i, k := range keys {
		if i >= limit {
			total.others.merge(&total.of[k].byKind)
			continue
		}
		out.Instances = append(out.Instances, api.Instance{
			Namespace: k[inNamespace], InstanceID: k[byInstance], Version: k[byVersion], Host: k[onHost], Pod: k[inPod], K8SNamespace: k[inKubernetes], Node: k[onNode],
			Figures: shown.of(total.of[k]),
		})
	}
	if len(keys) > limit || total.mixed {
		told := figures(total.others.judged(out.Basis), over)
		out.Other = &told
	}
	byAge := slices.SortedFunc(maps.Keys(versions), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(versions[a].first, versions[b].first), slices.Compare(a[:], b[:]))
	})
	for _, k := range byAge[max(len(byAge)-limit, 0):] {
		out.Versions = append(out.Versions, api.ServiceVersion{Namespace: k[0], Version: k[1], Figures: shown.of(versions[k])})
	}
	return out, nil
}

// figuresOver is how what is known of a part of a service is told: by which of its spans, over how long a time, from when on.
type figuresOver struct {
	basis api.ServiceBasis
	over  time.Duration
	from  int64
}

func (f figuresOver) of(s *serviceSum) api.PartFigures {
	second := int64(time.Second)
	return api.PartFigures{
		SpanCount: s.spans, Red: figures(s.judged(f.basis), f.over),
		FirstSeenUnixNano: nanos(max(s.first*second, f.from)), LastSeenUnixNano: nanos(max(s.last*second, f.from)),
	}
}

// sumInstances sums the spans of a segment that the query asks for up by the instances that their resources tell.
func sumInstances(r *columns.Reader, h *engine.Header, q *engine.Query) map[instanceKey]*serviceSum {
	met := r.Borrow()
	defer r.GiveBack()
	if q.Mark(r, h, met) == 0 {
		return nil
	}
	resources := r.Resources()
	keys := make([]instanceKey, resources.N)
	for p := range places {
		values := resources.Attribute(p.key())
		if values == nil {
			continue
		}
		texts := make([]string, values.Distinct())
		for i := range texts {
			if v, ok := values.Value(i); ok {
				texts[i] = shortText(v)
			}
		}
		at := values.Rows()
		for e := range values.Entries() {
			keys[at[e]][p] = texts[values.Code(e)]
		}
	}
	times, lengths, of := r.Ints(segment.ColTime), r.Ints(segment.ColDuration), r.Ints(segment.ColResource)
	kinds, codes := r.Ints(segment.ColKind), r.Ints(segment.ColStatus)
	if r.Err() != nil {
		return nil
	}
	sums, at := map[instanceKey]*serviceSum{}, make([]*serviceSum, len(keys))
	for i, met := range met {
		if !met {
			continue
		}
		n := of[i]
		if at[n] == nil {
			at[n] = sumOf(sums, keys[n])
		}
		at[n].add(nil, times[i], lengths[i], kinds[i], codes[i] == otlp.StatusError)
	}
	return sums
}

// shortText is a name that a sender gave as text or as a number; "" of anything else.
func shortText(v segment.Value) string {
	switch v.Type {
	case segment.String:
		return rollup.Name(string(v.Raw))
	case segment.Int:
		return strconv.FormatInt(int64(v.Num), 10) //nolint:gosec // bits
	}
	return ""
}
