package bench

import (
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// described is how many requests are looked at to say in words what the data is.
const described = 24

type names map[string]struct{}

func (n names) add(parts ...string) { n[strings.Join(parts, "\x00")] = struct{}{} }

func share(part, of int) float64 { return float64(part) / float64(max(of, 1)) }

func identity(m pcommon.Map) string { return fmt.Sprint(m.AsRaw()) }

// describeSpans counts in the requests themselves: what a report says of its data is then true.
func describeSpans(r *requests) (string, error) {
	services, resources, operations, traces, values := names{}, names{}, names{}, names{}, names{}
	spans, attributes, events, failed, resourceAttributes := 0, 0, 0, 0, 0
	for _, b := range r.batches[:min(described, len(r.batches))] {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(b.Payload)
		if err != nil {
			return "", err
		}
		for _, rs := range td.ResourceSpans().All() {
			service, _ := rs.Resource().Attributes().Get("service.name")
			services.add(service.Str())
			resources.add(identity(rs.Resource().Attributes()))
			resourceAttributes = rs.Resource().Attributes().Len()
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					spans++
					attributes += span.Attributes().Len()
					events += span.Events().Len()
					if span.Status().Code() == ptrace.StatusCodeError {
						failed++
					}
					traces.add(span.TraceID().String())
					operations.add(service.Str(), span.Name())
					for k, v := range span.Attributes().All() {
						values.add(k, v.AsString())
					}
				}
			}
		}
	}
	return fmt.Sprintf("spans: %d services, %d resources of %d attributes, %d operations, %.1f spans a trace, %.1f attributes and %.3f events a span, "+
		"%.1f %% failed, %d different attribute values in %d spans", len(services), len(resources), resourceAttributes, len(operations),
		float64(spans)/float64(max(len(traces), 1)), share(attributes, spans), share(events, spans), 100*share(failed, spans), len(values), spans), nil
}

func describeLogs(r *requests) (string, error) {
	bodies := names{}
	records, attributes, correlated, size := 0, 0, 0, 0
	for _, b := range r.batches[:min(described, len(r.batches))] {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b.Payload)
		if err != nil {
			return "", err
		}
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					records++
					attributes += record.Attributes().Len()
					bodies.add(record.Body().Str())
					size += len(record.Body().Str())
					if !record.TraceID().IsEmpty() {
						correlated++
					}
				}
			}
		}
	}
	return fmt.Sprintf("log records: %.0f %% belong to a span, %.1f attributes, bodies of %.0f B, %d different ones in %d", 100*share(correlated, records),
		share(attributes, records), share(size, records), len(bodies), records), nil
}

func describePoints(r *requests) (string, error) {
	series := names{}
	kinds := map[pmetric.MetricType]int{}
	points := 0
	for _, b := range r.batches[:min(described, len(r.batches))] {
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(b.Payload)
		if err != nil {
			return "", err
		}
		points += md.DataPointCount()
		for _, rm := range md.ResourceMetrics().All() {
			resource := identity(rm.Resource().Attributes())
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					for _, a := range pointAttributes(m) {
						kinds[m.Type()]++
						series.add(resource, m.Name(), identity(a))
					}
				}
			}
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "metric points: %d series;", len(series))
	for _, kind := range []pmetric.MetricType{
		pmetric.MetricTypeSum, pmetric.MetricTypeGauge, pmetric.MetricTypeHistogram, pmetric.MetricTypeExponentialHistogram, pmetric.MetricTypeSummary,
	} {
		fmt.Fprintf(&text, " %s %.0f %%", kind, 100*share(kinds[kind], points))
	}
	return text.String(), nil
}

// pointAttributes is the attributes of each point of a metric.
func pointAttributes(m pmetric.Metric) (out []pcommon.Map) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			out = append(out, p.Attributes())
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			out = append(out, p.Attributes())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			out = append(out, p.Attributes())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			out = append(out, p.Attributes())
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			out = append(out, p.Attributes())
		}
	case pmetric.MetricTypeEmpty:
	}
	return out
}
