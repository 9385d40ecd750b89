package trace

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Sums of traces, over all their spans however far apart. Almost every trace lies within an hour of any of its spans, so that is read first. What was read
// tells of the others: a span whose parent is missing, a trace without a root, a span that lasts beyond what was looked at. These are looked for by their ids, in
// the filters of days and hours, over the time that their spans ask for.

// around is how far from its newest matching span a trace's spans are looked for whether or not something tells of more.
const around = int64(time.Hour)

// Summary is what a trace comes to.
type Summary struct {
	Found
	// First is the first of its matching spans in the range, in the list's order; Matched whether there is one.
	First   engine.Key
	Matched bool

	Start, End int64 // Unix ns, of the earliest and the latest span
	Spans      int
	Errors     int
	Services   []Service // most spans first
	Root       Root      // by the rule of Build
	// RootMissing: no span without a parent was found, and Root is what stands for it.
	RootMissing bool
	// Orphans are spans whose parents were not found; OrphansKnown is false of a trace with more spans than are kept to tell.
	Orphans      int
	OrphansKnown bool
	// Cut: the budget or the time ended the search for its other spans.
	Cut bool

	from, to int64 // where its spans were looked for
	best     *candidate
	first    *candidate
	links    []Span
	services map[[2]string]*Service
}

// Service is a service's part in a trace.
type Service struct {
	Name, Namespace string
	Spans, Errors   int
}

// Root is what is told of a trace's root.
type Root struct {
	Span
	Name, Service, StatusMessage string
	Kind, Status                 int
	Attributes                   []otlpjson.KeyValue       // those of RootAttributes, as sent; none where fields are asked for
	Fields                       map[string]otlpjson.Value // those that were asked for

	item engine.Item // where it lies
}

type candidate = Root

// mostLinks is how many spans of all traces of a page are kept, 56 bytes each, to tell of each whether its parent is there.
const mostLinks = 200_000

// mostByIDs is of how many traces segments are chosen by their filters.
const mostByIDs = 256

// linkBytes is what one of them takes, with its entry while parents are looked for.
const linkBytes = 112

// RootAttributes are those that a list of traces shows of a root: what kind of request it was.
func RootAttributes() []string {
	return []string{
		"http.request.method", "http.method", "http.route", "url.path", "url.full", "http.target", "http.url", "http.response.status_code",
		"http.status_code", "rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code", "messaging.system",
		"messaging.destination.name", "db.system.name", "db.system",
	}
}

// summing sums traces up. It is made anew for each page.
type summing struct {
	snapshot *engine.Snapshot
	search   *engine.Query
	sums     map[[16]byte]*Summary
	lean     bool          // nothing is told of spans but what is summed up, and of roots what they are called
	left     int           // where it is lean, how many traces may still be looked for beyond an hour
	fields   *filter.Shown // that are told of roots; nil for all
	shown    segment.Want  // what is told of each span
	needed   engine.Columns
	links    int
	held     int // of links, that the question is charged for
}

// Sum sums found traces up, in their order. A trace of which no span is seen any more has no spans. search is the list's question; where there are
// fields, these are told of roots, and neither attributes nor what the status says.
func Sum(ctx context.Context, s *engine.Snapshot, search *engine.Query, found []Found, fields *filter.Shown) ([]*Summary, error) {
	u := newSumming(s, search, fields, false)
	out, err := u.sum(ctx, found)
	if err != nil {
		return nil, err
	}
	u.letGo(out)
	return out, u.readFields(ctx, out)
}

// sum is Sum, but for fields.
func (u *summing) sum(ctx context.Context, found []Found) ([]*Summary, error) {
	out := make([]*Summary, len(found))
	u.sums = make(map[[16]byte]*Summary, len(found))
	q := u.query(found, math.MaxInt64, 0)
	for i, f := range found {
		out[i] = &Summary{Found: f, services: map[[2]string]*Service{}, from: max(f.Time-around, 0), to: f.Time + around + 1, OrphansKnown: true}
		u.sums[f.ID] = out[i]
		q.From, q.To = min(q.From, out[i].from), max(q.To, out[i].to)
	}
	if len(found) > mostByIDs { // some segment has none of them
		q.Traces = nil
	}
	if u.search.After != nil { // an earlier page may have shown a trace for any span that comes before
		q.To = max(q.To, u.search.To)
		if u.search.Order != engine.Newest {
			q.From = min(q.From, u.search.From)
		}
	}
	// What was found must be told in full: only the hard end of the query's time stops this.
	q.Whole = true
	if _, err := u.scan(ctx, q, func(sum *Summary, k engine.Key) bool { return k.Time >= sum.from && k.Time < sum.to }); err != nil {
		return nil, err
	}
	if err := u.widen(ctx, out); err != nil {
		return nil, err
	}
	for _, sum := range out {
		if sum.Spans > 0 {
			if err := u.finish(ctx, sum); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// letGo gives back what was held of spans to sum traces up.
func (u *summing) letGo(sums []*Summary) {
	for _, sum := range sums {
		sum.links = nil
	}
	u.snapshot.LetGo(int64(u.held) * linkBytes)
	u.links, u.held = 0, 0
}

// readFields reads the fields of roots, once these are chosen: a trace may have as many spans without a parent as its sender likes. They are charged to the question.
func (u *summing) readFields(ctx context.Context, sums []*Summary) error {
	if u.fields == nil {
		return nil
	}
	var of []*Summary
	var items []engine.Item
	for _, sum := range sums {
		if sum.Spans > 0 {
			of, items = append(of, sum), append(items, sum.Root.item)
		}
	}
	w := columns.Bare(telemetry.Traces)
	u.fields.Columns(w)
	var values filter.Values
	var full error
	err := u.snapshot.ReadColumns(ctx, u.search, items, engine.Always(w.Want), func(r *columns.Reader, rows []uint32, numbers []int) int {
		if u.fields.Read(r, &values); r.Err() != nil {
			return len(items) // the engine tells
		}
		for k, number := range numbers {
			if full = u.snapshot.Hold(values.Size(rows[k])); full != nil {
				return 0
			}
			of[number].Root.Fields = values.Of(rows[k])
		}
		return len(items)
	})
	return cmp.Or(full, err)
}

func newSumming(s *engine.Snapshot, search *engine.Query, fields *filter.Shown, lean bool) *summing {
	u := &summing{snapshot: s, search: search, fields: fields, lean: lean}
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs, w.SpanIDs, w.ParentIDs = true, true, true
	w.Int(segment.ColDuration, segment.ColKind, segment.ColStatus, segment.ColResource)
	w.Text(segment.TextName)
	if fields == nil && !lean {
		w.Text(segment.TextStatusMessage)
		for _, k := range RootAttributes() {
			w.Attribute(k)
		}
	}
	u.shown = w.Want
	w.Ints, w.Texts, w.Attributes = slices.Clone(w.Ints), slices.Clone(w.Texts), slices.Clone(w.Attributes)
	if !lean { // else nobody asks where a trace stands in a list
		search.Filter.Columns(w)
		search.Order.Columns(w)
	}
	u.needed = engine.Always(w.Want)
	return u
}

// query asks for all spans of traces.
func (u *summing) query(of []Found, from, to int64) *engine.Query {
	q := &engine.Query{
		Tenant: u.search.Tenant, Signal: u.search.Signal, MaxPosition: u.search.MaxPosition, Filter: filter.All{}, From: from, To: to,
	}
	for _, f := range of {
		q.Traces = append(q.Traces, f.ID)
	}
	return q
}

// scan adds what the query has of traces, as far as new says of a span that it was not added before. cut says that there may be more.
func (u *summing) scan(ctx context.Context, q *engine.Query, isNew func(sum *Summary, k engine.Key) bool) (cut bool, err error) {
	v := &visiting{summing: u, query: q, isNew: isNew}
	var full error
	frontier, err := engine.Scan(ctx, u.snapshot, q, u.needed, v.visit, func(_ []*engine.Header, made [][]row, _ int64) bool {
		for _, rows := range made {
			for i := range rows {
				if full = u.add(&rows[i]); full != nil {
					return false
				}
			}
		}
		return true
	})
	return frontier != engine.Complete, cmp.Or(err, full)
}

// visiting is summing while a query's segments are visited side by side.
type visiting struct {
	*summing
	query *engine.Query
	isNew func(sum *Summary, k engine.Key) bool
}

// row is what a sum needs of one span; one that is not new only counts as a match.
type row struct {
	candidate
	sum          *Summary
	new, matches bool
	place        engine.Key // in the list
	failed       bool
	namespace    string
}

// visit takes what the traces have of a segment.
func (v *visiting) visit(r *columns.Reader, h *engine.Header) ([]row, error) {
	// Which of the segment's rows are of which trace.
	ids := r.TraceIDs()
	if r.Err() != nil {
		return nil, nil // the engine tells
	}
	of := make([]*Summary, len(ids.Distinct))
	asked := v.query.Traces
	for entry, id := range ids.Distinct {
		if sum := v.sums[id]; sum != nil && (asked == nil || len(asked) == len(v.sums) || slices.Contains(asked, id)) {
			of[entry] = sum
		}
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
	if !v.lean {
		v.search.Filter.Match(r, met)
	}
	times, positions, ordinals := r.Ints(segment.ColTime), r.Ints(segment.ColPosition), r.Ints(segment.ColOrdinal)
	out := make([]row, 0, rows)
	told := make([]uint32, 0, rows) // rows that are told of
	places := make([]int, 0, rows)  // and theirs in out
	for at, entry := range ids.Rows {
		sum := of[entry]
		if sum == nil {
			continue
		}
		k := engine.Key{Time: times[at], Position: positions[at], Ordinal: ordinals[at]}
		if k.Time < v.query.From || k.Time >= v.query.To || v.query.MaxPosition > 0 && k.Position > v.query.MaxPosition {
			continue
		}
		one := row{sum: sum, new: v.isNew(sum, k), matches: met[at] && k.Time >= v.search.From && k.Time < v.search.To}
		one.Key, one.place = k, k
		if !v.lean {
			one.place.Rank = v.search.Order.RankOf(r, at)
		}
		if one.new {
			told, places = append(told, uint32(at)), append(places, len(out))
			one.item = engine.ItemOf(h, at, k)
		}
		if one.new || one.matches {
			out = append(out, one)
		}
	}
	if len(told) == 0 {
		return out, nil
	}
	return out, r.Rows(v.shown, told, func(t *segment.Table) {
		for n, place := range places {
			out[place].read(t, n, v.fields == nil && !v.lean)
		}
	})
}

// read fills in what is told of a span, in full or as far as a list tells it that is asked for fields.
func (r *row) read(t *segment.Table, at int, full bool) {
	resource := &t.Resources[t.Ints[segment.ColResource][at]]
	r.ID, r.Parent, r.Duration = t.SpanIDs[at], t.ParentIDs[at], known(r.Time, t.Ints[segment.ColDuration][at])
	r.Kind, r.Status = int(t.Ints[segment.ColKind][at]), int(t.Ints[segment.ColStatus][at])
	r.failed = r.Status == otlp.StatusError
	r.Service, r.namespace = strings.Clone(resource.ServiceName), strings.Clone(resource.ServiceNamespace)
	r.Name = string(t.Values[t.Texts[segment.TextName][at]].Raw)
	if !full {
		return
	}
	r.StatusMessage = string(t.Values[t.Texts[segment.TextStatusMessage][at]].Raw)
	for _, id := range t.Attributes.Row(at) {
		v := &t.Values[id]
		if key := t.Keys[v.Key]; slices.Contains(RootAttributes(), key) {
			r.Attributes = append(r.Attributes, otlpjson.KeyValue{Key: key, Value: otlpjson.Of(v.OTLP())})
		}
	}
}

// add adds a span to its trace's sum.
func (u *summing) add(r *row) error {
	s := r.sum
	if r.matches && (!s.Matched || r.place.Newer(s.First)) {
		s.First, s.Matched = r.place, true
	}
	if !r.new {
		return nil
	}
	if s.Spans == 0 {
		s.Start, s.End = r.Time, r.End()
	}
	s.Start, s.End = min(s.Start, r.Time), max(s.End, r.End())
	s.Spans++
	service := s.services[[2]string{r.namespace, r.Service}]
	if service == nil {
		service = &Service{Name: r.Service, Namespace: r.namespace}
		s.services[[2]string{r.namespace, r.Service}] = service
	}
	service.Spans++
	if r.failed {
		s.Errors++
		service.Errors++
	}
	if r.IsRoot() {
		if s.best == nil || r.order(&s.best.Span) < 0 {
			one := r.candidate // what stands beside it is let go
			s.best = &one
		}
	} else if s.first == nil || r.order(&s.first.Span) < 0 {
		one := r.candidate
		s.first = &one
	}
	return u.link(s, &r.Span)
}

// link keeps a span, to tell whether its parent is there.
func (u *summing) link(s *Summary, one *Span) error {
	if !s.OrphansKnown {
		return nil
	}
	if u.links >= mostLinks { // the trace that has most is told less of
		s.OrphansKnown = false
		u.links -= len(s.links)
		s.links = nil
		return nil
	}
	if u.links >= u.held {
		charged, err := u.snapshot.HoldMore(linkBytes, int64(max(u.held, 1024))*linkBytes)
		if err != nil {
			return err
		}
		u.held += int(charged / linkBytes)
	}
	u.links++
	s.links = append(s.links, *one)
	return nil
}

// orphans counts spans whose parents are not there.
func (s *Summary) orphans() (n int) {
	there := make(map[[8]byte]bool, len(s.links))
	for i := range s.links {
		there[s.links[i].ID] = true
	}
	for i := range s.links {
		if one := &s.links[i]; !one.IsRoot() && !there[one.Parent] {
			n++
		}
	}
	return n
}

// wants is where else spans of the trace may be, by what those that are known tell. It is where they were looked for when nothing tells of more.
func (s *Summary) wants() (from, to int64) {
	switch {
	case s.Spans == 0:
		return s.from, s.to
	case s.best == nil || s.OrphansKnown && s.orphans() > 0:
		return 0, otlp.LastInstant
	}
	return min(s.from, max(s.Start-around, 0)), max(s.to, min(s.End, otlp.LastInstant-around)+1)
}

// rounds is how often what was found may tell of more: the last time, all of the time is looked at.
const rounds = 3

// widen looks for the rest of the traces that have more.
func (u *summing) widen(ctx context.Context, sums []*Summary) error {
	for round := 1; ; round++ {
		var more []Found
		var of []*Summary
		q := u.query(nil, math.MaxInt64, 0)
		oldest, newest := int64(0), int64(math.MaxInt64) // between these all of them were looked for
		for _, sum := range sums {
			from, to := sum.wants()
			if sum.Cut || from >= sum.from && to <= sum.to {
				continue
			}
			if u.lean {
				if sum.Cut = u.left == 0; sum.Cut {
					continue
				}
				u.left--
			}
			if round == rounds {
				from, to = 0, otlp.LastInstant
			}
			more, of = append(more, sum.Found), append(of, sum)
			q.From, q.To = min(q.From, from), max(q.To, to)
			oldest, newest = max(oldest, sum.from), min(newest, sum.to)
		}
		if len(more) == 0 {
			return nil
		}
		parts := [][2]int64{{q.From, q.To}}
		if oldest < newest {
			parts = [][2]int64{{newest, q.To}, {q.From, oldest}}
		}
		cut := false
		for some := range slices.Chunk(more, filter.MostTraces) {
			for _, part := range parts {
				of := u.query(some, part[0], part[1])
				of.Filter = filter.Traces(of.Traces)
				partCut, err := u.scan(ctx, of, func(sum *Summary, k engine.Key) bool { return k.Time < sum.from || k.Time >= sum.to })
				if err != nil {
					return err
				}
				if cut = cut || partCut; cut {
					break // and so would be all others
				}
			}
		}
		for _, sum := range of {
			sum.from, sum.to, sum.Cut = min(sum.from, q.From), max(sum.to, q.To), cut
		}
	}
}

// finish chooses the root.
func (u *summing) finish(ctx context.Context, s *Summary) error {
	for _, service := range s.services {
		s.Services = append(s.Services, *service)
	}
	slices.SortFunc(s.Services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(b.Spans, a.Spans), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	if s.OrphansKnown {
		s.Orphans = s.orphans()
	}
	if s.best != nil {
		s.Root = *s.best
		return nil
	}
	s.RootMissing = true
	s.Root = *s.first
	if !s.OrphansKnown {
		return nil
	}
	root := Build(s.links).Nodes[0].Span
	if root.Key == s.first.Key {
		return nil
	}
	// The span that stands for the root is not the earliest: clocks differ, or it hangs on a ring. What is told of it is read now.
	q := u.query([]Found{s.Found}, root.Time, root.Time+1)
	q.Filter = filter.Traces(q.Traces)
	v := &visiting{summing: u, query: q, isNew: func(_ *Summary, k engine.Key) bool { return k == root.Key }}
	_, err := engine.Scan(ctx, u.snapshot, q, u.needed, v.visit, func(_ []*engine.Header, made [][]row, _ int64) bool {
		for _, rows := range made {
			for i := range rows {
				if rows[i].new {
					s.Root = rows[i].candidate
				}
			}
		}
		return true
	})
	return err
}
