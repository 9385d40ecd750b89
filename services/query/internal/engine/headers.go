package engine

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Headers: which segments can hold what is asked for, newest first. SQL rules out by time, services, errors, roots, positions and Bloom filters;
// durations, which only mean something together with a service, and lists of traces are looked at here. Invariant: a segment that holds an item
// of the query is never ruled out; a filter's bounds are necessary, not sufficient. A header never changes, so it is remembered once read: what
// moves a body gives its segment another id.

// place is where a segment stands in its table and in the order of time.
type place struct {
	id               [16]byte
	minTime, maxTime int64
}

// compare is the order of time, by which lists go backwards.
func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.maxTime, o.maxTime), bytes.Compare(p.id[:], o.id[:]))
}

// Header is what is known of a segment without its body. It never changes.
type Header struct {
	place
	slot          int // where the body is
	items, errors int
	services      []segment.ServiceStats // without their items
	traceFilter   []byte
	directory     *segment.Directory
}

// Within reports whether all items of the segment lie in a range: from, and before to, Unix ns.
func (h *Header) Within(from, to int64) bool { return h.minTime >= from && h.maxTime < to }

// Items is how many the segment has.
func (h *Header) Items() int { return h.items }

// Keys are those of the attributes that its items have.
func (h *Header) Keys() []string { return h.directory.Keys() }

// Key tells what the segment holds under a key; false when nothing.
func (h *Header) Key(key string) (segment.KeyInfo, bool) { return h.directory.Key(key) }

// Text tells what a text column of the segment holds; false when nothing.
func (h *Header) Text(c segment.TextColumn) (segment.KeyInfo, bool) { return h.directory.Text(c) }

// Times are those of the segment's oldest and newest item, Unix ns.
func (h *Header) Times() (oldest, newest int64) { return h.minTime, h.maxTime }

// headerColumns are the columns that a Header is read from.
func headerColumns() segmentrow.Selection {
	return segmentrow.Select("segment_id", "min_time", "max_time", "slot", "items", "errors", "service_ids", "service_max_duration",
		"service_max_error_duration", "trace_filter", "directory")
}

// size is about how many bytes of memory a header takes.
func (h *Header) size() int64 {
	return int64(256 + int(reflect.TypeFor[segment.ServiceStats]().Size())*len(h.services) + len(h.traceFilter) + h.directory.Memory())
}

// bounds are a filter's, with what headers and groups say of them.
type bounds struct{ filter.Bounds }

// ofServices tells whether what headers know of each service is to be looked at: durations and errors only mean something together with it.
func (b *bounds) ofServices() bool { return b.MinDuration > 0 || b.Errors && b.Services != nil }

// mayHold tests what SQL did not: whether one of the services has a span, and a failed one where that is asked for, that is as long.
func (b *bounds) mayHold(of []segment.ServiceStats, services []int64) bool {
	if !b.ofServices() {
		return true
	}
	for i := range of {
		s := &of[i]
		longest := s.MaxDuration
		if b.Errors {
			longest = s.MaxErrorDuration
		}
		if longest >= max(b.MinDuration, 0) && (services == nil || slices.Contains(services, s.ID)) {
			return true
		}
	}
	return false
}

// passedGroups is what groups say: the groups that were asked, and those of their segments that may hold what is looked for. A segment whose
// group was not found is looked at itself.
type passedGroups struct{ groups, passed [][16]byte }

// headerQuery renders headers.sql and its arguments: for the first few places, or for a cursor over those after a place, if one is given.
// services are the ids for bounds.services.
func headerQuery(st *statements, q *Query, b *bounds, services []int64, of passedGroups, first int, after *place) (string, []any, error) {
	return renderHeaders(st, q, b, services, of, first, after, false)
}

// rankedQuery is headerQuery for all places, with what ranks them.
func rankedQuery(st *statements, q *Query, b *bounds, services []int64, of passedGroups) (string, []any, error) {
	return renderHeaders(st, q, b, services, of, 0, nil, true)
}

func renderHeaders(st *statements, q *Query, b *bounds, services []int64, of passedGroups, first int, after *place, ranked bool) (string, []any, error) {
	args := rangeArgs(q)
	bind := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	type block struct{ High, Bits string }
	type test struct {
		Filter filter.Bloom
		Blocks []block
	}
	data := struct {
		Table                                         string
		Errors, Roots                                 bool
		Stage                                         string
		Services, MaxPosition, Beyond, Groups, Passed string
		AfterTime, AfterID                            string
		First                                         int
		Ranked                                        bool
		Probes                                        []test
	}{Table: segmentTable(q.Signal), Errors: b.Errors, Roots: b.Roots, Stage: q.Stage.condition(), First: first, Ranked: ranked}
	if services != nil {
		data.Services = bind(services)
	}
	highest, lowest := q.positions()
	if highest > 0 {
		data.MaxPosition = bind(highest)
	}
	if lowest > 0 {
		data.Beyond = bind(lowest)
	}
	if len(of.groups) > 0 {
		data.Groups, data.Passed = bind(of.groups), bind(of.passed)
	}
	if after != nil {
		data.AfterTime, data.AfterID = bind(after.maxTime), bind(after.id)
	}
	for _, pr := range b.Probes {
		one := test{Filter: pr.In}
		for _, hash := range pr.Hashes {
			high, bits := segment.Probe(hash)
			list := make([]int32, len(bits))
			for i, n := range bits {
				list[i] = int32(n) //nolint:gosec // 0 to 255
			}
			one.Blocks = append(one.Blocks, block{bind(int64(high)), bind(list)})
		}
		data.Probes = append(data.Probes, one)
	}
	sql, err := st.files.Render("headers", data)
	return sql, args, err
}

// positions are the highest and the lowest ingest position that an item of the query can have; 0 for any.
func (q *Query) positions() (highest, lowest int64) {
	if q.Only != nil {
		return q.Only.Position, q.Only.Position
	}
	if q.Beyond != nil {
		lowest = q.Beyond.Position
	}
	return q.MaxPosition, lowest
}

// groupArgs are the arguments of groups.sql: the hashes of tokens and of traces, each probe's after those of the one before.
func groupArgs(q *Query, b *bounds) []any {
	tokens, traces := []int64{}, []int64{}
	for _, pr := range b.Probes {
		for _, hash := range pr.Hashes {
			high, _ := segment.Probe(hash)
			if pr.In == filter.TraceFilter {
				traces = append(traces, int64(high))
			} else {
				tokens = append(tokens, int64(high))
			}
		}
	}
	return append(rangeArgs(q), tokens, traces)
}

// rareShare is the largest part of the segments that may hold what is called rare.
const rareShare = 4

// rare tells whether few segments can hold what is looked for, when passed of the grouped ones may. Those of a trace are few in any case, and
// most of them only seem to.
func (b *bounds) rare(grouped, passed int) bool {
	if b.ofTrace() {
		return false
	}
	return b.MinDuration > 0 || len(b.Probes) > 0 && grouped > 0 && passed*rareShare <= grouped
}

// passGroup appends those of a group's segments that every probe lets pass. tokens and traces are its blocks for each hash, as in groupArgs.
func (b *bounds) passGroup(to [][16]byte, segments [][16]byte, tokens, traces [][]byte) [][16]byte {
	for i, id := range segments {
		tokens, traces := tokens, traces
		may := true
		for _, pr := range b.Probes {
			blocks := &tokens
			if pr.In == filter.TraceFilter {
				blocks = &traces
			}
			one := false
			for k, hash := range pr.Hashes {
				one = one || segment.MayContainAt((*blocks)[k], i, hash)
			}
			*blocks = (*blocks)[len(pr.Hashes):]
			may = may && one
		}
		if may {
			to = append(to, id)
		}
	}
	return to
}

// simple tells whether few statements for headers are like the one for these bounds. A statement that is planned once keeps its plan, of 10 kB a
// partition, in each connection; those with long lists of values, of which there are many, are planned each time.
func (b *bounds) simple() bool {
	return len(b.Probes) <= 2 && !slices.ContainsFunc(b.Probes, func(p filter.Probe) bool { return len(p.Hashes) > 1 })
}

// headers is the stream of a query's headers, newest first.
type headers struct {
	snapshot *Snapshot
	query    *Query
	bounds   bounds
	services []int64
	hashes   []uint64 // of Query.Traces
	groups   passedGroups
	parts    []*Query // of the range, newest first, which are looked at one after the other: the first of them is at hand
	heads    []place  // of what is not settled, that may hold it, newest first, and are not in places yet; what SQL finds is settled, then
	places   []place  // found, but not looked at
	bySQL    bool     // all places come of statements, none of what is remembered of unmerged segments
	asked    bool     // the first places of a part were asked for
	last     *place   // where they ended, and the cursor begins
	cursor   bool     // the others come by a cursor
	fetch    int      // how many places are asked for next
	rare     bool     // few segments of the range can hold what is looked for, and those likely do, in few rows
	drained  bool     // there are no more places
	buffer   []*Header
	ended    bool
	cut      bool  // the time ran out while headers were rejected, and the stream ended before its end
	missed   int64 // cut: the newest time that a segment which was not looked at can have
}

// How many places are asked for: the first few by a statement of their own, more by a cursor, which is planned anew each time. Most lists are
// full, and most rare items found, without.
const (
	firstFetch   = 32
	largestFetch = 1024
)

// headers opens the stream; a snapshot has one at a time. It also counts the range's segments for the statistics.
func (s *Snapshot) headers(ctx context.Context, q *Query) (*headers, error) {
	h := &headers{snapshot: s, query: q, bounds: bounds{q.Filter.Bounds()}, fetch: firstFetch}
	if q.From >= q.To || q.Traces != nil && len(q.Traces) == 0 {
		h.ended = true
		return h, nil
	}
	for _, id := range q.Traces {
		h.hashes = append(h.hashes, segment.TraceHash(id))
	}
	some, err := h.prepare(ctx)
	h.ended = err != nil || !some
	return h, err
}

// prepare asks, in one round trip, what the statement for the headers needs: how many segments the range has, the ids of services, and
// what groups say of what is looked for. some is false when nothing can match.
func (h *headers) prepare(ctx context.Context) (some bool, err error) {
	s, q, groups := h.snapshot, h.query, &h.groups
	parts, without, err := s.partsOf(ctx, q, &h.bounds)
	if err != nil {
		return false, err
	}
	batch := &pgx.Batch{}
	s.askStanding(batch)
	inRange, grouped, highest := without.segments, 0, without.highest
	for _, part := range parts {
		batch.Queue(s.engine.statements.count[q.Signal][q.Stage], rangeArgs(part)...).QueryRow(func(row pgx.Row) error {
			var n int
			var high int64
			if err := row.Scan(&n, &high); err != nil {
				return fmt.Errorf("count segments: %w", err)
			}
			if n > 0 {
				h.parts = append(h.parts, part)
			}
			inRange, highest = inRange+n, max(highest, high)
			return nil
		})
	}
	if b := &h.bounds; b.Services != nil {
		batch.Queue(s.engine.statements.services, string(q.Tenant), b.Services).Query(func(rows pgx.Rows) (err error) {
			if h.services, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
				return fmt.Errorf("look up services: %w", err)
			}
			return nil
		})
	}
	for _, part := range parts {
		if len(h.bounds.Probes) == 0 {
			break
		}
		groups.passed = [][16]byte{}
		batch.Queue(s.engine.statements.groups[q.Signal], groupArgs(part, &h.bounds)...).Query(func(rows pgx.Rows) error {
			var id [16]byte
			var segments [][16]byte
			var tokens, traces [][]byte
			_, err := pgx.ForEachRow(rows, []any{&id, &segments, &tokens, &traces}, func() error {
				groups.groups = append(groups.groups, id)
				grouped += len(segments)
				groups.passed = h.bounds.passGroup(groups.passed, segments, tokens, traces)
				segments, tokens, traces = nil, nil, nil
				return nil
			})
			if err != nil {
				return fmt.Errorf("look up groups: %w", err)
			}
			return nil
		})
	}
	var minutes []minuteSet
	byHeads := h.byHeads()
	if byHeads {
		batch.Queue(s.engine.statements.heads[q.Signal], headArgs(q)...).Query(func(rows pgx.Rows) (err error) {
			minutes, err = minutesOf(rows)
			return err
		})
	}
	if err := s.tx.SendBatch(ctx, batch).Close(); err != nil {
		return false, fmt.Errorf("plan: %w", err)
	}
	if byHeads {
		if h.heads, byHeads, err = h.unmerged(ctx, minutes); err != nil {
			return false, err
		}
	}
	if byHeads {
		for i, part := range h.parts {
			settled := *part
			settled.Stage = Settled
			h.parts[i] = &settled
		}
	}
	s.segmentsInRange = max(s.segmentsInRange, inRange)
	if s.highest == 0 {
		s.highest = highest
	}
	h.rare = h.bounds.rare(grouped, len(groups.passed))
	return len(h.parts) > 0 && (h.bounds.Services == nil || len(h.services) > 0), nil
}

// Few tells whether few segments of the range, as groups and headers tell, may hold what a query asks for.
func (s *Snapshot) Few(ctx context.Context, q *Query) (bool, error) {
	h := &headers{snapshot: s, query: q, bounds: bounds{q.Filter.Bounds()}}
	some, err := h.prepare(ctx)
	return !some || h.rare || h.bounds.ofTrace(), err
}

// more asks for more places.
func (h *headers) more(ctx context.Context) error {
	s, n := h.snapshot, h.fetch
	h.fetch = min(2*h.fetch, largestFetch)
	// What each service has is looked at here: it takes many places to find a few.
	if !h.asked && !h.bounds.ofServices() {
		h.asked = true
		mode := s.mode
		if h.bounds.simple() {
			mode = s.list
		}
		sql, args, err := headerQuery(s.engine.statements, h.parts[0], &h.bounds, h.services, h.groups, n, nil)
		if err != nil {
			return err
		}
		if err := h.collect(ctx, sql, mode, args, n); err != nil {
			return err
		}
		if h.asked && len(h.places) > 0 { // else this part of the range has no more
			last := h.places[len(h.places)-1]
			h.last = &last
		}
		return nil
	}
	if !h.cursor {
		if err := h.declare(ctx); err != nil {
			return err
		}
		h.cursor = true
	}
	sql, err := s.engine.statements.files.Render("fetch", struct{ Count int }{n})
	if err != nil {
		return err
	}
	return h.collect(ctx, sql, s.mode, nil, n)
}

// declare opens the cursor, of which a snapshot has one.
func (h *headers) declare(ctx context.Context) error {
	s := h.snapshot
	sql, args, err := headerQuery(s.engine.statements, h.parts[0], &h.bounds, h.services, h.groups, 0, h.last)
	if err != nil {
		return err
	}
	if s.cursorOpen {
		if _, err := s.tx.Exec(ctx, "CLOSE headers"); err != nil {
			return fmt.Errorf("close headers: %w", err)
		}
		s.cursorOpen = false
	}
	if _, err := s.tx.Exec(ctx, sql, append([]any{s.mode}, args...)...); err != nil {
		return fmt.Errorf("plan headers: %w", err)
	}
	s.cursorOpen = true
	return nil
}

// collect runs a statement that gives up to n places.
func (h *headers) collect(ctx context.Context, sql string, mode pgx.QueryExecMode, args []any, n int) error {
	rows, err := h.snapshot.tx.Query(ctx, sql, append([]any{mode}, args...)...)
	if err != nil {
		return fmt.Errorf("fetch headers: %w", err)
	}
	before := len(h.places)
	var p place
	_, err = pgx.ForEachRow(rows, []any{&p.id, &p.minTime, &p.maxTime}, func() error {
		h.places = append(h.places, p)
		return nil
	})
	if err != nil {
		return fmt.Errorf("fetch headers: %w", err)
	}
	all := len(h.places)-before == n
	h.addHeads(h.places[before:], !all && len(h.parts) == 1)
	if all {
		return nil
	}
	h.parts = h.parts[1:]
	h.drained, h.asked, h.last, h.cursor = len(h.parts) == 0, false, nil, false
	return nil
}

// addHeads adds to the places those heads that are newer than the last one that SQL found, or all that are left.
func (h *headers) addHeads(found []place, left bool) {
	n := len(h.heads)
	if !left {
		n = 0
		for len(found) > 0 && n < len(h.heads) && h.heads[n].compare(found[len(found)-1]) > 0 {
			n++
		}
	}
	if n == 0 {
		return
	}
	h.places = append(h.places, h.heads[:n]...)
	h.heads = h.heads[n:]
	slices.SortFunc(h.places, func(a, b place) int { return b.compare(a) })
}

// resolve returns the headers of places: those that are not remembered are read.
func (s *Snapshot) resolve(ctx context.Context, q *Query, places []place) ([]*Header, error) {
	out := make([]*Header, len(places))
	var ids [][16]byte
	var minTimes []int64
	var missing map[[16]byte]int
	for i, at := range places {
		if h, ok := s.engine.known.get(at.id); ok {
			out[i] = h
			continue
		}
		if missing == nil {
			missing = make(map[[16]byte]int, len(places))
		}
		missing[at.id] = i
		ids, minTimes = append(ids, at.id), append(minTimes, at.minTime)
	}
	if len(ids) == 0 {
		return out, nil
	}
	rows, err := s.tx.Query(ctx, s.engine.statements.header[q.Signal], s.list, string(q.Tenant), ids, minTimes, slices.Min(minTimes), slices.Max(minTimes))
	if err != nil {
		return nil, fmt.Errorf("read headers: %w", err)
	}
	err = s.engine.statements.headers.ForEach(rows, func(r *segmentrow.Row) (err error) {
		h := &Header{
			place: place{id: r.ID, minTime: r.MinTime, maxTime: r.MaxTime}, slot: r.Slot, items: r.Items, errors: r.Errors, services: r.Services,
			traceFilter: r.TraceFilter,
		}
		if h.directory, err = segment.ParseDirectory(r.Directory); err != nil {
			return fmt.Errorf("segment %x: %w", h.id, err)
		}
		out[missing[h.id]] = h
		delete(missing, h.id)
		s.engine.known.put(h.id, h, h.size())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read headers: %w", err)
	}
	if len(missing) > 0 {
		return nil, errMissing.Newf("%d segments of %d were not found", len(missing), len(places))
	}
	return out, nil
}

// sample are those of places that a query looks at.
func (q *Query) sample(places []place) []place {
	if q.OneIn <= 1 {
		return places
	}
	var list []place
	for _, p := range places {
		if p.chance() < chances/uint64(q.OneIn) {
			list = append(list, p)
		}
	}
	return list
}

// peek fills the buffer with at least n headers, or all that are left. The headers of a rare search may all be rejected for a long time, so
// that it ends here, too, once the query's time is over; it has got below the newest time of the query then, so that the next page goes on.
func (h *headers) peek(ctx context.Context, n int) error {
	for least := 8; !h.ended && len(h.buffer) < n; least = min(2*least, largestFetch) {
		if len(h.places) == 0 && !h.drained {
			if err := h.more(ctx); err != nil {
				return err
			}
		}
		chunk := h.places[:min(len(h.places), max(n-len(h.buffer), least))]
		list, err := h.snapshot.resolve(ctx, h.query, h.query.sample(chunk))
		if err != nil {
			return err
		}
		for _, one := range list {
			if h.bounds.mayHold(one.services, h.services) && h.mayHoldTrace(&one.place, one.traceFilter) {
				h.buffer = append(h.buffer, one)
			}
		}
		h.places = h.places[len(chunk):]
		h.ended = h.drained && len(h.places) == 0
		if h.ended || len(h.buffer) >= n || len(chunk) == 0 {
			continue
		}
		if oldest := chunk[len(chunk)-1].maxTime; oldest < h.query.newest() && !h.query.Whole && h.snapshot.late() {
			h.ended, h.cut, h.missed = true, true, oldest
		}
	}
	return nil
}

func (h *headers) mayHoldTrace(at *place, in []byte) bool {
	if h.query.Traces == nil {
		return true
	}
	for i, hash := range h.hashes {
		if within := h.query.Within; within != nil && (at.maxTime < within[i].From || at.minTime >= within[i].To) {
			continue
		}
		if segment.MayContain(in, hash) {
			return true
		}
	}
	return false
}

// take removes the next n headers, fewer where fewer are left.
func (h *headers) take(ctx context.Context, n int) ([]*Header, error) {
	if err := h.peek(ctx, n); err != nil {
		return nil, err
	}
	n = min(n, len(h.buffer))
	wave := slices.Clone(h.buffer[:n])
	h.buffer = h.buffer[n:]
	return wave, nil
}

// next is the newest time that any segment not taken yet can have, or that was not looked at; math.MinInt64 when none is left.
func (h *headers) next(ctx context.Context) (int64, error) {
	if err := h.peek(ctx, 1); err != nil {
		return 0, err
	}
	switch {
	case len(h.buffer) > 0:
		return h.buffer[0].maxTime, nil
	case h.cut:
		return h.missed, nil
	}
	return math.MinInt64, nil
}
