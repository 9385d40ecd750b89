package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// Telemetry is a process's own telemetry. It has its own registry: nothing is registered with a default one, so that several
// live in one process.
type Telemetry struct {
	registry *prometheus.Registry
	meters   *sdkmetric.MeterProvider
	resource *resource.Resource
	tracers  trace.TracerProvider
	close    []func(context.Context) error
}

// NewTelemetry makes the telemetry of the process named service: metrics, and no traces unless Trace is called. Close it.
func NewTelemetry(service string) (*Telemetry, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry))
	if err != nil {
		return nil, fmt.Errorf("make the metrics exporter: %w", err)
	}
	t := &Telemetry{registry: registry, tracers: tracenoop.NewTracerProvider(), resource: resource.NewSchemaless(
		attribute.String("service.name", "ollyscale-"+service),
		attribute.String("service.version", Version()),
	)}
	t.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(t.resource))
	t.close = append(t.close, t.meters.Shutdown)
	return t, nil
}

// Trace sends the spans of Envs made from now on to c.Endpoint and logs what cannot be sent; without an endpoint it does nothing.
func (t *Telemetry) Trace(c TracingConfig, log *slog.Logger) {
	if c.Endpoint == "" {
		return
	}
	tracers := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(newSpanExporter(c.Endpoint, log)),
		sdktrace.WithResource(t.resource),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Ratio))))
	t.tracers = tracers
	t.close = append(t.close, tracers.Shutdown)
}

// Env is the environment of one role of this process. Roles that share a process have their own meters (told apart by
// otel_scope_name) and their own health.
func (t *Telemetry) Env(role string, log *slog.Logger) Env {
	scope := "ollyscale/" + role
	return Env{
		Service: role,
		Log:     log.With("role", role),
		Meter:   t.meters.Meter(scope),
		Tracer:  t.tracers.Tracer(scope),
		Now:     time.Now,
		Health:  NewHealth(),
		Metrics: t.Handler(),
		own:     t,
		base:    log,
	}
}

// Handler serves the metrics of all roles in Prometheus' text format.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, DisableCompression: true})
}

// Close flushes and ends the telemetry.
func (t *Telemetry) Close(ctx context.Context) error {
	var errs []error
	for _, end := range t.close {
		errs = append(errs, end(ctx))
	}
	return errors.Join(errs...)
}
