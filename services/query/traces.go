package query

import (
	"cmp"
	"context"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// traceSpans finds all spans of a trace, newest first, at most MaxTraceSpans. A trace without any is fault.NotFound, but only when the search
// came to its end: one that was cut before it met a span is fault.Unavailable, since it knows nothing.
func (s *Service) traceSpans(ctx context.Context, v *view, p *plan, id [16]byte) ([]candidate, error) {
	found, more, frontier, err := v.search(ctx, p, s.cfg.MaxTraceSpans)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		what := "trace " + hex.EncodeToString(id[:])
		if v.incomplete != nil {
			return nil, errCut(v.incomplete, what)
		}
		return nil, errNotFound(what)
	}
	if more && frontier == math.MinInt64 {
		v.incomplete = &api.Incomplete{
			Reason:  api.IncompleteReasonLimit,
			Message: "the trace has more than " + strconv.Itoa(s.cfg.MaxTraceSpans) + " spans; these are the newest",
		}
	}
	return found, nil
}

func (s *Service) getTrace(ctx context.Context, tenant telemetry.Tenant, id [16]byte, from, to int64) (*api.Trace, error) {
	started := s.env.Now()
	f, err := idFilter(telemetry.Traces, id)
	if err != nil {
		return nil, err
	}
	p := &plan{tenant: tenant, signal: telemetry.Traces, from: from, to: to, filter: f}
	out := &api.Trace{TraceID: hex.EncodeToString(id[:]), Completeness: s.watch.completeness(telemetry.Traces)}
	draw := newRenderer()
	err = s.inView(ctx, func(ctx context.Context, v *view) error {
		found, err := s.traceSpans(ctx, v, p, id)
		if err != nil {
			return err
		}
		out.Spans, err = items(ctx, v, p, found, draw, draw.span)
		out.Stats, out.Incomplete = v.stats(started), v.incomplete
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
func (s *Service) getTraceOTLP(ctx context.Context, tenant telemetry.Tenant, id [16]byte, from, to int64) (out []byte, cut *api.Incomplete, err error) {
	f, err := idFilter(telemetry.Traces, id)
	if err != nil {
		return nil, nil, err
	}
	p := &plan{tenant: tenant, signal: telemetry.Traces, from: from, to: to, filter: f}
	err = s.inView(ctx, func(ctx context.Context, v *view) error {
		found, err := s.traceSpans(ctx, v, p, id)
		if err != nil {
			return err
		}
		cut = v.incomplete
		slices.Reverse(found) // oldest first
		type part struct {
			first int
			otlp  []byte
		}
		var parts []part
		err = v.read(ctx, p, found, func(t *segment.Table, rows []uint32, numbers []int) {
			parts = append(parts, part{slices.Min(numbers), t.OTLP(rows)})
		})
		slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.first, b.first) })
		// Concatenated protobuf messages of one type are one message with the lists joined.
		for _, p := range parts {
			out = append(out, p.otlp...)
		}
		return err
	})
	return out, cut, err
}

// around is how far from its newest matching span a trace's other spans are looked for when it is summed up.
const around = int64(time.Hour)

// searchTraces lists traces by their newest matching span. That key is a property of the trace, the range, the filters and the snapshot,
// and not of the page, so a trace stands in one place however the list is cut.
//
//	scan matching spans, newest first ── the newest of each trace ── enough traces?
//	for those traces: all their spans ── drop traces that a newer matching span put on an earlier page ── sum up
func (s *Service) searchTraces(ctx context.Context, tenant telemetry.Tenant, r api.SearchRequest) (*api.TracePage, error) {
	q, err := s.newSearch(tenant, "traces", telemetry.Traces, r)
	if err != nil {
		return nil, err
	}
	started := s.env.Now()
	out := &api.TracePage{Traces: []api.TraceSummary{}, Completeness: s.watch.completeness(q.signal)}
	err = s.inView(ctx, func(ctx context.Context, v *view) error {
		earlier := map[[16]byte]bool{{}: true} // traces that stand on an earlier page; and spans without a trace are none
		after, frontier, more := q.after, int64(math.MinInt64), true
		var last key
		for more && len(out.Traces) <= q.limit && frontier == math.MinInt64 {
			var found []foundTrace
			found, more, frontier, err = v.newestOfTraces(ctx, q, after, earlier, q.limit+1-len(out.Traces))
			if err != nil {
				return err
			}
			if len(found) == 0 {
				break
			}
			summaries, err := v.sumUp(ctx, q, found)
			if err != nil {
				return err
			}
			for i, f := range found {
				after = &f.key
				if summaries[i] == nil {
					earlier[f.id] = true
					continue
				}
				out.Traces = append(out.Traces, *summaries[i])
				if len(out.Traces) <= q.limit {
					last = f.key
				}
			}
		}
		switch {
		case len(out.Traces) > q.limit:
			out.Traces = out.Traces[:q.limit]
			out.Pagination = api.Pagination{HasMore: true, NextCursor: s.resume(q, v, last)}
		case frontier != math.MinInt64:
			out.Pagination = api.Pagination{HasMore: true, NextCursor: s.resume(q, v, frontierKey(frontier))}
		}
		out.Stats, out.Incomplete = v.stats(started), v.incomplete
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// foundTrace is a trace with its newest matching span after the cursor.
type foundTrace struct {
	key
	id [16]byte
}

// newestOfTraces finds the newest n traces after a key, by their newest matching span after it, leaving some out. more says whether others
// may follow; frontier is as in walk.
func (v *view) newestOfTraces(ctx context.Context, q *search, after *key, without map[[16]byte]bool, n int) (found []foundTrace, more bool, frontier int64, err error) {
	p := q.plan
	p.after = after
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs = true
	p.filter.Columns(w)
	results := make([]map[[16]byte]key, largestWave)
	best := map[[16]byte]key{}
	order := func(a, b foundTrace) int { return a.compare(b.key) }
	frontier, err = v.walk(ctx, &p, always(w.Want),
		func(i int, _ *header, s *columns.Reader) error {
			newest := map[[16]byte]key{}
			p.hits(s, func(row int, k key) {
				ids := s.TraceIDs()
				id := ids.Distinct[ids.Rows[row]]
				if without[id] {
					return
				}
				if have, ok := newest[id]; !ok || k.newer(have) {
					newest[id] = k
				}
			})
			results[i] = newest
			return nil
		},
		func(wave []*header, next int64) bool {
			for i := range wave {
				for id, k := range results[i] {
					if have, ok := best[id]; !ok || k.newer(have) {
						best[id] = k
					}
				}
			}
			found = found[:0]
			for id, k := range best {
				found = append(found, foundTrace{k, id})
			}
			slices.SortFunc(found, order)
			if len(found) < n {
				return true
			}
			// The others can come back only with a newer span, and then they are found again.
			for _, f := range found[n:] {
				delete(best, f.id)
			}
			return next >= found[n-1].time
		})
	if err != nil {
		return nil, false, 0, err
	}
	if frontier != math.MinInt64 {
		if i := slices.IndexFunc(found, func(f foundTrace) bool { return f.time <= frontier }); i >= 0 {
			found = found[:i]
		}
	}
	if len(found) >= n {
		return found[:n], true, math.MinInt64, nil
	}
	return found, false, frontier, nil
}

// traceSum is a trace's summary in the making.
type traceSum struct {
	found    foundTrace
	newest   key // of its matching spans in the range
	matched  bool
	start    int64
	end      int64
	spans    int
	errors   int
	services map[[2]string]*api.ServiceCount
	root     *rootSpan
	first    *rootSpan
}

type rootSpan struct {
	key
	api.RootSpan
}

// sumUp reads all spans of the traces from an hour before to an hour after each one's newest matching span. The summary of a trace whose
// newest matching span is another one than that found, so that it stands earlier in the list, is nil.
func (v *view) sumUp(ctx context.Context, q *search, found []foundTrace) ([]*api.TraceSummary, error) {
	p := plan{tenant: q.tenant, signal: q.signal, maxPosition: q.maxPosition, filter: filter.All{}}
	sums := map[[16]byte]*traceSum{}
	p.from, p.to = math.MaxInt64, 0
	for _, f := range found {
		sums[f.id] = &traceSum{found: f, services: map[[2]string]*api.ServiceCount{}}
		p.traces = append(p.traces, f.id)
		p.from = min(p.from, max(f.time-around, 0))
		p.to = max(p.to, f.time+around+1)
	}
	if q.after != nil {
		p.to = max(p.to, q.to) // an earlier page may have shown a trace for any span up to the range's end
	}
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs, w.SpanIDs, w.ParentIDs = true, true, true
	for _, c := range []segment.Column{segment.ColDuration, segment.ColKind, segment.ColStatus, segment.ColResource} {
		w.Int(c)
	}
	w.Text(segment.TextName)
	w.Text(segment.TextStatusMessage)
	for _, k := range rootAttributes() {
		w.Attribute(k)
	}
	told := w.Want // what is told of each span
	w.Ints, w.Texts, w.Attributes = slices.Clone(w.Ints), slices.Clone(w.Texts), slices.Clone(w.Attributes)
	q.filter.Columns(w)

	type part struct {
		row     *traceRow
		sum     *traceSum
		matches bool
	}
	results := make([][]part, largestWave)
	// What was found must be told in full: only the hard end of the query's time stops this.
	budget, deadline := v.budget, v.deadline
	v.budget, v.deadline = math.MaxInt64, v.now().Add(time.Hour)
	defer func() { v.budget, v.deadline = budget, deadline }()
	_, err := v.walk(ctx, &p, always(w.Want),
		func(i int, _ *header, s *columns.Reader) error {
			results[i] = nil
			// Which of the segment's rows are of which trace.
			ids := s.TraceIDs()
			of := make([]*traceSum, len(ids.Distinct))
			some := false
			for entry, id := range ids.Distinct {
				of[entry] = sums[id]
				some = some || of[entry] != nil
			}
			if !some || s.Err() != nil {
				return nil
			}
			met := s.Borrow()
			defer s.GiveBack()
			q.filter.Match(s, met)
			times, positions, ordinals := s.Ints(segment.ColTime), s.Ints(segment.ColPosition), s.Ints(segment.ColOrdinal)
			var near []uint32 // rows that are told of
			var shown []int   // and their places in results
			for row, entry := range ids.Rows {
				sum := of[entry]
				if sum == nil {
					continue
				}
				k := key{times[row], positions[row], ordinals[row]}
				if p.maxPosition > 0 && k.position > p.maxPosition {
					continue
				}
				isNear := k.time >= sum.found.time-around && k.time <= sum.found.time+around
				matches := met[row] && k.time >= q.from && k.time < q.to
				if !isNear && !matches {
					continue
				}
				if isNear {
					near, shown = append(near, uint32(row)), append(shown, len(results[i]))
				}
				results[i] = append(results[i], part{sum: sum, matches: matches, row: &traceRow{key: k}})
			}
			if len(near) == 0 {
				return nil
			}
			t := v.readers.Tables.Take(p.tenant, p.signal)
			defer v.readers.Tables.Put(t)
			if err := s.Read(t, told, near); err != nil {
				return err
			}
			for n, at := range shown {
				results[i][at].row = newTraceRow(t, n, results[i][at].row.key)
			}
			return nil
		},
		func(wave []*header, _ int64) bool {
			for i := range wave {
				for _, one := range results[i] {
					one.sum.add(one.row, one.matches)
				}
			}
			return true
		})
	if err != nil {
		return nil, err
	}
	out := make([]*api.TraceSummary, len(found))
	for i, f := range found {
		if sum := sums[f.id]; sum.newest == f.key && sum.spans > 0 {
			out[i] = sum.summary()
		}
	}
	return out, nil
}

// rootAttributes are those that a list of traces shows of a root: what kind of request it was.
func rootAttributes() []string {
	return []string{
		"http.request.method", "http.method", "http.route", "url.path", "url.full", "http.target", "http.url", "http.response.status_code",
		"http.status_code", "rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code", "messaging.system",
		"messaging.destination.name", "db.system.name", "db.system",
	}
}

// traceRow is what a summary needs of one span; near is false for a span that only counts as a match.
type traceRow struct {
	key
	near               bool
	end                int64
	failed, isRoot     bool
	service, namespace string
	root               api.RootSpan
}

func newTraceRow(t *segment.Table, row int, k key) *traceRow {
	resource := &t.Resources[t.Ints[segment.ColResource][row]]
	status := t.Ints[segment.ColStatus][row]
	r := &traceRow{
		key: k, near: true, end: k.time + t.Ints[segment.ColDuration][row], failed: status == statusError,
		isRoot: t.ParentIDs[row] == [8]byte{}, service: strings.Clone(resource.ServiceName), namespace: strings.Clone(resource.ServiceNamespace),
	}
	r.root = api.RootSpan{
		SpanID: hex.EncodeToString(t.SpanIDs[row][:]), Name: textOf(t, segment.TextName, row), ServiceName: r.service,
		Kind: int(t.Ints[segment.ColKind][row]), Status: api.Status{Code: int(status), Message: textOf(t, segment.TextStatusMessage, row)},
	}
	for _, kv := range attributes(t, t.Attributes.Row(row)) {
		if slices.Contains(rootAttributes(), kv.Key) {
			r.root.Attributes = append(r.root.Attributes, kv)
		}
	}
	return r
}

func (s *traceSum) add(r *traceRow, matches bool) {
	if matches && (!s.matched || r.newer(s.newest)) {
		s.newest, s.matched = r.key, true
	}
	if !r.near {
		return
	}
	if s.spans == 0 {
		s.start, s.end = r.time, r.end
	}
	s.start, s.end = min(s.start, r.time), max(s.end, r.end)
	s.spans++
	service := s.services[[2]string{r.namespace, r.service}]
	if service == nil {
		service = &api.ServiceCount{Name: r.service, Namespace: r.namespace}
		s.services[[2]string{r.namespace, r.service}] = service
	}
	service.SpanCount++
	if r.failed {
		s.errors++
		service.ErrorCount++
	}
	candidate := &rootSpan{r.key, r.root}
	if s.first == nil || s.first.newer(r.key) {
		s.first = candidate
	}
	if r.isRoot && (s.root == nil || s.root.newer(r.key)) {
		s.root = candidate
	}
}

func (s *traceSum) summary() *api.TraceSummary {
	out := &api.TraceSummary{
		TraceID:             hex.EncodeToString(s.found.id[:]),
		StartTimeUnixNano:   nanos(s.start),
		EndTimeUnixNano:     nanos(s.end),
		DurationNano:        strconv.FormatInt(s.end-s.start, 10),
		SpanCount:           s.spans,
		ErrorCount:          s.errors,
		Services:            []api.ServiceCount{},
		MatchedTimeUnixNano: nanos(s.found.time),
	}
	root := s.root
	if root == nil {
		root, out.RootMissing = s.first, true
	}
	out.Root = root.RootSpan
	for _, service := range s.services {
		out.Services = append(out.Services, *service)
	}
	slices.SortFunc(out.Services, func(a, b api.ServiceCount) int {
		return cmp.Or(cmp.Compare(b.SpanCount, a.SpanCount), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	return out
}

// sortSpans is the order of a trace: start, then id, then identity.
func sortSpans(spans []api.Span) {
	slices.SortStableFunc(spans, func(a, b api.Span) int {
		// Decimal strings of one length sort as numbers; lengths differ only across 2001.
		return cmp.Or(cmp.Compare(len(a.StartTimeUnixNano), len(b.StartTimeUnixNano)), cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano),
			cmp.Compare(a.SpanID, b.SpanID))
	})
}
