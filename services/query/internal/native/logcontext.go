package native

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// What surrounds a log record: the records of the same sender before and after it, in the order of time, position and ordinal.

const defaultContext = 20 // records to each side

// instanceKeys are the sets of attributes of a resource that tell one instance of a service from the others, the most certain first
// (https://opentelemetry.io/docs/specs/semconv/resource/). The first set of which a resource has all counts.
func instanceKeys() [][]string {
	return [][]string{
		{"service.instance.id"},
		{"k8s.pod.uid", "k8s.container.name"},
		{"k8s.pod.uid"},
		{"k8s.namespace.name", "k8s.pod.name", "k8s.container.name"},
		{"k8s.namespace.name", "k8s.pod.name"},
		{"k8s.pod.name"},
		{"container.id"},
		{"host.id", "process.pid"},
		{"host.name", "process.pid"},
		{"host.id"},
		{"host.name"},
	}
}

// surroundings are what a record's context is of: a way to say it, and the conditions that a record's neighbours meet.
type surroundings struct {
	name api.ContextBy
	of   func(l *api.LogRecord, r *api.Resource) ([]condition, error)
}

func allSurroundings() []surroundings {
	return []surroundings{{api.ContextByResource, sameInstance}, {api.ContextByService, sameService}, {api.ContextByTrace, sameTrace}}
}

func surroundingsOf(by api.ContextBy) (s surroundings, err error) {
	by = cmp.Or(by, api.ContextByResource)
	for _, s := range allSurroundings() {
		if s.name == by {
			return s, nil
		}
	}
	return s, errContext.Newf("by: %.64q is not resource, service or trace", string(by))
}

func sameService(l *api.LogRecord, _ *api.Resource) ([]condition, error) {
	list := []condition{is("service", "eq", l.ServiceName), is("namespace", "eq", l.ServiceNamespace)}
	if l.ServiceNamespace == "" {
		list[1] = is("namespace", "exists", false)
	}
	return list, nil
}

func sameInstance(l *api.LogRecord, r *api.Resource) ([]condition, error) {
	list, err := sameService(l, r)
	for _, keys := range instanceKeys() {
		var own []condition
		for _, key := range keys {
			if i := slices.IndexFunc(r.Attributes, func(a api.KeyValue) bool { return a.Key == key }); i >= 0 {
				if v := r.Attributes[i].Value; v.Kind == otlpjson.KindString || v.Kind == otlpjson.KindInt {
					own = append(own, is("resource."+key, "eq", v))
				}
			}
		}
		if len(own) == len(keys) {
			return append(list, own...), err
		}
	}
	return list, err
}

func sameTrace(l *api.LogRecord, _ *api.Resource) ([]condition, error) {
	if l.TraceID == "" {
		return nil, errContext.New("by: the record belongs to no trace")
	}
	return []condition{is("trace_id", "eq", l.TraceID)}, nil
}

// side is a direction to go from a record.
type side struct {
	name  string
	order engine.Order
}

func sides() [2]side { return [2]side{{"before", engine.Newest}, {"after", engine.Following}} }

// contextAsked is a request for a context, checked.
type contextAsked struct {
	tenant   telemetry.Tenant
	id       engine.Stored
	from, to int64 // where the record lies
	by       surroundings
	more     filter.Filter // what neighbours have to meet beside
	limit    int
	hashes   [2][]byte // of the cursors of each side
	cursor   *engine.Key
	side     int // that the cursor goes to
}

func (h handlers) GetLogContext(c echo.Context, id string, p api.GetLogContextParams) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	q, err := h.newContext(tenant, id, &p)
	if err != nil {
		return err
	}
	result, err := engine.Again(func() (*api.LogContext, error) { return h.logContext(c.Request().Context(), q) })
	return answer(c, result, err)
}

func (n *API) newContext(tenant telemetry.Tenant, id string, p *api.GetLogContextParams) (*contextAsked, error) {
	q := &contextAsked{tenant: tenant, to: math.MaxInt64}
	stored, err := storedAfter(id)
	if err != nil || stored == nil {
		return nil, errEventID.Newf("id: %.64q is not the id of a record", id)
	}
	q.id = *stored
	if p.Time != "" {
		at, err := otlpjson.Time(p.Time).Nanos()
		if err != nil {
			return nil, errTime.Newf("time: %v", err)
		}
		q.from, q.to = at, max(at, at+1)
	}
	if q.by, err = surroundingsOf(p.By); err != nil {
		return nil, err
	}
	list, err := filterList(p.Filters)
	if err != nil {
		return nil, err
	}
	if q.more, err = n.filters.Of(q.tenant).Parse(telemetry.Logs, list); err != nil {
		return nil, err
	}
	if q.limit, err = pageLimit(p.Limit, defaultContext, maxLimit); err != nil {
		return nil, err
	}
	for i, s := range sides() {
		q.hashes[i] = queryHash(fmt.Sprintf("context %s %s %s", s.name, q.by.name, id), tenant, 0, 0, list)
	}
	if p.Cursor == "" {
		return q, nil
	}
	for i := range q.hashes {
		var at cursor
		if at, err = n.cursors.open(p.Cursor, q.hashes[i]); err == nil {
			q.cursor, q.side = &at.after, i
			return q, nil
		}
		if !errCursorOfAnother.Matches(err) {
			break
		}
	}
	return nil, err
}

func (n *API) logContext(ctx context.Context, q *contextAsked) (*api.LogContext, error) {
	started := n.now()
	out := &api.LogContext{Logs: []api.LogRecord{}}
	draw := newRenderer()
	one := &engine.Query{Tenant: q.tenant, Signal: telemetry.Logs, From: q.from, To: q.to, Filter: filter.All{}, Only: &q.id}
	err := n.ask(ctx, one, one.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		found, err := s.Search(ctx, one, 1)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("log record %d.%d", q.id.Position, q.id.Ordinal)
		if len(found.Items) == 0 {
			if cut := s.Cut(); cut != nil {
				return errCut(cut, what)
			}
			return errNotFound(what)
		}
		own, err := items(ctx, n, s, one, found.Items, draw, draw.log)
		if err != nil {
			return err
		}
		around, err := n.around(q, &own[0], &draw.resources[own[0].ResourceIndex], out)
		if err != nil {
			return err
		}
		from := found.Items[0].Key
		var list [2][]api.LogRecord
		for i, to := range [2]*api.ContextSide{&out.Before, &out.After} {
			if q.cursor != nil && q.side != i {
				to.HasMore = true // on the page that this one follows
				continue
			}
			if list[i], err = n.beside(ctx, s, q, around, i, from, draw, to); err != nil {
				return err
			}
		}
		slices.Reverse(list[0])
		out.Logs = append(out.Logs, list[0]...)
		if q.cursor == nil {
			out.Index = new(len(out.Logs))
			out.Logs = append(out.Logs, own[0])
		}
		out.Logs = append(out.Logs, list[1]...)
		out.Stats, out.Incomplete = n.stats(s, started), cmp.Or(incomplete(s), draw.full)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Resources, out.Scopes = draw.resources, draw.scopes
	return out, nil
}

// around is the filter of a record's neighbours.
func (n *API) around(q *contextAsked, l *api.LogRecord, r *api.Resource, out *api.LogContext) (filter.Filter, error) {
	list, err := q.by.of(l, r)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		text, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("write a filter: %w", err)
		}
		out.Same = append(out.Same, text)
	}
	same, err := n.filters.Parse(telemetry.Logs, out.Same)
	return filter.All{same, q.more}, err
}

// beside is a page of one side, the nearest first.
func (n *API) beside(ctx context.Context, s *engine.Snapshot, q *contextAsked, around filter.Filter, side int, from engine.Key, draw *renderer, told *api.ContextSide) ([]api.LogRecord, error) {
	order := sides()[side].order
	if q.cursor != nil {
		from = *q.cursor
	}
	from.Rank = order.Rank(from.Time)
	of := &engine.Query{Tenant: q.tenant, Signal: telemetry.Logs, To: math.MaxInt64, Filter: around, Order: order, After: &from}
	found, err := s.Search(ctx, of, q.limit)
	if err != nil {
		return nil, err
	}
	list, err := items(ctx, n, s, of, found.Items, draw, draw.log)
	if err != nil {
		return nil, err
	}
	next := engine.Key{}
	switch {
	case len(list) < len(found.Items):
		draw.full, told.HasMore, next = n.full(len(list)), true, found.Items[len(list)-1].Key
	case found.More:
		told.HasMore, next = true, found.Next(order)
	}
	if told.HasMore {
		// Pages are not pinned to what was there at first: what comes meanwhile is told where it belongs.
		told.NextCursor = n.cursors.seal(cursor{after: next}, q.hashes[side])
	}
	return list, nil
}
