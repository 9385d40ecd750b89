package bus

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ollyscale/ollyscale/libs/seldom"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Reads makes a bus of a build that reads the envelope up to a version.
func (b *Bus) Reads(version int) { b.reads = version }

// ProbeTenant and StrayTenant stand in subjects where a tenant does.
const (
	ProbeTenant = probeTenant
	StrayTenant = strayTenant
)

// Replicated is a bus whose streams several servers keep, as far as it asks for leaders.
func Replicated(js jetstream.JetStream) *Bus { return &Bus{cfg: Config{Replicas: 3}, js: js} }

func (b *Bus) Leaderless(ctx context.Context, signal telemetry.Signal) bool {
	return b.leaderless(ctx, signal)
}

func (b *Bus) Took(signal telemetry.Signal) { b.took(signal) }

// Seldom makes the clock by which floods of log lines are counted.
func (b *Bus) Seldom(log *slog.Logger, now func() time.Time) { b.seldom = seldom.New(log, now) }
