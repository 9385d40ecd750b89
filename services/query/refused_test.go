package query

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestUnknownParametersAreRefused asks every operation of the contract with a parameter that it does not have: a filter under a wrong name must not be a
// question about everything.
func TestUnknownParametersAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	key, id := f.newKey("red", "query", "edit", "admin")
	f.refreshKeys()
	for _, o := range operations(t, strings.Repeat("1", 32), id) {
		for _, wrong := range []string{"service=cart", "start_tme=1", "tags="} {
			path := o.path + "?" + wrong
			if strings.Contains(o.path, "?") {
				path = o.path + "&" + wrong
			}
			p := f.problem(http.StatusBadRequest, o.method, path, o.body, "Authorization", "Bearer "+key)
			require.Equal(t, "request.parameter", p.Code, "%s %s", o.method, path)
			name, _, _ := strings.Cut(wrong, "=")
			require.Contains(t, p.Detail, `"`+name+`"`)
		}
		require.NotEqual(t, "request.parameter", f.problem(http.StatusUnauthorized, o.method, o.path+"?nothing=1", o.body).Code, o.id)
	}
	p := f.problem(http.StatusBadRequest, http.MethodGet, "/api/services"+hour()+"&start_tme=1", "", "Authorization", "Bearer "+key)
	require.Contains(t, p.Detail, `do you mean "start_time"?`)
	require.Contains(t, p.Detail, "it takes start_time, end_time")
}

// TestTimesInAnotherUnitAreRefused: seconds, milliseconds and microseconds are no empty answer.
func TestTimesInAnotherUnitAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for unit, now := range map[string]string{"seconds": "1764276000", "milliseconds": "1764276000123", "microseconds": "1764276000123456"} {
		for _, path := range []string{"/api/services", "/api/spans/search", "/api/service-map", "/api/metrics"} {
			p := f.problem(http.StatusBadRequest, http.MethodGet, path+"?start_time="+now+"&end_time=1764276000123456789", "")
			require.Equal(t, "time_range.invalid", p.Code)
			require.Contains(t, p.Detail, "start_time: "+now+" is a time in Unix "+unit)
			require.Contains(t, p.Detail, now+strings.Repeat("0", 19-len(now)))
		}
		p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/logs/search", `{"time_range":{"start_time":`+now+`,"end_time":"2026-11-27T00:00:00Z"}}`)
		require.Contains(t, p.Detail, "Unix "+unit)
		p = f.problem(http.StatusBadRequest, http.MethodPost, "/api/logs/search", searchBody{filters: `[{"field":"time","operator":"gt","value":` + now + `}]`}.json(t))
		require.Equal(t, "filter.bad_value", p.Code)
	}
}

// TestErrorsSpeakOfJSONAlone: no type of Go, and no name of its library, in what is told of a body.
func TestErrorsSpeakOfJSONAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const times = `"time_range":{"start_time":"2026-11-23T10:00:00Z","end_time":"2026-11-23T11:00:00Z"}`
	for body, says := range map[string]string{
		`{` + times + `,"pagination":{"limit":"10"}}`: "pagination.limit: want a whole number, not a string",
		`{` + times + `,"pagination":{"limit":1.5}}`:  "pagination.limit: want a whole number, not number 1.5",
		`{` + times + `,"pagination":[]}`:             "pagination: want an object, not an array",
		`{` + times + `,"filters":{}}`:                "filters: want an array, not an object",
		`[]`:                                          "want an object, not an array",
		`{"` + strings.Repeat("m", 9000) + `":1}`:     "there is no member",
		`{"time_range":7}`:                            "time_range: want an object, not a number",
		`{"a":1}`:                                     `there is no member "a"`,
		`{"time_range"`:                               "it ends early",
		`{"time_range":}`:                             "this is no JSON",
		`{` + times + `,"filters":[5]}`:               "want an object, not a number",
		`{` + times + `,"filters":[{"field":1}]}`:     "field: want a string, not a number",
		`{` + times + `,"filters":[{"or":{}}]}`:       "or: want an array, not an object",
		`{` + times + `,"filters":[{"field":"name","operator":"eq","value":{"stringValue":1}}]}`: "stringvalue: want a string, not a number",
		`{` + times + `,"filters":[{"field":"name","operator":"eq","value":{"int":1}}]}`:         `there is no member "int"`,
		`{` + times + `,"filters":[{"field":"name","operator":"in","value":5}]}`:                 "want a list of values",
	} {
		detail := f.problem(http.StatusBadRequest, http.MethodPost, "/api/spans/search", body).Detail
		require.Contains(t, detail, says, body)
		require.Less(t, len(detail), 400)
		for _, inside := range []string{"json:", "Go ", "unmarshal", "struct", "[]", "int64", "RawMessage"} {
			require.NotContains(t, detail, inside, body)
		}
	}
}

// TestDeepLiteralsAreRefusedAtOnce: what lists and maps hold that are deeper than any value is not read to find that out.
func TestDeepLiteralsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const deep = 3000
	literal := strings.Repeat(`{"arrayValue":{"values":[`, deep) + `{"x":1}` + strings.Repeat(`]}}`, deep)
	body := searchBody{filters: `[{"field":"attributes.a","operator":"eq","value":` + literal + `}]`}.json(t)
	detail := f.problem(http.StatusBadRequest, http.MethodPost, "/api/spans/search", body).Detail
	require.Less(t, len(detail), 300)
	require.Contains(t, detail, "more than 64 lists and maps in one another")
}

// TestShortTraceIDsAreFound: tracers of old send 16 hex digits, which lie on the wire behind zeros.
func TestShortTraceIDsAreFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	td := newDice(1).traces(3)
	s := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	s.SetTraceID([16]byte{8: 0xab, 15: 0xcd})
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 10)
	for _, id := range []string{"ab000000000000cd", "AB000000000000CD", "0000000000000000ab000000000000cd"} {
		var trace api.Trace
		f.get("/api/traces/"+id, &trace)
		require.Len(t, trace.Spans, 1)
		var page api.SpanPage
		f.search("spans", searchBody{filters: `[{"field":"trace_id","operator":"eq","value":"` + id + `"}]`}, &page)
		require.Len(t, page.Spans, 1)
	}
	require.Equal(t, "trace_id.invalid", f.problem(http.StatusBadRequest, http.MethodGet, "/api/traces/"+strings.Repeat("0", 16), "").Code)
	require.Equal(t, "trace_id.invalid", f.problem(http.StatusBadRequest, http.MethodGet, "/api/traces/ab0000000000cd", "").Code)
}

// TestAliasesStandForFields: what people call things is found under the keys of today's conventions and of older ones.
func TestAliasesStandForFields(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i, key := range []string{"deployment.environment.name", "deployment.environment", "service.version"} {
		td := newDice(uint64(i)).traces(5)
		for _, rs := range td.ResourceSpans().All() {
			rs.Resource().Attributes().PutStr(key, "staging")
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 10)
	}
	count := func(filter string) int {
		var page api.SpanPage
		f.search("spans", searchBody{filters: "[" + filter + "]", limit: 1000}, &page)
		return len(page.Spans)
	}
	require.Equal(t, 10, count(`{"field":"environment","operator":"eq","value":"staging"}`))
	require.Equal(t, 5, count(`{"field":"environment","operator":"ne","value":"staging"}`))
	require.Equal(t, 10, count(`{"field":"environment","operator":"exists"}`))
	require.Equal(t, 5, count(`{"field":"environment","operator":"exists","value":false}`))
	require.Equal(t, 5, count(`{"field":"version","operator":"eq","value":"staging"}`))
	require.Equal(t, 10, count(`{"field":"version","operator":"ne","value":"staging"}`))
	require.Equal(t, count(`{"field":"name","operator":"eq","value":"SELECT"}`), count(`{"field":"operation","operator":"eq","value":"SELECT"}`))
	require.Positive(t, count(`{"field":"operation","operator":"ne","value":"SELECT"}`))

	p := f.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search"+hour()+"&filters="+url.QueryEscape(`[{"field":"environmen","operator":"eq","value":"a"}]`), "")
	require.Contains(t, p.Detail, `do you mean "environment"?`)
	p = f.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search"+hour()+"&filters="+url.QueryEscape(`[{"field":"http.route","operator":"eq","value":"a"}]`), "")
	require.Contains(t, p.Detail, `attributes.http.route`)
	p = f.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search"+hour()+"&filters="+url.QueryEscape(`[{"field":"name","operator":"contain","value":"a"}]`), "")
	require.Contains(t, p.Detail, `do you mean "contains"?`)
}

// TestEmptyTextsAreAbsent, of spans and of metrics alike.
func TestEmptyTextsAreAbsent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	td, md := newDice(1).traces(10), newDice(1).metrics(10)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetName("")
	metric := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
	metric.SetName("")
	metric.SetUnit("")
	f.store("default", telemetry.Traces, testbed.TracesPayload(td), 10)
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 10)
	for list, fields := range map[string][]string{"spans": {"name", "operation"}, "metrics": {"name", "unit"}} {
		for _, field := range fields {
			count := func(rest string) int {
				return len(f.page(list, searchBody{filters: `[{"field":"` + field + `",` + rest + `}]`}).items)
			}
			none := count(`"operator":"exists","value":false`)
			require.Positive(t, none, field)
			require.Less(t, none, 10, field)
			require.Zero(t, count(`"operator":"eq","value":""`), field)
			require.Equal(t, 10, count(`"operator":"ne","value":""`), field)
			require.Equal(t, 10-none, count(`"operator":"contains","value":""`), field)
		}
	}
}

// TestParametersThatCannotBeReadAreNamed: of every operation, with what would do, and in no words of Go.
func TestParametersThatCannotBeReadAreNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(testbed.Root(t), "docs", "api.yaml"))
	require.NoError(t, err)
	tried := 0
	for _, o := range operations(t, strings.Repeat("1", 32), "abcdefghijklmnop") {
		for path, item := range doc.Paths.Map() {
			op := item.GetOperation(o.method)
			if op == nil || op.OperationID != o.id {
				continue
			}
			for _, p := range op.Parameters {
				schema := p.Value.Schema.Value
				want := map[bool]string{true: "want a whole number", false: "want true or false"}[schema.Type.Is("integer")]
				if !schema.Type.Is("integer") && !schema.Type.Is("boolean") {
					continue
				}
				at, query, _ := strings.Cut(o.path, "?")
				wrong := []string{"ten", "1.5", "-", "is required", "value out of range"}
				switch p.Value.In {
				case "query":
					values, err := url.ParseQuery(query)
					require.NoError(t, err)
					for _, text := range wrong {
						values.Set(p.Value.Name, text)
						told := f.problem(http.StatusBadRequest, o.method, at+"?"+values.Encode(), o.body)
						require.Equal(t, "request.parameter", told.Code, o.id)
						require.Equal(t, p.Value.Name+": "+want+`, not "`+text+`"`, told.Detail, o.id)
						tried++
					}
					values[p.Value.Name] = []string{"1", "2"}
					told := f.problem(http.StatusBadRequest, o.method, at+"?"+values.Encode(), o.body)
					require.Equal(t, p.Value.Name+": want one value", told.Detail, o.id)
				case "path":
					told := f.problem(http.StatusBadRequest, o.method, strings.ReplaceAll(path, "{"+p.Value.Name+"}", "ten")+"?"+query, o.body)
					require.Equal(t, p.Value.Name+": "+want+`, not "ten"`, told.Detail, o.id)
					tried++
				}
			}
		}
	}
	require.Greater(t, tried, 50)
	told := f.problem(http.StatusBadRequest, http.MethodGet, "/api/services", "")
	require.Equal(t, "start_time: it is missing", told.Detail)
	told = f.problem(http.StatusBadRequest, http.MethodGet, "/api/services"+hour()+"&limit=99999999999999999999", "")
	require.Equal(t, "limit: the number is too large or too small", told.Detail)
}
