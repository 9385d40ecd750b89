package e2e

import (
	"context"
	"errors"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// visible is how soon after a client's export has returned its telemetry has to be on the page.
const visible = 2 * time.Second

// TestForeignClients has the SDKs of the OpenTelemetry project send by every protocol they speak, and looks for what they sent.
func TestForeignClients(t *testing.T) {
	s := newStack(t)
	_, writerHealth := s.writer()
	s.ready(writerHealth)

	for _, client := range []struct {
		name string
		send func(t *testing.T, service string) (traceID string)
	}{
		{"Go SDK, gRPC", func(t *testing.T, service string) string {
			t.Helper()
			spans, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(s.grpc), otlptracegrpc.WithInsecure())
			require.NoError(t, err)
			logs, err := otlploggrpc.New(t.Context(), otlploggrpc.WithEndpoint(s.grpc), otlploggrpc.WithInsecure())
			require.NoError(t, err)
			metrics, err := otlpmetricgrpc.New(t.Context(), otlpmetricgrpc.WithEndpoint(s.grpc), otlpmetricgrpc.WithInsecure())
			require.NoError(t, err)
			return goSDK(t, service, spans, logs, metrics)
		}},
		{"Go SDK, HTTP", func(t *testing.T, service string) string {
			t.Helper()
			endpoint := strings.TrimPrefix(s.http, "http://")
			spans, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(endpoint), otlptracehttp.WithInsecure(),
				otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
			require.NoError(t, err)
			logs, err := otlploghttp.New(t.Context(), otlploghttp.WithEndpoint(endpoint), otlploghttp.WithInsecure())
			require.NoError(t, err)
			metrics, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpoint(endpoint), otlpmetrichttp.WithInsecure())
			require.NoError(t, err)
			return goSDK(t, service, spans, logs, metrics)
		}},
		{"JS SDK, gRPC", func(t *testing.T, service string) string {
			t.Helper()
			return jsSDK(t, service, "grpc", "http://"+s.grpc)
		}},
		{"JS SDK, HTTP protobuf", func(t *testing.T, service string) string {
			t.Helper()
			return jsSDK(t, service, "http/protobuf", s.http)
		}},
		{"JS SDK, HTTP JSON", func(t *testing.T, service string) string { t.Helper(); return jsSDK(t, service, "http/json", s.http) }},
	} {
		t.Run(client.name, func(t *testing.T) {
			service := strings.NewReplacer(" ", "-", ",", "", "/", "-").Replace(strings.ToLower(client.name))
			id := client.send(t, service)
			sent := time.Now()
			s.requireShopTrace(t, id, service)
			require.Less(t, time.Since(sent), visible, "from export to answer")
			s.requireShopLogsAndMetrics(t, id, service)
		})
	}
}

// goSDK sends what clients/send.mjs sends: two spans of one trace, a log record in the second, a counter and a histogram.
func goSDK(t *testing.T, service string, spans sdktrace.SpanExporter, logs sdklog.Exporter, metrics sdkmetric.Exporter) string {
	t.Helper()
	ctx := t.Context()
	res := resource.NewSchemaless(attribute.String("service.name", service))
	traces := sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithBatcher(spans))
	records := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithResource(res), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))

	tracer := traces.Tracer("shop", trace.WithInstrumentationVersion("1.2.3"))
	outer, parent := tracer.Start(ctx, "checkout")
	inner, span := tracer.Start(outer, "charge card", trace.WithAttributes(
		attribute.String("card.brand", "visa"), attribute.Float64("amount", 12.5), attribute.Int("items", 3), attribute.Bool("express", true)))
	span.AddEvent("declined", trace.WithAttributes(attribute.Int("code", 51)))
	span.SetStatus(codes.Error, "declined")
	var record otellog.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(otellog.SeverityWarn)
	record.SetSeverityText("WARN")
	record.SetBody(attribute.StringValue("card declined"))
	record.AddAttributes(attribute.Int("attempt", 1))
	records.Logger("shop").Emit(inner, record)
	span.End()
	parent.End()

	meter := meters.Meter("shop")
	checkouts, err := meter.Int64Counter("checkouts")
	require.NoError(t, err)
	checkouts.Add(ctx, 1, metric.WithAttributes(attribute.String("result", "declined")))
	duration, err := meter.Float64Histogram("checkout.duration", metric.WithUnit("s"))
	require.NoError(t, err)
	duration.Record(ctx, 0.25)

	require.NoError(t, errors.Join(meters.Shutdown(ctx), records.Shutdown(ctx), traces.Shutdown(ctx)), "export")
	return parent.SpanContext().TraceID().String()
}

func jsSDK(t *testing.T, service, protocol, endpoint string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "send.mjs")
	cmd.Dir = filepath.Join(testbed.Root(t), "e2e", "clients")
	cmd.Env = append(cmd.Environ(),
		"OTEL_SERVICE_NAME="+service, "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol,
		"OTEL_NODE_RESOURCE_DETECTORS=env", "OTEL_TRACES_EXPORTER=otlp", "OTEL_LOGS_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp")
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &failed)
	return strings.TrimSpace(string(out))
}

// requireShopTrace waits for the trace and compares it with what the client was told to send.
func (s *stack) requireShopTrace(t *testing.T, id, service string) {
	t.Helper()
	type value map[string]any
	type keyValue struct {
		Key   string
		Value value
	}
	var answer struct {
		Spans []struct {
			SpanID     string `json:"span_id"`
			Parent     string `json:"parent_span_id"`
			Name       string
			Service    string `json:"service_name"`
			Attributes []keyValue
			Events     []struct {
				Name       string
				Attributes []keyValue
			}
			Status struct {
				Code    int
				Message string
			}
			Scope int `json:"scope_index"`
		}
		Scopes []struct{ Name, Version string }
	}
	waitFor(t, visible, "trace "+id, func() bool {
		return get(t.Context(), s.api+"/api/traces/"+id, &answer) == nil && len(answer.Spans) == 2
	})
	parent, child := answer.Spans[0], answer.Spans[1]
	if parent.Parent != "" { // both may have begun in the same instant
		parent, child = child, parent
	}
	require.Equal(t, "checkout", parent.Name)
	require.Equal(t, "charge card", child.Name)
	require.Equal(t, service, child.Service)
	require.Equal(t, parent.SpanID, child.Parent)
	require.Equal(t, 2, child.Status.Code)
	require.Equal(t, "declined", child.Status.Message)
	require.ElementsMatch(t, []keyValue{
		{"card.brand", value{"stringValue": "visa"}},
		{"amount", value{"doubleValue": 12.5}},
		{"items", value{"intValue": "3"}},
		{"express", value{"boolValue": true}},
	}, child.Attributes)
	require.Len(t, child.Events, 1)
	require.Equal(t, "declined", child.Events[0].Name)
	require.Equal(t, []keyValue{{"code", value{"intValue": "51"}}}, child.Events[0].Attributes)
	require.Equal(t, "shop", answer.Scopes[child.Scope].Name)
	require.Equal(t, "1.2.3", answer.Scopes[child.Scope].Version)
}

func (s *stack) requireShopLogsAndMetrics(t *testing.T, id, service string) {
	t.Helper()
	var logs struct {
		Logs []struct {
			Body struct {
				Text string `json:"stringValue"`
			}
			Severity int    `json:"severity_number"`
			Service  string `json:"service_name"`
		}
	}
	waitFor(t, visible, "the log record of trace "+id, func() bool {
		return get(t.Context(), s.api+"/api/traces/"+id+"/logs", &logs) == nil && len(logs.Logs) == 1
	})
	require.Equal(t, "card declined", logs.Logs[0].Body.Text)
	require.Equal(t, 13, logs.Logs[0].Severity)
	require.Equal(t, service, logs.Logs[0].Service)

	for name, kind := range map[string]string{"checkouts": "sum", "checkout.duration": "histogram"} {
		var points struct {
			Points []struct{}
			Series []struct {
				Metric  struct{ Name, Type string }
				Service string `json:"service_name"`
			}
		}
		waitFor(t, visible, "metric "+name, func() bool {
			return s.searchMetric(t.Context(), name, service, &points) == nil && len(points.Points) > 0
		})
		require.Equal(t, kind, points.Series[0].Metric.Type)
		require.Equal(t, service, points.Series[0].Service)
	}
}

func (s *stack) searchMetric(ctx context.Context, name, service string, into any) error {
	now := time.Now()
	filters := `[{"field":"name","operator":"eq","value":"` + name + `"},{"field":"service","operator":"eq","value":"` + service + `"}]`
	return get(ctx, s.api+"/api/metrics/search?"+url.Values{
		"start_time": {now.Add(-time.Minute).Format(time.RFC3339Nano)},
		"end_time":   {now.Add(time.Minute).Format(time.RFC3339Nano)},
		"filters":    {filters},
	}.Encode(), into)
}
