package query

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/libs/testbed/shapes"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// facetName is a scope and a key of GET /api/attributes/{key}/values.
type facetName struct{ scope, key string }

// counting is one item's values, as JSON, by what it can be counted by.
type counting struct {
	at     int64
	values map[facetName][]string
}

func (c *counting) text(scope, key, text string) {
	if text != "" {
		c.values[facetName{scope, key}] = append(c.values[facetName{scope, key}], `{"stringValue":`+string(must(json.Marshal(text)))+`}`)
	}
}

func (c *counting) number(scope, key string, n int64) {
	c.values[facetName{scope, key}] = append(c.values[facetName{scope, key}], fmt.Sprintf(`{"intValue":"%d"}`, n))
}

// attributes takes those of simple types; others is the names of facets that have other values too.
func (c *counting) attributes(scope string, of pcommon.Map, others map[facetName]bool) {
	for key, v := range of.All() {
		switch v.Type() {
		case pcommon.ValueTypeStr:
			if v.Str() == "" {
				others[facetName{scope, key}] = true
			}
			c.text(scope, key, v.Str())
		case pcommon.ValueTypeInt:
			c.number(scope, key, v.Int())
		case pcommon.ValueTypeBool:
			c.values[facetName{scope, key}] = append(c.values[facetName{scope, key}], fmt.Sprintf(`{"boolValue":%t}`, v.Bool()))
		default:
			others[facetName{scope, key}] = true
		}
	}
}

func (c *counting) origin(r pcommon.Resource, s pcommon.InstrumentationScope, others map[facetName]bool) {
	service, namespace := "unknown_service", ""
	if v, ok := r.Attributes().Get("service.name"); ok && v.Str() != "" {
		service = v.Str()
	}
	if v, ok := r.Attributes().Get("service.namespace"); ok {
		namespace = v.Str()
	}
	c.text("field", "service", service)
	c.text("field", "namespace", namespace)
	c.text("field", "scope.name", s.Name())
	c.text("field", "scope.version", s.Version())
	c.attributes("resource", r.Attributes(), others)
	c.attributes("scope", s.Attributes(), others)
}

// countings lists what each item of some requests counts for.
func countings(t *testing.T, signal telemetry.Signal, payloads [][]byte) (items []counting, others map[facetName]bool) {
	t.Helper()
	others = map[facetName]bool{}
	for _, p := range payloads {
		if signal == telemetry.Traces {
			td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(p)
			require.NoError(t, err)
			for _, rs := range td.ResourceSpans().All() {
				for _, ss := range rs.ScopeSpans().All() {
					for _, s := range ss.Spans().All() {
						c := counting{int64(s.StartTimestamp()), map[facetName][]string{}}
						c.origin(rs.Resource(), ss.Scope(), others)
						c.attributes("attributes", s.Attributes(), others)
						c.text("field", "name", s.Name())
						c.text("field", "status_message", s.Status().Message())
						c.number("field", "kind", int64(s.Kind()))
						c.number("field", "status", int64(s.Status().Code()))
						items = append(items, c)
					}
				}
			}
			continue
		}
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(p)
		require.NoError(t, err)
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					at := r.Timestamp()
					if at == 0 {
						at = r.ObservedTimestamp()
					}
					c := counting{int64(at), map[facetName][]string{}}
					c.origin(rl.Resource(), sl.Scope(), others)
					c.attributes("attributes", r.Attributes(), others)
					c.text("field", "severity_text", r.SeverityText())
					c.text("field", "event_name", r.EventName())
					if n, _ := otlp.LogSeverity(int64(r.SeverityNumber()), []byte(r.SeverityText())); n != 0 {
						c.number("field", "severity", n)
					}
					items = append(items, c)
				}
			}
		}
	}
	return items, others
}

// TestCountsOpenNoBodies: whatever spans and log records are counted by, the counts are those of a recount. Of segments that lie wholly in the range no body is
// read for what has few values; where the range cuts some, only theirs.
func TestCountsOpenNoBodies(t *testing.T) {
	t.Parallel()
	for _, name := range append(shapes.Names(), "shop") {
		for _, signal := range []telemetry.Signal{telemetry.Traces, telemetry.Logs} {
			t.Run(name+"/"+signal.String(), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				var payloads [][]byte
				if name == "shop" {
					shop := testbed.NewShop(5, base().Add(-40*time.Minute)).Every(500 * time.Millisecond)
					payloads = [][]byte{shop.Payload(telemetry.Traces, 1500), shop.Payload(telemetry.Traces, 500)}
					if signal == telemetry.Logs {
						payloads = [][]byte{shop.Payload(signal, 800), shop.Payload(signal, 300)}
					}
				} else {
					made, err := shapes.Make(name, 4, 2500, 300)
					require.NoError(t, err)
					payloads = made[signal]
				}
				for _, p := range payloads {
					f.store("default", signal, p, 130)
				}
				items, others := countings(t, signal, payloads)
				first, last := int64(math.MaxInt64), int64(0)
				for i := range items {
					first, last = min(first, items[i].at), max(last, items[i].at)
				}
				third := (last - first) / 3
				for _, r := range [][2]int64{{first, last + 1}, {first + third, last - third}} {
					f.checkCounts(signal, items, others, r[0], r[1], name == "kubernetes" || name == "iot")
				}
			})
		}
	}
}

// checkCounts asks for all counts of a range. manyResources says that nearly every item has a resource of its own.
func (f *fixture) checkCounts(signal telemetry.Signal, items []counting, others map[facetName]bool, from, to int64, manyResources bool) {
	f.t.Helper()
	const fewValues, shortValues = 16, 2 << 10 // bytes; such values stand in every head, but of resources only where these are few
	want, all, total := map[facetName]map[string]int64{}, map[facetName]map[string]bool{}, int64(0)
	for i := range items {
		in := items[i].at >= from && items[i].at < to
		if in {
			total++
		}
		for name, values := range items[i].values {
			if want[name] == nil {
				want[name], all[name] = map[string]int64{}, map[string]bool{}
			}
			for _, v := range values {
				if all[name][v] = true; in {
					want[name][v]++
				}
			}
		}
	}
	var cut, segments int
	require.NoError(f.t, f.db.Pool.QueryRow(testbed.Context(f.t), "SELECT count(*) FILTER (WHERE min_time < $1 OR max_time >= $2), count(*) FROM "+
		schema.TablesOf(signal.String()).Segment+" WHERE max_time >= $1 AND min_time < $2", from, to).Scan(&cut, &segments))
	few := 0
	for name, values := range want {
		if others[name] {
			continue
		}
		var got api.AttributeValues
		f.get("/api/attributes/"+url.PathEscape(name.key)+"/values?"+url.Values{
			"signal": {signal.String()}, "scope": {name.scope}, "limit": {"1000"},
			"start_time": {strconv.FormatInt(from, 10)}, "end_time": {strconv.FormatInt(to, 10)},
		}.Encode(), &got)
		require.Nil(f.t, got.Incomplete)
		require.Equal(f.t, total, got.Items, name)
		require.Equal(f.t, len(values), got.Distinct, name)
		for _, v := range got.Values {
			require.Equal(f.t, values[string(must(json.Marshal(v.Value)))], v.Count, "%v: %v", name, v.Value)
		}
		require.Equal(f.t, segments, got.Stats.SegmentsRead+got.Stats.SegmentsPruned)
		length := 0
		for v := range all[name] {
			length += len(v)
		}
		ofResources := name.scope == "resource" || name.key == "service" || name.key == "namespace"
		if len(all[name]) <= fewValues && length <= shortValues && !(manyResources && ofResources) {
			few++
			require.LessOrEqual(f.t, got.Stats.SegmentsRead, cut, name)
		}
	}
	if !manyResources {
		require.Greater(f.t, few, 4)
		require.Greater(f.t, segments, cut)
	}
}

func TestCountsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for query, code := range map[string]string{
		"/api/attributes/kind/values" + hour() + "&scope=field&signal=logs": "request.field",
		"/api/attributes/duration/values" + hour() + "&scope=field":         "request.field",
		"/api/attributes/kind/values" + hour() + "&scope=fields":            "request.scope",
	} {
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodGet, query, "").Code)
	}
}
