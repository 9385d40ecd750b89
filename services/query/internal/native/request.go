package native

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// search is a request for a page of a list, checked.
type search struct {
	engine.Query
	limit int
	hash  []byte      // of all that a cursor must not be taken across
	count trace.Count // of which traces are sorted; 0 for Order
	since int64       // from when on it is counted, Unix ns; 0 where nothing is

	related     *filter.Related    // looks at other spans of a trace as well; nil where nothing does
	shown       *filter.Shown      // the fields that are told; nil where items are told in full
	total       *aggregate.Measure // that tells how many there are on all pages; nil where nobody asks
	met         int                // of a list with related: how many of it are known; set by who found the page
	minPosition int64              // the answer holds all that was accepted up to it; 0 for whatever there is
}

// resume is the cursor of the page that follows one whose last item is at after.
func (n *API) resume(q *search, s *engine.Snapshot, after engine.Key) string {
	pinned := q.MaxPosition
	if pinned == 0 {
		pinned = s.HighestPosition()
	}
	return n.cursors.seal(cursor{after, pinned, q.since}, q.hash)
}

// newSearch checks a search request. list names the endpoint, so that a cursor of one list is refused by another.
func (n *API) newSearch(tenant telemetry.Tenant, list string, signal telemetry.Signal, r api.SearchRequest) (*search, error) {
	from, to, err := timeRange(r.TimeRange.StartTime, r.TimeRange.EndTime)
	if err != nil {
		return nil, err
	}
	f, related, err := n.filtersOf(tenant, list, signal, &r)
	if err != nil {
		return nil, err
	}
	q := &search{Query: engine.Query{Tenant: tenant, Signal: signal, From: from, To: to, Filter: f}, related: related}
	if q.limit, err = pageLimit(r.Pagination.Limit, defaultLimit, maxLimit); err != nil {
		return nil, err
	}
	if q.minPosition, err = position(r.MinPosition); err != nil {
		return nil, err
	}
	by, err := orderOf(list, r.Sort)
	if err != nil {
		return nil, err
	}
	if q.Order, q.count = by.order, by.count; q.count != 0 && related != nil {
		return nil, errSort.Newf("sort: traces are not sorted by %s where filters look at other spans", by.by)
	}
	if q.shown, err = n.shownFields(list, signal, r.Fields); err != nil {
		return nil, err
	}
	q.Partly = q.shown != nil
	if r.Total {
		if q.total, err = n.totalOf(list, signal); err != nil {
			return nil, err
		}
	}
	what := fmt.Sprintf("%s %d", list, q.Order)
	if q.count != 0 {
		what += fmt.Sprintf(" count %d", q.count)
	}
	if r.Scope == api.FilterScopeTrace {
		what += " of traces"
	}
	q.hash = queryHash(what, tenant, from, to, r.Filters)
	if r.Pagination.Cursor != "" {
		at, err := n.cursors.open(r.Pagination.Cursor, q.hash)
		if err != nil {
			return nil, err
		}
		q.After, q.MaxPosition, q.since = &at.after, at.maxPosition, at.since
	}
	return q, nil
}

// filtersOf reads the filters of a search, which may look at other spans of a trace where the list is of spans or traces.
func (n *API) filtersOf(tenant telemetry.Tenant, list string, signal telemetry.Signal, r *api.SearchRequest) (filter.Filter, *filter.Related, error) {
	switch r.Scope {
	case "", api.FilterScopeSpan, api.FilterScopeTrace:
	default:
		return nil, nil, errScope.Newf("scope: %.64q is not %s or %s", string(r.Scope), api.FilterScopeSpan, api.FilterScopeTrace)
	}
	if signal == telemetry.Traces {
		return n.filters.Of(tenant).ParseSpans(r.Filters, r.Scope == api.FilterScopeTrace)
	}
	if r.Scope != "" {
		return nil, nil, errScope.Newf("scope: %s are of no trace: it is for lists of spans and traces", list)
	}
	f, err := n.filters.Of(tenant).Parse(signal, r.Filters)
	return f, nil, err
}

// orders are those of lists, by what a request says; one is for lists of what has what it goes by.
func orders() []order {
	return []order{
		{by: api.SortByTime, direction: api.SortOrderDesc, order: engine.Newest},
		{by: api.SortByTime, direction: api.SortOrderAsc, order: engine.Oldest},
		{by: api.SortByDuration, direction: api.SortOrderDesc, of: []string{"spans", "traces"}, order: engine.Slowest},
		{by: api.SortBySpanCount, direction: api.SortOrderDesc, of: []string{"traces"}, count: trace.Spans},
		{by: api.SortByErrorCount, direction: api.SortOrderDesc, of: []string{"traces"}, count: trace.Errors},
	}
}

type order struct {
	by        api.SortBy
	direction api.SortOrder
	of        []string // lists; nil for all
	order     engine.Order
	count     trace.Count // or what is counted
}

// orderOf is the order that a list is asked for in.
func orderOf(list string, s api.Sorting) (order, error) {
	by, direction := cmp.Or(s.By, api.SortByTime), cmp.Or(s.Order, api.SortOrderDesc)
	var have []string
	for _, o := range orders() {
		if o.of != nil && !slices.Contains(o.of, list) {
			continue
		}
		if o.by == by && o.direction == direction {
			return o, nil
		}
		have = append(have, fmt.Sprintf("%s %s", o.by, o.direction))
	}
	return order{}, errSort.Newf("sort: %s are not sorted by %.64q %.64q, but by %s", list, string(by), string(direction), strings.Join(have, ", "))
}

// position reads a position as ingest tells it; "" is 0.
func position(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, errPosition.Newf("min_position: %.64q is not a position as ingest tells it, a whole number from 1", text)
	}
	return n, nil
}

func pageLimit(n *int, byDefault, most int) (int, error) {
	if n == nil {
		return byDefault, nil
	}
	if *n < 1 || *n > most {
		return 0, errPageLimit.Newf("limit: %d is not between 1 and %d", *n, most)
	}
	return *n, nil
}

// queryHash is the same for two requests that ask for the same list, however the JSON is spaced.
func queryHash(list string, tenant telemetry.Tenant, from, to int64, filters []api.Filter) []byte {
	h := sha256.New()
	part := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	part([]byte(list))
	part([]byte(tenant))
	part(binary.BigEndian.AppendUint64(nil, uint64(from))) //nolint:gosec // bits
	part(binary.BigEndian.AppendUint64(nil, uint64(to)))   //nolint:gosec // bits
	for _, f := range filters {
		var compact bytes.Buffer
		if json.Compact(&compact, f) != nil {
			compact.Write(f)
		}
		part(compact.Bytes())
	}
	return h.Sum(nil)[:16]
}

// timeRange is the part of a range in which times can be stored, Unix ns: nothing is before 1970, and so no range is longer than an int64 tells. One that has no
// such part is the first or the last instant.
func timeRange(start, end otlpjson.Time) (from, to int64, err error) {
	bound := func(name string, t otlpjson.Time) int64 {
		if err != nil {
			return 0
		}
		if t == "" || t == "null" {
			err = errTimeMissing.Newf("%s is required: RFC 3339 or Unix nanoseconds", name)
			return 0
		}
		n, parseErr := t.Nanos()
		if parseErr != nil {
			err = errTime.Newf("%s: %v", name, parseErr)
		}
		return n
	}
	from, to = bound("start_time", start), bound("end_time", end)
	if err == nil && from >= to {
		err = errTimeEmpty.New("start_time must be before end_time")
	}
	const last = otlp.LastInstant
	return min(max(from, 0), last-1), min(max(to, 1), last), err
}

// optionalRange is everything when neither bound is given.
func optionalRange(start, end string) (from, to int64, err error) {
	if start == "" && end == "" {
		return 0, math.MaxInt64, nil
	}
	return timeRange(otlpjson.Time(start), otlpjson.Time(end))
}

// bodyOf decodes the JSON body of a search. An unknown member is an error: a filter under a wrong name must not be a search for everything.
func bodyOf(c echo.Context) (api.SearchRequest, error) {
	return decodeBody[api.SearchRequest](c, "a search request")
}

// decodeBody reads a body, which is one JSON object of T and no more; what is how an error calls it.
func decodeBody[T any](c echo.Context, what string) (T, error) {
	r, err := decodeObject[T](c.Request().Body)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return r, err
		}
		return r, errRequest.Newf("the body is not %s: %v", what, otlpjson.Plain(err))
	}
	return r, nil
}

// decodeObject reads one JSON object of T and no more. An unknown member is an error.
func decodeObject[T any](from io.Reader) (T, error) {
	var r T
	d := json.NewDecoder(from)
	d.DisallowUnknownFields()
	err := d.Decode(&r)
	if err == nil {
		if _, trailing := d.Token(); trailing != io.EOF {
			err = errors.New("there is more after the JSON object")
		}
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("a JSON object is wanted")
	}
	return r, err
}

// queryParams are those of any search by GET: the contract gives all the same ones, but to points, which are shown in full and have no traces.
type queryParams api.SearchTracesByQueryParams

// body is the same request from query parameters.
func (p queryParams) body(echo.Context) (api.SearchRequest, error) {
	r := api.SearchRequest{
		TimeRange:  api.TimeRange{StartTime: otlpjson.Time(p.StartTime), EndTime: otlpjson.Time(p.EndTime)},
		Pagination: api.PageRequest{Limit: p.Limit, Cursor: p.Cursor}, MinPosition: p.MinPosition,
		Sort: api.Sorting{By: p.Sort, Order: p.Order}, Total: p.Total, Fields: p.Fields, Scope: p.Scope,
	}
	var err error
	r.Filters, err = filterList(p.Filters)
	return r, err
}

func filterList(text string) ([]api.Filter, error) {
	if text == "" {
		return nil, nil
	}
	var list []api.Filter
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, filter.ErrMalformed.Newf("filters: want a JSON array of filters: %v", otlpjson.Plain(err))
	}
	return list, nil
}

// parseTraceID reads a trace id as a filter does; zeros are no id.
func parseTraceID(text string) ([16]byte, error) {
	id, ok := filter.TraceID(text)
	if !ok || id == [16]byte{} {
		return id, errTraceID.Newf("%.64q is not a trace id: want 32 hex digits (or 16 of a short one), not all zero", text)
	}
	return id, nil
}

// idFilter is for one trace.
func (n *API) idFilter(signal telemetry.Signal, id [16]byte) (filter.Filter, error) {
	return n.filters.Where(signal, "trace_id", "eq", filter.String(hex.EncodeToString(id[:])))
}

func errNotFound(what string) error {
	return errNothing.New(fmt.Sprintf("%s was not found", what))
}

// errCut is for a search that was cut before it knew whether what it looks for exists.
func errCut(cut *engine.Cut, what string) error {
	kind := errBudget
	if cut.Reason == engine.Timeout {
		kind = engine.ErrTimeout
	}
	return kind.Newf("%s was not found before the search was cut: %s; give the range of time that it lies in", what, cut.Message)
}

// signalOf reads a signal that a request names.
func signalOf(name api.SignalName) (telemetry.Signal, error) {
	signal, err := telemetry.ParseSignal(string(name))
	if err != nil {
		return 0, errSignal.Newf("signal: %.64q is not traces, logs or metrics", string(name))
	}
	return signal, nil
}
