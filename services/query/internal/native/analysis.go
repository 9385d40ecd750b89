package native

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

// What trees of traces tell.

func (h handlers) GetTraceAnalysis(c echo.Context, traceID api.TraceID, p api.GetTraceAnalysisParams) error {
	of, err := h.traceAsked(c, traceID, p.StartTime, p.EndTime)
	if err != nil {
		return err
	}
	result, err := engine.Again(func() (*api.TraceAnalysis, error) {
		return h.traceAnalysis(c.Request().Context(), of.tenant, of.id, of.from, of.to)
	})
	return answer(c, result, err)
}

func (h handlers) CompareTraces(c echo.Context, traceID api.TraceID, p api.CompareTracesParams) error {
	of, err := h.traceAsked(c, traceID, p.StartTime, p.EndTime)
	if err != nil {
		return err
	}
	with, err := parseTraceID(p.With)
	if err != nil {
		return err
	}
	result, err := engine.Again(func() (*api.TraceComparison, error) {
		return h.compareTraces(c.Request().Context(), of.tenant, of.id, with, of.from, of.to)
	})
	return answer(c, result, err)
}

// analysed loads a trace and analyses it. more says that it has more spans than are looked at.
func (n *API) analysed(ctx context.Context, s *engine.Snapshot, q *engine.Query, id [16]byte) (a *trace.Analysis, more bool, err error) {
	of := *q
	of.Filter = filter.Traces([][16]byte{id})
	list, more, err := trace.Load(ctx, s, &of, n.set.MaxTraceSpans)
	if err != nil {
		return nil, false, err
	}
	if len(list) == 0 {
		what := "trace " + hex.EncodeToString(id[:])
		if cut := s.Cut(); cut != nil {
			return nil, false, errCut(cut, what)
		}
		return nil, false, errNotFound(what)
	}
	return trace.Analyse(list), more, nil
}

// analysedAll says whether an answer tells of all spans.
func (n *API) analysedAll(s *engine.Snapshot, more bool) *api.Incomplete {
	if more {
		return limited("a trace has more than %d spans; the others were not looked at", n.set.MaxTraceSpans)
	}
	return incomplete(s)
}

func (n *API) traceAnalysis(ctx context.Context, tenant telemetry.Tenant, id [16]byte, from, to int64) (*api.TraceAnalysis, error) {
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.Traces([][16]byte{id})}
	out := &api.TraceAnalysis{TraceID: hex.EncodeToString(id[:])}
	err := n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		a, more, err := n.analysed(ctx, s, q, id)
		if err != nil {
			return err
		}
		renderAnalysis(out, a)
		out.Stats, out.Incomplete = n.stats(s, started), n.analysedAll(s, more)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func keyText(k engine.Key) string {
	return strconv.FormatInt(k.Position, 10) + "." + strconv.FormatInt(k.Ordinal, 10)
}

func renderAnalysis(out *api.TraceAnalysis, a *trace.Analysis) {
	out.RootMissing = !a.Tree.Nodes[0].Span.IsRoot()
	out.Spans, out.CriticalPath = make([]api.AnalysedSpan, len(a.Told)), make([]api.CriticalStep, len(a.Critical))
	for i, node := range a.Tree.Nodes {
		told := &a.Told[i]
		one := api.AnalysedSpan{
			ID: keyText(node.Span.Key), SpanID: spanIDText(node.Span.ID), Depth: node.Depth, Oddity: api.AnalysedSpanOddity(node.Oddity), SelfTimeNano: nanos(told.Self),
		}
		if node.Parent != nil {
			one.Parent = keyText(node.Parent.Span.Key)
		}
		if told.Critical > 0 {
			one.CriticalTimeNano = nanos(told.Critical)
		}
		if told.Shift != 0 {
			one.ClockShiftNano = strconv.FormatInt(told.Shift, 10)
		}
		if node.Oddity == trace.MissingParent {
			out.OrphanCount++
		}
		out.Spans[i] = one
	}
	for i, step := range a.Critical {
		out.CriticalPath[i] = api.CriticalStep{
			ID: out.Spans[step.Node].ID, StartTimeUnixNano: nanos(step.From), EndTimeUnixNano: nanos(step.To),
		}
	}
	out.Services, out.Calls = make([]api.TraceService, len(a.Nodes)), make([]api.TraceCall, len(a.Edges))
	for i, node := range a.Nodes {
		out.Services[i] = api.TraceService{
			Name: node.Service, Namespace: node.Namespace, SpanCount: node.Spans, ErrorCount: node.Errors, SelfTimeNano: nanos(node.Self),
		}
	}
	for i, edge := range a.Edges {
		out.Calls[i] = api.TraceCall{
			Caller: edge.Caller, Callee: edge.Callee, CallCount: edge.Calls, ErrorCount: edge.Errors, DurationNano: nanos(edge.Duration),
		}
	}
}

func (n *API) compareTraces(ctx context.Context, tenant telemetry.Tenant, idA, idB [16]byte, from, to int64) (*api.TraceComparison, error) {
	started := n.now()
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: filter.Traces([][16]byte{idA, idB})}
	out := &api.TraceComparison{A: hex.EncodeToString(idA[:]), B: hex.EncodeToString(idB[:]), Spans: []api.ComparedSpans{}}
	err := n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		a, moreA, err := n.analysed(ctx, s, q, idA)
		if err != nil {
			return err
		}
		b, moreB, err := n.analysed(ctx, s, q, idB)
		if err != nil {
			return err
		}
		for _, pair := range trace.Align(a, b) {
			one := api.ComparedSpans{Depth: pair.Depth, A: compared(a, pair.A), B: compared(b, pair.B)}
			of := a
			number := pair.A
			switch {
			case one.A == nil:
				of, number = b, pair.B
				out.OnlyB++
			case one.B == nil:
				out.OnlyA++
			default:
				out.InBoth++
			}
			detail := of.Told[number].Detail
			one.ServiceName, one.ServiceNamespace, one.Name = detail.Service, detail.Namespace, detail.Name
			out.Spans = append(out.Spans, one)
		}
		out.Stats, out.Incomplete = n.stats(s, started), n.analysedAll(s, moreA || moreB)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// compared renders one side, nil where there is none.
func compared(a *trace.Analysis, number int) *api.ComparedSpan {
	if number < 0 {
		return nil
	}
	told := &a.Told[number]
	return &api.ComparedSpan{
		ID: keyText(told.Key), SpanID: spanIDText(told.ID), OffsetNano: strconv.FormatInt(told.Time-a.Tree.Nodes[0].Span.Time, 10),
		DurationNano: nanos(told.Duration), SelfTimeNano: nanos(told.Self), Status: told.Status,
	}
}
