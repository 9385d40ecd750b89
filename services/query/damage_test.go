package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestADamagedSegmentEndsOneQuery: whichever byte is wrong, the answer is an error with its code, and the next query of sound data works.
func TestADamagedSegmentEndsOneQuery(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	for i := range 40 {
		s.span(byte(i+1), "cart", "GET", ptrace.SpanKindClient, none(), with("k", fmt.Sprint(i%3)), with("peer.service", "pay"), starting(time.Duration(i)*time.Second))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 40)
	f.store("sound", telemetry.Traces, testbed.TracesPayload(s.td), 40)
	var length int
	ctx := testbed.Context(t)
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT octet_length(body) FROM spans_body WHERE tenant_id = 'default'`).Scan(&length))
	for at := 0; at < length; at += max(length/60, 1) {
		_, err := f.db.Pool.Exec(ctx, `UPDATE spans_body SET body = set_byte(body, $1, get_byte(body, $1) # 255) WHERE tenant_id = 'default'`, at)
		require.NoError(t, err)
		for _, path := range []string{
			"/api/attributes/service.name/values" + hour() + "&scope=resource", "/api/attributes/k/values" + hour(), "/api/service-map" + hour(), "/api/services" + hour(),
			"/api/spans/search" + hour() + "&filters=" + url.QueryEscape(`[{"or":[{"field":"attributes.k","operator":"eq","value":"1"},{"field":"resource.service.name","operator":"eq","value":"x"}]}]`),
		} {
			status, body := f.call(http.MethodGet, path, "")
			if status != http.StatusOK {
				require.Equal(t, http.StatusInternalServerError, status, "%s: %s", path, body)
			}
		}
		var out api.AttributeValues
		f.get("/api/attributes/k/values"+hour(), &out, "X-Scope-OrgID", "sound")
		require.Len(t, out.Values, 3)
		_, err = f.db.Pool.Exec(ctx, `UPDATE spans_body SET body = set_byte(body, $1, get_byte(body, $1) # 255) WHERE tenant_id = 'default'`, at)
		require.NoError(t, err)
	}
}

// So does one of points, whatever is asked of metrics.
func TestDamagedPointsEndOneQuery(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(newDice(4).metrics(60)), 60)
	ctx := testbed.Context(t)
	table := schema.TablesOf(telemetry.Metrics.String()).Body
	var length int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT octet_length(body) FROM `+table).Scan(&length))
	var all api.MetricCatalogue
	f.get("/api/metrics"+hour()+"&last=true", &all)
	require.NotEmpty(t, all.Metrics)
	name := all.Metrics[0].Metric.Name
	failed := 0
	for at := 0; at < length; at += max(length/60, 1) {
		damage := func() {
			_, err := f.db.Pool.Exec(ctx, `UPDATE `+table+` SET body = set_byte(body, $1, get_byte(body, $1) # 255)`, at)
			require.NoError(t, err)
		}
		damage()
		for _, path := range []string{"/api/metrics" + hour() + "&last=true", "/api/metrics/" + name + hour(), "/api/metrics/" + name + "/labels" + hour(), "/api/cardinality" + hour()} {
			status, body := f.call(http.MethodGet, path, "")
			if status != http.StatusOK {
				failed++
				require.Equal(t, http.StatusInternalServerError, status, "%s: %s", path, body)
			}
		}
		damage()
	}
	require.Positive(t, failed)
}

// What an answer would have lacked is not told of an error in its place.
func TestAnErrorIsNoPartOfATrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	for i := range 40 {
		s.span(1, "cart", "GET", ptrace.SpanKindClient, none(), with("k", fmt.Sprint(i)))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 40)
	var length int
	ctx := testbed.Context(t)
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT octet_length(body) FROM spans_body`).Scan(&length))
	failed := 0
	for at := 0; at < length; at += max(length/60, 1) {
		_, err := f.db.Pool.Exec(ctx, `UPDATE spans_body SET body = set_byte(body, $1, get_byte(body, $1) # 255)`, at)
		require.NoError(t, err)
		got := serve(f.svc.server.Echo, newRequest("/api/traces/"+strings.Repeat("0", 31)+"1?format=otlp_proto&limit=3"))
		if got.status != http.StatusOK {
			failed++
			require.Empty(t, got.header.Get("X-Olly-Next-Cursor"), got.body)
		}
		_, err = f.db.Pool.Exec(ctx, `UPDATE spans_body SET body = set_byte(body, $1, get_byte(body, $1) # 255)`, at)
		require.NoError(t, err)
	}
	require.Positive(t, failed)
}

// TestNoByteOfASegmentMakesAnotherAnswer: whichever byte of its body or its directory is not what was written, what is asked is answered as ever, marked, or refused with a code
// that says what is wrong; never by a 404, and never by something else.
func TestNoByteOfASegmentMakesAnotherAnswer(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			d := newDice(4)
			search := func(list, filters string) string { // what is posted stands behind the path
				return "/api/" + list + "/search " + searchBody{limit: 100, filters: filters}.json(t)
			}
			var paths []string
			switch signal {
			case telemetry.Traces:
				f.store("default", signal, testbed.TracesPayload(d.traces(60)), 60)
				var page api.SpanPage
				f.search("spans", searchBody{limit: 3}, &page)
				one := page.Spans[0]
				paths = []string{
					search("spans", ""), search("traces", ""), search("spans", `[{"field":"trace_id","operator":"eq","value":"`+one.TraceID+`"}]`),
					"/api/traces/" + one.TraceID, "/api/traces/" + one.TraceID + "/analysis", "/api/service-map" + hour(), "/api/services" + hour(), "/api/attributes" + hour() + "&signal=traces",
				}
			case telemetry.Logs:
				f.store("default", signal, testbed.LogsPayload(d.logs(60)), 60)
				paths = []string{search("logs", ""), "/api/attributes" + hour() + "&signal=logs"}
				for path, more := range map[string]string{"logs/patterns": "", "facets": `"signal":"logs","fields":["severity","body","service"],`} {
					paths = append(paths, fmt.Sprintf(`/api/%s {%s"time_range":{"start_time":%d,"end_time":%d}}`, path, more, base().Add(-time.Hour).UnixNano(), base().Add(time.Hour).UnixNano()))
				}
			case telemetry.Metrics:
				f.store("default", signal, testbed.MetricsPayload(d.metrics(60)), 60)
				var all api.MetricCatalogue
				f.get("/api/metrics"+hour()+"&last=true", &all)
				name := url.PathEscape(all.Metrics[0].Metric.Name)
				paths = []string{search("metrics", ""), "/api/metrics" + hour() + "&last=true", "/api/metrics/" + name + hour(), "/api/metrics/" + name + "/labels" + hour()}
			}
			f = f.with(func(c *Config) { c.HeaderCache, c.FreshCache = 0, 0 }) // which would remember what was sound
			answer := func(path string) (status int, told string, marked bool) {
				method := http.MethodGet
				path, post, posted := strings.Cut(path, " ")
				if posted {
					method = http.MethodPost
				}
				status, body := f.call(method, path, post)
				var of map[string]any
				require.NoError(t, json.Unmarshal(body, &of), "%s", body)
				if status != http.StatusOK {
					return status, fmt.Sprint(of["code"]), false
				}
				_, marked = of["incomplete"]
				for _, changing := range []string{"stats", "completeness", "covered"} {
					delete(of, changing)
				}
				return status, string(must(json.Marshal(of))), marked
			}
			want := map[string]string{}
			for _, path := range paths {
				status, told, _ := answer(path)
				require.Equal(t, http.StatusOK, status, "%s: %s", path, told)
				want[path] = told
			}
			ctx, tables := testbed.Context(t), schema.TablesOf(signal.String())
			refused := map[string]int{}
			for table, column := range map[string]string{tables.Body: "body", tables.Segment: "directory"} {
				var length int
				require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT octet_length(`+column+`) FROM `+table).Scan(&length))
				for at := 0; at < length; at += max(length/60, 1) {
					damage := func() {
						_, err := f.db.Pool.Exec(ctx, `UPDATE `+table+` SET `+column+` = set_byte(`+column+`, $1, get_byte(`+column+`, $1) # 16)`, at)
						require.NoError(t, err)
					}
					damage()
					for _, path := range paths {
						switch status, told, marked := answer(path); {
						case status == http.StatusInternalServerError:
							require.Contains(t, []string{"segment.damaged", "segment.format", "segment.extension"}, told, "%s, byte %d of the %s", path, at, column)
							refused[column]++
						case status == http.StatusOK && marked:
						default:
							require.Equal(t, http.StatusOK, status, "%s, byte %d of the %s: %s", path, at, column, told)
							same := want[path] == told // whole, they are too long to be shown
							require.True(t, same, "%s, byte %d of the %s is answered otherwise", path, at, column)
						}
					}
					damage()
				}
			}
			require.Positive(t, refused["body"])
			require.Positive(t, refused["directory"])
		})
	}
}
