package trace

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Sums of traces, over all their spans however far apart (docs/adr/054). Almost every trace lies within an hour of any of its spans, so that is read first. Then each is asked
// for in the filters of days and hours, and what these leave is looked at.

// around is how far from its newest matching span all segments that may have a trace's spans are read at once.
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
	// Cut: the budget, the time or the memory ended the search for its other spans.
	Cut bool

	from, to int64 // where its spans were looked for
	best     *candidate
	first    *candidate
	links    []Span
	services map[names]*Service
	wanted   engine.Key // of the span that stands for its root, where that is read by itself
}

// names are what a service is called.
type names struct{ namespace, name string }

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

// serviceBytes is what a service of a trace takes, beside its names.
const serviceBytes = 192

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
	roots    bool          // of lean ones, whose roots are asked for
	every    bool          // where it is lean, each trace is looked for beyond an hour, not those alone which tell that there is more
	left     int           // and how many may still be
	fields   *filter.Shown // that are told of roots; nil for all
	shown    segment.Want  // what is told of each span
	needed   engine.Columns
	links    int
	most     int  // of them
	held     int  // of links, that the question is charged for
	short    bool // where it is lean: links of all these traces have no room
}

// Sum sums found traces up, in their order. A trace of which no span is seen any more has no spans. search is the list's question; where there are
// fields, these are told of roots, and neither attributes nor what the status says.
func Sum(ctx context.Context, s *engine.Snapshot, search *engine.Query, found []Found, fields *filter.Shown) ([]*Summary, error) {
	u := newSumming(s, search, fields, false)
	out, err := u.sum(ctx, found)
	if err != nil {
		return nil, err
	}
	u.letGo()
	return out, u.readFields(ctx, out)
}

// begin makes empty sums of found traces.
func (u *summing) begin(found []Found) []*Summary {
	out := make([]*Summary, len(found))
	u.sums = make(map[[16]byte]*Summary, len(found))
	u.short = false
	for i, f := range found {
		out[i] = &Summary{Found: f, from: max(f.Time-around, 0), to: f.Time + around + 1, OrphansKnown: true}
		u.sums[f.ID] = out[i]
	}
	return out
}

// sum is Sum, but for fields. Where it is lean, the budget or the time may end it: then it is that of the first of them alone, perhaps of none. Where it is short, it is of no use.
func (u *summing) sum(ctx context.Context, found []Found) ([]*Summary, error) {
	out := u.begin(found)
	q := u.query(found, math.MaxInt64, 0)
	for _, sum := range out {
		q.From, q.To = min(q.From, sum.from), max(q.To, sum.to)
	}
	if u.search.After != nil { // an earlier page may have shown a trace for any span that comes before
		q.To = max(q.To, u.search.To)
		if u.search.Order != engine.Newest {
			q.From = min(q.From, u.search.From)
		}
	} else if q.Traces != nil { // and else none of its spans beside that is asked for
		for _, sum := range out {
			q.Within = append(q.Within, engine.Window{From: sum.from, To: sum.to})
		}
	}
	// What a list found must be told in full: only the hard end of the query's time stops this.
	q.Whole = !u.lean
	frontier, err := u.scan(ctx, q, func(sum *Summary, k engine.Key) bool { return k.Time >= sum.from && k.Time < sum.to })
	if err != nil || u.short {
		return nil, err
	}
	if frontier != engine.Complete { // of what is newer, all was seen
		if end := slices.IndexFunc(out, func(sum *Summary) bool { return sum.from <= frontier }); end >= 0 {
			out = out[:end]
		}
	}
	if err := u.beyond(ctx, out); err != nil || u.short {
		return nil, err
	}
	return out, u.finish(ctx, out)
}

// brief sums up what traces have between the oldest and the newest of their matching spans: for where there is no time for all.
func (u *summing) brief(ctx context.Context, found []Found) ([]*Summary, error) {
	out := u.begin(found)
	for _, sum := range out {
		sum.OrphansKnown, sum.Cut = false, true
	}
	q := u.query(found, found[len(found)-1].Time, found[0].Time+1)
	q.Whole = true
	if _, err := u.scan(ctx, q, func(*Summary, engine.Key) bool { return true }); err != nil {
		return nil, err
	}
	return out, u.finish(ctx, out)
}

// letGo gives back what was held of spans to sum traces up.
func (u *summing) letGo() {
	for _, sum := range u.sums {
		sum.links = nil
	}
	u.sums = nil
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
	u := &summing{snapshot: s, search: search, fields: fields, lean: lean, roots: true, most: mostLinks}
	if lean {
		u.most = int(max(s.MayHold()/4/linkBytes, 1))
	}
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs, w.SpanIDs, w.ParentIDs = true, true, true
	w.Int(segment.ColDuration, segment.ColStatus)
	if !lean {
		w.Int(segment.ColKind, segment.ColResource)
		w.Text(segment.TextName)
	}
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
	if len(of) > mostByIDs { // some segment has none of them
		return q
	}
	for _, f := range of {
		q.Traces = append(q.Traces, f.ID)
	}
	return q
}

// scan adds what the query has of traces, as far as isNew says of a span that it was not added before. The frontier is as in engine.Scan.
func (u *summing) scan(ctx context.Context, q *engine.Query, isNew func(sum *Summary, k engine.Key) bool) (frontier int64, err error) {
	v := &visiting{summing: u, query: q, isNew: isNew}
	var full error
	frontier, err = engine.Scan(ctx, u.snapshot, q, u.needed, v.visit, func(wave []*engine.Header, made [][]row, _ int64) bool {
		for n, rows := range made {
			for i := range rows {
				if full = u.add(&rows[i], wave[n]); full != nil || u.short {
					return false
				}
			}
		}
		return true
	})
	return frontier, cmp.Or(err, full)
}

// add adds a span of a segment to its trace's sum.
func (u *summing) add(r *row, h *engine.Header) error {
	s := r.sum
	place := r.Key
	place.Rank = r.rank
	if r.matches && (!s.Matched || place.Newer(s.First)) {
		s.First, s.Matched = place, true
	}
	if !r.new {
		return nil
	}
	if s.Spans == 0 {
		s.Start, s.End = r.Time, r.End()
	}
	s.Start, s.End = min(s.Start, r.Time), max(s.End, r.End())
	s.Spans++
	failed := 0
	if int(r.status) == otlp.StatusError {
		failed = 1
	}
	s.Errors += failed
	if r.service != nil {
		service := s.services[*r.service]
		if service == nil {
			if err := u.snapshot.Hold(serviceBytes + int64(len(r.service.name)+len(r.service.namespace))); err != nil {
				return err
			}
			if s.services == nil {
				s.services = map[names]*Service{}
			}
			service = &Service{Name: r.service.name, Namespace: r.service.namespace}
			s.services[*r.service] = service
		}
		service.Spans++
		service.Errors += failed
	}
	if r.IsRoot() {
		if s.best == nil || r.order(&s.best.Span) < 0 {
			s.best, s.first = r.candidate(h), nil
		}
	} else if s.best == nil && (s.first == nil || r.order(&s.first.Span) < 0) {
		s.first = r.candidate(h)
	}
	return u.link(s, &r.Span)
}

// link keeps a span, to tell whether its parent is there.
func (u *summing) link(s *Summary, one *Span) error {
	if !s.OrphansKnown {
		return nil
	}
	full := u.links >= u.most
	if !full && u.links >= u.held {
		charged, err := u.snapshot.HoldMore(linkBytes, int64(min(max(u.held, 1024), u.most-u.held))*linkBytes)
		if full = err != nil; full && !u.lean {
			return err
		}
		u.held += int(charged / linkBytes)
	}
	if !full {
		u.links++
		s.links = append(s.links, *one)
		return nil
	}
	if !u.lean { // the trace that has most is told less of
		u.unlink(s)
		return nil
	}
	largest := s
	for _, other := range u.sums {
		if len(other.links) > len(largest.links) {
			largest = other
		}
	}
	if len(u.sums) > 1 && 2*len(largest.links) <= u.links {
		u.short = true // fewer of them have room
		return nil
	}
	u.unlink(largest)
	largest.Cut = true
	return u.link(s, one)
}

// unlink forgets what would tell whether parents of a trace's spans are there.
func (u *summing) unlink(s *Summary) {
	s.OrphansKnown = false
	u.links -= len(s.links)
	s.links = nil
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

// tells reports whether something of a trace tells that it has more than was found around its match: it has no root, a parent is missing, or a span lasts longer.
func (s *Summary) tells() bool {
	return s.best == nil || s.OrphansKnown && s.orphans() > 0 || s.End >= s.to
}

// beyond looks for the rest of the traces, wherever it is: of figures of more than mostWidened, for that of those alone which tell that there is more.
func (u *summing) beyond(ctx context.Context, sums []*Summary) error {
	var of []*Summary
	for _, sum := range sums {
		if sum.Cut || sum.Spans == 0 {
			continue
		}
		if u.lean {
			if !u.every && !sum.tells() {
				continue
			}
			if sum.Cut = u.left == 0; sum.Cut {
				continue
			}
			u.left--
		}
		of = append(of, sum)
	}
	for some := range slices.Chunk(of, mostByIDs) {
		cut, err := u.elsewhere(ctx, some)
		if err != nil || u.short {
			return err
		}
		for _, sum := range some {
			if cut[sum] {
				sum.Cut = true
			} else {
				sum.from, sum.to = 0, otlp.LastInstant
			}
		}
	}
	return nil
}

// elsewhere adds what some traces have outside of the times in which they were looked for. cut are those that were not looked for everywhere.
func (u *summing) elsewhere(ctx context.Context, of []*Summary) (cut map[*Summary]bool, err error) {
	ids, but := make([][16]byte, len(of)), make([]engine.Window, len(of))
	for i, sum := range of {
		ids[i], but[i] = sum.ID, engine.Window{From: sum.from, To: sum.to}
	}
	times, err := u.snapshot.Elsewhere(ctx, u.search.Tenant, ids, but)
	if err != nil {
		return nil, err
	}
	cut = map[*Summary]bool{}
	ended := false
	for _, at := range times {
		if ended { // so would be the others
			for _, n := range at.Traces {
				cut[of[n]] = true
			}
			continue
		}
		found := make([]Found, len(at.Traces))
		for i, n := range at.Traces {
			found[i] = of[n].Found
		}
		q := u.query(found, at.From, at.To)
		there, frontier, err := there(ctx, u.snapshot, q)
		if err != nil {
			return nil, err
		}
		if len(there) > 0 && frontier == engine.Complete {
			q.Traces = there
			frontier, err = u.scan(ctx, byFilter(q), func(sum *Summary, k engine.Key) bool { return k.Time < sum.from || k.Time >= sum.to })
			if err != nil || u.short {
				return nil, err
			}
		}
		if ended = frontier != engine.Complete; ended {
			for _, n := range at.Traces {
				cut[of[n]] = true
			}
		}
	}
	return cut, nil
}

// byFilter is a query for a few traces with the filter that finds their segments by groups.
func byFilter(q *engine.Query) *engine.Query {
	if len(q.Traces) <= filter.MostTraces {
		q.Filter = filter.Traces(q.Traces)
	}
	return q
}

// there tells which of a query's traces have spans in its time, by their ids alone: most of the segments that filters leave have none, and of these nothing else is read.
func there(ctx context.Context, s *engine.Snapshot, q *engine.Query) (ids [][16]byte, frontier int64, err error) {
	of := *q
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs = true
	wanted, found := make(map[[16]byte]bool, len(q.Traces)), map[[16]byte]bool{}
	for _, id := range q.Traces {
		wanted[id] = true
	}
	frontier, err = engine.Scan(ctx, s, byFilter(&of), engine.Always(w.Want), func(r *columns.Reader, _ *engine.Header) (has [][16]byte, err error) {
		for _, id := range r.TraceIDs().Distinct {
			if wanted[id] {
				has = append(has, id)
			}
		}
		return has, nil
	}, func(_ []*engine.Header, made [][][16]byte, _ int64) bool {
		for _, has := range made {
			for _, id := range has {
				found[id] = true
			}
		}
		return true
	})
	for _, id := range q.Traces {
		if found[id] {
			ids = append(ids, id)
		}
	}
	return ids, frontier, err
}

// finish chooses the roots.
func (u *summing) finish(ctx context.Context, sums []*Summary) error {
	var others []*Summary // whose root is another span than what was kept
	for _, s := range sums {
		if s.Spans == 0 {
			continue
		}
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
			continue
		}
		s.RootMissing = true
		s.Root = *s.first
		if !s.OrphansKnown || !u.roots {
			continue
		}
		if s.wanted = Build(s.links).Nodes[0].Span.Key; s.wanted != s.first.Key {
			others = append(others, s)
		}
	}
	// The span that stands for a root is not the earliest: clocks differ, or it hangs on a ring. What is told of it is read now.
	cut := false
	for some := range slices.Chunk(others, filter.MostTraces) {
		if !cut {
			var err error
			if cut, err = u.readRoots(ctx, some); err != nil {
				return err
			}
		}
		for _, s := range some {
			s.Cut = s.Cut || cut && s.Root.Key != s.wanted
		}
	}
	return nil
}

// readRoots reads the wanted roots of a few traces. cut says that they were not all looked for.
func (u *summing) readRoots(ctx context.Context, of []*Summary) (cut bool, err error) {
	q := u.query(nil, math.MaxInt64, 0)
	for _, s := range of {
		q.Traces = append(q.Traces, s.ID)
		q.From, q.To = min(q.From, s.wanted.Time), max(q.To, s.wanted.Time+1)
	}
	q.Filter, q.Whole = filter.Traces(q.Traces), !u.lean
	v := &visiting{summing: u, query: q, isNew: func(sum *Summary, k engine.Key) bool { return k == sum.wanted }}
	frontier, err := engine.Scan(ctx, u.snapshot, q, u.needed, v.visit, func(wave []*engine.Header, made [][]row, _ int64) bool {
		for n, rows := range made {
			for i := range rows {
				if one := &rows[i]; one.new {
					one.sum.Root = *one.candidate(wave[n])
				}
			}
		}
		return true
	})
	return frontier != engine.Complete, err
}
