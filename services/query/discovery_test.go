package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// keyName is what tells keys apart in an answer.
type keyName struct{ scope, key, within string }

// keyCount is what a plain look at items says of a key.
type keyCount struct {
	items  int64
	kinds  map[string]bool
	values map[string]bool // as JSON
}

// keyed is an item by its keys.
type keyed struct {
	at      int64
	service string
	keys    map[keyName]*keyCount // items is 1
}

func (k *keyed) note(name keyName, v pcommon.Value) {
	c := k.keys[name]
	if c == nil {
		c = &keyCount{1, map[string]bool{}, map[string]bool{}}
		k.keys[name] = c
	}
	kind := map[pcommon.ValueType]string{
		pcommon.ValueTypeEmpty: "empty", pcommon.ValueTypeStr: "string", pcommon.ValueTypeBool: "bool", pcommon.ValueTypeInt: "int", pcommon.ValueTypeDouble: "double",
		pcommon.ValueTypeBytes: "bytes", pcommon.ValueTypeSlice: "list", pcommon.ValueTypeMap: "map",
	}[v.Type()]
	c.kinds[kind] = true
	c.values[kind+" "+v.AsString()] = true
}

func (k *keyed) attributes(scope string, of pcommon.Map) {
	for key, v := range of.All() {
		k.note(keyName{scope, key, ""}, v)
		if scope == "attribute" {
			k.inside(scope, key, key, v)
		}
	}
}

// inside notes what lies within maps, through lists.
func (k *keyed) inside(scope, within, way string, v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeMap:
		for key, e := range v.Map().All() {
			at := strings.TrimPrefix(way+"."+key, ".")
			if e.Type() != pcommon.ValueTypeMap {
				k.note(keyName{scope, at, within}, e)
			}
			k.inside(scope, within, at, e)
		}
	case pcommon.ValueTypeSlice:
		for _, e := range v.Slice().All() {
			k.inside(scope, within, way, e)
		}
	default:
	}
}

// tangled gives an item attributes of many kinds, some of which have things within them.
func (d dice) tangled(m pcommon.Map, ids bool) {
	d.attributes(m)
	if d.IntN(4) == 0 {
		user := m.PutEmptyMap("user")
		user.PutStr("id", fmt.Sprint("user-", d.IntN(9)))
		if d.IntN(2) == 0 {
			user.PutEmptyMap("address").PutInt("zip", d.Int64N(4))
		}
		roles := user.PutEmptySlice("roles")
		for range d.IntN(3) {
			roles.AppendEmpty().SetEmptyMap().PutBool("admin", d.IntN(2) == 0)
		}
	}
	if d.IntN(5) == 0 {
		m.PutEmptySlice("tags").AppendEmpty().SetStr("a")
	}
	if ids {
		m.PutStr("request.id", strconv.FormatUint(d.Uint64(), 16))
	}
}

func (d dice) tangledItems(signal telemetry.Signal, n int) (payload []byte, items []keyed) {
	td, ld := d.traces(n), d.logs(n)
	if signal == telemetry.Metrics {
		return d.tangledPoints(n)
	}
	origin := func(k *keyed, r pcommon.Resource, s pcommon.InstrumentationScope) {
		k.attributes("resource", r.Attributes())
		k.attributes("scope", s.Attributes())
		service, _ := r.Attributes().Get("service.name")
		k.service = service.Str()
	}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				d.tangled(s.Attributes(), true)
				k := keyed{at: int64(s.StartTimestamp()), keys: map[keyName]*keyCount{}}
				for range d.IntN(3) {
					d.attributes(s.Events().AppendEmpty().Attributes())
				}
				if d.IntN(6) == 0 {
					s.Links().AppendEmpty().Attributes().PutStr("why", fmt.Sprint(d.IntN(3)))
				}
				origin(&k, rs.Resource(), ss.Scope())
				k.attributes("attribute", s.Attributes())
				for _, e := range s.Events().All() {
					k.attributes("event", e.Attributes())
				}
				for _, e := range s.Links().All() {
					k.attributes("link", e.Attributes())
				}
				items = append(items, k)
			}
		}
	}
	if signal == telemetry.Traces {
		return testbed.TracesPayload(td), items
	}
	items = nil
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				d.tangled(r.Attributes(), d.IntN(2) == 0)
				if d.IntN(3) == 0 {
					d.tangled(r.Body().SetEmptyMap(), false)
				}
				at := r.Timestamp()
				if at == 0 {
					at = r.ObservedTimestamp()
				}
				k := keyed{at: int64(at), keys: map[keyName]*keyCount{}}
				origin(&k, rl.Resource(), sl.Scope())
				k.attributes("attribute", r.Attributes())
				k.inside("body", "", "", r.Body())
				items = append(items, k)
			}
		}
	}
	return testbed.LogsPayload(ld), items
}

func (d dice) tangledPoints(n int) (payload []byte, items []keyed) {
	md := d.metrics(n)
	for _, rm := range md.ResourceMetrics().All() {
		service, _ := rm.Resource().Attributes().Get("service.name")
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				var points pmetric.NumberDataPointSlice
				if m.Type() == pmetric.MetricTypeGauge {
					points = m.Gauge().DataPoints()
				} else {
					points = m.Sum().DataPoints()
				}
				for _, p := range points.All() {
					d.tangled(p.Attributes(), false)
					k := keyed{at: int64(p.Timestamp()), service: service.Str(), keys: map[keyName]*keyCount{}}
					k.attributes("resource", rm.Resource().Attributes())
					k.attributes("scope", sm.Scope().Attributes())
					k.attributes("attribute", p.Attributes())
					items = append(items, k)
				}
			}
		}
	}
	return testbed.MetricsPayload(md), items
}

// keysOf asks for keys.
func (f *fixture) keysOf(signal telemetry.Signal, from, to int64, more url.Values) (out api.AttributeKeys) {
	f.t.Helper()
	q := url.Values{"signal": {signal.String()}, "start_time": {strconv.FormatInt(from, 10)}, "end_time": {strconv.FormatInt(to, 10)}, "limit": {"1000"}}
	maps.Copy(q, more)
	f.get("/api/attributes?"+q.Encode(), &out)
	return out
}

// Whatever the stage of segments, the range and the filter: which keys there are, how many items have each, of which kinds they are and how many values they have are those
// of a plain look at all items.
func TestKeysAreThoseOfAPlainLook(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			d := newDice(7)
			var items []keyed
			for range 5 {
				payload, some := d.tangledItems(signal, 120)
				f.store("default", signal, payload, 50)
				items = append(items, some...)
			}
			other, _ := newDice(8).tangledItems(signal, 10)
			f.store("other", signal, other, 50)
			first, last := base().UnixNano(), base().Add(time.Hour).UnixNano()
			for _, c := range []struct {
				from, to        int64
				service, prefix string
			}{
				{from: first, to: last},
				{from: first, to: last, prefix: "user."},
				{from: first + int64(2*time.Minute), to: first + int64(7*time.Minute)},
				{from: first, to: last, service: "cart"},
				{from: first + int64(time.Minute), to: last, service: "payment", prefix: "http"},
			} {
				want := map[keyName]*keyCount{}
				for _, it := range items {
					if it.at < c.from || it.at >= c.to || c.service != "" && it.service != c.service {
						continue
					}
					for name, k := range it.keys {
						if !strings.HasPrefix(name.key, c.prefix) {
							continue
						}
						if want[name] == nil {
							want[name] = &keyCount{0, map[string]bool{}, map[string]bool{}}
						}
						want[name].items++
						maps.Copy(want[name].kinds, k.kinds)
						maps.Copy(want[name].values, k.values)
					}
				}
				more := url.Values{}
				if c.prefix != "" {
					more.Set("prefix", c.prefix)
				}
				if c.service != "" {
					more.Set("filters", `[{"field":"service","operator":"eq","value":"`+c.service+`"}]`)
				}
				for range 2 { // the second time some is remembered
					got := f.keysOf(signal, c.from, c.to, more)
					require.Nil(t, got.Incomplete)
					require.Len(t, got.Keys, got.Total)
					require.False(t, got.HasMore)
					f.sameKeys(want, got.Keys, fmt.Sprint(c))
				}
			}
			one := f.keysOf(signal, first, last, url.Values{"limit": {"3"}})
			all := f.keysOf(signal, first, last, nil)
			require.True(t, one.HasMore)
			require.Equal(t, all.Total, one.Total)
			require.Equal(t, all.Keys[:3], one.Keys)
			require.True(t, all.OrderExact)
			var paged []api.AttributeKey
			for cursor, more := "", true; more; {
				got := f.keysOf(signal, first, last, url.Values{"limit": {"3"}, "cursor": {cursor}})
				paged, cursor, more = append(paged, got.Keys...), got.NextCursor, got.HasMore
				require.Equal(t, more, cursor != "")
				require.True(t, got.OrderExact)
			}
			require.Equal(t, all.Keys, paged)
			require.Equal(t, "cursor.mismatch", f.problem(http.StatusBadRequest, http.MethodGet, fmt.Sprintf("/api/attributes?start_time=%d&end_time=%d&signal=%s&prefix=x&cursor=%s",
				first, last, signal, one.NextCursor), "").Code)
			require.Empty(t, f.keysOf(signal, last, last+1, nil).Keys)
		})
	}
}

func (f *fixture) sameKeys(want map[keyName]*keyCount, got []api.AttributeKey, what string) {
	f.t.Helper()
	left := maps.Clone(want)
	for _, k := range got {
		name := keyName{string(k.Scope), k.Key, k.Within}
		of := left[name]
		require.NotNil(f.t, of, "%s: %v", what, name)
		delete(left, name)
		require.Equal(f.t, of.items, k.Items, "%s: %v", what, name)
		require.Equal(f.t, api.AttributeKeyItemsAreExact, k.ItemsAre, "%s: %v", what, name)
		var kinds []string
		for _, kind := range k.Kinds {
			kinds = append(kinds, string(kind))
		}
		require.ElementsMatch(f.t, slices.Collect(maps.Keys(of.kinds)), kinds, "%s: %v", what, name)
		if k.DistinctAtLeast {
			require.Greater(f.t, len(of.values), k.Distinct-1, "%s: %v", what, name)
		} else {
			require.Len(f.t, of.values, k.Distinct, "%s: %v", what, name)
		}
		require.Len(f.t, k.Examples, min(5, k.Distinct))
		require.Equal(f.t, k.Field != "", k.Filterable)
		field := map[string]string{"attribute": "attributes.", "resource": "resource.", "scope": "scope.", "body": "body."}[name.scope]
		if field != "" {
			field += name.key
		}
		require.Equal(f.t, field, k.Field)
	}
	require.Empty(f.t, left, what)
	require.True(f.t, slices.IsSortedFunc(got, func(a, b api.AttributeKey) int { return int(b.Items - a.Items) }))
}

// Of keys that no sum tells because they have too many values, the number of items is told by directories, and no body is read for it.
func TestKeysOfManyValuesAreCountedWithoutBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for part := range 4 {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", "cart")
		spans := rs.ScopeSpans().AppendEmpty().Spans()
		for i := range 3000 {
			s := spans.AppendEmpty()
			s.SetTraceID(pcommon.TraceID{1, byte(part), byte(i >> 8), byte(i)})
			s.SetSpanID(pcommon.SpanID{1, byte(part), byte(i >> 8), byte(i)})
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(part*3000+i) * 100 * time.Millisecond)))
			s.SetEndTimestamp(s.StartTimestamp() + 1)
			s.Attributes().PutStr("request.id", fmt.Sprint(part, "-", i))
			s.Attributes().PutInt("shard", int64(i%4))
			if i%3 == 0 {
				s.Events().AppendEmpty().Attributes().PutStr("exception.type", "x")
			}
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 200)
	}
	got := f.keysOf(telemetry.Traces, base().UnixNano(), base().Add(time.Hour).UnixNano(), url.Values{"sample": {"1000"}})
	require.Nil(t, got.Incomplete)
	require.EqualValues(t, 12_000, got.Sample.OfItems)
	require.Equal(t, 60, got.Sample.OfSegments)
	require.Less(t, got.Stats.SegmentsRead, 20)
	require.Equal(t, got.Stats.SegmentsRead, got.Sample.Segments)
	by := map[string]api.AttributeKey{}
	for _, k := range got.Keys {
		by[k.Key] = k
	}
	require.EqualValues(t, 12_000, by["request.id"].Items)
	require.Equal(t, api.AttributeKeyItemsAreExact, by["request.id"].ItemsAre)
	require.True(t, by["request.id"].DistinctAtLeast)
	require.Len(t, by["request.id"].Examples, 5)
	require.EqualValues(t, 12_000, by["shard"].Items)
	require.Equal(t, 4, by["shard"].Distinct)
	require.False(t, by["shard"].DistinctAtLeast)
	require.Equal(t, api.AttributeKeyItemsAreEstimate, by["exception.type"].ItemsAre)
	require.True(t, by["exception.type"].DistinctAtLeast, "what was not looked at may have others")
	require.InDelta(t, 4000, float64(by["exception.type"].Items), 100)

	filtered := f.keysOf(telemetry.Traces, base().UnixNano(), base().Add(time.Hour).UnixNano(), url.Values{"sample": {"1000"}, "filters": {`[{"field":"attributes.shard","operator":"eq","value":1}]`}})
	for _, k := range filtered.Keys {
		require.Equal(t, api.AttributeKeyItemsAreEstimate, k.ItemsAre, k.Key)
		require.True(t, k.DistinctAtLeast, k.Key)
		if k.Key == "request.id" || k.Key == "shard" {
			require.InDelta(t, 3000, float64(k.Items), 100, k.Key)
		}
	}
}

// A sender that makes up names costs what it may, and it is said that some of them are left out.
func TestManyMadeUpKeysAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made := 0
	for range 4 {
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", "cart")
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		for range 60 {
			r := records.AppendEmpty()
			r.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(made) * time.Millisecond)))
			for range 110 {
				r.Attributes().PutInt(fmt.Sprint("made.up.", made), 1)
				made++
			}
			r.Attributes().PutInt("real", 1)
		}
		f.store("default", telemetry.Logs, testbed.LogsPayload(ld), 100)
	}
	require.Greater(t, made, 20_000)
	got := f.keysOf(telemetry.Logs, base().UnixNano(), base().Add(time.Hour).UnixNano(), nil)
	require.NotNil(t, got.Incomplete)
	require.Equal(t, api.IncompleteReasonLimit, got.Incomplete.Reason)
	require.Len(t, got.Keys, 1000)
	require.LessOrEqual(t, got.Total, 20_000)
	require.Equal(t, "real", got.Keys[0].Key)
	few := f.keysOf(telemetry.Logs, base().UnixNano(), base().Add(time.Hour).UnixNano(), url.Values{"prefix": {"made.up.1"}, "limit": {"10"}})
	require.True(t, few.HasMore)
}

func TestKeysAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for more, code := range map[string]string{
		"&signal=profiles": "request.signal", "&cursor=x": "cursor.malformed", "&limit=0": "pagination.limit", "&sample=10": "request.sample", "&filters=[{}]": "filter.malformed", "&search=x": "request.parameter",
	} {
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodGet, "/api/attributes"+hour()+more, "").Code, more)
	}
}

// Values are found by how they begin, under the filter at hand, with the counts that they have.
func TestValuesByPrefix(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(3, 3))
	counts := map[string]map[string]int64{}
	for range 4 {
		var list []plainItem
		for range 100 {
			it := plainItem{at: base().Add(time.Duration(rnd.IntN(3600)) * time.Second).UnixNano(), service: fmt.Sprint("s", rnd.IntN(2)), route: fmt.Sprint("/r", rnd.IntN(30)), user: "u", level: 1}
			list = append(list, it)
			for _, service := range []string{"", it.service} {
				if counts[service] == nil {
					counts[service] = map[string]int64{}
				}
				if strings.HasPrefix(it.route, "/r2") {
					counts[service][`{"stringValue":"`+it.route+`"}`]++
				}
			}
		}
		f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, list), 40)
	}
	for service, want := range counts {
		more := "&prefix=/r2"
		if service != "" {
			more += "&filters=" + url.QueryEscape(`[{"field":"service","operator":"eq","value":"`+service+`"}]`)
		}
		var got api.AttributeValues
		f.get("/api/attributes/route/values"+hour()+more, &got)
		have := map[string]int64{}
		for _, v := range got.Values {
			have[string(must(json.Marshal(v.Value)))] = v.Count
		}
		require.Equal(t, want, have)
		require.Equal(t, len(want), got.Distinct)
	}
	var got api.AttributeValues
	f.get("/api/attributes/kind/values"+hour()+"&scope=field&prefix=1", &got)
	require.Len(t, got.Values, 1)
	f.get("/api/attributes/kind/values"+hour()+"&scope=field&prefix=2", &got)
	require.Empty(t, got.Values)
}

// What lies within maps is counted as groups count it, whatever the filter, the range and the stage of segments, and told page by page.
func TestValuesOfLeavesAreThoseOfGroups(t *testing.T) {
	t.Parallel()
	fields := map[telemetry.Signal][]string{
		telemetry.Traces:  {"attributes.user.id", "attributes.user.address.zip", "attributes.user.roles.admin", "attributes.http.status_code", "attributes.nothing", "attributes.none.at.all", "resource.host.name", "scope.generated", "root", "operation"},
		telemetry.Logs:    {"body.user.id", "body.user.address.zip", "body.user.roles.admin", "body.http.status_code", "body", "attributes.user.id", "attributes.tags", "attributes.raw"},
		telemetry.Metrics: {"attributes.http.status_code", "attributes.ratio", "resource.host.name", "scope.generated", "name", "unit", "type", "service", "attributes.none.at.all"},
	}
	for signal, all := range fields {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			d := newDice(11)
			for range 5 {
				payload := testbed.MetricsPayload(d.metrics(120))
				if signal != telemetry.Metrics {
					payload, _ = d.tangledItems(signal, 120)
				}
				f.store("default", signal, payload, 50)
			}
			cart := `{"field":"service","operator":"eq","value":"cart"}`
			for round, filters := range [][]string{nil, {cart}, nil} {
				from, to := base().UnixNano(), base().Add(time.Hour).UnixNano()
				if round == 2 {
					from, to = from+int64(2*time.Minute), from+int64(8*time.Minute)
				}
				for _, field := range all {
					want := f.facetByAggregate(signal, from, to, field, filters, 1000)
					ask := fmt.Sprintf("/api/attributes/%s/values?scope=field&signal=%s&start_time=%d&end_time=%d&filters=%s", url.PathEscape(field), signal, from, to,
						url.QueryEscape("["+strings.Join(filters, ",")+"]"))
					var got api.AttributeValues
					f.get(ask+"&limit=1000", &got)
					require.Nil(t, got.Incomplete)
					require.True(t, got.OrderExact)
					require.False(t, got.HasMore)
					f.sameFacets([]api.Facet{want}, []api.Facet{{Field: field, Values: slices.Clone(got.Values), Items: got.Items, Missing: got.Items - sumOf(got.Values), Distinct: got.Distinct}}, fmt.Sprint(round))
					var paged []api.AttributeValue
					for cursor, more := "", true; more; {
						var page api.AttributeValues
						f.get(ask+"&limit=2&cursor="+cursor, &page)
						paged, cursor, more = append(paged, page.Values...), page.NextCursor, page.HasMore
						require.Equal(t, got.Distinct, page.Distinct)
						require.True(t, page.OrderExact)
					}
					require.ElementsMatch(t, got.Values, paged, field)
					require.Len(t, paged, len(got.Values))
					if scope, key, of := strings.Cut(field, "."); of && signal == telemetry.Metrics { // whose keys of a scope are counted as fields are
						var scoped api.AttributeValues
						f.get(strings.Replace(ask, url.PathEscape(field)+"/values?scope=field", url.PathEscape(key)+"/values?scope="+scope, 1)+"&limit=1000", &scoped)
						require.Equal(t, got.Values, scoped.Values, field)
						require.Equal(t, got.Items, scoped.Items)
					}
				}
			}
		})
	}
}

func sumOf(values []api.AttributeValue) (sum int64) {
	for _, v := range values {
		sum += v.Count
	}
	return sum
}

// Where numbers change between two pages, the second one says so, and loses nothing that was there.
func TestAPageOfNumbersThatChangedSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	item := func(n int, route string) (list []plainItem) {
		for i := range n {
			list = append(list, plainItem{at: base().Add(time.Duration(i) * time.Second).UnixNano(), service: "s", route: route, user: "u", level: 1})
		}
		return list
	}
	var list []plainItem
	for i := range 6 {
		list = append(list, item(10-i, fmt.Sprint("/r", i))...)
	}
	f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, list), 100)
	page := func(cursor string) (out api.AttributeValues) {
		f.get("/api/attributes/route/values"+hour()+"&limit=3&cursor="+cursor, &out)
		return out
	}
	first := page("")
	require.Len(t, first.Values, 3)
	require.Len(t, page(first.NextCursor).Values, 3)
	f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, item(5, "/r2")), 100) // with which it overtakes
	second := page(first.NextCursor)
	require.False(t, second.OrderExact)
	require.Len(t, second.Values, 3)
	require.False(t, second.HasMore)
	again := page("")
	f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, item(9, "/r4")), 100) // from behind the first page to before its end, which stays
	third := page(again.NextCursor)
	require.False(t, third.OrderExact)
	require.Len(t, third.Values, 2)
	require.Equal(t, "cursor.mismatch", f.problem(http.StatusBadRequest, http.MethodGet, "/api/attributes/user/values"+hour()+"&limit=3&cursor="+first.NextCursor, "").Code)
}

// Of points of which a sample is looked at, keys that it has missed are listed all the same, and it is said what is known of them.
func TestKeysOfPointsThatASampleMissesAreListed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for part := range 4 {
		md := pmetric.NewMetrics()
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", "cart")
		metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
		add := func(name, key string, n int) {
			m := metrics.AppendEmpty()
			m.SetName(name)
			points := m.SetEmptyGauge().DataPoints()
			for i := range n {
				p := points.AppendEmpty()
				p.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(part*3000+i) * 100 * time.Millisecond)))
				p.SetDoubleValue(1)
				p.Attributes().PutStr("shard", fmt.Sprint(i%4))
				if key != "" {
					p.Attributes().PutStr(key, "x")
				}
			}
		}
		add("common", "", 3000)
		add("rare", fmt.Sprint("rare.", part), 2)
		f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 100)
	}
	from, to := base().UnixNano(), base().Add(time.Hour).UnixNano()
	got := f.keysOf(telemetry.Metrics, from, to, url.Values{"sample": {"1000"}})
	require.Nil(t, got.Incomplete)
	require.Less(t, got.Sample.Segments, got.Sample.OfSegments)
	require.False(t, got.OrderExact)
	by := map[string]api.AttributeKey{}
	for _, k := range got.Keys {
		by[k.Key] = k
	}
	require.Equal(t, api.AttributeKeyItemsAreEstimate, by["shard"].ItemsAre)
	require.InDelta(t, 12_008, float64(by["shard"].Items), 100)
	listed := 0
	for part := range 4 {
		k := by[fmt.Sprint("rare.", part)]
		require.Equal(t, "attributes."+k.Key, k.Field)
		require.GreaterOrEqual(t, k.Items, int64(2))
		if k.ItemsAre == api.AttributeKeyItemsAreAtMost {
			listed++
			require.EqualValues(t, 8, k.Items)
			require.True(t, k.DistinctAtLeast)
		}
	}
	require.Positive(t, listed)
}
