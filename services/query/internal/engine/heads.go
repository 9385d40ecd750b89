package engine

// What is not merged is in no group, so that SQL has to read the header of each segment to tell whether it may hold what is looked for: in a backlog, of
// thousands. What that takes is remembered by minutes, and tested here. Invariant: heads and settled segments are everything, in the same snapshot; a segment
// that may hold an item of the query passes.

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// head is what a header says of what a segment may hold. It never changes.
type head struct {
	place
	minPosition              int64
	errors, roots            int
	services                 []segment.ServiceStats // without their items
	traceFilter, tokenFilter []byte
}

// headsOfMinutes is how they are remembered.
func headsOfMinutes() *Kept[[]head] {
	return &Kept[[]head]{
		Name: "heads",
		Join: func(lists [][]head) []head { return slices.Concat(lists...) },
		Size: func(list []head) (size int64) {
			for i := range list {
				size += list[i].size()
			}
			return size
		},
	}
}

func (h *head) size() int64 {
	return int64(int(reflect.TypeFor[head]().Size()) + int(reflect.TypeFor[segment.ServiceStats]().Size())*len(h.services) + len(h.traceFilter) + len(h.tokenFilter))
}

// headColumns are the columns that a head is read from.
func headColumns() segmentrow.Selection {
	return segmentrow.Select("segment_id", "min_time", "max_time", "min_position", "errors", "roots", "service_ids", "service_max_duration",
		"service_max_error_duration", "trace_filter", "token_filter")
}

// mostHeads is how many heads one question reads that are not remembered. Where there are more, few of them may be wanted, and SQL finds these.
const mostHeads = 4096

// byHeads tells whether what is looked for takes headers to tell who may hold it.
func (h *headers) byHeads() bool {
	b := &h.bounds
	return !h.bySQL && h.query.Stage == Every && (len(b.Probes) > 0 || b.Services != nil || b.Errors || b.Roots || b.MinDuration > 0 || h.query.Traces != nil)
}

// headArgs are those of heads.sql: whole minutes, so that what is remembered is so for other ranges, too; and whole hours at the end, which no segment crosses.
func headArgs(q *Query) []any {
	end := int64(math.MaxInt64)
	if last := telemetry.Grain(q.newest(), time.Hour); last < end-time.Hour.Nanoseconds() {
		end = last + time.Hour.Nanoseconds()
	}
	return []any{string(q.Tenant), telemetry.Grain(q.From, time.Minute), telemetry.Grain(q.From, time.Hour), end}
}

// unmerged finds which segments that are not settled may hold what is looked for, newest first; ok is false where that is left to SQL.
func (h *headers) unmerged(ctx context.Context, list []minuteSet) (found []place, ok bool, err error) {
	s, q, of := h.snapshot, h.query, headsOfMinutes()
	name := q.Signal.String() + " " + of.Name
	var minutes []*minutePart[[]head]
	defer func() {
		for _, m := range minutes {
			m.share(s, 0, nil)
			s.letGo(m.held)
		}
	}()
	var asked []int64
	unknown := 0
	for _, set := range list {
		m := &minutePart[[]head]{key: countedKey{q.Tenant, name, set.start}, minute: set, all: true}
		if remembered(s, m); !m.whole {
			asked = append(asked, set.start)
			unknown += set.segments
		}
		minutes = append(minutes, m)
	}
	if unknown > mostHeads {
		return nil, false, nil
	}
	if len(asked) > 0 {
		if ok, err := s.readHeads(ctx, q, minutes, asked, of); err != nil || !ok {
			return nil, false, err
		}
	}
	for _, m := range minutes {
		for _, heads := range m.parts {
			for i := range heads {
				if h.mayHoldHead(&heads[i]) {
					found = append(found, heads[i].place)
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b place) int { return b.compare(a) })
	return found, true, nil
}

// readHeads reads what is not remembered of minutes; false where there is no memory for it.
func (s *Snapshot) readHeads(ctx context.Context, q *Query, minutes []*minutePart[[]head], asked []int64, of *Kept[[]head]) (ok bool, err error) {
	places, err := s.placesOf(ctx, s.engine.statements.headPlaces[q.Signal], append(headArgs(q), asked))
	if err != nil {
		return false, err
	}
	places, minuteOf := unread(s, minutes, places, func(place) bool { return false })
	if len(places) == 0 {
		return true, nil
	}
	ids, minTimes := make([][16]byte, len(places)), make([]int64, len(places))
	for i, p := range places {
		ids[i], minTimes[i] = p.id, p.minTime
	}
	rows, err := s.tx.Query(ctx, s.engine.statements.head[q.Signal], s.list, string(q.Tenant), ids, minTimes, slices.Min(minTimes), slices.Max(minTimes))
	if err != nil {
		return false, fmt.Errorf("read headers: %w", err)
	}
	ok = true
	err = s.engine.statements.headColumns.ForEach(rows, func(r *segmentrow.Row) error {
		x := head{
			place: place{id: r.ID, minTime: r.MinTime, maxTime: r.MaxTime}, minPosition: r.MinPosition, errors: r.Errors, roots: r.Roots, services: r.Services,
			traceFilter: r.TraceFilter, tokenFilter: r.TokenFilter,
		}
		m, size := minuteOf[x.id], x.size()
		if ok = ok && s.hold(size); !ok {
			return nil
		}
		m.parts, m.held = append(m.parts, []head{x}), m.held+size
		if m.missing--; m.missing == 0 {
			remember(s, m, of)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("read headers: %w", err)
	}
	return ok, nil
}

// mayHoldHead is what SQL looks for in headers, and mayHold and mayHoldTrace.
func (h *headers) mayHoldHead(x *head) bool {
	b, q := &h.bounds, h.query
	if x.maxTime < q.From || x.minTime > q.newest() || q.MaxPosition > 0 && x.minPosition > q.MaxPosition || b.Errors && x.errors == 0 || b.Roots && x.roots == 0 {
		return false
	}
	if b.Services != nil && !slices.ContainsFunc(x.services, func(of segment.ServiceStats) bool { return slices.Contains(h.services, of.ID) }) {
		return false
	}
	for _, pr := range b.Probes {
		in := x.tokenFilter
		if pr.In == filter.TraceFilter {
			in = x.traceFilter
		}
		if !slices.ContainsFunc(pr.Hashes, func(hash uint64) bool { return segment.MayContain(in, hash) }) {
			return false
		}
	}
	return b.mayHold(x.services, h.services) && h.mayHoldTrace(&x.place, x.traceFilter)
}
