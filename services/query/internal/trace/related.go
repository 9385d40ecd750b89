package trace

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Lists by conditions on other spans of a trace (docs/adr/048). Spans that may be meant are found in the list's order, and their traces judged some at a time, by all of their spans
// wherever these are: those within an hour first, then what the filters of days and hours leave of all other times (docs/adr/054).
//
//	what the trace needs is in few segments ── its traces ─┐
//	spans that may be meant, in order ────────────────────┴─ all spans of their traces ── those that are meant
//
// Invariant: a span is given or left out only after all spans of its trace were looked at, or so many that no other one can change it; but for figures of many traces (Relating.left).

// Relating finds what a related filter holds for. It is made anew for each page.
type Relating struct {
	snapshot *engine.Snapshot
	search   *engine.Query // its filter is the related one's candidate
	filter   *filter.Related
	whole    bool  // of each trace it must be known which of its spans is the first that is meant
	from, to int64 // an hour more than the search's own range on either side, Unix ns: in most of the traces all spans are there

	listed  map[[16]byte]bool      // traces of which nothing more is wanted
	only    map[[16]byte]bool      // nil, or the only traces that can be meant
	judged  map[[16]byte]verdict   // what was found of traces
	meant   map[engine.Stored]bool // their spans that are meant
	held    int                    // entries that the question is charged for
	full    bool                   // more of them have no room
	most    int                    // candidates that are judged together
	figures bool                   // all of a range are wanted, for figures: they are judged by their time, and where there is no room, that ends it
	left    int                    // of figures, how many traces may still be looked for everywhere; of others, those alone which tell that there is more
	ids     bool                   // ids of spans and of their parents are looked at
	ended   bool                   // it did
	waiting int                    // candidates in hand
	members map[[16]byte][]member  // of the traces that are being judged
	inHand  int                    // spans in it
	needed  engine.Columns
}

// verdict is what was found of a trace.
type verdict struct {
	any   bool       // some span is meant;
	first engine.Key // the first of them in the list's order
	part  bool       // others may be: not all of the trace was looked at
}

// member is a span of a trace that is being judged.
type member struct {
	filter.Member
	place engine.Key
}

// entryBytes is what one entry takes of the maps, and memberBytes what a span does while its trace is judged.
const (
	entryBytes  = 96
	memberBytes = 128
)

// mostOnly is how many traces are kept to tell that no others are looked for, and fewOnly of how many headers are asked.
const (
	mostOnly = 100_000
	fewOnly  = 512
)

// How many candidates are looked at together: more, the fewer of them are meant.
const (
	fewestCandidates = 64
	mostCandidates   = 4096
)

// Of what a trace needs beyond the time around the range, so many items are looked at to find all traces that have it, or twice as many as in that time. Where these are
// not enough, it is cheaper to judge the traces that are listed.
const mostFar = 1 << 18

// NewRelating prepares a search for what a related filter holds for. search is the list's question, of which the filter is the related one's candidate.
func NewRelating(s *engine.Snapshot, search *engine.Query, by *filter.Related) *Relating {
	return newRelating(s, search, by, false)
}

func newRelating(s *engine.Snapshot, search *engine.Query, by *filter.Related, figures bool) *Relating {
	r := &Relating{
		snapshot: s, search: search, filter: by, from: max(search.From-around, 0), to: search.To + min(around, math.MaxInt64-search.To), most: mostCandidates, listed: map[[16]byte]bool{}, judged: map[[16]byte]verdict{}, meant: map[engine.Stored]bool{}, members: map[[16]byte][]member{},
		figures: figures, left: mostWidened, ids: by.ByIDs || figures,
	}
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs, w.SpanIDs, w.ParentIDs = true, r.ids, r.ids
	for _, of := range by.Of {
		of.Columns(w)
	}
	search.Order.Columns(w)
	r.needed = engine.Always(w.Want)
	return r
}

// Spans finds the first spans of the list, at most limit, as Snapshot.Search does.
func (r *Relating) Spans(ctx context.Context, limit int) (found engine.Found, err error) {
	found.Frontier, err = r.walk(ctx, limit+1, func(c *spanFound, _ *verdict) bool {
		found.Items = append(found.Items, c.Item)
		return len(found.Items) <= limit
	})
	if found.More = found.Frontier != engine.Complete; len(found.Items) > limit {
		found.Items, found.More, found.Frontier = found.Items[:limit], true, engine.Complete
	}
	return found, err
}

// Traces finds the first n traces of the list, by the first of their spans that are meant. frontier is as in engine.ScanInOrder.
func (r *Relating) Traces(ctx context.Context, n int) (found []Found, frontier int64, err error) {
	r.whole = r.search.After != nil // else what comes first is met first
	frontier, err = r.walk(ctx, n, func(c *spanFound, of *verdict) bool {
		if r.listed[c.trace] {
			return true
		}
		if r.listed[c.trace] = true; r.whole && of.first != c.Key { // on an earlier page
			return true
		}
		found = append(found, Found{c.Key, c.trace})
		return len(found) < n
	})
	return found, frontier, err
}

// FirstSummed sums up the first n traces of the list, as the function of that name.
func (r *Relating) FirstSummed(ctx context.Context, s *engine.Snapshot, search *engine.Query, n int, fields *filter.Shown) ([]*Summary, int64, error) {
	found, frontier, err := r.Traces(ctx, n)
	if err != nil || len(found) == 0 {
		return nil, frontier, err
	}
	all := *search
	all.After = nil // what stands on an earlier page is known
	list, err := Sum(ctx, s, &all, found, fields)
	return list, frontier, err
}

// spanFound is a span that may be meant.
type spanFound struct {
	engine.Item
	trace [16]byte
}

// walk calls take with the spans that are meant, in the list's order, until it wants no more: about n are wanted.
func (r *Relating) walk(ctx context.Context, n int, take func(c *spanFound, of *verdict) bool) (frontier int64, err error) {
	if err := r.narrow(ctx); err != nil {
		return 0, err
	}
	after := r.search.After
	for size := min(max(n, fewestCandidates), r.most); ; size = min(2*size, r.most) {
		r.waiting = 0
		list, more, frontier, err := r.candidates(ctx, after, size)
		if r.noRoom(err) {
			if size > 1 {
				r.most = size / 2
				continue
			}
			if r.ended = r.figures && after != nil; r.ended {
				return r.search.Order.Value(*after), nil
			}
		}
		if err != nil {
			return 0, err
		}
		for len(list) > 0 {
			lot, err := r.judgeLot(ctx, list)
			if err != nil {
				return 0, err
			}
			if r.ended {
				return r.search.Order.Value(list[0].Key), nil
			}
			after, list = &lot[len(lot)-1].Key, list[len(lot):]
			// The budget ends a list here too: a lot that is full ended the look for candidates before it could. What has the last one's value comes again, so
			// that there must be something above it.
			if last := r.search.Order.Value(*after); (more || len(list) > 0) && r.search.Order.Value(lot[0].Key) > last && r.snapshot.Exhausted(r.search) {
				frontier, more, list = last, false, nil
				lot = lot[:slices.IndexFunc(lot, func(c spanFound) bool { return r.search.Order.Value(c.Key) <= frontier })]
			}
			for i := range lot {
				c := &lot[i]
				if of := r.judged[c.trace]; r.meant[stored(c.Key)] && !take(c, &of) {
					return engine.Complete, nil
				}
			}
		}
		if !more {
			return frontier, nil
		}
	}
}

// judgeLot judges the first of some candidates, as many as have room. ended says that not one has.
func (r *Relating) judgeLot(ctx context.Context, list []spanFound) (lot []spanFound, err error) {
	for {
		n := min(len(list), r.most)
		if r.figures {
			n = lotOf(list, n, fewestCandidates, func(c *spanFound) int64 { return c.Time })
		}
		err := r.judge(ctx, list[:n])
		switch {
		case !r.noRoom(err):
			return list[:n], err
		case n > 1:
			r.most = n / 2
		case r.figures:
			r.ended = true
			return nil, nil
		default:
			return nil, err
		}
	}
}

func stored(k engine.Key) engine.Stored {
	return engine.Stored{Position: k.Position, Ordinal: k.Ordinal}
}

// candidates finds the first n spans after a key that may be meant. more says whether others may follow; frontier is as in engine.ScanInOrder.
func (r *Relating) candidates(ctx context.Context, after *engine.Key, n int) (found []spanFound, more bool, frontier int64, err error) {
	q := *r.search
	q.After = after
	r.narrowed(&q)
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs = true
	q.Filter.Columns(w)
	q.Order.Columns(w)
	compare := func(a, b spanFound) int { return a.Compare(b.Key) }
	var full error
	frontier, err = engine.ScanInOrder(ctx, r.snapshot, &q, engine.Always(w.Want),
		func(reader *columns.Reader, h *engine.Header) ([]spanFound, error) {
			var list []spanFound
			q.Rows(reader, func(row int, k engine.Key) {
				ids := reader.TraceIDs()
				if id := ids.Distinct[ids.Rows[row]]; r.mayBe(id) {
					list = append(list, spanFound{engine.ItemOf(h, row, k), id})
				}
			})
			slices.SortFunc(list, compare)
			return slices.Clip(list[:min(len(list), n)]), nil
		},
		func(_ []*engine.Header, made [][]spanFound, next int64) bool {
			for _, list := range made {
				found = append(found, list...)
			}
			slices.SortFunc(found, compare)
			found = slices.Clip(found[:min(len(found), n)])
			r.waiting = len(found)
			full = r.charge(r.entries())
			return full == nil && (len(found) < n || next >= q.Order.Value(found[n-1].Key))
		})
	if err = cmp.Or(err, full); err != nil {
		return nil, false, 0, err
	}
	if frontier != engine.Complete {
		if i := slices.IndexFunc(found, func(c spanFound) bool { return q.Order.Value(c.Key) <= frontier }); i >= 0 {
			found = found[:i]
		}
	}
	if len(found) >= n {
		return found, true, engine.Complete, nil
	}
	return found, false, frontier, nil
}

// mayBe reports whether a trace is not ruled out. A span without a trace has no others.
func (r *Relating) mayBe(id [16]byte) bool {
	if r.only != nil && !r.only[id] || r.listed[id] || id == [16]byte{} {
		return false
	}
	of, known := r.judged[id]
	return !known || of.any
}

// narrowed asks only for the traces that can be meant, where these are few.
func (r *Relating) narrowed(q *engine.Query) {
	if r.only == nil || len(r.only) > fewOnly {
		return
	}
	q.Traces = make([][16]byte, 0, len(r.only))
	for id := range r.only {
		q.Traces = append(q.Traces, id)
	}
	if len(q.Traces) > 0 && len(q.Traces) <= filter.MostTraces {
		q.Filter = filter.All{filter.Traces(q.Traces), q.Filter}
	}
}

// narrow finds the traces that have what they need, where few segments can hold that, so that what is common is not looked for in all others.
func (r *Relating) narrow(ctx context.Context) error {
	// The first look at the snapshot, of all that is looked at: what pages are pinned to is the highest position in it, also beyond the range.
	if _, err := r.snapshot.Few(ctx, r.all(0, otlp.LastInstant)); err != nil {
		return err
	}
	if few, err := r.snapshot.Few(ctx, r.search); few || err != nil {
		return err
	}
	for _, need := range r.filter.Needs {
		if err := r.narrowBy(ctx, need); err != nil {
			return err
		}
	}
	return nil
}

// narrowBy leaves only the traces with a span that meets a filter, wherever it is: those around the range are found first.
func (r *Relating) narrowBy(ctx context.Context, need filter.Filter) error {
	query := func(from, to int64) *engine.Query {
		q := r.all(from, to)
		q.Filter = need
		r.narrowed(q)
		return q
	}
	near := query(r.from, r.to)
	for _, q := range []*engine.Query{near, query(0, otlp.LastInstant)} {
		if few, err := r.snapshot.Few(ctx, q); err != nil || !few {
			return err
		}
	}
	has, items := map[[16]byte]bool{}, int64(0)
	most := int64(math.MaxInt64)
	for _, q := range []*engine.Query{near, query(r.to, otlp.LastInstant), query(0, r.from)} {
		if q.From >= q.To {
			continue
		}
		all, err := r.have(ctx, q, has, &items, most)
		if err != nil || !all { // then they are looked for without it
			return err
		}
		if q == near {
			most = items + max(mostFar, 2*items)
		}
	}
	r.only = has
	return nil
}

// have adds the traces of the spans of q, looks at so many items at most, which it counts, and tells whether these are all.
func (r *Relating) have(ctx context.Context, q *engine.Query, has map[[16]byte]bool, items *int64, most int64) (all bool, err error) {
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs = true
	q.Filter.Columns(w)
	var full error
	ended := false
	frontier, err := engine.Scan(ctx, r.snapshot, q, engine.Always(w.Want),
		func(reader *columns.Reader, _ *engine.Header) (map[[16]byte]bool, error) {
			of := map[[16]byte]bool{}
			q.Rows(reader, func(row int, _ engine.Key) {
				ids := reader.TraceIDs()
				if id := ids.Distinct[ids.Rows[row]]; r.only == nil || r.only[id] {
					of[id] = true
				}
			})
			return of, nil
		},
		func(wave []*engine.Header, made []map[[16]byte]bool, next int64) bool {
			for n, of := range made {
				*items += int64(wave[n].Items())
				for id := range of {
					has[id] = true
				}
			}
			full = r.charge(r.entries() + len(has))
			ended = full != nil || len(has) > mostOnly || *items >= most && next != engine.Complete
			return !ended
		})
	r.noRoom(full)
	return err == nil && !ended && frontier == engine.Complete, err
}

// charge charges the question for so many entries.
func (r *Relating) charge(entries int) error {
	if entries <= r.held {
		return nil
	}
	charged, err := r.snapshot.HoldMore(int64(entries-r.held)*entryBytes, int64(max(r.held, 1024))*entryBytes)
	r.held += int(charged / entryBytes)
	r.full = err != nil
	return err
}

// noRoom reports whether an error is that charge has no room, and forgets it.
func (r *Relating) noRoom(err error) bool {
	full := r.full && err != nil
	r.full = false
	return full
}

// letGo gives back all that was judged.
func (r *Relating) letGo() {
	r.snapshot.LetGo(int64(r.held) * entryBytes)
	r.held, r.judged, r.meant, r.only, r.listed = 0, nil, nil, nil, nil
}

func (r *Relating) entries() int {
	return len(r.judged) + len(r.meant) + len(r.only) + len(r.listed) + r.waiting
}

// all asks for all spans of a time.
func (r *Relating) all(from, to int64) *engine.Query {
	return &engine.Query{
		Tenant: r.search.Tenant, Signal: r.search.Signal, MaxPosition: r.search.MaxPosition, Filter: filter.All{},
		From: max(from, 0), To: min(to, otlp.LastInstant),
	}
}

// judge finds out which spans of the candidates' traces are meant.
func (r *Relating) judge(ctx context.Context, list []spanFound) error {
	asked := map[[16]byte]bool{}
	oldest, newest := int64(math.MaxInt64), int64(0)
	var ids [][16]byte
	for i := range list {
		c := &list[i]
		if of, known := r.judged[c.trace]; known && (!of.part || r.meant[stored(c.Key)]) {
			continue
		}
		oldest, newest = min(oldest, c.Time), max(newest, c.Time)
		if !asked[c.trace] {
			asked[c.trace] = true
			ids = append(ids, c.trace)
		}
	}
	if len(ids) == 0 {
		return r.charge(r.entries())
	}
	defer func() { clear(r.members) }()
	r.inHand = 0
	// Almost all of a trace is near any of its spans.
	near := r.all(oldest-around, newest+min(around, math.MaxInt64-1-newest)+1)
	near.Traces = ids
	if err := r.gather(ctx, near, asked, nil); err != nil {
		return err
	}
	var open [][16]byte
	part := map[[16]byte]bool{}
	for _, id := range ids {
		if part[id] = r.sure(id, list, near); !part[id] && r.open(id) {
			open = append(open, id)
		}
	}
	for some := range slices.Chunk(open, mostByIDs) {
		if err := r.elsewhere(ctx, some, engine.Window{From: near.From, To: near.To}); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if err := ctx.Err(); err != nil { // to judge a trace of many spans takes its time
			return err
		}
		of := verdict{part: part[id]}
		for i, holds := range r.holds(id) {
			m := &r.members[id][i]
			if !holds || m.place.Time < r.search.From || m.place.Time >= r.search.To {
				continue
			}
			r.meant[stored(m.place)] = true
			if !of.any || m.place.Newer(of.first) {
				of.any, of.first = true, m.place
			}
		}
		r.judged[id] = of
	}
	return r.charge(r.entries())
}

// Met is how many spans, and how many traces, are known to be in the list, on whichever page.
func (r *Relating) Met() (spans, traces int) {
	for _, of := range r.judged {
		if of.any {
			traces++
		}
	}
	return len(r.meant), traces
}

// open reports whether a trace is to be looked for beyond what was gathered of it: of figures of many traces, one that tells that there is more, by a parent that is missing or no
// root at all.
func (r *Relating) open(id [16]byte) bool {
	if !r.figures {
		return true
	}
	if r.left > 0 {
		r.left--
		return true
	}
	of := r.members[id]
	there := make(map[[8]byte]bool, len(of))
	for i := range of {
		there[of[i].ID] = true
	}
	root := false
	for i := range of {
		parent := of[i].Parent
		if root = root || parent == [8]byte{}; parent != [8]byte{} && !there[parent] {
			return true
		}
	}
	return !root
}

// elsewhere gathers what some traces have outside of the time in which all of them were gathered.
func (r *Relating) elsewhere(ctx context.Context, of [][16]byte, but engine.Window) error {
	windows := make([]engine.Window, len(of))
	for i := range windows {
		windows[i] = but
	}
	times, err := r.snapshot.Elsewhere(ctx, r.search.Tenant, of, windows)
	if err != nil {
		return err
	}
	for _, at := range times {
		q := r.all(at.From, at.To)
		q.Whole = true
		for _, n := range at.Traces {
			q.Traces = append(q.Traces, of[n])
		}
		if q.Traces, _, err = there(ctx, r.snapshot, q); err != nil {
			return err
		}
		if len(q.Traces) == 0 {
			continue
		}
		asked := map[[16]byte]bool{}
		for _, id := range q.Traces {
			asked[id] = true
		}
		if err := r.gather(ctx, byFilter(q), asked, &but); err != nil {
			return err
		}
	}
	return nil
}

// sure reports whether spans of a trace that were not gathered cannot change what is listed of it.
func (r *Relating) sure(id [16]byte, list []spanFound, gathered *engine.Query) bool {
	if !r.filter.Monotone || r.whole && (gathered.From > r.search.From || gathered.To < r.search.To) {
		return false
	}
	meant := map[engine.Stored]bool{}
	for i, holds := range r.holds(id) {
		if holds {
			meant[stored(r.members[id][i].place)] = true
		}
	}
	return !slices.ContainsFunc(list, func(c spanFound) bool { return c.trace == id && !meant[stored(c.Key)] })
}

func (r *Relating) holds(id [16]byte) []bool {
	of := r.members[id]
	list := make([]filter.Member, len(of))
	for i := range of {
		list[i] = of[i].Member
	}
	return r.filter.Holds(list)
}

// gather adds the spans of traces that q has, but for those of a time of which they were added. A trace is judged by all of them, so only the hard end of the query's time stops this.
func (r *Relating) gather(ctx context.Context, q *engine.Query, asked map[[16]byte]bool, but *engine.Window) error {
	if q.From >= q.To {
		return nil
	}
	q.Whole = true
	type seen struct {
		member
		trace [16]byte
	}
	var full error
	_, err := engine.Scan(ctx, r.snapshot, q, r.needed,
		func(reader *columns.Reader, _ *engine.Header) ([]seen, error) {
			ids := reader.TraceIDs() // none where the segment is damaged, which the engine tells
			of := make([]bool, len(ids.Distinct))
			for entry, id := range ids.Distinct {
				of[entry] = asked[id]
			}
			if !slices.Contains(of, true) {
				return nil, nil
			}
			times, positions, ordinals := reader.Ints(segment.ColTime), reader.Ints(segment.ColPosition), reader.Ints(segment.ColOrdinal)
			var rows []int
			var out []seen
			for row, entry := range ids.Rows {
				if !of[entry] || times[row] < q.From || times[row] >= q.To || but != nil && times[row] >= but.From && times[row] < but.To || q.MaxPosition > 0 && positions[row] > q.MaxPosition {
					continue
				}
				one := seen{trace: ids.Distinct[entry]}
				one.place = engine.Key{Rank: r.search.Order.RankOf(reader, row), Time: times[row], Position: positions[row], Ordinal: ordinals[row]}
				rows, out = append(rows, row), append(out, one)
			}
			if len(out) == 0 {
				return nil, nil
			}
			for bit, by := range r.filter.Of {
				met := reader.Borrow()
				by.Match(reader, met)
				for n, row := range rows {
					if met[row] {
						out[n].Meets |= 1 << bit
					}
				}
				reader.GiveBack()
			}
			if r.ids {
				parents := reader.ParentIDs()
				for n, row := range rows {
					out[n].Parent = parents[row]
				}
				spans := reader.SpanIDs()
				for n, row := range rows {
					out[n].ID = spans[row]
				}
			}
			return out, nil
		},
		func(_ []*engine.Header, made [][]seen, _ int64) bool {
			for _, list := range made {
				for i := range list {
					r.members[list[i].trace] = append(r.members[list[i].trace], list[i].member)
				}
				r.inHand += len(list)
			}
			full = r.chargeMembers()
			return full == nil
		})
	return cmp.Or(err, full)
}

// chargeMembers charges the question for the spans in hand, of which the traces before had as many.
func (r *Relating) chargeMembers() error {
	return r.charge(r.entries() + r.inHand*memberBytes/entryBytes)
}
