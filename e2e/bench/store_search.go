package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func searchDefaults() storeOptions {
	return storeOptions{questions: searchQuestions, sizes: []int{5_000_000}, points: 2, signals: telemetry.Signals(), runs: 20, cold: 3, crowd: 3}
}

// SearchMain measures every kind of question that the pages and other clients ask, over a day of spans, records and points that has settled: by one
// client, warm and with nothing in memory, and by eight at once. With several sizes it tells how each grows. With -against, another revision stores
// and answers the same in turn. The last line is `SEARCH {json}`. It returns the exit code.
func SearchMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if code, ok := child(ctx, args, stdout, stderr); ok {
		return code
	}
	o := searchDefaults()
	flags := flag.NewFlagSet("search", flag.ContinueOnError)
	flags.SetOutput(stderr)
	o.flags(flags)
	flags.IntVar(&o.points, "points", o.points, "points for each span and record")
	flags.IntVar(&o.runs, "runs", o.runs, "runs of each question, warm")
	flags.IntVar(&o.cold, "cold", o.cold, "runs of each question with nothing in memory; 0 for none")
	flags.IntVar(&o.crowd, "crowd", o.crowd, "runs of each question by each of eight clients; 0 for none")
	return o.run(ctx, flags, args, stderr, func(dir string) error {
		return o.inAll(ctx, dir, stderr, (*storeBench).measureSearch, func(done []*subject) error { return searchReport(stdout, o, done) })
	})
}

// measureSearch asks all questions of one subject.
func (s *storeBench) measureSearch(ctx context.Context, sub *subject, end time.Time) (err error) {
	w := window24{from: end.Add(-storeHours * time.Hour), to: end}
	q, err := s.hold(ctx, sub, w, end, (*stream).mixed)
	defer func() { err = errors.Join(err, s.releaseAll(ctx, sub)) }()
	if err != nil {
		return err
	}
	defer q.client.CloseIdleConnections()
	if err := s.settleAll(ctx, q, sub); err != nil {
		return err
	}
	if err := s.ask(ctx, q, sub, stageSettled); err != nil {
		return err
	}
	if err := s.askCold(ctx, q, sub); err != nil {
		return err
	}
	return s.askTogether(ctx, q, sub)
}

// askTogether lets eight clients ask each question at once.
func (s *storeBench) askTogether(ctx context.Context, q *sides, sub *subject) error {
	if s.options.crowd == 0 {
		return nil
	}
	for _, h := range sub.holdings {
		if err := s.restart(ctx, q, h); err != nil {
			return err
		}
		for _, ask := range s.options.questions(sub.signal, q.filled) {
			s.say("%d %s%s, eight clients: %s", sub.items, sub.signal, h.of.label(), ask.name)
			at := asked{q, h.query.base}
			var lock sync.Mutex
			var waits []time.Duration
			var trouble string
			began, err := s.spent(h)
			if err != nil {
				return err
			}
			errs := make([]error, senders)
			var busy sync.WaitGroup
			for client := range senders {
				busy.Go(func() {
					for n := range s.options.crowd {
						from := time.Now()
						_, err := ask.segments(ctx, at, client*s.options.crowd+n)
						wait := time.Since(from)
						no, err := troubleOf(err, h.of)
						lock.Lock()
						if no == "" {
							waits = append(waits, wait)
						} else {
							trouble = no
						}
						lock.Unlock()
						if err != nil {
							errs[client] = err
							return
						}
					}
				})
			}
			busy.Wait()
			if err := errors.Join(errs...); err != nil {
				return fmt.Errorf("%s%s: %w", ask.name, h.of.label(), err)
			}
			ended, err := s.spent(h)
			if err != nil {
				return err
			}
			slices.Sort(waits)
			h.asked[stageCrowd+"/"+ask.name] = &reply{trouble: trouble, side: side{
				wall: quantile(waits, 0.5), slow: quantile(waits, 0.95), cpu: (ended - began) / time.Duration(max(len(waits), 1)),
			}}
		}
	}
	return nil
}

// spent is the CPU that a holding's query service and PostgreSQL have used.
func (s *storeBench) spent(h *holding) (time.Duration, error) {
	server, err := treeCPU(s.machine.postmaster)
	if err != nil {
		return 0, err
	}
	own, err := threadsCPU(h.query.process.pid())
	return server + own, err
}

// searchReport prints a table of questions for every subject, how they grow, and the line for programs.
func searchReport(w io.Writer, o storeOptions, done []*subject) error {
	line := map[string]any{}
	fmt.Fprintf(w, "\n%d cores; settled; ms of %d runs warm, %d cold, %d of each of eight clients; CPU is that of the query service and PostgreSQL, a question\n",
		runtime.GOMAXPROCS(0), o.runs, o.cold, o.crowd)
	for _, sub := range done {
		fmt.Fprintf(w, "\n### %d %s over %d hours\n\n", sub.items, sub.signal, storeHours)
		for _, h := range sub.columns() {
			if h.of != nil {
				fmt.Fprintf(w, "%s:\n\n", h.of.name)
			}
			fmt.Fprintln(w, "| question | results | p50 | p95 | goal | CPU | segments | KiB read | cold p50 | KiB of pages | eight: p50 | p95 | CPU |")
			fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", 13))
			for _, q := range o.asks(sub.signal) {
				sub.searchRow(w, h, q, line)
			}
			fmt.Fprintln(w)
		}
	}
	o.reportGrowth(w, done, line)
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nSEARCH %s\n", text)
	return err
}

func (sub *subject) searchRow(w io.Writer, h *holding, q question, line map[string]any) {
	goal := "–"
	if q.goal > 0 {
		goal = figure(milliseconds(q.goal))
	}
	warm := h.reply(stageSettled, q.name)
	name := q.name
	if warm.trouble != "" {
		name += " (" + warm.trouble + ")"
	}
	fmt.Fprintf(w, "| %s | %d | %s | %s | %s | %s | %d | %.0f |", name, warm.hits, figure(milliseconds(warm.wall)), figure(milliseconds(warm.slow)), goal,
		figure(milliseconds(warm.cpu)), warm.read, float64(warm.bytes)/1024)
	for _, stage := range []string{stageSettled, stageCold, stageCrowd} {
		r := h.reply(stage, q.name)
		if r == nil {
			continue
		}
		at := sub.key(h, stage+"/"+q.name)
		line[at+"_ms"], line[at+"_p95_ms"], line[at+"_cpu_ms"] = rounded(milliseconds(r.wall)), rounded(milliseconds(r.slow)), rounded(milliseconds(r.cpu))
		if stage != stageCrowd {
			line[at+"_segments"], line[at+"_bytes"] = r.read, r.bytes
		}
		if stage == stageCold {
			line[at+"_pages"] = r.pages
		}
		if r.trouble != "" {
			line[at+"_trouble"] = r.trouble
		}
	}
	cold, crowd := "– | –", "– | – | –"
	if r := h.reply(stageCold, q.name); r != nil {
		cold = fmt.Sprintf("%s | %d", figure(milliseconds(r.wall)), r.pages/1024)
	}
	if r := h.reply(stageCrowd, q.name); r != nil {
		crowd = fmt.Sprintf("%s | %s | %s", figure(milliseconds(r.wall)), figure(milliseconds(r.slow)), figure(milliseconds(r.cpu)))
	}
	fmt.Fprintf(w, " %s | %s |\n", cold, crowd)
}

// object is a JSON object of a request.
type object map[string]any

// texts are parts of an answer as they stand in it.
func texts(list []json.RawMessage) []string {
	var out []string
	for _, part := range list {
		out = append(out, string(part))
	}
	return out
}

func differencesOf(r *response) []string {
	var out []string
	for _, v := range r.Values {
		out = append(out, v.Field)
	}
	return out
}

func tracesOf(r *response) []string {
	var out []string
	for _, t := range r.Traces {
		out = append(out, t.TraceID)
	}
	return out
}

func groupsOf(r *response) []string   { return texts(r.Groups) }
func facetsOf(r *response) []string   { return texts(r.Facets) }
func patternsOf(r *response) []string { return texts(r.Patterns) }
func linesOf(r *response) []string    { return texts(r.Lines) }
func keysOf(r *response) []string     { return texts(r.Keys) }
func rowsOf(r *response) []string     { return texts(r.Rows) }
func figuresOf(r *response) []string  { return []string{string(*r.Figures)} }

// searching is how questions of one signal over all its hours are made.
type searching struct {
	signal string
	filled *filled
}

// post asks for what a body describes, over all hours, n results at least.
func (s searching) post(name, path string, of func(*response) []string, least int, body object) question {
	body = maps.Clone(body)
	body["time_range"] = object{"start_time": s.filled.from.Format(time.RFC3339Nano), "end_time": s.filled.to.Format(time.RFC3339Nano)}
	text, err := json.Marshal(body)
	return question{name: name, hits: func(n int) bool { return n >= least }, segments: func(ctx context.Context, a asked, _ int) (answer, error) {
		if err != nil {
			return answer{}, err
		}
		return a.ask(ctx, http.MethodPost, path, text, of)
	}}
}

func (s searching) get(name, path string, of func(*response) []string, least int, more url.Values) question {
	return question{name: name, hits: func(n int) bool { return n >= least }, segments: get(path, s.filled.from, s.filled.to, more, of)}
}

func (s searching) aggregate(name string, least int, body object) question {
	body["signal"] = s.signal
	of := groupsOf
	if body["group_by"] == nil {
		of = figuresOf
	}
	return s.post(name, "/api/aggregate", of, least, body)
}

func (s searching) facets(name string, body object) question {
	body["signal"] = s.signal
	return s.post(name, "/api/facets", facetsOf, len(body["fields"].([]string)), body)
}

// within gives a question its goal.
func (q question) within(ms int) question {
	q.goal = time.Duration(ms) * time.Millisecond
	return q
}

func measures(names ...string) []object {
	var out []object
	for _, name := range names {
		m := object{}
		m["measure"], m["field"], _ = strings.Cut(name, " ")
		if m["field"] == "" {
			delete(m, "field")
		}
		out = append(out, m)
	}
	return out
}

func where(conditions ...condition) []condition { return conditions }

// onePage is several requests in turn, as a page makes them.
func onePage(name string, list ...question) question {
	return question{name: name, hits: list[0].hits, segments: func(ctx context.Context, s asked, i int) (answer, error) {
		var first answer
		for n, q := range list {
			a, err := q.segments(ctx, s, i)
			if err != nil {
				return a, err
			}
			if n == 0 {
				first = a
			}
		}
		return first, nil
	}}
}

// searchQuestions are every kind of question, over all hours. Goals are those of a day of 5 M spans, 5 M records and 10 M points.
func searchQuestions(signal telemetry.Signal, f *filled) []question {
	s := searching{signal.String(), f}
	limit := object{"limit": newest}
	switch signal {
	case telemetry.Traces:
		ten := []string{
			"service", "operation", "kind", "status", "attributes.http.route", "attributes.http.request.method", "attributes.http.response.status_code", "attributes.db.system.name",
			"resource.k8s.pod.name", "scope.name",
		}
		cart, failed := condition{"service", "eq", "cart"}, condition{"status", "eq", "error"}
		slow := condition{"duration", "gt", "100ms"}
		by := func(what string) object { return object{"by": what} }
		trace := func(name, path string, of func(*response) []string) question {
			return question{name: name, parameters: len(f.traces), segments: func(ctx context.Context, a asked, i int) (answer, error) {
				t := f.traces[i%len(f.traces)]
				return a.ask(ctx, http.MethodGet, fmt.Sprintf(path, t.id), nil, of)
			}}
		}
		return []question{
			s.aggregate("red_strip", 1, object{"measures": measures("rate", "error_rate", "p95 duration"), "buckets": 96}).within(150),
			s.aggregate("red_strip_of_service", 1, object{"measures": measures("rate", "error_rate", "p95 duration"), "buckets": 96, "filters": where(cart)}).within(150),
			s.aggregate("heatmap", 1, object{"measures": measures("histogram duration", "histogram_errors duration"), "buckets": 96}).within(150),
			s.aggregate("heatmap_filtered", 1, object{"measures": measures("histogram duration"), "buckets": 96, "filters": where(condition{"attributes.http.route", "eq", "/api/cart/get"})}).within(150),
			s.aggregate("group_by_operation", 10, object{"measures": measures("p95 duration", "count", "error_rate"), "group_by": []string{"service", "operation"}}).within(150),
			s.aggregate("group_by_route", 10, object{"measures": measures("count", "p95 duration"), "group_by": []string{"attributes.http.route"}}).within(150),
			s.aggregate("group_by_route_count", 10, object{"measures": measures("count"), "group_by": []string{"attributes.http.route"}}).within(150),
			s.aggregate("group_by_user", 10, object{"measures": measures("count"), "group_by": []string{"attributes.app.user.id"}}).within(150),
			s.aggregate("group_by_three", 10, object{"measures": measures("count"), "group_by": []string{"service", "attributes.http.response.status_code", "resource.k8s.pod.name"}}).within(150),
			s.aggregate("group_by_route_over_time", 10, object{"measures": measures("count"), "group_by": []string{"attributes.http.route"}, "buckets": 96}).within(150),
			s.aggregate("count_distinct_users", 1, object{"measures": []object{{"measure": "count_distinct", "field": "attributes.app.user.id"}}}),
			s.post("slowest_traces", "/api/traces/search", tracesOf, newest, object{"sort": by("duration"), "pagination": limit}).within(100),
			s.post("slowest_spans", "/api/spans/search", spansOf, newest, object{"sort": by("duration"), "pagination": limit}).within(100),
			s.post("largest_traces", "/api/traces/search", tracesOf, newest, object{"sort": by("span_count"), "pagination": limit}),
			s.post("newest_traces", "/api/traces/search", tracesOf, newest, object{"pagination": limit}),
			s.post("failed_traces", "/api/traces/search", tracesOf, 1, object{"filters": where(failed, slow), "pagination": limit}),
			s.post("traces_of_two_spans", "/api/traces/search", tracesOf, 1, object{"filters": where(cart, condition{"status", "eq", "error"}), "scope": "trace", "pagination": limit}),
			s.post("spans_under_a_service", "/api/spans/search", spansOf, 1, object{"filters": []object{
				{"field": "kind", "operator": "eq", "value": "client"}, {"relation": "parent", "filters": where(cart)},
			}, "pagination": limit}),
			s.post("spans_of_two_fields", "/api/spans/search", rowsOf, newest, object{"fields": []string{"service", "duration"}, "filters": where(cart), "pagination": limit}),
			s.post("total_of_filter", "/api/spans/search", spansOf, 1, object{"total": true, "filters": where(cart, failed), "pagination": limit}),
			s.facets("facets_of_ten", object{"fields": ten}).within(300),
			s.facets("facets_of_ten_filtered", object{"fields": ten, "filters": where(cart), "exclude_own": true}).within(300),
			s.post("what_differs_in_slow", "/api/compare", differencesOf, 1, object{"signal": s.signal, "filters": where(condition{"kind", "eq", "server"}), "selected": where(slow)}).within(1000),
			s.post("what_differs_in_failed", "/api/compare", differencesOf, 1, object{"signal": s.signal, "selected": where(failed)}).within(1000),
			onePage("service_page",
				s.get("operations", "/api/services/checkout/operations", operationsOf, 1, nil),
				s.get("dependencies", "/api/services/checkout/dependencies", edgesOf, 0, nil),
				s.aggregate("red", 1, object{"measures": measures("rate", "error_rate", "p95 duration"), "buckets": 96, "filters": where(condition{"service", "eq", "checkout"})}),
				s.post("slowest", "/api/traces/search", tracesOf, 1, object{"sort": by("duration"), "filters": where(condition{"service", "eq", "checkout"}), "pagination": object{"limit": 10}}),
			).within(150),
			s.get("services", "/api/services", servicesOf, 10, nil),
			s.get("service_map", "/api/service-map", edgesOf, 10, nil),
			s.get("keys", "/api/attributes", keysOf, 10, nil),
			s.get("values_by_prefix", "/api/attributes/app.user.id/values", valuesOf, 10, url.Values{"prefix": {"user-00"}}),
			trace("trace", "/api/traces/%s", spansOf),
			trace("trace_analysis", "/api/traces/%s/analysis", spansOf),
		}
	case telemetry.Logs:
		warn := condition{"severity", "gte", "warn"}
		return []question{
			s.aggregate("histogram_by_severity", 2, object{"measures": measures("count"), "group_by": []string{"severity"}, "buckets": 96}).within(60),
			s.aggregate("histogram_of_service", 2, object{"measures": measures("count"), "group_by": []string{"severity"}, "buckets": 96, "filters": where(condition{"service", "eq", "cart"})}).within(60),
			s.aggregate("histogram_of_word", 1, object{"measures": measures("count"), "group_by": []string{"severity"}, "buckets": 96, "filters": where(condition{"body", "contains", "slow query"})}),
			s.post("structured_body", "/api/logs/search", logsOf, 1, object{"filters": where(condition{"body.user.id", "eq", "user-0042"}), "pagination": limit}).within(100),
			s.post("structured_text", "/api/logs/search", logsOf, newest, object{"filters": where(condition{"body", "contains", "order"}, condition{"body.user.guest", "eq", true}), "pagination": limit}).within(100),
			s.post("regular_expression", "/api/logs/search", logsOf, 1, object{"filters": where(condition{"body", "regex", "order [0-9]+7 failed"}), "pagination": limit}),
			s.post("newest_warnings", "/api/logs/search", logsOf, newest, object{"filters": where(warn), "pagination": limit}),
			s.post("rare_word", "/api/logs/search", logsOf, 1, object{"filters": where(condition{"body", "contains", rareWord}), "pagination": limit}),
			s.facets("facets_of_ten", object{"fields": []string{
				"service", "severity", "namespace", "scope.name", "attributes.code.function.name", "attributes.code.file.path", "attributes.thread.name", "attributes.code.line.number",
				"resource.k8s.pod.name", "resource.k8s.deployment.name",
			}}).within(300),
			s.facets("facets_of_warnings", object{"fields": []string{"service", "severity", "attributes.thread.name"}, "filters": where(warn)}).within(300),
			s.post("patterns", "/api/logs/patterns", patternsOf, 3, object{}),
			s.get("keys", "/api/attributes", keysOf, 5, url.Values{"signal": {"logs"}}),
			s.aggregate("group_by_thread", 10, object{"measures": measures("count", "error_rate"), "group_by": []string{"attributes.thread.name"}}).within(150),
		}
	case telemetry.Metrics:
		query := func(name string, least int, body object) question {
			return s.post(name, "/api/metrics/query", linesOf, least, body)
		}
		return []question{
			s.get("catalogue", "/api/metrics", metricsOf, 5, nil).within(200),
			s.get("cardinality", "/api/cardinality", metricsOf, 5, nil),
			query("rate_by_service", 10, object{"metric": "http.server.requests", "over_time": "rate", "over_series": "sum", "group_by": []string{"service"}, "limit": 20}),
			query("memory_by_pod", 10, object{"metric": "process.memory.usage", "over_series": "max", "group_by": []string{"resource.k8s.pod.name"}}),
			query("quantiles_of_histogram", 1, object{"metric": "http.server.request.duration", "over_series": "quantile", "quantiles": []float64{0.5, 0.99}}),
			query("heatmap_of_histogram", 1, object{"metric": "http.server.request.duration", "over_series": "histogram"}),
			query("each_series", 10, object{"metric": "process.threads"}),
		}
	}
	panic(fmt.Sprintf("unknown signal %d", signal))
}
