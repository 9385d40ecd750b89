package ingest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The OpenTelemetry SDK for Go with its own exporters, as applications use it.
func TestTheGoSDKSends(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"grpc", "http"} {
		for _, compressed := range []bool{false, true} {
			name := transport
			if compressed {
				name += "+gzip"
			}
			t.Run(name, func(t *testing.T) {
				r := start(t, func(c *Config) { c.Admit.MaxAhead = 24_000 * time.Hour }) // the SDK's clock is the machine's
				ctx := t.Context()
				spans, points, records := exporters(t, r, transport, compressed)

				tp := trace.NewTracerProvider(trace.WithBatcher(spans))
				spanCtx, span := tp.Tracer("sdk").Start(ctx, "work")
				span.SetAttributes(attribute.Int("n", 1))
				span.End()
				require.NoError(t, tp.Shutdown(ctx))
				require.Equal(t, 1, r.stored(telemetry.Traces, 1)[0].Items)

				mp := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(points)))
				counter, err := mp.Meter("sdk").Int64Counter("count")
				require.NoError(t, err)
				counter.Add(spanCtx, 3)
				require.NoError(t, mp.Shutdown(ctx))
				items := 0
				for _, b := range r.stored(telemetry.Metrics, 1) {
					items += b.Items
				}
				require.Positive(t, items)

				lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(records)))
				var record log.Record
				record.SetBody(attribute.StringValue("hello"))
				record.SetSeverity(log.SeverityInfo)
				lp.Logger("sdk").Emit(spanCtx, record)
				require.NoError(t, lp.Shutdown(ctx))
				require.Equal(t, 1, r.stored(telemetry.Logs, 1)[0].Items)
			})
		}
	}
}

func exporters(t *testing.T, r *running, transport string, compressed bool) (trace.SpanExporter, metric.Exporter, sdklog.Exporter) {
	t.Helper()
	ctx := context.Background()
	endpoint := strings.TrimPrefix(r.http, "http://")
	if transport == "grpc" {
		to := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithInsecure()}
		mo := []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(r.grpc), otlpmetricgrpc.WithInsecure()}
		lo := []otlploggrpc.Option{otlploggrpc.WithEndpoint(r.grpc), otlploggrpc.WithInsecure()}
		if compressed {
			to = append(to, otlptracegrpc.WithCompressor("gzip"))
			mo = append(mo, otlpmetricgrpc.WithCompressor("gzip"))
			lo = append(lo, otlploggrpc.WithCompressor("gzip"))
		}
		spans, err := otlptracegrpc.New(ctx, to...)
		require.NoError(t, err)
		points, err := otlpmetricgrpc.New(ctx, mo...)
		require.NoError(t, err)
		records, err := otlploggrpc.New(ctx, lo...)
		require.NoError(t, err)
		return spans, points, records
	}
	to := []otlptracehttp.Option{otlptracehttp.WithEndpoint(endpoint), otlptracehttp.WithInsecure()}
	mo := []otlpmetrichttp.Option{otlpmetrichttp.WithEndpoint(endpoint), otlpmetrichttp.WithInsecure()}
	lo := []otlploghttp.Option{otlploghttp.WithEndpoint(endpoint), otlploghttp.WithInsecure()}
	if compressed {
		to = append(to, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		mo = append(mo, otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
		lo = append(lo, otlploghttp.WithCompression(otlploghttp.GzipCompression))
	}
	spans, err := otlptracehttp.New(ctx, to...)
	require.NoError(t, err)
	points, err := otlpmetrichttp.New(ctx, mo...)
	require.NoError(t, err)
	records, err := otlploghttp.New(ctx, lo...)
	require.NoError(t, err)
	return spans, points, records
}
