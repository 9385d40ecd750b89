package native

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// tracePage is what of a trace is asked for: its newest spans, or those that come before the ones of an earlier page.
type tracePage struct {
	search
	id    [16]byte
	paged bool // a page is asked for, so that it is no lack that there are others
}

func (n *API) tracePage(tenant telemetry.Tenant, id [16]byte, from, to int64, limit *int, text string) (*tracePage, error) {
	f, err := n.idFilter(telemetry.Traces, id)
	if err != nil {
		return nil, err
	}
	p := &tracePage{
		search: search{Query: engine.Query{Tenant: tenant, Signal: telemetry.Traces, From: from, To: to, Filter: f}},
		id:     id, paged: limit != nil || text != "",
	}
	if p.limit, err = pageLimit(limit, n.set.MaxTraceSpans, n.set.MaxTraceSpans); err != nil {
		return nil, err
	}
	p.hash = queryHash("trace "+string(id[:]), tenant, from, to, nil)
	if text != "" {
		at, err := n.cursors.open(text, p.hash)
		if err != nil {
			return nil, err
		}
		p.After, p.MaxPosition = &at.after, at.maxPosition
	}
	return p, nil
}

// foundBytes is what a span takes that was found and not yet read.
const foundBytes = 96

// traceSpans finds the spans of a page, newest first. A trace without any is fault.NotFound, but only when the search
// came to its end: one that was cut before it met a span is fault.Unavailable, since it knows nothing.
func (n *API) traceSpans(ctx context.Context, s *engine.Snapshot, p *tracePage) (engine.Found, error) {
	found, err := s.Search(ctx, &p.Query, p.limit)
	if err == nil && len(found.Items) == 0 && p.After == nil {
		what := "trace " + hex.EncodeToString(p.id[:])
		if cut := s.Cut(); cut != nil {
			return found, errCut(cut, what)
		}
		return found, errNotFound(what)
	}
	if err == nil {
		err = s.Hold(int64(len(found.Items)) * foundBytes)
	}
	return found, err
}

// incompleteTrace says what a trace lacks, if anything.
func (n *API) incompleteTrace(s *engine.Snapshot, p *tracePage, found *engine.Found) *api.Incomplete {
	if found.More && found.Frontier == engine.Complete && !p.paged {
		return limited("the trace has more than %d spans; these are the newest", p.limit)
	}
	return incomplete(s)
}

// nextOfTrace is the cursor of the page after one, empty where there is none.
func (n *API) nextOfTrace(s *engine.Snapshot, p *tracePage, found *engine.Found) string {
	if !found.More {
		return ""
	}
	return n.resume(&p.search, s, found.Next(p.Order))
}

// traceChunk is how many spans of a trace are read at a time, and no more than max_page_bytes of them; what was read is written before more is.
const traceChunk = 4_000

// inChunks reads what was found of a trace from the oldest on, as read takes it: it gives how many of those that it is given it took, one at least.
func inChunks(found []engine.Item, read func(list []engine.Item) (int, error)) error {
	slices.Reverse(found)
	for len(found) > 0 {
		taken, err := read(found[:min(traceChunk, len(found))])
		if err != nil {
			return err
		}
		found = found[taken:]
		engine.Unread(found)
	}
	return nil
}

// writeTrace writes a trace as JSON while it is read.
func (n *API) writeTrace(ctx context.Context, p *tracePage, w *answerStream) error {
	started := n.now()
	out := &api.Trace{TraceID: hex.EncodeToString(p.id[:])}
	draw := newRenderer()
	before := `{"spans":[`
	err := n.ask(ctx, &p.Query, p.Span(), &out.Completeness, func(ctx context.Context, s *engine.Snapshot) error {
		found, err := n.traceSpans(ctx, s, p)
		if err != nil {
			return err
		}
		out.NextCursor, out.Incomplete = n.nextOfTrace(s, p, &found), n.incompleteTrace(s, p, &found)
		charged := int64(0)
		err = inChunks(found.Items, func(list []engine.Item) (int, error) {
			drawn, err := items(ctx, n, s, &p.Query, list, draw, draw.span)
			if err == nil {
				err = s.Hold(draw.bytes - charged)
			}
			if err != nil {
				return 0, err
			}
			charged = draw.bytes
			sortSpans(drawn)
			for i := range drawn {
				w.write(before, marshal(&drawn[i]))
				before = ","
			}
			return len(drawn), w.flush(ctx)
		})
		out.Stats = n.stats(s, started)
		return err
	})
	if err != nil {
		return err
	}
	out.Resources, out.Scopes = draw.resources, draw.scopes
	if before == "," {
		before = ""
	}
	rest := struct {
		*api.Trace
		Spans *struct{} `json:"spans,omitempty"` // in place of the trace's, which are written
	}{Trace: out}
	w.write(before+"],", marshal(rest)[1:])
	return w.flush(ctx)
}

// writeTraceOTLPJSON is writeTraceOTLP as OTLP/JSON: the elements of the lists of its parts, in one list.
func (n *API) writeTraceOTLPJSON(ctx context.Context, p *tracePage, w *answerStream) error {
	before := `{"resourceSpans":[`
	err := n.writeTraceOTLP(ctx, p, w, func(otlp []byte) error {
		traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(otlp)
		if err != nil {
			return fmt.Errorf("read a trace back: %w", err)
		}
		body, err := (&ptrace.JSONMarshaler{}).MarshalTraces(traces)
		if err != nil {
			return fmt.Errorf("write a trace as JSON: %w", err)
		}
		var part struct {
			ResourceSpans []json.RawMessage `json:"resourceSpans"`
		}
		if err := json.Unmarshal(body, &part); err != nil {
			return fmt.Errorf("write a trace as JSON: %w", err)
		}
		for _, one := range part.ResourceSpans {
			w.write(before, one)
			before = ","
		}
		return nil
	})
	if err != nil {
		return err
	}
	if before == "," {
		before = ""
	}
	w.write(before+"]}", nil)
	return w.flush(ctx)
}

// writeTraceOTLP writes a trace as OTLP while it is read, by write, which is given protobuf TracesData in parts. What the trace lacks, which OTLP has no place to say, is in headers.
func (n *API) writeTraceOTLP(ctx context.Context, p *tracePage, w *answerStream, write func(otlp []byte) error) error {
	return n.engine.Ask(ctx, p.Tenant, p.Span(), func(ctx context.Context, s *engine.Snapshot) error {
		found, err := n.traceSpans(ctx, s, p)
		if err != nil {
			return err
		}
		w.lacks(n.incompleteTrace(s, p, &found), n.nextOfTrace(s, p, &found))
		return inChunks(found.Items, func(list []engine.Item) (int, error) {
			otlp, taken, err := n.readOTLP(ctx, s, p, list)
			if err == nil {
				err = write(otlp)
			}
			if err != nil {
				return 0, err
			}
			return taken, w.flush(ctx)
		})
	})
}

// readOTLP reads as many items of a list, in its order, as fit into an answer, one at least. It gives how many these are.
func (n *API) readOTLP(ctx context.Context, s *engine.Snapshot, p *tracePage, list []engine.Item) (otlp []byte, taken int, err error) {
	type part struct {
		first, last int // of its spans in the list
		otlp        []byte
	}
	a := allowance{left: n.set.PageBytes, end: len(list)}
	for {
		var parts []part
		err := s.Read(ctx, &p.Query, list, func(t *segment.Table, rows []uint32, numbers []int) int {
			var fit []uint32
			of := part{first: len(list)}
			a.allow(t, rows, numbers, func(row, number int) {
				fit = append(fit, uint32(row)) //nolint:gosec // a segment has a few thousand rows
				of.first, of.last = min(of.first, number), max(of.last, number)
			})
			if len(fit) > 0 {
				slices.Sort(fit)
				of.otlp = t.OTLP(fit)
				parts = append(parts, of)
			}
			return a.end
		})
		if err != nil {
			return nil, 0, err
		}
		if slices.ContainsFunc(parts, func(of part) bool { return of.last >= a.end }) {
			// A segment that was read before it was known where the list ends has spans beyond that, which will be read again: those until there are read without them.
			list = list[:a.end]
			engine.Unread(list)
			a.left = math.MaxInt64
			continue
		}
		slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.first, b.first) }) // oldest first
		// Concatenated protobuf messages of one type are one message with the lists joined.
		for _, of := range parts {
			otlp = append(otlp, of.otlp...)
		}
		return otlp, a.end, nil
	}
}

// sortSpans is the order of a trace: start, then id, then identity.
func sortSpans(spans []api.Span) {
	slices.SortStableFunc(spans, func(a, b api.Span) int {
		// Decimal strings of one length sort as numbers; lengths differ only across 2001.
		return cmp.Or(cmp.Compare(len(a.StartTimeUnixNano), len(b.StartTimeUnixNano)), cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano),
			cmp.Compare(a.SpanID, b.SpanID))
	})
}
