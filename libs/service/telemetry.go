package service

import (
	"context"
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
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// Telemetry is a process's own telemetry. It has its own registry: nothing is registered with a default one, so that several
// live in one process.
type Telemetry struct {
	registry *prometheus.Registry
	meters   *sdkmetric.MeterProvider
}

// NewTelemetry makes the telemetry of the process named service. Close it.
func NewTelemetry(service string) (*Telemetry, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry))
	if err != nil {
		return nil, fmt.Errorf("make the metrics exporter: %w", err)
	}
	return &Telemetry{
		registry: registry,
		meters: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "ollyscale-"+service),
			attribute.String("service.version", Version()),
		))),
	}, nil
}

// Env is the environment of one role of this process. Roles that share a process have their own meters (told apart by
// otel_scope_name) and their own health.
func (t *Telemetry) Env(role string, log *slog.Logger) Env {
	scope := "ollyscale/" + role
	return Env{
		Service: role,
		Log:     log.With("role", role),
		Meter:   t.meters.Meter(scope),
		Tracer:  tracenoop.NewTracerProvider().Tracer(scope),
		Now:     time.Now,
		Health:  NewHealth(),
		Metrics: t.Handler(),
		own:     t,
		base:    log,
	}
}

// Handler serves the metrics of all roles in Prometheus' text format.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Close flushes and ends the telemetry.
func (t *Telemetry) Close(ctx context.Context) error { return t.meters.Shutdown(ctx) }
