package native

import (
	"cmp"
	"context"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// around is how far from its newest matching span a trace's other spans are looked for when it is summed up.
const around = int64(time.Hour)

// traceSum is a trace's summary in the making.
type traceSum struct {
	found    foundTrace
	newest   engine.Key // of its matching spans in the range
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
	engine.Key
	api.RootSpan
}

// summing sums traces up, over all their spans near their newest matching one. It is made anew for each page.
type summing struct {
	search *search
	query  engine.Query
	sums   map[[16]byte]*traceSum
	shown  segment.Want // what is told of each span
}

// sumUp reads all spans of the traces from an hour before to an hour after each one's newest matching span. The summary of a trace whose
// newest matching span is another one than that found, so that it stands earlier in the list, is nil.
func sumUp(ctx context.Context, s *engine.Snapshot, search *search, found []foundTrace) ([]*api.TraceSummary, error) {
	u, needed := newSumming(search, found)
	_, err := engine.Scan(ctx, s, &u.query, needed, u.visit,
		func(_ []*engine.Header, made [][]traceRow, _ int64) bool {
			for _, rows := range made {
				for i := range rows {
					rows[i].sum.add(&rows[i])
				}
			}
			return true
		})
	if err != nil {
		return nil, err
	}
	out := make([]*api.TraceSummary, len(found))
	for i, f := range found {
		if sum := u.sums[f.id]; sum.newest == f.Key && sum.spans > 0 {
			out[i] = sum.summary()
		}
	}
	return out, nil
}

func newSumming(search *search, found []foundTrace) (*summing, engine.Columns) {
	// What was found must be told in full: only the hard end of the query's time stops this.
	u := &summing{search: search, sums: map[[16]byte]*traceSum{}, query: engine.Query{
		Tenant: search.Tenant, Signal: search.Signal, MaxPosition: search.MaxPosition, Filter: filter.All{}, Whole: true, From: math.MaxInt64,
	}}
	q := &u.query
	for _, f := range found {
		u.sums[f.id] = &traceSum{found: f, services: map[[2]string]*api.ServiceCount{}}
		q.Traces = append(q.Traces, f.id)
		q.From = min(q.From, max(f.Time-around, 0))
		q.To = max(q.To, f.Time+around+1)
	}
	if search.After != nil {
		q.To = max(q.To, search.To) // an earlier page may have shown a trace for any span up to the range's end
	}
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs, w.SpanIDs, w.ParentIDs = true, true, true
	w.Int(segment.ColDuration, segment.ColKind, segment.ColStatus, segment.ColResource)
	w.Text(segment.TextName)
	w.Text(segment.TextStatusMessage)
	for _, k := range rootAttributes() {
		w.Attribute(k)
	}
	u.shown = w.Want
	w.Ints, w.Texts, w.Attributes = slices.Clone(w.Ints), slices.Clone(w.Texts), slices.Clone(w.Attributes)
	search.Filter.Columns(w)
	return u, engine.Always(w.Want)
}

// visit takes what the traces have of a segment.
func (u *summing) visit(r *columns.Reader, _ *engine.Header) ([]traceRow, error) {
	// Which of the segment's rows are of which trace.
	ids := r.TraceIDs()
	if r.Err() != nil {
		return nil, nil // the engine tells
	}
	of := make([]*traceSum, len(ids.Distinct))
	for entry, id := range ids.Distinct {
		of[entry] = u.sums[id]
	}
	rows := 0
	for _, entry := range ids.Rows {
		if of[entry] != nil {
			rows++
		}
	}
	if rows == 0 {
		return nil, nil
	}
	met := r.Borrow()
	defer r.GiveBack()
	u.search.Filter.Match(r, met)
	times, positions, ordinals := r.Ints(segment.ColTime), r.Ints(segment.ColPosition), r.Ints(segment.ColOrdinal)
	out := make([]traceRow, 0, rows)
	near := make([]uint32, 0, rows) // rows that are told of
	places := make([]int, 0, rows)  // and theirs in out
	for row, entry := range ids.Rows {
		sum := of[entry]
		if sum == nil {
			continue
		}
		k := engine.Key{Time: times[row], Position: positions[row], Ordinal: ordinals[row]}
		if u.query.MaxPosition > 0 && k.Position > u.query.MaxPosition {
			continue
		}
		one := traceRow{
			Key: k, sum: sum, near: k.Time >= sum.found.Time-around && k.Time <= sum.found.Time+around,
			matches: met[row] && k.Time >= u.search.From && k.Time < u.search.To,
		}
		if one.near {
			near, places = append(near, uint32(row)), append(places, len(out))
		}
		if one.near || one.matches {
			out = append(out, one)
		}
	}
	if len(near) == 0 {
		return out, nil
	}
	return out, r.Rows(u.shown, near, func(t *segment.Table) {
		for n, place := range places {
			out[place].read(t, n)
		}
	})
}

// rootAttributes are those that a list of traces shows of a root: what kind of request it was.
func rootAttributes() []string {
	return []string{
		"http.request.method", "http.method", "http.route", "url.path", "url.full", "http.target", "http.url", "http.response.status_code",
		"http.status_code", "rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code", "messaging.system",
		"messaging.destination.name", "db.system.name", "db.system",
	}
}

// traceRow is what a summary needs of one span; one that is not near only counts as a match.
type traceRow struct {
	engine.Key
	sum                *traceSum
	near, matches      bool
	end                int64
	failed, isRoot     bool
	service, namespace string
	root               api.RootSpan
}

// read fills in what is told of a span that is near.
func (r *traceRow) read(t *segment.Table, row int) {
	resource := &t.Resources[t.Ints[segment.ColResource][row]]
	status := t.Ints[segment.ColStatus][row]
	r.end, r.failed, r.isRoot = r.Time+knownDuration(r.Time, t.Ints[segment.ColDuration][row]), status == otlp.StatusError, t.ParentIDs[row] == [8]byte{}
	r.service, r.namespace = strings.Clone(resource.ServiceName), strings.Clone(resource.ServiceNamespace)
	r.root = api.RootSpan{
		SpanID: hex.EncodeToString(t.SpanIDs[row][:]), Name: textOf(t, segment.TextName, row), ServiceName: r.service,
		Kind: int(t.Ints[segment.ColKind][row]), Status: api.Status{Code: int(status), Message: textOf(t, segment.TextStatusMessage, row)},
	}
	for _, kv := range attributes(t, t.Attributes.Row(row)) {
		if slices.Contains(rootAttributes(), kv.Key) {
			r.root.Attributes = append(r.root.Attributes, kv)
		}
	}
}

func (s *traceSum) add(r *traceRow) {
	if r.matches && (!s.matched || r.Newer(s.newest)) {
		s.newest, s.matched = r.Key, true
	}
	if !r.near {
		return
	}
	if s.spans == 0 {
		s.start, s.end = r.Time, r.end
	}
	s.start, s.end = min(s.start, r.Time), max(s.end, r.end)
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
	one := &rootSpan{r.Key, r.root}
	if s.first == nil || s.first.Newer(r.Key) {
		s.first = one
	}
	if r.isRoot && (s.root == nil || s.root.Newer(r.Key)) {
		s.root = one
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
		MatchedTimeUnixNano: nanos(s.found.Time),
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
