package native

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// traceSpans finds all spans of a trace, newest first, at most MaxTraceSpans. A trace without any is fault.NotFound, but only when the search
// came to its end: one that was cut before it met a span is fault.Unavailable, since it knows nothing.
func (n *API) traceSpans(ctx context.Context, s *engine.Snapshot, q *engine.Query, id [16]byte) (engine.Found, error) {
	found, err := s.Search(ctx, q, n.set.MaxTraceSpans)
	if err == nil && len(found.Items) == 0 {
		what := "trace " + hex.EncodeToString(id[:])
		if cut := s.Cut(); cut != nil {
			return found, errCut(cut, what)
		}
		return found, errNotFound(what)
	}
	return found, err
}

// incompleteTrace says what a trace lacks, if anything.
func (n *API) incompleteTrace(s *engine.Snapshot, found *engine.Found) *api.Incomplete {
	if found.More && found.Frontier == engine.Complete {
		return limited("the trace has more than %d spans; these are the newest", n.set.MaxTraceSpans)
	}
	return incomplete(s)
}

func (n *API) getTrace(ctx context.Context, tenant telemetry.Tenant, id [16]byte, from, to int64) (*api.Trace, error) {
	started := n.now()
	f, err := n.idFilter(telemetry.Traces, id)
	if err != nil {
		return nil, err
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: f}
	out := &api.Trace{TraceID: hex.EncodeToString(id[:])}
	draw := newRenderer()
	err = n.ask(ctx, q, q.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		found, err := n.traceSpans(ctx, s, q, id)
		if err != nil {
			return err
		}
		out.Spans, err = items(ctx, n, s, q, found.Items, draw, draw.span)
		out.Stats, out.Incomplete = n.stats(s, started), n.incompleteTrace(s, &found)
		if len(out.Spans) < len(found.Items) {
			out.Incomplete = cmp.Or(out.Incomplete, n.full(len(out.Spans)))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sortSpans(out.Spans)
	out.Resources, out.Scopes = draw.resources, draw.scopes
	return out, nil
}

// getTraceOTLP is the trace as protobuf TracesData; cut is not nil when it lacks spans, which OTLP has no place to say.
func (n *API) getTraceOTLP(ctx context.Context, tenant telemetry.Tenant, id [16]byte, from, to int64) (out []byte, cut *api.Incomplete, err error) {
	f, err := n.idFilter(telemetry.Traces, id)
	if err != nil {
		return nil, nil, err
	}
	q := &engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: f}
	err = n.engine.Ask(ctx, q.Tenant, q.Span(), func(ctx context.Context, s *engine.Snapshot) error {
		found, err := n.traceSpans(ctx, s, q, id)
		if err != nil {
			return err
		}
		cut = n.incompleteTrace(s, &found)
		type part struct {
			last int // the oldest of its spans
			otlp []byte
		}
		var parts []part
		a := allowance{left: n.set.PageBytes, end: len(found.Items)}
		err = s.Read(ctx, q, found.Items, func(t *segment.Table, rows []uint32, numbers []int) int {
			var fit []uint32
			last := 0
			a.allow(t, rows, numbers, func(row, number int) {
				fit = append(fit, uint32(row)) //nolint:gosec // a segment has a few thousand rows
				last = max(last, number)
			})
			if len(fit) > 0 {
				slices.Sort(fit)
				parts = append(parts, part{last, t.OTLP(fit)})
			}
			return a.end
		})
		if a.end < len(found.Items) {
			cut = cmp.Or(cut, n.full(a.end))
		}
		slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(b.last, a.last) }) // oldest first
		// Concatenated protobuf messages of one type are one message with the lists joined.
		for _, p := range parts {
			out = append(out, p.otlp...)
		}
		return err
	})
	return out, cut, err
}

// sortSpans is the order of a trace: start, then id, then identity.
func sortSpans(spans []api.Span) {
	slices.SortStableFunc(spans, func(a, b api.Span) int {
		// Decimal strings of one length sort as numbers; lengths differ only across 2001.
		return cmp.Or(cmp.Compare(len(a.StartTimeUnixNano), len(b.StartTimeUnixNano)), cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano),
			cmp.Compare(a.SpanID, b.SpanID))
	})
}
