package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// get asks for a path over a range of time.
func get(path string, from, to time.Time, more url.Values, of func(*response) []string) func(context.Context, asked, int) (answer, error) {
	query := url.Values{"start_time": {from.Format(time.RFC3339Nano)}, "end_time": {to.Format(time.RFC3339Nano)}}
	maps.Copy(query, more)
	return func(ctx context.Context, s asked, _ int) (answer, error) {
		return s.ask(ctx, http.MethodGet, path+"?"+query.Encode(), nil, of)
	}
}

func servicesOf(r *response) []string {
	var out []string
	for _, s := range r.Services {
		out = append(out, fmt.Sprintf("%s %d %d", s.Name, s.Red.Requests, s.Red.Errors))
	}
	return out
}

func operationsOf(r *response) []string {
	var out []string
	for _, o := range r.Operations {
		out = append(out, fmt.Sprintf("%s %d %d %d", o.Name, o.Kind, o.Red.Requests, o.Red.Errors))
	}
	return out
}

// edgesOf tells nodes by the part of their ids that is a name.
func edgesOf(r *response) []string {
	name := func(id string) string { return id[strings.LastIndexByte(id, ':')+1:] }
	var out []string
	for _, e := range r.Edges {
		out = append(out, fmt.Sprintf("%s %s %d %d", name(e.Source), name(e.Target), e.Red.Requests, e.Red.Errors))
	}
	return out
}

func valuesOf(r *response) []string {
	var out []string
	for _, v := range r.Values {
		switch {
		case v.Value.StringValue != nil:
			out = append(out, fmt.Sprintf("%s %d", *v.Value.StringValue, v.Count))
		case v.Value.IntValue != nil:
			out = append(out, fmt.Sprintf("%s %d", *v.Value.IntValue, v.Count))
		}
	}
	return out
}

func metricsOf(r *response) []string {
	var out []string
	for _, m := range r.Metrics {
		out = append(out, m.Metric.Name)
	}
	return out
}

func pointsOf(r *response) []string {
	var series []struct{ Points []struct{} }
	if json.Unmarshal(r.Series, &series) != nil {
		return nil
	}
	var out []string
	for _, s := range series {
		out = append(out, strconv.Itoa(len(s.Points)))
	}
	return out
}

// absentTrace asks for a trace that nobody sent, another one each time.
func absentTrace(ctx context.Context, s asked, i int) (answer, error) {
	a, err := s.ask(ctx, http.MethodGet, fmt.Sprintf("/api/traces/%016x%016x", 0xab5e47, 1+i), nil, nil)
	var refused *refusalError
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		return answer{}, nil
	}
	if err == nil {
		err = errors.New("a trace that nobody sent is there")
	}
	return a, err
}

// storeQuestions are what is asked of a signal.
func storeQuestions(signal telemetry.Signal, f *filled) []question {
	some := func(n int) bool { return n > 0 }
	hour := f.from.Add(storeHours / 2 * time.Hour)
	limit := func(n string, more ...string) url.Values {
		v := url.Values{"limit": {n}}
		for i := 0; i < len(more); i += 2 {
			v[more[i]] = []string{more[i+1]}
		}
		return v
	}
	list := func(of string, items func(*response) []string, name string, hits func(int) bool, filter ...condition) question {
		return question{name: name, hits: hits, segments: search(of, items, always(filter...))}
	}
	spans := func(name string, hits func(int) bool, filter ...condition) question {
		return list("spans", spansOf, name, hits, filter...)
	}
	logs := func(name string, hits func(int) bool, filter ...condition) question {
		return list("logs", logsOf, name, hits, filter...)
	}
	attribute := func(key, value string) condition { return condition{"attributes." + key, "eq", value} }
	switch signal {
	case telemetry.Traces:
		user := question{name: "user_newest", parameters: 5, segments: search("spans", spansOf, func(i int) []condition {
			return []condition{attribute("app.user.id", fmt.Sprintf("user-%04d", (i*617+42)%5000))}
		})}
		return []question{
			{name: "services_24h", hits: some, segments: get("/api/services", f.from, f.to, nil, servicesOf)},
			{name: "services_1h", hits: some, segments: get("/api/services", hour, hour.Add(time.Hour), nil, servicesOf)},
			{name: "operations_24h", hits: some, segments: get("/api/services/checkout/operations", f.from, f.to, nil, operationsOf)},
			{name: "map_24h", hits: some, segments: get("/api/service-map", f.from, f.to, nil, edgesOf)},
			{name: "map_1h", hits: some, segments: get("/api/service-map", hour, hour.Add(time.Hour), nil, edgesOf)},
			{name: "facet_route_24h", hits: some, segments: get("/api/attributes/http.route/values", f.from, f.to, limit("1000"), valuesOf)},
			{name: "facet_user_24h", hits: some, segments: get("/api/attributes/app.user.id/values", f.from, f.to, limit("1000"), valuesOf)},
			{
				name: "count_by_service_24h", hits: some,
				segments: get("/api/attributes/service.name/values", f.from, f.to, limit("1000", "scope", "resource"), valuesOf),
			},
			// One span in sixty of this service has failed and took so long.
			spans("failed_slow", some, condition{"service", "eq", "frontend"}, condition{"status", "eq", "error"},
				condition{"duration", "gt", (20 * time.Millisecond).Nanoseconds()}),
			spans("failed_slow_rare", exactly(slowSpans), condition{"service", "eq", slowService}, condition{"status", "eq", "error"},
				condition{"duration", "gt", slowFrom.Nanoseconds()}),
			spans("newest", exactly(newest)),
			spans("service_newest", exactly(newest), condition{"service", "eq", "payment"}),
			spans("errors_newest", exactly(newest), condition{"status", "eq", "error"}),
			{name: "trace_by_id", parameters: len(f.traces), hits: some, segments: trace(f, 0)},
			{name: "absent_trace", parameters: 3, hits: exactly(0), segments: absentTrace},
			user,
			spans("rare_attribute", exactly(rareSpans), attribute(rareKey, rareValue)),
			spans("absent_attribute", exactly(0), attribute("app.user.id", "nobody")),
		}
	case telemetry.Logs:
		return []question{
			logs("newest", exactly(newest)),
			logs("service_newest", exactly(newest), condition{"service", "eq", "payment"}),
			logs("errors_newest", exactly(newest), condition{"severity", "gte", 17}),
			logs("rare_word", exactly(rareRecords), condition{"body", "contains", " " + rareWord + " "}),
			logs("rare_part", exactly(rareRecords), condition{"body", "contains", rarePart}),
			logs("absent_word", exactly(0), condition{"body", "contains", "nowhere"}),
			{
				name: "count_by_service_24h", hits: some,
				segments: get("/api/attributes/service.name/values", f.from, f.to, limit("1000", "signal", "logs", "scope", "resource"), valuesOf),
			},
		}
	case telemetry.Metrics:
		end := f.to.Add(-time.Hour)
		return []question{
			{name: "catalogue_24h", hits: some, segments: get("/api/metrics", f.from, f.to, nil, metricsOf)},
			{name: "chart_1h", hits: some, segments: get("/api/metrics/process.memory.usage", end.Add(-time.Hour), end, limit("100000"), pointsOf)},
			{name: "chart_24h", hits: some, segments: get("/api/metrics/process.memory.usage", f.from, f.to, limit("100000"), pointsOf)},
		}
	}
	panic(fmt.Sprintf("unknown signal %d", signal))
}
