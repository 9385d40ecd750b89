package native

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/postgres/policystore"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

func (h handlers) GetStats(c echo.Context, p api.GetStatsParams) error {
	who, err := h.who(c)
	if err != nil {
		return err
	}
	tenants, err := h.tenantsAsked(c, who, p.AllTenants)
	if err != nil {
		return err
	}
	if p.Installation {
		if err := who.May(auth.Admin); err != nil {
			return err
		}
	}
	out, err := h.stored(c.Request().Context(), who.Tenant, tenants, p.Installation)
	return answer(c, out, err)
}

// policies are those that hold for a tenant and signal.
type policies map[telemetry.Tenant]map[telemetry.Signal]policystore.Policy

func (p policies) of(tenant telemetry.Tenant, signal telemetry.Signal) policystore.Policy {
	if own, ok := p[tenant][signal]; ok {
		return own
	}
	return p[telemetry.DefaultTenant][signal]
}

// policiesOf reads those of one tenant, or where there are more, all that were set.
func (n *API) policiesOf(ctx context.Context, tenants []telemetry.Tenant) (policies, error) {
	read := n.set.Retention.List
	if len(tenants) == 1 {
		read = func(ctx context.Context) ([]policystore.Policy, error) { return n.set.Retention.Of(ctx, tenants[0]) }
	}
	list, err := read(ctx)
	out := policies{}
	for _, p := range list {
		if out[p.Tenant] == nil {
			out[p.Tenant] = map[telemetry.Signal]policystore.Policy{}
		}
		out[p.Tenant][p.Signal] = p
	}
	return out, err
}

// stored is what tenants have, all that there are for nil; asker is there in any case, unless it asks about others.
func (n *API) stored(ctx context.Context, asker telemetry.Tenant, tenants []telemetry.Tenant, installation bool) (out api.StoredStats, err error) {
	kept, err := n.policiesOf(ctx, tenants)
	if err != nil {
		return out, err
	}
	err = n.engine.Ask(ctx, asker, 0, func(ctx context.Context, s *engine.Snapshot) error {
		sizes, err := s.Sizes(ctx, tenants)
		if err != nil {
			return err
		}
		held := map[telemetry.Tenant]*[3][]engine.Held{}
		of := func(t telemetry.Tenant) *[3][]engine.Held {
			if held[t] == nil {
				held[t] = &[3][]engine.Held{}
			}
			return held[t]
		}
		for _, t := range tenants {
			of(t)
		}
		for t := range sizes {
			of(t)
		}
		hour := n.now().Truncate(time.Hour)
		for _, signal := range telemetry.Signals() {
			list, more, err := s.Held(ctx, signal, tenants, hour)
			if err != nil {
				return err
			}
			for _, l := range list {
				of(l.Tenant)[signal] = append(of(l.Tenant)[signal], l)
			}
			if more {
				out.Incomplete = limited("the answer has no more than %d levels of %s of tenants", engine.MostHeld, signal)
			}
		}
		out.Tenants = []api.TenantStats{}
		for _, t := range slices.Sorted(maps.Keys(held)) {
			size := sizes[t]
			if size == nil {
				size = &engine.Sizes{}
			}
			stats := api.TenantStats{Tenant: string(t), Rollups: size.Rollups, RollupBytes: size.RollupBytes}
			for _, signal := range telemetry.Signals() {
				one := signalStats(held[t][signal], size.Bodies[signal])
				one.Signal = api.SignalName(signal.String())
				policy := kept.of(t, signal)
				one.DaysKept, one.Hold = policy.Days, policy.Hold
				if one.Completeness, err = completeness(ctx, s, &engine.Query{Tenant: t, Signal: signal, To: math.MaxInt64}); err != nil {
					return err
				}
				stats.Signals = append(stats.Signals, one)
			}
			out.Tenants = append(out.Tenants, stats)
		}
		if installation {
			out.Installation, err = installed(ctx, s)
		}
		return err
	})
	return out, err
}

// signalStats adds up what there is of a signal; bodies are those of settled segments, in bytes.
func signalStats(held []engine.Held, bodies int64) (out api.SignalStats) {
	out.Levels = []api.LevelStats{}
	var total, owed engine.Held
	levels := map[int16]engine.Held{}
	for _, l := range held {
		levels[l.Level] = together(levels[l.Level], l)
		total = together(total, l)
		if l.Owed {
			owed = together(owed, l)
		}
	}
	total.Bytes += bodies
	for _, level := range slices.Sorted(maps.Keys(levels)) {
		of := levels[level]
		if level == segmentrow.LevelSettled {
			of.Bytes += bodies
		}
		out.Levels = append(out.Levels, api.LevelStats{Level: int(level), Stats: segmentStats(of)})
	}
	out.Total, out.Unmerged = segmentStats(total), segmentStats(owed)
	return out
}

// together is both of two, of which the first may be nothing.
func together(a, b engine.Held) engine.Held {
	if a.Segments == 0 {
		return b
	}
	return engine.Held{
		Segments: a.Segments + b.Segments, Items: a.Items + b.Items, Bytes: a.Bytes + b.Bytes, MinTime: min(a.MinTime, b.MinTime), MaxTime: max(a.MaxTime, b.MaxTime),
	}
}

func segmentStats(h engine.Held) api.SegmentStats {
	out := api.SegmentStats{Segments: h.Segments, Items: h.Items, Bytes: h.Bytes}
	if h.Segments > 0 {
		out.OldestUnixNano, out.NewestUnixNano = nanos(h.MinTime), nanos(h.MaxTime)
	}
	return out
}

// installed is how large all of it is.
func installed(ctx context.Context, s *engine.Snapshot) (*api.InstallationStats, error) {
	bytes, tables, err := s.Database(ctx)
	out := &api.InstallationStats{DatabaseBytes: bytes, Tables: make([]api.TableStats, len(tables))}
	for i, t := range tables {
		out.Tables[i] = api.TableStats{Table: t.Name, Partitions: t.Leaves, Bytes: t.Bytes}
	}
	return out, err
}
