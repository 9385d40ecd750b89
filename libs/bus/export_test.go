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

// OnTheWay makes a publisher believe that one more message of a tenant and signal is on its way, until it is told that it is back.
func (p *Publisher) OnTheWay(signal telemetry.Signal, tenant telemetry.Tenant) (back func()) {
	g := &p.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	l := lane{signal, tenant}
	t := g.lanes[l]
	if t == nil {
		t = &traffic{lane: l}
		g.lanes[l] = t
	}
	t.flying++
	return func() { g.back(context.Background(), t, 0) }
}

// Gathered is how many batches of a tenant and signal wait for others.
func (p *Publisher) Gathered(signal telemetry.Signal, tenant telemetry.Tenant) int {
	p.groups.mu.Lock()
	defer p.groups.mu.Unlock()
	if t := p.groups.lanes[lane{signal, tenant}]; t != nil && t.open != nil {
		return len(t.open.batches)
	}
	return 0
}

// Lanes is on how many subjects something is on its way.
func (p *Publisher) Lanes() int {
	p.groups.mu.Lock()
	defer p.groups.mu.Unlock()
	return len(p.groups.lanes)
}

// GroupParts is how many batches a group may hold.
const GroupParts = groupParts
