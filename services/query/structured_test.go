package query

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// What people send as maps and lists: log bodies of JavaScript, Python and Go loggers, messages of a model, lists of tags. Keys have dots, are empty, and are
// there as paths and as keys both.
type wild struct {
	dice
	keys []string
}

func newWild(seed uint64) wild {
	return wild{dice: newDice(seed), keys: []string{"user", "id", "user.id", "tags", "a", "b", "", "msg", "ü"}}
}

func (w wild) key() string { return w.keys[w.IntN(len(w.keys))] }

func (w wild) word() string {
	return []string{"gold", "Gold", "silver", "order placed", "line 1\nline 2", `say "hi"`, "200", "", "ünï", "user-7", "a.b", "/api/v1?x=1"}[w.IntN(12)]
}

func (w wild) value(to pcommon.Value, depth int) {
	n := w.IntN(12)
	if depth == 0 {
		n = w.IntN(8)
	}
	switch n {
	case 0, 1, 2, 3:
		to.SetStr(w.word())
	case 4:
		to.SetInt([]int64{200, 404, -1, 0}[w.IntN(4)])
	case 5:
		to.SetDouble([]float64{200, 0.5, 1e21, 1e-9, -3}[w.IntN(5)])
	case 6:
		to.SetBool(w.IntN(2) == 0)
	case 7:
		if w.IntN(2) == 0 {
			to.SetEmptyBytes().FromRaw([]byte{1, 2, 0xff})
		}
	case 8, 9:
		list := to.SetEmptySlice()
		for range w.IntN(4) {
			w.value(list.AppendEmpty(), depth-1)
		}
	default:
		w.fill(to.SetEmptyMap(), w.IntN(4), depth-1)
	}
}

func (w wild) fill(m pcommon.Map, n, depth int) {
	for range n {
		w.value(m.PutEmpty(w.key()), depth)
	}
}

// attributes leaves out keys that attributes may not have, which is none but the empty one.
func (w wild) attributes(m pcommon.Map) {
	for range w.IntN(4) {
		key := w.key()
		if key == "" {
			key = "a"
		}
		w.value(m.PutEmpty(key), 3)
	}
}

func (f *fixture) storeWild(seed uint64, n int) {
	f.t.Helper()
	for signal, payload := range wildPayloads(seed, n) {
		f.store("default", telemetry.Signal(signal), payload, 25)
	}
}

// wildPayloads are n items of each signal, by its number.
func wildPayloads(seed uint64, n int) [][]byte {
	w := newWild(seed)
	td, ld, md := w.traces(n), w.logs(n), w.metrics(n)
	for _, rs := range td.ResourceSpans().All() {
		w.attributes(rs.Resource().Attributes())
		for _, ss := range rs.ScopeSpans().All() {
			w.attributes(ss.Scope().Attributes())
			for _, s := range ss.Spans().All() {
				w.attributes(s.Attributes())
			}
		}
	}
	for _, rl := range ld.ResourceLogs().All() {
		w.attributes(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, l := range sl.LogRecords().All() {
				w.attributes(l.Attributes())
				w.value(l.Body(), 4)
			}
		}
	}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Name() == "requests" {
					for _, p := range m.Sum().DataPoints().All() {
						w.attributes(p.Attributes())
					}
				} else {
					for _, p := range m.Gauge().DataPoints().All() {
						w.attributes(p.Attributes())
					}
				}
			}
		}
	}
	out := make([][]byte, len(telemetry.Signals()))
	out[telemetry.Traces], out[telemetry.Logs], out[telemetry.Metrics] = testbed.TracesPayload(td), testbed.LogsPayload(ld), testbed.MetricsPayload(md)
	return out
}

// wildItem is an item as conditions see it, with its id in lists.
type wildItem struct {
	id string
	of otlpjson.Value
}

// wildFields are those that conditions are about, by list.
func wildFields() map[string][]string {
	return map[string][]string{
		"spans": {"attributes.a", "attributes.user", "attributes.tags", "attributes.b", "resource.user", "resource.a", "scope.tags"},
		"logs":  {"body", "body", "body.user", "body.tags", "attributes.user", "resource.a"}, "metrics": {"attributes.user", "attributes.tags", "attributes.a"},
	}
}

// wildItems are all items that are stored, by list and in its order.
func (f *fixture) wildItems() map[string][]wildItem {
	f.t.Helper()
	var spans api.SpanPage
	f.search("spans", searchBody{limit: 1000}, &spans)
	var logs api.LogPage
	f.search("logs", searchBody{limit: 1000}, &logs)
	var points api.PointPage
	f.search("metrics", searchBody{limit: 1000}, &points)
	of := func(members ...otlpjson.KeyValue) otlpjson.Value {
		return otlpjson.Value{Kind: otlpjson.KindMap, Map: members}
	}
	all := map[string][]wildItem{}
	for _, s := range spans.Spans {
		all["spans"] = append(all["spans"], wildItem{s.ID, of(member("attributes", asMap(s.Attributes)),
			member("resource", asMap(spans.Resources[s.ResourceIndex].Attributes)), member("scope", asMap(spans.Scopes[s.ScopeIndex].Attributes)))})
	}
	for _, l := range logs.Logs {
		members := []otlpjson.KeyValue{member("attributes", asMap(l.Attributes)), member("resource", asMap(logs.Resources[l.ResourceIndex].Attributes))}
		if l.Body != nil {
			members = append(members, member("body", *l.Body))
		}
		all["logs"] = append(all["logs"], wildItem{l.ID, of(members...)})
	}
	for _, p := range points.Points {
		all["metrics"] = append(all["metrics"], wildItem{p.ID, of(member("attributes", asMap(points.Series[*p.SeriesIndex].Attributes)))})
	}
	return all
}

// condition is a filter of one condition, and what it means by the plainest reading.
func (w wild) condition(fields []string) (filter string, holds func(values []otlpjson.Value) bool) {
	path := fields[w.IntN(len(fields))]
	for range w.IntN(3) {
		path += "." + w.key()
	}
	if path == "body." { // a filter on no key is refused
		path += "id"
	}
	operator := []string{"eq", "ne", "in", "gt", "lte", "contains", "regex", "words", "exists"}[w.IntN(9)]
	value, one := w.literal()
	is := func(v otlpjson.Value) bool { return one(v, "eq") }
	switch operator {
	case "in":
		other, second := w.literal()
		value = "[" + value + "," + other + "]"
		is = func(v otlpjson.Value) bool { return one(v, "eq") || second(v, "eq") }
	case "gt", "lte":
		if value == "true" {
			value, one = "404", newNumber(404)
		}
		is = func(v otlpjson.Value) bool { return one(v, operator) }
	case "contains":
		part := []string{"old", "Gold", `"id":`, `"id": 200`, `,"`, "line 2", `hi"`, "200", "user", "ü", "0.5", "e+21", "null", "AQL/", "x=1", "placed\"", "[]"}[w.IntN(17)]
		value = quoted(part)
		is = func(v otlpjson.Value) bool {
			return textual(v, func(s string) bool { return strings.Contains(s, part) })
		}
	case "regex":
		part := []string{"^gold$", "(?i)gold", `"id": ?\d+`, "^line 1\n", "user.*gold", `^\{.*\}$`, "^$"}[w.IntN(7)]
		value, is = quoted(part), looksAt(regexp.MustCompile(part).MatchString)
	case "words":
		some := []string{"old", "GOLD", "user gold", "id 200", "line 2", "hi", "ü", "aql x", "Placed null", "1"}[w.IntN(10)]
		value = quoted(some)
		is = func(v otlpjson.Value) bool {
			return textual(v, func(s string) bool { return hasWords(s, some) })
		}
	case "exists":
		value, is = "true", func(otlpjson.Value) bool { return true }
	}
	filter = fmt.Sprintf(`{"field":%s,"operator":%q,"value":%s}`, quoted(path), operator, value)
	return filter, func(values []otlpjson.Value) bool {
		some := false
		for _, v := range found(values, path) {
			some = some || element(v, is)
		}
		return some != (operator == "ne")
	}
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type comparison = func(v otlpjson.Value, operator string) bool

func newNumber(x float64) comparison {
	return func(v otlpjson.Value, operator string) bool {
		y := v.Double
		switch v.Kind {
		case otlpjson.KindInt:
			y = float64(v.Int)
		case otlpjson.KindDouble:
		default:
			return false
		}
		return operator == "eq" && y == x || operator == "gt" && y > x || operator == "lte" && y <= x
	}
}

func (w wild) literal() (string, comparison) {
	switch w.IntN(6) {
	case 0:
		x := []float64{200, 404, 0.5, 0}[w.IntN(4)]
		return strconv.FormatFloat(x, 'g', -1, 64), newNumber(x)
	case 1:
		return "true", func(v otlpjson.Value, _ string) bool { return v.Kind == otlpjson.KindBool && v.Bool }
	}
	s := w.word()
	return quoted(s), func(v otlpjson.Value, operator string) bool {
		return v.Kind == otlpjson.KindString && (operator == "eq" && v.String == s || operator == "gt" && v.String > s || operator == "lte" && v.String <= s)
	}
}

// found are the values at a path, of members that stand side by side under names with dots: of an item ("attributes"), of maps, and through lists.
func found(values []otlpjson.Value, path string) (out []otlpjson.Value) {
	for _, v := range values {
		switch v.Kind {
		case otlpjson.KindArray:
			out = append(out, found(v.Array, path)...)
		case otlpjson.KindMap:
			for _, m := range v.Map {
				if m.Key == path {
					out = append(out, m.Value)
				}
				if rest, ok := strings.CutPrefix(path, m.Key+"."); ok {
					out = append(out, found([]otlpjson.Value{m.Value}, rest)...)
				}
			}
		}
	}
	return out
}

// element reports whether a value is what is looked for, or one of a list's elements, through lists in it.
func element(v otlpjson.Value, is func(otlpjson.Value) bool) bool {
	return is(v) || through(v.Array, is)
}

func through(list []otlpjson.Value, is func(otlpjson.Value) bool) bool {
	return slices.ContainsFunc(list, func(e otlpjson.Value) bool {
		if e.Kind == otlpjson.KindArray {
			return through(e.Array, is)
		}
		return is(e)
	})
}

func textual(v otlpjson.Value, is func(string) bool) bool {
	switch v.Kind {
	case otlpjson.KindString:
		return is(v.String)
	case otlpjson.KindArray, otlpjson.KindMap:
		return is(shown(v, "")) || is(shown(v, " "))
	}
	return false
}

// looksAt is textual, also of strings and maps in lists, through lists; lists in lists are no texts.
func looksAt(is func(string) bool) func(otlpjson.Value) bool {
	return func(v otlpjson.Value) bool { return textual(v, is) }
}

func shown(v otlpjson.Value, gap string) string {
	switch v.Kind {
	case otlpjson.KindEmpty:
		return "null"
	case otlpjson.KindString:
		return `"` + v.String + `"`
	case otlpjson.KindBool:
		return strconv.FormatBool(v.Bool)
	case otlpjson.KindInt:
		return strconv.FormatInt(v.Int, 10)
	case otlpjson.KindDouble:
		b, err := json.Marshal(v.Double) // as JavaScript does
		if err != nil {
			panic(err)
		}
		return string(b)
	case otlpjson.KindBytes:
		return `"` + base64.StdEncoding.EncodeToString(v.Bytes) + `"`
	}
	var parts []string
	for _, e := range v.Array {
		parts = append(parts, shown(e, gap))
	}
	for _, m := range v.Map {
		parts = append(parts, `"`+m.Key+`":`+gap+shown(m.Value, gap))
	}
	if v.Kind == otlpjson.KindMap {
		return "{" + strings.Join(parts, ","+gap) + "}"
	}
	return "[" + strings.Join(parts, ","+gap) + "]"
}

func asMap(list []api.KeyValue) otlpjson.Value {
	return otlpjson.Value{Kind: otlpjson.KindMap, Map: list}
}

func member(key string, v otlpjson.Value) otlpjson.KeyValue {
	return otlpjson.KeyValue{Key: key, Value: v}
}

// TestStructuredValuesAreFoundByPathAndText: lists and maps in bodies and attributes of everything, fresh and settled, by conditions that nobody chose.
func TestStructuredValuesAreFoundByPathAndText(t *testing.T) {
	t.Parallel()
	const items, conditions = 300, 400
	f := newFixture(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWild(seed)
	for range 4 {
		f.storeWild(w.Uint64(), items/4)
	}

	all, fields := f.wildItems(), wildFields()
	hits := 0
	for _, list := range []string{"spans", "logs", "metrics"} {
		require.Len(t, all[list], items)
		for range conditions / 3 / testbed.Share() {
			filter, holds := w.condition(fields[list])
			var want, got []string
			for _, i := range all[list] {
				if holds([]otlpjson.Value{i.of}) {
					want = append(want, i.id)
				}
			}
			for _, i := range f.page(list, searchBody{filters: "[" + filter + "]", limit: 1000}).items {
				got = append(got, identity(t, i))
			}
			require.Equal(t, want, got, "%s %s", list, filter)
			if len(want) > 0 && len(want) < items {
				hits++
			}
		}
	}
	require.Greater(t, hits, conditions/5/testbed.Share(), "conditions tell items apart")
}

// TestSoundDataIsNeverCalledDamaged walks every operation, and counts by every key in every scope, over data in which resources, scopes and items have
// the same keys with values of every type.
func TestSoundDataIsNeverCalledDamaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	key, id := f.newKey("default", "query", "edit", "admin")
	f.refreshKeys()
	for seed := range uint64(2) {
		f.storeWild(seed, 60)
	}
	as := []string{"Authorization", "Bearer " + key}
	var spans api.SpanPage
	f.search("spans", searchBody{limit: 1000}, &spans, as...)
	require.Len(t, spans.Spans, 120)
	for _, o := range operations(t, spans.Spans[0].TraceID, id) {
		if o.id == "revokeKey" {
			continue
		}
		status, body := f.call(o.method, o.path, o.body, as...)
		require.NotEqual(t, http.StatusInternalServerError, status, "%s %s: %s", o.method, o.path, body)
	}
	for _, name := range []string{"a", "user", "id", "user.id", "tags", "ü", "msg", "host.name", "service.name"} {
		for _, scope := range []string{"attributes", "resource", "scope"} {
			for _, signal := range []string{"traces", "logs"} {
				for _, filters := range []string{"", `[{"field":"attributes.a","operator":"exists"}]`, `[{"field":"resource.tags","operator":"contains","value":"gold"}]`} {
					q := url.Values{"scope": {scope}, "signal": {signal}}
					if filters != "" {
						q.Set("filters", filters)
					}
					path := "/api/attributes/" + url.PathEscape(name) + "/values" + hour() + "&" + q.Encode()
					status, body := f.call(http.MethodGet, path, "", as...)
					require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
				}
			}
		}
	}
}
