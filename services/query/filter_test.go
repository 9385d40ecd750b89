package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// naive is a second implementation of conditions, as slow and plain as can be, over items as the API shows them.
type naive struct {
	values  func(field string) []otlpjson.Value // of one field; empty when the item lacks it
	numbers func(field string) (int64, bool)
}

func (n naive) holds(t testing.TB, raw json.RawMessage) bool {
	t.Helper()
	var f struct {
		Field, Operator string
		Value           json.RawMessage
		And, Or, Not    []json.RawMessage
	}
	require.NoError(t, json.Unmarshal(raw, &f))
	each := func(list []json.RawMessage) (every, some bool) {
		every = true
		for _, r := range list {
			h := n.holds(t, r)
			every, some = every && h, some || h
		}
		return every, some
	}
	switch {
	case f.And != nil:
		every, _ := each(f.And)
		return every
	case f.Or != nil:
		_, some := each(f.Or)
		return some
	case f.Not != nil:
		every, _ := each(f.Not)
		return !every
	}
	switch f.Operator {
	case "ne":
		return !n.one(t, f.Field, "eq", f.Value)
	case "not_in":
		return !n.one(t, f.Field, "in", f.Value)
	case "exists":
		return n.one(t, f.Field, "exists", nil) == (string(f.Value) != "false")
	}
	return n.one(t, f.Field, f.Operator, f.Value)
}

func (n naive) one(t testing.TB, field, operator string, raw json.RawMessage) bool {
	t.Helper()
	if operator == "in" {
		var list []json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &list))
		return slices.ContainsFunc(list, func(r json.RawMessage) bool { return n.one(t, field, "eq", r) })
	}
	if n.numbers != nil {
		if x, ok := n.numbers(field); ok {
			return naiveNumber(t, field, x, operator, raw)
		}
	}
	return slices.ContainsFunc(n.values(field), func(v otlpjson.Value) bool { return naiveValue(t, v, operator, raw) })
}

func naiveNumber(t testing.TB, field string, x int64, operator string, raw json.RawMessage) bool {
	t.Helper()
	if operator == "exists" {
		return field != "severity" || x != 0
	}
	var literal any
	require.NoError(t, json.Unmarshal(raw, &literal))
	var low, high int64
	switch v := literal.(type) {
	case float64:
		low, high = int64(v), int64(v)
	case string:
		names := map[string][2]int64{
			"kind server": {2, 2}, "kind client": {3, 3}, "status error": {2, 2}, "severity error": {17, 20}, "severity warn": {13, 16},
		}
		if r, ok := names[field+" "+v]; ok {
			low, high = r[0], r[1]
		} else {
			d, err := time.ParseDuration(v)
			require.NoError(t, err)
			low, high = int64(d), int64(d)
		}
	}
	if field == "severity" && x == 0 && low != 0 {
		return false
	}
	switch operator {
	case "eq":
		return low <= x && x <= high
	case "gt":
		return x > high
	case "gte":
		return x >= low
	case "lt":
		return x < low
	case "lte":
		return x <= high
	}
	t.Fatalf("operator %s", operator)
	return false
}

// manyWords is a text of so many different words.
func manyWords(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprint("w", i)
	}
	return strings.Join(words, " ")
}

// hasWords reports whether the words of some stand in a text, one after the other.
func hasWords(text, some string) bool {
	of := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
			return r < 0x80 && !strings.ContainsRune("_0123456789abcdefghijklmnopqrstuvwxyz", r)
		})
	}
	return strings.Contains(" "+strings.Join(of(text), " ")+" ", " "+strings.Join(of(some), " ")+" ")
}

func naiveValue(t testing.TB, v otlpjson.Value, operator string, raw json.RawMessage) bool {
	t.Helper()
	if operator == "exists" {
		return true
	}
	if raw[0] == '{' {
		var want otlpjson.Value
		require.NoError(t, json.Unmarshal(raw, &want))
		got, err := json.Marshal(v)
		require.NoError(t, err)
		same, err := json.Marshal(want)
		require.NoError(t, err)
		return string(got) == string(same)
	}
	var literal any
	require.NoError(t, json.Unmarshal(raw, &literal))
	switch want := literal.(type) {
	case string:
		switch operator {
		case "contains":
			return textual(v, func(s string) bool { return strings.Contains(s, want) })
		case "regex":
			return textual(v, regexp.MustCompile(want).MatchString)
		case "words":
			return textual(v, func(s string) bool { return hasWords(s, want) })
		}
		if v.Kind != otlpjson.KindString {
			return false
		}
		switch operator {
		case "eq":
			return v.String == want
		case "gt":
			return v.String > want
		case "gte":
			return v.String >= want
		case "lt":
			return v.String < want
		case "lte":
			return v.String <= want
		}
	case bool:
		return operator == "eq" && v.Kind == otlpjson.KindBool && v.Bool == want
	case float64:
		x := v.Double
		if v.Kind == otlpjson.KindInt {
			if operator == "eq" { // beyond 2^53 only the digits tell
				return strconv.FormatInt(v.Int, 10) == strings.TrimSuffix(string(raw), ".0")
			}
			x = float64(v.Int)
		} else if v.Kind != otlpjson.KindDouble {
			return false
		}
		switch operator {
		case "eq":
			return x == want
		case "gt":
			return x > want
		case "gte":
			return x >= want
		case "lt":
			return x < want
		case "lte":
			return x <= want
		}
	}
	t.Fatalf("operator %s with %s", operator, raw)
	return false
}

func attribute(list []api.KeyValue, key string) []otlpjson.Value {
	var out []otlpjson.Value
	for _, kv := range list {
		if kv.Key == key {
			out = append(out, kv.Value)
		}
	}
	return out
}

func str(s string) []otlpjson.Value {
	if s == "" {
		return nil
	}
	return []otlpjson.Value{{Kind: otlpjson.KindString, String: s}}
}

// common are the fields that every signal has.
func common(field, connection string, r api.Resource, s api.Scope, attributes []api.KeyValue) []otlpjson.Value {
	if k, ok := strings.CutPrefix(field, "attributes."); ok {
		return attribute(attributes, k)
	}
	if k, ok := strings.CutPrefix(field, "resource."); ok {
		return attribute(r.Attributes, k)
	}
	switch field {
	case "service":
		return str(r.ServiceName)
	case "namespace":
		return str(r.ServiceNamespace)
	case "connection":
		return str(connection)
	case "tenant":
		return str("default")
	case "scope.name":
		return str(s.Name)
	case "scope.version":
		return str(s.Version)
	}
	if k, ok := strings.CutPrefix(field, "scope."); ok {
		return attribute(s.Attributes, k)
	}
	return nil
}

// sharedFilters are tried on every signal.
func sharedFilters() []string {
	return []string{
		`{"field":"service","operator":"eq","value":"cart"}`,
		`{"field":"service","operator":"ne","value":"cart"}`,
		`{"field":"service","operator":"in","value":["cart","payment","nobody"]}`,
		`{"field":"service","operator":"not_in","value":["cart","payment"]}`,
		`{"field":"service","operator":"contains","value":"a"}`,
		`{"field":"service","operator":"eq","value":5}`,
		`{"field":"namespace","operator":"eq","value":"shop"}`,
		`{"field":"namespace","operator":"exists","value":false}`,
		`{"field":"attributes.http.status_code","operator":"eq","value":200}`,
		`{"field":"attributes.http.status_code","operator":"eq","value":"200"}`,
		`{"field":"attributes.http.status_code","operator":"ne","value":200}`,
		`{"field":"attributes.http.status_code","operator":"gte","value":404}`,
		`{"field":"attributes.http.status_code","operator":"lt","value":404.5}`,
		`{"field":"attributes.http.status_code","operator":"eq","value":9007199254740993}`,
		`{"field":"attributes.http.status_code","operator":"eq","value":9007199254740992}`,
		`{"field":"attributes.http.status_code","operator":"in","value":[404,"200"]}`,
		`{"field":"attributes.http.status_code","operator":"exists"}`,
		`{"field":"attributes.http.status_code","operator":"exists","value":false}`,
		`{"field":"attributes.ratio","operator":"eq","value":1}`,
		`{"field":"attributes.ratio","operator":"eq","value":1.0}`,
		`{"field":"attributes.ratio","operator":"eq","value":{"intValue":"1"}}`,
		`{"field":"attributes.ratio","operator":"eq","value":{"doubleValue":1}}`,
		`{"field":"attributes.ratio","operator":"eq","value":true}`,
		`{"field":"attributes.ratio","operator":"gt","value":0.5}`,
		`{"field":"attributes.raw","operator":"eq","value":{"bytesValue":"AAE="}}`,
		`{"field":"attributes.nothing","operator":"eq","value":{}}`,
		`{"field":"attributes.nothing","operator":"exists"}`,
		`{"field":"attributes.user.id","operator":"regex","value":"^user-1"}`,
		`{"field":"attributes.user.id","operator":"gt","value":"user-5"}`,
		`{"field":"attributes.user.id","operator":"contains","value":"-1"}`,
		`{"field":"attributes.absent","operator":"eq","value":"x"}`,
		`{"field":"resource.host.name","operator":"eq","value":"node-1"}`,
		`{"field":"resource.host.name","operator":"regex","value":"[02]$"}`,
		`{"field":"connection","operator":"eq","value":"key-1"}`,
		`{"field":"connection","operator":"ne","value":"key-1"}`,
		`{"field":"connection","operator":"in","value":["key-2","key-9"]}`,
		`{"field":"connection","operator":"exists","value":false}`,
		`{"field":"connection","operator":"regex","value":"^key-[12]$"}`,
		`{"field":"scope.name","operator":"eq","value":"sql"}`,
		`{"field":"scope.name","operator":"exists","value":false}`,
		`{"field":"scope.version","operator":"eq","value":"1.0"}`,
		`{"field":"scope.generated","operator":"eq","value":true}`,
		`{"and":[{"field":"service","operator":"eq","value":"cart"},{"field":"attributes.http.status_code","operator":"eq","value":500}]}`,
		`{"or":[{"field":"service","operator":"eq","value":"cart"},{"field":"attributes.http.status_code","operator":"eq","value":500}]}`,
		`{"or":[{"field":"service","operator":"eq","value":"cart"},{"field":"service","operator":"eq","value":"payment"}]}`,
		`{"not":[{"field":"service","operator":"eq","value":"cart"},{"field":"attributes.http.status_code","operator":"eq","value":500}]}`,
		`{"not":[{"or":[{"field":"service","operator":"eq","value":"cart"},{"not":[{"field":"attributes.user.id","operator":"exists"}]}]}]}`,
	}
}

// spanFilters are filters on spans, two of which are given.
func spanFilters(some, other api.Span) []string {
	return []string{
		`{"field":"name","operator":"eq","value":"charge"}`,
		`{"field":"name","operator":"regex","value":"^(GET|POST) "}`,
		`{"field":"name","operator":"eq","value":""}`,
		`{"field":"kind","operator":"eq","value":"server"}`,
		`{"field":"kind","operator":"in","value":[2,"client"]}`,
		`{"field":"status","operator":"eq","value":"error"}`,
		`{"field":"status","operator":"ne","value":"error"}`,
		`{"field":"status_message","operator":"eq","value":"card declined"}`,
		`{"field":"status_message","operator":"exists","value":false}`,
		`{"field":"duration","operator":"gt","value":"150ms"}`,
		`{"field":"duration","operator":"lte","value":150000000}`,
		`{"field":"duration","operator":"eq","value":"` + some.DurationNano + `ns"}`,
		`{"field":"root","operator":"eq","value":true}`,
		`{"field":"root","operator":"eq","value":false}`,
		`{"field":"root","operator":"ne","value":true}`,
		`{"field":"trace_id","operator":"eq","value":"` + some.TraceID + `"}`,
		`{"field":"trace_id","operator":"ne","value":"` + strings.ToUpper(some.TraceID) + `"}`,
		`{"field":"span_id","operator":"in","value":["` + some.SpanID + `","` + other.SpanID + `"]}`,
		`{"field":"parent_span_id","operator":"exists"}`,
		`{"and":[{"field":"service","operator":"eq","value":"cart"},{"field":"status","operator":"eq","value":"error"},{"field":"duration","operator":"gte","value":"290ms"}]}`,
		`{"or":[{"field":"trace_id","operator":"eq","value":"` + some.TraceID + `"},{"field":"name","operator":"eq","value":"charge"}]}`,
	}
}

// logFilters are filters on log records.
func logFilters() []string {
	return []string{
		`{"field":"body","operator":"contains","value":"of user-1 was"}`,
		`{"field":"body","operator":"contains","value":"user-1"}`,
		`{"field":"body","operator":"contains","value":"café"}`,
		`{"field":"body","operator":"contains","value":"caf"}`,
		`{"field":"body","operator":"contains","value":"Placed"}`,
		`{"field":"body","operator":"words","value":"USER-1 was: placed"}`,
		`{"field":"body","operator":"words","value":"caf"}`,
		`{"field":"body","operator":"words","value":"café eur"}`,
		`{"field":"body","operator":"words","value":"total=1 eur"}`,
		`{"field":"body","operator":"words","value":"order placed"}`,
		`{"field":"resource.host.name","operator":"words","value":"host"}`,
		`{"field":"body","operator":"contains","value":" of "}`,
		`{"field":"body","operator":"contains","value":""}`,
		`{"field":"body","operator":"contains","value":": "}`,
		`{"field":"body","operator":"eq","value":200}`,
		`{"field":"body","operator":"eq","value":"Order 1 of user-1 was placed: total=1 EUR, café"}`,
		`{"field":"body","operator":"exists","value":false}`,
		`{"field":"body","operator":"regex","value":"total=[5-9]"}`,
		`{"field":"severity","operator":"eq","value":"error"}`,
		`{"field":"severity","operator":"eq","value":0}`,
		`{"field":"severity","operator":"ne","value":0}`,
		`{"field":"severity","operator":"in","value":[0]}`,
		`{"field":"severity","operator":"in","value":[0,"error"]}`,
		`{"field":"severity","operator":"not_in","value":[0,17]}`,
		`{"field":"severity","operator":"gte","value":"warn"}`,
		`{"field":"severity","operator":"lt","value":"warn"}`,
		`{"field":"severity","operator":"exists","value":false}`,
		`{"field":"severity_text","operator":"eq","value":"error"}`,
		`{"field":"event_name","operator":"eq","value":"device.app"}`,
		`{"field":"event_name","operator":"exists","value":false}`,
		`{"field":"trace_id","operator":"exists"}`,
		`{"field":"span_id","operator":"exists","value":false}`,
	}
}

// pointFilters are filters on points.
func pointFilters() []string {
	return []string{
		`{"field":"name","operator":"eq","value":"requests"}`,
		`{"field":"name","operator":"regex","value":"depth"}`,
		`{"field":"name","operator":"eq","value":""}`,
		`{"field":"name","operator":"exists","value":false}`,
		`{"field":"unit","operator":"eq","value":"s"}`,
		`{"field":"unit","operator":"exists","value":false}`,
		`{"field":"type","operator":"eq","value":"sum"}`,
		`{"field":"type","operator":"ne","value":"sum"}`,
	}
}

// someKeys are keys with which the tests' payloads are sent in turn; some with none.
func someKeys() []string { return []string{"key-1", "", "key-2", "key-1", "key-3"} }

// differ compares the API's answer for a filter with the naive one over all items.
func differ[T any](t *testing.T, f *fixture, list, filter string, items []T, id func(T) string, naively func(T) naive) {
	t.Helper()
	var want []string
	for _, item := range items {
		if naively(item).holds(t, json.RawMessage(filter)) {
			want = append(want, id(item))
		}
	}
	var got []string
	for _, item := range f.page(list, searchBody{filters: "[" + filter + "]", limit: 1000}).items {
		got = append(got, identity(t, item))
	}
	require.Equal(t, want, got, "%s %s", list, filter)
}

func TestFiltersOnSpans(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.keys = someKeys()
	for seed := range uint64(3) {
		f.fill(seed, 150, 40)
	}
	var all api.SpanPage
	f.search("spans", searchBody{limit: 1000}, &all)
	require.Len(t, all.Spans, 450)
	some := all.Spans[17]
	filters := append(sharedFilters(), spanFilters(some, all.Spans[3])...)
	for _, filter := range filters {
		differ(t, f, "spans", filter, all.Spans, func(s api.Span) string { return s.ID }, func(s api.Span) naive { return naiveSpan(&all, &s) })
	}
}

// naiveSpan is a span of a page.
func naiveSpan(all *api.SpanPage, s *api.Span) naive {
	return naive{
		values: func(field string) []otlpjson.Value {
			switch field {
			case "name":
				return str(s.Name)
			case "status_message":
				return str(s.Status.Message)
			case "trace_id":
				return []otlpjson.Value{{Kind: otlpjson.KindString, String: s.TraceID}, {Kind: otlpjson.KindString, String: strings.ToUpper(s.TraceID)}}
			case "span_id":
				return str(s.SpanID)
			case "parent_span_id":
				return str(s.ParentSpanID)
			case "root":
				return []otlpjson.Value{{Kind: otlpjson.KindBool, Bool: s.ParentSpanID == ""}}
			}
			return common(field, s.Connection, all.Resources[s.ResourceIndex], all.Scopes[s.ScopeIndex], s.Attributes)
		},
		numbers: func(field string) (int64, bool) {
			switch field {
			case "kind":
				return int64(s.Kind), true
			case "status":
				return int64(s.Status.Code), true
			case "duration":
				n, err := strconv.ParseInt(s.DurationNano, 10, 64)
				return n, err == nil
			}
			return 0, false
		},
	}
}

func TestFiltersOnLogs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.keys = someKeys()
	for seed := range uint64(3) {
		f.fill(seed, 150, 40)
	}
	var all api.LogPage
	f.search("logs", searchBody{limit: 1000}, &all)
	require.Len(t, all.Logs, 450)
	filters := append(sharedFilters(), logFilters()...)
	for _, l := range all.Logs {
		if l.Body != nil && l.Body.Kind == otlpjson.KindString {
			quoted, err := json.Marshal(l.Body.String)
			require.NoError(t, err)
			filters = append(filters, `{"field":"body","operator":"eq","value":`+string(quoted)+`}`)
			break
		}
	}
	for _, filter := range filters {
		differ(t, f, "logs", filter, all.Logs, func(l api.LogRecord) string { return l.ID }, func(l api.LogRecord) naive { return naiveLog(&all, &l) })
	}
}

// naiveLog is a log record of a page.
func naiveLog(all *api.LogPage, l *api.LogRecord) naive {
	return naive{
		values: func(field string) []otlpjson.Value {
			switch field {
			case "body":
				if l.Body == nil {
					return nil
				}
				return []otlpjson.Value{*l.Body}
			case "severity_text":
				return str(l.SeverityText)
			case "event_name":
				return str(l.EventName)
			case "trace_id":
				return str(l.TraceID)
			case "span_id":
				return str(l.SpanID)
			}
			return common(field, l.Connection, all.Resources[l.ResourceIndex], all.Scopes[l.ScopeIndex], l.Attributes)
		},
		numbers: func(field string) (int64, bool) {
			return int64(cmp.Or(l.SeverityNumber, l.SeverityDerived)), field == "severity"
		},
	}
}

func TestFiltersOnPoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.keys = someKeys()
	for seed := range uint64(3) {
		f.fill(seed, 150, 40)
	}
	var all api.PointPage
	f.search("metrics", searchBody{limit: 1000}, &all)
	require.Len(t, all.Points, 450)
	filters := append(sharedFilters(), pointFilters()...)
	for _, filter := range filters {
		differ(t, f, "metrics", filter, all.Points, func(p api.Point) string { return p.ID }, func(p api.Point) naive { return naivePoint(&all, &p) })
	}
}

// naivePoint is a point of a page.
func naivePoint(all *api.PointPage, p *api.Point) naive {
	series := all.Series[*p.SeriesIndex]
	return naive{values: func(field string) []otlpjson.Value {
		switch field {
		case "name":
			return str(series.Metric.Name)
		case "unit":
			return str(series.Metric.Unit)
		case "type":
			return str(string(series.Metric.Type))
		}
		return common(field, p.Connection, all.Resources[series.ResourceIndex], all.Scopes[series.ScopeIndex], series.Attributes)
	}}
}

func TestTimeFilterAndRangeEdges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fill(5, 300, 40)
	var all api.SpanPage
	f.search("spans", searchBody{limit: 1000}, &all)
	edge, err := strconv.ParseInt(all.Spans[100].StartTimeUnixNano, 10, 64)
	require.NoError(t, err)
	want := 0
	for _, s := range all.Spans {
		n, err := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
		require.NoError(t, err)
		if n >= edge {
			want++
		}
	}
	require.Len(t, f.page("spans", searchBody{limit: 1000, from: time.Unix(0, edge), to: base().Add(time.Hour)}).items, want, "start is inclusive")
	require.Len(t, f.page("spans", searchBody{limit: 1000, from: base().Add(-time.Hour), to: time.Unix(0, edge)}).items, 300-want, "end is exclusive")
	filter := fmt.Sprintf(`[{"field":"time","operator":"gte","value":"%d"}]`, edge)
	require.Len(t, f.page("spans", searchBody{limit: 1000, filters: filter}).items, want)
}

type wrongFilter struct{ filter, code, names string }

// wrongFilters are filters on spans that are refused, with the code and what the message names.
func wrongFilters() []wrongFilter {
	return []wrongFilter{
		{`{"field":"http_status","operator":"eq","value":1}`, "filter.unknown_field", `filters[0]: unknown field "http_status" for traces`},
		{`{"field":"attributes.","operator":"eq","value":1}`, "filter.unknown_field", `"attributes."`},
		{`{"field":"body","operator":"eq","value":1}`, "filter.unknown_field", `"body" for traces`},
		{`{"field":"name","operator":"like","value":"x"}`, "filter.unknown_operator", `"like"`},
		{`{"field":"name","operator":"","value":"x"}`, "filter.unknown_operator", `""`},
		{`{"field":"name","operator":"eq"}`, "filter.bad_value", "a value is required"},
		{`{"field":"name","operator":"eq","value":null}`, "filter.bad_value", "name eq"},
		{`{"field":"name","operator":"eq","value":["a"]}`, "filter.bad_value", "name eq"},
		{`{"field":"name","operator":"in","value":"a"}`, "filter.bad_value", "want a list"},
		{`{"field":"name","operator":"in","value":[]}`, "filter.bad_value", "want a list"},
		{`{"field":"name","operator":"regex","value":"("}`, "filter.bad_value", "missing closing"},
		{`{"field":"name","operator":"contains","value":5}`, "filter.bad_value", "want a string"},
		{`{"field":"name","operator":"gt","value":true}`, "filter.bad_value", "want a number or a string"},
		{`{"field":"name","operator":"exists","value":"yes"}`, "filter.bad_value", "true or false"},
		{`{"field":"kind","operator":"eq","value":"servant"}`, "filter.bad_value", "internal, server"},
		{`{"field":"kind","operator":"contains","value":"server"}`, "filter.bad_value", "does not take this operator"},
		{`{"field":"duration","operator":"gt","value":"fast"}`, "filter.bad_value", `"1.5s"`},
		{`{"field":"trace_id","operator":"eq","value":"abc"}`, "filter.bad_value", "32 hex digits"},
		{`{"field":"trace_id","operator":"gt","value":"00000000000000000000000000000001"}`, "filter.bad_value", "does not take this operator"},
		{`{"field":"root","operator":"eq","value":"true"}`, "filter.bad_value", "true or false"},
		{`{"field":"attributes.x","operator":"eq","value":{"intValue":"1","stringValue":"1"}}`, "filter.bad_value", "AnyValue"},
		{`{"field":"attributes.x","operator":"eq","value":{"int":"1"}}`, "filter.bad_value", "AnyValue"},
		{`{"field":"attributes.x","operator":"eq","value":1e999}`, "filter.bad_value", "1e999"},
		{`{"field":"name"}`, "filter.malformed", "operator is missing"},
		{`{"operator":"eq","value":1}`, "filter.malformed", "field is missing"},
		{`{}`, "filter.malformed", "filters[0]"},
		{`[]`, "filter.malformed", "filters[0]"},
		{`{"feild":"name","operator":"eq","value":1}`, "filter.malformed", "feild"},
		{`{"and":[]}`, "filter.malformed", "filters[0].and"},
		{`{"and":[{"field":"name","operator":"eq","value":"x"}],"or":[{"field":"name","operator":"eq","value":"x"}]}`, "filter.malformed", "exactly one"},
		{`{"or":[{"field":"name","operator":"eq","value":"x"},{"not":[{"field":"nome","operator":"eq","value":"x"}]}]}`, "filter.unknown_field", `filters[0].or[1].not[0]: unknown field "nome"`},
		{strings.Repeat(`{"not":[`, 12) + `{"field":"name","operator":"eq","value":"x"}` + strings.Repeat(`]}`, 12), "filter.too_large", "deeper"},
		{`{"or":[` + strings.Repeat(`{"field":"name","operator":"eq","value":"x"},`, 250) + `{"field":"name","operator":"eq","value":"x"}]}`, "filter.too_large", "more than 200"},
		{`{"field":"name","operator":"regex","value":"` + strings.Repeat("x", 1001) + `"}`, "filter.regex_too_large", "filters[0]: name regex: the regular expression is too large: it has 1001 bytes"},
		{`{"field":"name","operator":"regex","value":"(?:` + strings.Repeat("x", 900) + `){1000}"}`, "filter.regex_too_large", "more than 5000 instructions"},
		{`{"field":"attributes.x","operator":"regex","value":"` + strings.Repeat(`\\pL`, 300) + `"}`, "filter.regex_too_large", "more than 5000 instructions"},
		{`{"field":"name","operator":"regex","value":"("}`, "filter.bad_value", "missing closing"},
		{`{"field":"name","operator":"regex","value":5}`, "filter.bad_value", "a string"},
		{`{"field":"name","operator":"words","value":5}`, "filter.bad_value", "a string"},
		{`{"field":"name","operator":"words","value":"--"}`, "filter.bad_value", "words"},
		{`{"field":"name","operator":"words","value":"` + manyWords(65) + `"}`, "filter.bad_value", "64 words"},
		{strings.TrimSuffix(strings.Repeat(`{"field":"name","operator":"regex","value":"(?:abcd){800}"},`, 6), ","), "filter.too_large", "filters[5]: with this condition the regular expressions"},
		{strings.TrimSuffix(strings.Repeat(`{"field":"name","operator":"in","value":["x"`+strings.Repeat(`,"x"`, 199)+`]},`, 11), ","), "filter.too_large", "filters[10]: with this condition the filters have more than 2000 values"},
		{`{"field":"name","operator":"contains","value":"` + strings.Repeat("x", 200<<10) + `"},{"or":[{"field":"name","operator":"eq","value":"` + strings.Repeat("x", 80<<10) + `"}]}`, "filter.too_large", "filters[1].or[0]: with this condition the values"},
	}
}

func TestWrongFiltersAreRefusedByName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, c := range wrongFilters() {
		p := f.problem(http.StatusBadRequest, http.MethodPost, "/api/spans/search", searchBody{filters: "[" + c.filter + "]"}.json(t))
		require.Equal(t, c.code, p.Code, "%.300s", c.filter)
		require.Contains(t, p.Detail, c.names, "%.300s", c.filter)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestWrongRequestsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rangeOf := func(start, end string) string {
		return `{"time_range":{"start_time":` + start + `,"end_time":` + end + `}}`
	}
	for _, c := range []struct{ body, code string }{
		{``, "request.malformed"},
		{`{`, "request.malformed"},
		{`[]`, "request.malformed"},
		{`{"time_range":{"start_time":1,"end_time":2}} {}`, "request.malformed"},
		{`{"time_range":{"start_time":1,"end_time":2},"filter":[]}`, "request.malformed"},
		{`{}`, "time_range.required"},
		{rangeOf(`null`, `2`), "time_range.required"},
		{rangeOf(`"yesterday"`, `2`), "time_range.invalid"},
		{rangeOf(`1.5`, `2`), "time_range.invalid"},
		{rangeOf(`"0001-01-01T00:00:00Z"`, `2`), "time_range.invalid"},
		{rangeOf(`2`, `2`), "time_range.empty"},
		{rangeOf(`3`, `"2"`), "time_range.empty"},
		{`{"time_range":{"start_time":1,"end_time":2},"pagination":{"limit":1001}}`, "pagination.limit"},
		{`{"time_range":{"start_time":1,"end_time":2},"pagination":{"limit":-1}}`, "pagination.limit"},
		{`{"time_range":{"start_time":1,"end_time":2},"pagination":{"limit":0}}`, "pagination.limit"},
	} {
		for _, list := range lists() {
			require.Equal(t, c.code, f.problem(http.StatusBadRequest, http.MethodPost, "/api/"+list+"/search", c.body).Code, c.body)
		}
	}
	p := f.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search"+hour()+"&filters="+`%5B%7B%22field%22%3A%22x%22%2C%22operator%22%3A%22eq%22%2C%22value%22%3A1%7D%5D`, "")
	require.Equal(t, "filter.unknown_field", p.Code)
	require.Contains(t, p.Detail, `"x"`)
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search", "")
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/services?start_time=1", "")
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search"+hour()+"&limit=ten", "")
	require.Equal(t, "tenant.invalid", f.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search"+hour(), "", "X-Scope-OrgID", "a b").Code)
	require.Equal(t, "trace_id.invalid", f.problem(http.StatusBadRequest, http.MethodGet, "/api/traces/xyz", "").Code)
	require.Equal(t, "trace_id.invalid", f.problem(http.StatusBadRequest, http.MethodGet, "/api/traces/"+strings.Repeat("0", 32), "").Code)
	require.Equal(t, "not_found", f.problem(http.StatusNotFound, http.MethodGet, "/api/traces/"+strings.Repeat("1", 32), "").Code)
	require.Equal(t, "not_found", f.problem(http.StatusNotFound, http.MethodGet, "/api/metrics/nothing"+hour(), "").Code)
	f.problem(http.StatusNotFound, http.MethodGet, "/api/nothing", "")
}
