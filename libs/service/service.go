// Package service makes a role a good citizen: configuration, logger, metrics, health, signals, ordered start and drain.
// It is the only importer of viper.
package service

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Env is what a role gets from outside: no role reaches for a global logger, clock or registry, so that five roles (and
// parallel tests) live in one process.
type Env struct {
	Log    *slog.Logger
	Meter  metric.Meter
	Tracer trace.Tracer
	Now    func() time.Time
	Health *Health // the role registers its readiness checks here
	// MetricsHandler etc. are added by this package's Main and are served by the ops endpoints.
}

// Role is what every service's New returns.
type Role interface {
	// Run serves until ctx ends, drains, and returns nil after a clean end.
	Run(ctx context.Context) error
}
