package query

import (
	"context"
	"embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements are the parsed files of sql/; a field that a file names and its data lacks is an error.
func statements() (*template.Template, error) {
	t, err := template.New("sql").Option("missingkey=error").ParseFS(sqlFiles, "sql/*.sql")
	if err != nil {
		return nil, fmt.Errorf("parse SQL: %w", err)
	}
	return t, nil
}

func render(t *template.Template, file string, data any) (string, error) {
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, file, data); err != nil {
		return "", fmt.Errorf("render %s: %w", file, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// plan is which items of one signal a query is about.
type plan struct {
	tenant telemetry.Tenant
	signal telemetry.Signal
	from   int64 // inclusive, Unix ns
	to     int64 // exclusive
	after  *key  // only items that come after it in the list
	// maxPosition pins a snapshot: items of a higher ingest position are not seen; 0 for none.
	maxPosition int64
	filter      filter
	// traces, when not nil, narrows to the segments whose trace filter may hold one of these ids; tested here and not in SQL, for
	// lists of ids that are too long for a statement.
	traces [][16]byte
}

// holds says whether an item is in the range, the snapshot and behind the cursor.
func (p *plan) holds(k key) bool {
	return k.time >= p.from && k.time < p.to && (p.maxPosition == 0 || k.position <= p.maxPosition) && (p.after == nil || p.after.newer(k))
}

// newest is the newest time that an item of the plan can have.
func (p *plan) newest() int64 {
	if p.after != nil {
		return min(p.to-1, p.after.time)
	}
	return p.to - 1
}

func segmentTable(signal telemetry.Signal) string {
	switch signal {
	case telemetry.Traces:
		return schema.SpansSegment
	case telemetry.Logs:
		return schema.LogsSegment
	case telemetry.Metrics:
		return schema.MetricsSegment
	}
	return ""
}

// wanted collects the columns that a query decodes, each once.
type wanted struct {
	segment.Want
	metrics bool
}

// want is what every list needs of an item: its time and identity.
func want(signal telemetry.Signal) *wanted {
	w := &wanted{metrics: signal == telemetry.Metrics}
	w.column(segment.ColTime)
	w.column(segment.ColPosition)
	w.column(segment.ColOrdinal)
	return w
}

func (w *wanted) column(c segment.Column) {
	if !slices.Contains(w.Ints, c) {
		w.Ints = append(w.Ints, c)
	}
}

func (w *wanted) text(c segment.TextColumn) {
	if !slices.Contains(w.Texts, c) {
		w.Texts = append(w.Texts, c)
	}
}

func (w *wanted) attribute(key string) {
	if !slices.Contains(w.Attributes, key) {
		w.Attributes = append(w.Attributes, key)
	}
}

// header is what the planner and the scan know of a segment without its body.
type header struct {
	id               [16]byte
	minTime, maxTime int64
	items, errors    int
	services         []int64
	serviceItems     []int32
	maxDuration      []int64
	maxErrorDuration []int64
	traceFilter      []byte
	directory        []byte
}

// mayHold tests what SQL did not: the durations, which only mean something together with a service and its errors.
func (b *bounds) mayHold(h *header, services []int64) bool {
	if b.minDuration <= 0 {
		return true
	}
	longest := h.maxDuration
	if b.errors {
		longest = h.maxErrorDuration
	}
	for i, s := range h.services {
		if i < len(longest) && longest[i] >= b.minDuration && (services == nil || slices.Contains(services, s)) {
			return true
		}
	}
	return false
}

// headerQuery renders headers.sql and its arguments. services are the ids for bounds.services.
func headerQuery(t *template.Template, p *plan, b *bounds, services []int64) (string, []any, error) {
	args := rangeArgs(p)
	bind := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	type block struct{ High, Bits string }
	type test struct {
		Filter filterColumn
		Blocks []block
	}
	data := struct {
		Table                          string
		WithTraceFilter, Errors, Roots bool
		Services, MaxPosition          string
		Probes                         []test
	}{Table: segmentTable(p.signal), WithTraceFilter: p.traces != nil, Errors: b.errors, Roots: b.roots}
	if services != nil {
		data.Services = bind(services)
	}
	if p.maxPosition > 0 {
		data.MaxPosition = bind(p.maxPosition)
	}
	for _, pr := range b.probes {
		one := test{Filter: pr.filter}
		for _, hash := range pr.hashes {
			high, bits := segment.Probe(hash)
			list := make([]int32, len(bits))
			for i, n := range bits {
				list[i] = int32(n) //nolint:gosec // 0 to 255
			}
			one.Blocks = append(one.Blocks, block{bind(int64(high)), bind(list)})
		}
		data.Probes = append(data.Probes, one)
	}
	sql, err := render(t, "headers.sql", data)
	return sql, args, err
}

// rangeArgs are tenant, start, first instant of the start's hour, and end (inclusive).
func rangeArgs(p *plan) []any {
	hour := int64(math.MinInt64)
	if p.from > math.MinInt64+int64(time.Hour) {
		hour, _ = schema.HourBounds(time.Unix(0, p.from))
	}
	return []any{string(p.tenant), p.from, hour, p.newest()}
}

// resolveServices turns the names in b into ids. empty says that nothing can match.
func (v *view) resolveServices(ctx context.Context, tenant telemetry.Tenant, b *bounds) (ids []int64, empty bool, err error) {
	if b.services == nil {
		return nil, false, nil
	}
	if len(b.services) == 0 {
		return nil, true, nil
	}
	sql, err := render(v.sql, "services.sql", nil)
	if err != nil {
		return nil, false, err
	}
	rows, err := v.tx.Query(ctx, sql, string(tenant), b.services)
	if err != nil {
		return nil, false, fmt.Errorf("look up services: %w", err)
	}
	ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, false, fmt.Errorf("look up services: %w", err)
	}
	return ids, len(ids) == 0, nil
}

// headers is the stream of a plan's headers, newest first.
type headers struct {
	view     *view
	plan     *plan
	bounds   bounds
	services []int64
	hashes   []uint64 // of plan.traces
	buffer   []*header
	ended    bool
	cut      bool  // the time ran out while headers were rejected, and the stream ended before its end
	missed   int64 // cut: the newest time that a segment which was not looked at can have
}

// headers opens the stream; the view has one at a time. It also counts the range's segments for the statistics.
func (v *view) headers(ctx context.Context, p *plan) (*headers, error) {
	h := &headers{view: v, plan: p, bounds: p.filter.bounds()}
	if p.from >= p.to || p.traces != nil && len(p.traces) == 0 {
		h.ended = true
		return h, nil
	}
	for _, id := range p.traces {
		h.hashes = append(h.hashes, segment.TraceHash(id))
	}
	count, err := render(v.sql, "count.sql", struct{ Table string }{segmentTable(p.signal)})
	if err != nil {
		return nil, err
	}
	var inRange int
	var highest int64
	if err := v.tx.QueryRow(ctx, count, rangeArgs(p)...).Scan(&inRange, &highest); err != nil {
		return nil, fmt.Errorf("count segments: %w", err)
	}
	v.segmentsInRange = max(v.segmentsInRange, inRange)
	if v.highest == 0 {
		v.highest = highest
	}
	var empty bool
	if h.services, empty, err = v.resolveServices(ctx, p.tenant, &h.bounds); err != nil {
		return nil, err
	}
	if empty || inRange == 0 {
		h.ended = true
		return h, nil
	}
	declare, args, err := headerQuery(v.sql, p, &h.bounds, h.services)
	if err != nil {
		return nil, err
	}
	if v.cursorOpen {
		if _, err := v.tx.Exec(ctx, "CLOSE headers"); err != nil {
			return nil, fmt.Errorf("close headers: %w", err)
		}
		v.cursorOpen = false
	}
	if _, err := v.tx.Exec(ctx, declare, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...); err != nil {
		return nil, fmt.Errorf("plan headers: %w", err)
	}
	v.cursorOpen = true
	return h, nil
}

// peek fills the buffer with at least n headers, or all that are left. The headers of a rare search may all be rejected for a long time, so
// that it ends here, too, once the query's time is over; it has got below the newest time of the plan then, so that the next page goes on.
func (h *headers) peek(ctx context.Context, n int) error {
	for !h.ended && len(h.buffer) < n {
		count := max(n-len(h.buffer), 8)
		sql, err := render(h.view.sql, "fetch.sql", struct{ Count int }{count})
		if err != nil {
			return err
		}
		rows, err := h.view.tx.Query(ctx, sql, pgx.QueryExecModeCacheDescribe)
		if err != nil {
			return fmt.Errorf("fetch headers: %w", err)
		}
		fetched, oldest := 0, int64(math.MaxInt64)
		for rows.Next() {
			fetched++
			s := new(header)
			if err := rows.Scan(&s.id, &s.minTime, &s.maxTime, &s.items, &s.errors, &s.services, &s.serviceItems, &s.maxDuration,
				&s.maxErrorDuration, &s.traceFilter, &s.directory); err != nil {
				rows.Close()
				return fmt.Errorf("read a header: %w", err)
			}
			oldest = s.maxTime
			if h.bounds.mayHold(s, h.services) && h.mayHoldTrace(s) {
				h.buffer = append(h.buffer, s)
			}
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("fetch headers: %w", err)
		}
		h.ended = fetched < count
		if !h.ended && len(h.buffer) < n && oldest < h.plan.newest() && !h.view.now().Before(h.view.deadline) {
			h.ended, h.cut, h.missed = true, true, oldest
		}
	}
	return nil
}

func (h *headers) mayHoldTrace(s *header) bool {
	if h.plan.traces == nil {
		return true
	}
	return slices.ContainsFunc(h.hashes, func(hash uint64) bool { return segment.MayContain(s.traceFilter, hash) })
}

// take removes the next n headers, fewer where fewer are left.
func (h *headers) take(ctx context.Context, n int) ([]*header, error) {
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
