package janitor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// calls are those of a tenant: as rollups and level 0 tell them, by whole hours and days where there are, or as all spans together do.
func (f *fixture) calls(tenant telemetry.Tenant, recount, whole bool) (out []string) {
	f.t.Helper()
	ctx := testbed.Context(f.t)
	from, to := int64(0), start().Add(1000*time.Hour).Truncate(time.Hour).UnixNano()
	c := edges.New()
	columns := segmentrow.SelectAll()
	rows, err := f.db.Pool.Query(ctx, `SELECT `+columns.List("s")+` FROM `+segmentrow.From(telemetry.Traces)+` WHERE s.tenant_id = $1`, tenant)
	require.NoError(f.t, err)
	require.NoError(f.t, columns.ForEach(rows, func(r *segmentrow.Row) error {
		if r.Level > 0 && !recount {
			return nil
		}
		t := segment.NewTable(tenant, telemetry.Traces)
		if err := add(t, &r.Segment); err != nil {
			return err
		}
		c.Add(t, nil)
		return nil
	}))
	if !recount {
		rows, err = f.db.Pool.Query(ctx, `SELECT `+rolluprow.Columns+` FROM rollup AS r WHERE tenant_id = $1 AND kind = $2 AND (grain = 2 AND $3 OR grain < 2
			AND NOT ($3 AND EXISTS (SELECT FROM rollup d WHERE d.tenant_id = $1 AND d.kind = $2 AND d.grain = 2 AND d.start = r.start / 86400000000000 * 86400000000000)))`,
			tenant, int16(edges.ID), whole)
		require.NoError(f.t, err)
		for r, err := range rolluprow.Read(rows) {
			require.NoError(f.t, err)
			blob := r.Minutes
			if whole && r.Grain != rollup.Part {
				blob = r.Total
			}
			require.NoError(f.t, c.AddRolled(r.Start, whole && r.Grain != rollup.Part, blob, from, to))
		}
	}
	list, err := c.Edges(ctx, from, to)
	require.NoError(f.t, err)
	for _, e := range list {
		out = append(out, fmt.Sprintf("%v > %v: %d, %d failed, p95 %d", e.From, e.To, e.Requests, e.Errors, e.Durations.Quantile(0.95)))
	}
	return out
}

// sameCalls holds the edges of tenants to a recount.
func (f *fixture) sameCalls(tenants ...telemetry.Tenant) {
	f.t.Helper()
	for _, tenant := range tenants {
		want := f.calls(tenant, true, false)
		require.Equal(f.t, want, f.calls(tenant, false, false))
		require.Equal(f.t, want, f.calls(tenant, false, true), "by whole hours and days")
	}
}

// scattered are the spans of some traces, each in any of n payloads.
func scattered(rnd *rand.Rand, td ptrace.Traces, n int) [][]byte {
	parts := make([]ptrace.Traces, n)
	for i := range parts {
		parts[i] = ptrace.NewTraces()
	}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				to := parts[rnd.IntN(n)].ResourceSpans().AppendEmpty()
				rs.Resource().CopyTo(to.Resource())
				in := to.ScopeSpans().AppendEmpty()
				ss.Scope().CopyTo(in.Scope())
				span.CopyTo(in.Spans().AppendEmpty())
			}
		}
	}
	var out [][]byte
	for _, p := range parts {
		if p.SpanCount() > 0 {
			out = append(out, testbed.TracesPayload(p))
		}
	}
	return out
}

// TestEdgesAreThoseOfARecountAtEveryStep: the spans of each trace come in several flushes, minutes apart and out of order, over the ends of hours.
func TestEdgesAreThoseOfARecountAtEveryStep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	tenants := []telemetry.Tenant{"red", "blue"}
	type flush struct {
		at      time.Time
		tenant  telemetry.Tenant
		payload []byte
	}
	var flushes []flush
	for i, tenant := range tenants {
		for k, after := range []time.Duration{0, 90 * time.Second, 42*time.Minute + 38*time.Second, 43 * time.Minute, 65 * time.Minute, 3 * time.Hour} {
			at := start().Add(after) // 05:59:58 is among them
			shop := testbed.NewShop(uint64(10*i+k), at).Every(100 * time.Millisecond)
			for _, payload := range scattered(rnd, shop.Traces(400), 4) {
				flushes = append(flushes, flush{at.Add(time.Duration(rnd.IntN(200)) * time.Second), tenant, payload})
			}
		}
	}
	slices.SortFunc(flushes, func(a, b flush) int { return a.at.Compare(b.at) })
	for _, one := range flushes {
		f.clock.Set(one.at)
		if one.tenant == "blue" { // is spread, so that the sides of a call lie apart
			require.NoError(t, f.tryFlushAt(one.tenant.Placement(rnd.IntN(3), 3), telemetry.Traces, one.payload))
		} else {
			f.flush(one.tenant, telemetry.Traces, one.payload)
		}
		f.sameCalls(one.tenant)
		if rnd.IntN(2) == 0 {
			f.pass()
			f.sameCalls(tenants...)
		}
	}
	for _, after := range []time.Duration{time.Minute, 5 * time.Minute, time.Hour, time.Hour, time.Hour, 24 * time.Hour, time.Hour} {
		f.clock.Advance(after)
		f.pass()
		f.sameCalls(tenants...)
	}
	var days, parts int
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT count(*) FILTER (WHERE grain = 2), count(*) FILTER (WHERE grain = 0)
		FROM rollup WHERE kind = $1`, int16(edges.ID)).Scan(&days, &parts))
	require.Equal(t, 2, days)
	require.Zero(t, parts, "all is folded")
}
