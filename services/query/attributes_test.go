package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestAttributeValues counts values of every type over whole segments, parts of segments and filters, and compares with counting by hand.
func TestAttributeValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type item struct {
		at      time.Time
		host    string
		service string
		values  []string // as JSON
	}
	var items []item
	for n := range 6 {
		td := ptrace.NewTraces()
		for i := range 40 {
			it := item{at: base().Add(time.Duration(n*40+i-120) * 20 * time.Second), host: fmt.Sprintf("host-%d", i%3), service: fmt.Sprintf("s%d", i%2)}
			rs := td.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", it.service)
			rs.Resource().Attributes().PutStr("host.name", it.host)
			span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			span.SetTraceID(pcommon.TraceID{1, byte(n), byte(i)})
			span.SetSpanID(pcommon.SpanID{1, byte(n), byte(i)})
			span.SetName("x")
			span.SetStartTimestamp(pcommon.NewTimestampFromTime(it.at))
			span.SetEndTimestamp(pcommon.NewTimestampFromTime(it.at.Add(time.Millisecond)))
			switch i % 5 {
			case 0:
				span.Attributes().PutInt("code", int64(200+i%2))
				it.values = []string{fmt.Sprintf(`{"intValue":"%d"}`, 200+i%2)}
			case 1:
				span.Attributes().PutStr("code", "200")
				it.values = []string{`{"stringValue":"200"}`}
			case 2:
				span.Attributes().PutDouble("code", 200)
				it.values = []string{`{"doubleValue":200}`}
			case 3:
				span.Attributes().PutStr("code", fmt.Sprintf("order-%d", n*i))
				it.values = []string{fmt.Sprintf(`{"stringValue":"order-%d"}`, n*i)}
			}
			items = append(items, it)
		}
		f.store("default", telemetry.Traces, testbed.TracesPayload(td), 16)
	}
	require.NotZero(t, f.groups)
	ask := func(f *fixture, key string, q url.Values) api.AttributeValues {
		var out api.AttributeValues
		f.get("/api/attributes/"+key+"/values?"+q.Encode(), &out)
		return out
	}
	for _, c := range []struct {
		name     string
		from, to time.Duration // from base
		filters  string
		holds    func(item) bool
	}{
		{"everything", -time.Hour, time.Hour, "", func(item) bool { return true }},
		{"a part", -7 * time.Minute, 11*time.Minute + 10*time.Second, "", func(item) bool { return true }},
		{"filtered", -time.Hour, time.Hour, `[{"field":"service","operator":"eq","value":"s1"}]`, func(i item) bool { return i.service == "s1" }},
		{"nothing", time.Hour, 2 * time.Hour, "", func(item) bool { return true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.of(t)
			q := url.Values{"start_time": {base().Add(c.from).Format(time.RFC3339)}, "end_time": {base().Add(c.to).Format(time.RFC3339)}, "limit": {"1000"}}
			if c.filters != "" {
				q.Set("filters", c.filters)
			}
			codes, hosts, total := map[string]int64{}, map[string]int64{}, int64(0)
			for _, i := range items {
				if at := i.at.Sub(base()); at < c.from || at >= c.to || !c.holds(i) {
					continue
				}
				total++
				hosts[fmt.Sprintf(`{"stringValue":%q}`, i.host)]++
				for _, v := range i.values {
					codes[v]++
				}
			}
			check := func(want map[string]int64, got api.AttributeValues) {
				t.Helper()
				require.Equal(t, total, got.Items)
				require.Len(t, got.Values, len(want))
				require.Equal(t, len(want), got.Distinct)
				require.Nil(t, got.Incomplete)
				have := map[string]int64{}
				for _, v := range got.Values {
					text, err := json.Marshal(v.Value)
					require.NoError(t, err)
					have[string(text)] = v.Count
				}
				require.Equal(t, want, have)
				require.True(t, slices.IsSortedFunc(got.Values, func(a, b api.AttributeValue) int { return int(b.Count - a.Count) }))
			}
			check(codes, ask(f, "code", q))
			q.Set("scope", "resource")
			check(hosts, ask(f, "host.name", q))
			check(map[string]int64{}, ask(f, "no.such.key", q))
			q.Set("limit", "1")
			if got := ask(f, "host.name", q); total > 0 {
				require.Len(t, got.Values, 1)
				require.Equal(t, 3, got.Distinct, "the limit cuts the list, not the count")
			}
		})
	}
	for _, wrong := range []string{"signal=profiles", "scope=span", "limit=0", "filters=[{}]"} {
		p := f.problem(http.StatusBadRequest, http.MethodGet, "/api/attributes/code/values"+hour()+"&"+wrong, "")
		require.NotEmpty(t, p.Code)
	}
}

// TestACutCountCoversTheTimeItNames: whatever the budget, an answer is whole or says since when it counts, and counts that.
func TestACutCountCoversTheTimeItNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var line, across scene
	for i := range 200 {
		line.span(byte(i+1), "shop", "GET", ptrace.SpanKindServer, none(), with("k", "line"), starting(time.Duration(i)*time.Second))
	}
	for i := range 20 {
		across.span(byte(i+1), "shop", "GET", ptrace.SpanKindServer, none(), with("k", "across"), starting(time.Duration(i)*10*time.Second))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(line.td), 10)
	f.store("default", telemetry.Traces, testbed.TracesPayload(across.td), 20)
	cut := 0
	for _, budget := range []int64{10, 30, 60, 100, 130, 150, 219} {
		f := f.budget(budget)
		for _, scope := range []string{"attributes", "resource"} {
			key := "k"
			if scope == "resource" {
				key = "service.name"
			}
			var out api.AttributeValues
			// The filter holds for all, so that each segment is looked at.
			f.get("/api/attributes/"+key+"/values"+hour()+"&scope="+scope+"&filters="+url.QueryEscape(`[{"field":"duration","operator":"gte","value":0}]`), &out)
			since := base()
			if out.Incomplete != nil {
				cut++
				since = time.Unix(0, int64(number64(t, out.Incomplete.Since)))
			}
			want := int64(0)
			for i := range 200 {
				if !base().Add(time.Duration(i) * time.Second).Before(since) {
					want++
				}
			}
			for i := range 20 {
				if !base().Add(time.Duration(i) * 10 * time.Second).Before(since) {
					want++
				}
			}
			require.Equal(t, want, out.Items, "budget %d", budget)
			sum := int64(0)
			for _, v := range out.Values {
				sum += v.Count
			}
			require.Equal(t, want, sum, "budget %d, %s", budget, scope)
		}
	}
	require.Positive(t, cut)
}
