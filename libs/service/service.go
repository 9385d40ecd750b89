// Package service makes a role a good citizen: configuration, logger, metrics, health, signals, ordered start and drain.
// It is the only importer of viper.
//
// A role's main is one call:
//
//	func main() { service.Main("writer", writer.DefaultConfig(), writer.New) }
//
// Config is a struct whose leaves carry two tags: `mapstructure:"max_bytes"`, the key, and `doc:"…"`, one sentence for
// docs/configuration.md and --help. A leaf may also carry `secret:"true"` (never printed), `flag:"name"` (another name for
// its flag) and, once a struct, `arg:"true"` (filled by the first word of the command line that is not a flag).
package service

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// Env is what a role gets from outside: no role reaches for a global logger, clock or registry, so that five roles (and
// parallel tests) live in one process.
type Env struct {
	Service string // the role's name, as health and metrics show it
	Log     *slog.Logger
	Meter   metric.Meter
	Tracer  trace.Tracer
	Now     func() time.Time
	Health  *Health      // the role registers its readiness checks here
	Memory  int64        // bytes that this role may count on in all; 0 where nothing limits the process
	Metrics http.Handler // serves the metrics that Meter records; nil where nobody collects them

	own   *Telemetry     // of the process, nil without telemetry
	base  *slog.Logger   // of the process, without a role's name
	level *slog.LevelVar // of the process's log; set where it can be changed

	insecure bool // unauthenticated listeners may be reached from other machines
}

// Role is the environment of one of several roles in this process: its own meter, tracer, health and name in the log, the same
// clock and metrics handler.
func (e Env) Role(name string) Env {
	if e.own != nil {
		role := e.own.Env(name, e.base)
		role.Now, role.insecure, role.Memory = e.Now, e.insecure, e.Memory
		return role
	}
	e.Service, e.Health = name, NewHealth()
	return e
}

// NewEnv is an Env without telemetry: metrics and traces go nowhere, the clock is the machine's. log may be nil (silent).
// Main builds its own; this one is for tests and for tools.
func NewEnv(name string, log *slog.Logger) Env {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return Env{
		Service: name,
		Log:     log,
		Meter:   metricnoop.NewMeterProvider().Meter(name),
		Tracer:  tracenoop.NewTracerProvider().Tracer(name),
		Now:     time.Now,
		Health:  NewHealth(),
	}
}

// Role is what every service's New returns.
type Role interface {
	// Run serves until ctx ends, drains, and returns nil after a clean end.
	Run(ctx context.Context) error
}
