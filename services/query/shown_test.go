package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// namesToShow are all fields of a signal, and keys of each prefix.
func (f *fixture) namesToShow(signal api.FilterFieldSignals) (names []string) {
	f.t.Helper()
	var all api.FieldCatalogue
	f.get("/api/fields", &all)
	keys := map[string][]string{
		"attributes.": {"http.status_code", "ratio", "user.id", "user", "a.b", "tags", "nothing", "raw", "absent"}, "resource.": {"host.name", "user.id"}, "scope.": {"generated"},
		"body.": {"message", "user.id"},
	}
	for _, field := range all.Fields {
		switch {
		case !slices.Contains(field.Signals, signal):
		case field.Prefix:
			for _, key := range keys[field.Name] {
				names = append(names, field.Name+key)
			}
		default:
			names = append(names, field.Name)
		}
	}
	return names
}

func nanosOf(t *testing.T, n string) []otlpjson.Value {
	t.Helper()
	x, err := strconv.ParseInt(n, 10, 64)
	require.NoError(t, err)
	return []otlpjson.Value{{Kind: otlpjson.KindInt, Int: x}}
}

// shownOfSpan is what a span has of a field, by what it is told as in full.
func shownOfSpan(t *testing.T, all *api.SpanPage, s *api.Span, field string) []otlpjson.Value {
	t.Helper()
	switch field {
	case "operation":
		field = "name"
	case "kind":
		return str([]string{"unspecified", "internal", "server", "client", "producer", "consumer"}[s.Kind])
	case "status":
		return str([]string{"unset", "ok", "error"}[s.Status.Code])
	case "duration":
		if s.DurationUnknown {
			return nil
		}
		return nanosOf(t, s.DurationNano)
	case "time":
		return nanosOf(t, s.StartTimeUnixNano)
	case "trace_state":
		return str(s.TraceState)
	}
	if path, ok := strings.CutPrefix(field, "attributes."); ok {
		return within(s.Attributes, path)
	}
	if path, ok := strings.CutPrefix(field, "resource."); ok {
		return within(all.Resources[s.ResourceIndex].Attributes, path)
	}
	return naiveSpan(all, s).values(field)
}

func shownOfLog(t *testing.T, all *api.LogPage, l *api.LogRecord, field string) []otlpjson.Value {
	t.Helper()
	switch field {
	case "severity":
		n := cmp.Or(l.SeverityNumber, l.SeverityDerived)
		if n == 0 {
			return nil
		}
		return str([]string{"trace", "debug", "info", "warn", "error", "fatal"}[(n-1)/4])
	case "time":
		if l.TimeUnixNano == "0" {
			return nanosOf(t, l.ObservedTimeUnixNano)
		}
		return nanosOf(t, l.TimeUnixNano)
	}
	if path, ok := strings.CutPrefix(field, "body."); ok {
		if l.Body == nil {
			return nil
		}
		return found([]otlpjson.Value{*l.Body}, path)
	}
	if path, ok := strings.CutPrefix(field, "attributes."); ok {
		return within(l.Attributes, path)
	}
	if path, ok := strings.CutPrefix(field, "resource."); ok {
		return within(all.Resources[l.ResourceIndex].Attributes, path)
	}
	return naiveLog(all, l).values(field)
}

// within is what lies at a path among attributes: the attribute of that name, else what lies within others.
func within(list []api.KeyValue, path string) []otlpjson.Value {
	out := attribute(list, path)
	for i := range path {
		if path[i] == '.' {
			out = append(out, found(attribute(list, path[:i]), path[i+1:])...)
		}
	}
	return out
}

// firstOf is the fields of an item that it has.
func firstOf(names []string, of func(name string) []otlpjson.Value) map[string]otlpjson.Value {
	out := map[string]otlpjson.Value{}
	for _, name := range names {
		if list := of(name); len(list) > 0 {
			out[name] = list[0]
		}
	}
	return out
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// Fields are what the items have that are told in full, under the names that filters have: all of them, however they are found, sorted and cut into pages.
func TestListsTellTheFieldsThatAreAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.keys = someKeys()
	for seed := range uint64(2) {
		f.fill(seed, 100, 30)
		f.storeWild(seed+10, 60)
	}
	s := searchBody{limit: 1000}
	var spans api.SpanPage
	f.search("spans", s, &spans)
	s.fields = f.namesToShow("traces")
	for _, change := range []func(s *searchBody){
		func(*searchBody) {}, func(s *searchBody) { s.sort = `{"by":"duration"}` },
		func(s *searchBody) {
			s.filters = `[{"field":"trace_id","operator":"eq","value":"` + spans.Spans[5].TraceID + `"}]`
		},
	} {
		s := s
		change(&s)
		var full, shown api.SpanPage
		of := s
		of.fields = nil
		f.search("spans", of, &full)
		require.NotEmpty(t, full.Spans)
		f.search("spans", s, &shown)
		require.Empty(t, shown.Spans)
		require.Len(t, shown.Rows, len(full.Spans))
		for i := range full.Spans {
			one := &full.Spans[i]
			require.Equal(t, one.ID, shown.Rows[i].ID)
			want := firstOf(s.fields, func(name string) []otlpjson.Value { return shownOfSpan(t, &full, one, name) })
			require.JSONEq(t, asJSON(t, want), asJSON(t, shown.Rows[i].Fields), "of %s", asJSON(t, one))
		}
	}

	s.fields = f.namesToShow("logs")
	var full, shown api.LogPage
	f.search("logs", searchBody{limit: 1000}, &full)
	f.search("logs", s, &shown)
	require.Empty(t, shown.Logs)
	require.Len(t, shown.Rows, len(full.Logs))
	for i := range full.Logs {
		one := &full.Logs[i]
		want := firstOf(s.fields, func(name string) []otlpjson.Value { return shownOfLog(t, &full, one, name) })
		require.JSONEq(t, asJSON(t, want), asJSON(t, shown.Rows[i].Fields), "of %s", asJSON(t, one))
	}

	names := f.namesToShow("traces")
	var whole, some api.TracePage
	f.search("traces", searchBody{limit: 1000}, &whole)
	f.search("traces", searchBody{limit: 1000, fields: names}, &some)
	require.Len(t, some.Traces, len(whole.Traces))
	byTrace := map[string]*api.Span{}
	for i := range spans.Spans {
		byTrace[spans.Spans[i].TraceID+spans.Spans[i].SpanID] = &spans.Spans[i]
	}
	for i := range whole.Traces {
		got, want := some.Traces[i], whole.Traces[i]
		root := byTrace[want.TraceID+want.Root.SpanID]
		require.NotNil(t, root)
		fields := firstOf(names, func(name string) []otlpjson.Value { return shownOfSpan(t, &spans, root, name) })
		require.JSONEq(t, asJSON(t, fields), asJSON(t, got.Root.Fields))
		got.Root.Fields, got.Root.Status.Message, want.Root.Status.Message, want.Root.Attributes = nil, "", "", nil
		require.Equal(t, want, got, "the rest is told as ever")
	}
}

// visits are traces of a root and three calls, each with an address of its own and a failure that is told at length.
func visits(n int) ptrace.Traces {
	data := ptrace.NewTraces()
	rs := data.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "frontend")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	d := newDice(7)
	for i := range n {
		for j := range 4 {
			s := spans.AppendEmpty()
			s.SetTraceID(pcommon.TraceID{9, byte(i), byte(i >> 8)})
			s.SetSpanID(pcommon.SpanID{9, byte(i), byte(i >> 8), byte(j)})
			if j > 0 {
				s.SetParentSpanID(pcommon.SpanID{9, byte(i), byte(i >> 8)})
			}
			s.SetName("GET")
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(i*4+j) * time.Millisecond)))
			s.SetEndTimestamp(s.StartTimestamp() + 1000)
			s.Status().SetMessage(fmt.Sprintf("user %x was refused", d.Uint64()))
			s.Attributes().PutStr("url.full", fmt.Sprintf("https://shop/%x/%x", d.Uint64(), d.Uint64()))
		}
	}
	return data
}

// A list that is asked for fields costs what it shows.
func TestFieldsCostWhatTheyShow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(4) {
		f.fill(seed, 1000, 500)
	}
	whole := newFixture(t)
	whole.store("default", telemetry.Traces, testbed.TracesPayload(visits(400)), 500)
	whole.store("default", telemetry.Traces, testbed.TracesPayload(visits(400)), 500)
	for _, list := range []string{"spans", "logs", "traces"} {
		f, s := f, searchBody{limit: 200}
		if list == "traces" {
			f = whole
		}
		full := f.page(list, s).stats
		s.fields = []string{"service", "time"}
		few := f.page(list, s).stats
		s.fields = f.namesToShow(map[string]api.FilterFieldSignals{"spans": "traces", "logs": "logs", "traces": "traces"}[list])
		many := f.page(list, s).stats
		require.Less(t, few.BytesRead, many.BytesRead, list)
		require.Less(t, 2*few.BytesRead, full.BytesRead, list)
	}
}

// What is asked for in rows is bounded as what is told in full, and goes on by a cursor.
func TestShownFieldsAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	const n, size, most = 30, 10_000, 100_000
	f := newFixture(t, func(c *Config) { c.MaxPageBytes = most })
	f.store("default", telemetry.Traces, testbed.TracesPayload(largeSpans(n, size)), 25)
	want, _ := f.walk("spans", searchBody{limit: 1000}, nil)
	got, pages := f.walk("spans", searchBody{limit: 1000, fields: []string{"attributes.gen_ai.input.messages"}}, nil)
	require.Equal(t, want, got)
	require.Greater(t, pages, n*size/most)
	got, pages = f.walk("spans", searchBody{limit: 1000, fields: []string{"name"}}, nil)
	require.Equal(t, want, got)
	require.Equal(t, 1, pages)
	p := f.page("traces", searchBody{limit: 1000, fields: []string{"attributes.gen_ai.input.messages"}})
	require.Len(t, p.items, 1)
}

func TestFieldsThatListsHaveNotAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	refused := func(list string, code, says string, fields ...string) {
		p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/"+list+"/search", searchBody{fields: fields}.json(t))
		require.Equal(t, code, p.Code)
		require.Contains(t, p.Detail, says)
		p = f.problem(http.StatusBadRequest, http.MethodGet, "/api/"+list+"/search"+hour()+"&"+url.Values{"fields": fields}.Encode(), "")
		if list == "metrics" { // it has no such parameter
			code = "request.parameter"
		}
		require.Equal(t, code, p.Code)
	}
	refused("spans", "filter.unknown_field", `(do you mean "service"?)`, "name", "servise")
	refused("traces", "filter.unknown_field", `unknown field "body"`, "body")
	refused("logs", "filter.unknown_field", `(an attribute is attributes.kind`, "kind")
	refused("metrics", "request.fields", "shown in full", "name")
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf("attributes.key-%d", i)
	}
	refused("logs", "request.fields", "51 are more than 50", many...)
}

// Fields are read of roots alone, once these are chosen: a sender may have made thousands of spans without a parent, all with the same large text.
func TestFieldsOfSpansThatAreNoRootsAreNotRead(t *testing.T) { //nolint:paralleltest // it counts what all allocate
	f := newFixture(t)
	data := ptrace.NewTraces()
	spans := data.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	large := strings.Repeat("x", 50_000)
	for i := range 1000 {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1})
		s.SetSpanID(pcommon.SpanID{byte(i), byte(i >> 8), 1})
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(i) * time.Millisecond)))
		s.Attributes().PutStr("large", large)
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(data), 1000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var page api.TracePage
	f.search("traces", searchBody{fields: []string{"attributes.large"}}, &page)
	runtime.ReadMemStats(&after)
	require.Len(t, page.Traces, 1)
	require.Equal(t, asJSON(t, map[string]string{"stringValue": large}), asJSON(t, page.Traces[0].Root.Fields["attributes.large"]))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(30<<20), "its spans have 50 MB")
}
