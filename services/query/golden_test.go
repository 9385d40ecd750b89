package query

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestAnswersStayAsTheyAre holds every operation of the API to what it answered when its golden file was written, over data that is the same
// in each run: whoever moves code about proves by it that no answer has changed. Long answers are kept as digests, a few of each kind whole.
func TestAnswersStayAsTheyAre(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) {
		c.CursorKey = base64.StdEncoding.EncodeToString([]byte("the same key in each run of the test"))
	})
	for seed := range uint64(3) {
		f.fill(seed, 150, 40)
	}
	shop := testbed.NewShop(7, base().Add(-20*time.Minute)).Every(300 * time.Millisecond)
	for _, signal := range telemetry.Signals() {
		f.store("shop", signal, shop.Payload(signal, 2_000), 300)
		f.store("shop", signal, shop.Payload(signal, 200), 60)
	}
	g := &recorder{fixture: f, share: testbed.Share()}
	var spans api.SpanPage
	f.search("spans", searchBody{limit: 1000}, &spans)
	var shopSpans api.SpanPage
	f.search("spans", searchBody{limit: 1000}, &shopSpans, "X-Scope-OrgID", "shop")

	of := map[string][]string{
		"spans": append(sharedFilters(), spanFilters(spans.Spans[17], spans.Spans[3])...), "logs": append(sharedFilters(), logFilters()...),
		"metrics": append(sharedFilters(), pointFilters()...),
	}
	of["traces"] = of["spans"]
	for _, list := range lists() {
		g.whole(list+"_page", http.MethodPost, "/api/"+list+"/search", searchBody{limit: 2}.json(t))
		for _, filter := range of[list] {
			g.digest(list, http.MethodPost, "/api/"+list+"/search", searchBody{filters: "[" + filter + "]", limit: 25}.json(t))
		}
		g.pages(list, searchBody{limit: 40}, "default")
		g.pages(list, searchBody{limit: 900, filters: `[{"field":"service","operator":"exists"}]`}, "shop")
		g.digest(list, http.MethodGet, "/api/"+list+"/search"+hour()+"&limit=7", "")
	}
	for _, signal := range telemetry.Signals() {
		a := &aggregateBody{
			signal: signal, from: base().Add(-time.Hour).UnixNano(), to: base().Add(time.Hour).UnixNano(), groups: []string{"service", "attributes.http.status_code"}, limit: 3, buckets: 4,
			measures: []api.Measure{{Measure: "count"}, {Measure: "p95", Field: "attributes.ratio"}, {Measure: "count_distinct", Field: "resource.host.name"}},
		}
		g.whole("aggregate_"+signal.String(), http.MethodPost, "/api/aggregate", a.json())
		g.whole("shop_aggregate_"+signal.String(), http.MethodPost, "/api/aggregate", a.json(), "X-Scope-OrgID", "shop")
	}
	for _, filter := range wrongFilters() {
		g.digest("wrong", http.MethodPost, "/api/spans/search", searchBody{filters: "[" + filter.filter + "]"}.json(t))
	}
	for _, path := range []string{
		"/api/spans/search", "/api/spans/search" + hour() + "&limit=0", "/api/spans/search" + hour() + "&cursor=x", "/api/traces/xyz",
		"/api/traces/" + strings.Repeat("1", 32), "/api/metrics/nothing" + hour(), "/api/services?start_time=1", "/api/nothing",
		"/api/attributes/a/values" + hour() + "&signal=profiles", "/api/attributes/a/values" + hour() + "&scope=span",
		"/api/traces/" + spans.Spans[0].TraceID + "?format=zipkin",
	} {
		g.digest("wrong", http.MethodGet, path, "")
	}
	for tenant, some := range map[string]api.Span{"default": spans.Spans[17], "shop": shopSpans.Spans[500]} {
		header := []string{"X-Scope-OrgID", tenant}
		trace := "/api/traces/" + some.TraceID
		if tenant == "default" {
			g.whole(tenant+"_trace", http.MethodGet, trace, "")
		}
		for _, path := range []string{
			trace, trace + hour(), trace + "?format=otlp", trace + "?format=otlp_proto", trace + "/logs", trace + "/logs" + hour() + "&limit=1",
		} {
			g.digest(tenant+"_trace", http.MethodGet, path, "", header...)
		}
		g.whole(tenant+"_services", http.MethodGet, "/api/services"+hour(), "", header...)
		g.whole(tenant+"_map", http.MethodGet, "/api/service-map"+hour(), "", header...)
		g.digest(tenant+"_catalogue", http.MethodGet, "/api/metrics"+hour(), "", header...)
		var catalogue api.MetricCatalogue
		f.get("/api/metrics"+hour(), &catalogue, header...)
		for _, m := range catalogue.Metrics {
			g.digest(tenant+"_metrics", http.MethodGet, "/api/metrics/"+url.PathEscape(m.Metric.Name)+hour()+"&limit=30", "", header...)
		}
		var services api.ServiceList
		f.get("/api/services"+hour(), &services, header...)
		for _, s := range services.Services {
			path := "/api/services/" + url.PathEscape(s.Name) + "/operations" + hour()
			g.digest(tenant+"_operations", http.MethodGet, path, "", header...)
			g.digest(tenant+"_operations", http.MethodGet, path+"&namespace="+s.Namespace, "", header...)
		}
		for _, key := range []string{"http.status_code", "ratio", "user.id", "absent", "http.route", "db.system.name"} {
			for _, more := range []string{"", "&signal=logs", "&limit=2", `&filters=` + url.QueryEscape(`[{"field":"service","operator":"ne","value":"cart"}]`)} {
				g.digest(tenant+"_attributes", http.MethodGet, "/api/attributes/"+key+"/values"+hour()+more, "", header...)
			}
		}
		g.digest(tenant+"_attributes", http.MethodGet, "/api/attributes/host.name/values"+hour()+"&scope=resource", "", header...)
	}
	g.compare()
}

// TestCutAnswersStayAsTheyAre does the same for answers that the scan's budget cuts.
func TestCutAnswersStayAsTheyAre(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) {
		c.ScanBudget, c.MaxTraceSpans = 60, 3
		c.CursorKey = base64.StdEncoding.EncodeToString([]byte("the same key in each run of the test"))
	})
	for seed := range uint64(3) {
		f.fill(seed, 150, 20)
	}
	g := &recorder{fixture: f}
	for _, list := range lists() {
		g.pages("cut_"+list, searchBody{limit: 100, filters: `[{"field":"attributes.http.status_code","operator":"gte","value":500}]`}, "default")
	}
	for _, path := range []string{"/api/services", "/api/service-map", "/api/metrics", "/api/metrics/requests", "/api/services/cart/operations", "/api/attributes/ratio/values"} {
		g.whole("cut"+strings.ReplaceAll(path, "/", "_"), http.MethodGet, path+hour(), "")
	}
	var page api.SpanPage
	f.search("spans", searchBody{limit: 1}, &page)
	g.whole("cut_trace", http.MethodGet, "/api/traces/"+page.Spans[0].TraceID+hour(), "")
	g.compare()
}

// recorder collects answers, by the name of their golden file.
type recorder struct {
	*fixture
	share int // one of how many questions of a line are asked; 0 is all
	texts map[string]*strings.Builder
	lines int
}

// unasked is the line of a question that is not asked.
const unasked = "(not asked)"

func (g *recorder) to(file string) *strings.Builder {
	if g.texts == nil {
		g.texts = map[string]*strings.Builder{}
	}
	if g.texts[file] == nil {
		g.texts[file] = &strings.Builder{}
	}
	return g.texts[file]
}

func (g *recorder) compare() {
	g.t.Helper()
	for file, text := range g.texts {
		path, got := filepath.Join("testdata", "answers", file), text.String()
		if g.share > 1 { // those that are not asked are as they were
			want, err := os.ReadFile(path)
			require.NoError(g.t, err)
			kept, lines := strings.Split(string(want), "\n"), strings.Split(got, "\n")
			require.Len(g.t, lines, len(kept), file)
			for i, line := range lines {
				if line == unasked {
					lines[i] = kept[i]
				}
			}
			got = strings.Join(lines, "\n")
		}
		testbed.Golden(g.t, path, got)
	}
}

// whole keeps an answer as it is.
func (g *recorder) whole(name, method, path, body string, header ...string) {
	g.t.Helper()
	status, answer := g.call(method, path, body, header...)
	fmt.Fprintf(g.to(name+".json"), "%s\n", g.canonical(answer, "  "))
	require.Equal(g.t, http.StatusOK, status)
}

// digest is line for a share of the questions.
func (g *recorder) digest(name, method, path, body string, header ...string) {
	g.t.Helper()
	g.lines++
	if g.share > 1 && g.lines%g.share != 0 {
		fmt.Fprintln(g.to(name+".txt"), unasked)
		return
	}
	g.line(name, method, path, body, header...)
}

// line keeps a line of an answer: the question, the status, how many items, a digest; of an error its code and what it says.
func (g *recorder) line(name, method, path, body string, header ...string) []byte {
	g.t.Helper()
	status, answer := g.call(method, path, body, header...)
	question := path
	if body != "" {
		var sent struct{ Filters, Pagination json.RawMessage }
		require.NoError(g.t, json.Unmarshal([]byte(body), &sent))
		question = fmt.Sprintf("%s %.300s %.40s", path, sent.Filters, sent.Pagination)
	}
	var problem api.Problem
	if status != http.StatusOK && json.Unmarshal(answer, &problem) == nil {
		fmt.Fprintf(g.to(name+".txt"), "%d %s %s: %s\n", status, question, problem.Code, problem.Detail)
		return answer
	}
	sum := sha256.Sum256(g.canonical(answer, ""))
	fmt.Fprintf(g.to(name+".txt"), "%d %s %s\n", status, hex.EncodeToString(sum[:8]), question)
	return answer
}

// pages keeps the lines of a list's first pages.
func (g *recorder) pages(list string, s searchBody, tenant string) {
	g.t.Helper()
	path := "/api/" + strings.TrimPrefix(list, "cut_") + "/search"
	for range 6 {
		var wire struct{ Pagination api.Pagination }
		require.NoError(g.t, json.Unmarshal(g.line(list, http.MethodPost, path, s.json(g.t), "X-Scope-OrgID", tenant), &wire))
		if s.cursor = wire.Pagination.NextCursor; s.cursor == "" {
			return
		}
	}
}

// canonical is an answer without what differs from run to run, or with how segments are encoded: times, bytes, and in which order resources,
// scopes and series were met.
func (g *recorder) canonical(answer []byte, indent string) []byte {
	g.t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(string(answer)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return answer // protobuf
	}
	top, _ := v.(map[string]any)
	if stats, ok := top["stats"].(map[string]any); ok {
		delete(stats, "elapsed_ms")
		delete(stats, "bytes_read")
	}
	for _, kind := range []string{"resource", "scope", "series"} { // a series refers to the two before
		list, _ := top[strings.TrimSuffix(kind, "s")+"s"].([]any)
		names := make([]any, len(list))
		for i, one := range list {
			b, err := json.Marshal(one)
			require.NoError(g.t, err)
			sum := sha256.Sum256(b)
			names[i] = hex.EncodeToString(sum[:4])
		}
		point(v, kind+"_index", names)
		if kind == "series" && list != nil {
			top["series"] = sorted(g.t, list)
		} else if list != nil {
			top[kind+"s"] = sorted(g.t, list)
		}
	}
	b, err := json.MarshalIndent(v, "", indent)
	require.NoError(g.t, err)
	return b
}

// point replaces indexes under a key by what they point to.
func point(v any, key string, to []any) {
	switch v := v.(type) {
	case map[string]any:
		if n, ok := v[key].(json.Number); ok {
			if i, err := n.Int64(); err == nil && i < int64(len(to)) {
				v[key] = to[i]
			}
		}
		for _, one := range v {
			point(one, key, to)
		}
	case []any:
		for _, one := range v {
			point(one, key, to)
		}
	}
}

func sorted(t testing.TB, list []any) []any {
	t.Helper()
	text := func(v any) string {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		return string(b)
	}
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
	return list
}
