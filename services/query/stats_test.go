package query

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// counted is what a tenant has of a signal at one level, by reading all of it.
func (f *fixture) counted(tenant, name string, level int) (want api.SegmentStats) {
	f.t.Helper()
	require.NoError(f.t, f.db.Pool.QueryRow(testbed.Context(f.t), fmt.Sprintf(`SELECT count(*), sum(s.items), min(s.min_time)::text, max(s.max_time)::text,
		sum(length(s.directory) + length(s.trace_filter) + length(s.token_filter) + coalesce(length(b.body), length(f.body)))
		FROM %[1]s_segment s LEFT JOIN %[1]s_body b USING (tenant_id, segment_id) LEFT JOIN %[1]s_fresh f USING (tenant_id, segment_id)
		WHERE s.tenant_id = $1 AND s.level = $2`, name), tenant, level).Scan(&want.Segments, &want.Items, &want.OldestUnixNano, &want.NewestUnixNano, &want.Bytes))
	return want
}

func TestWhatATenantHasIsToldBySignalAndLevel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store("red", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(60)), 20) // level 2 or 0, …
	f.store("red", telemetry.Traces, testbed.TracesPayload(newDice(2).traces(40)), 20) // … and the other
	f.store("blue", telemetry.Traces, testbed.TracesPayload(newDice(3).traces(30)), 20)
	f.store("red", telemetry.Logs, testbed.LogsPayload(newDice(4).logs(30)), 20)
	_, err := f.db.Pool.Exec(testbed.Context(t), `INSERT INTO retention_policy (tenant_id, signal, days, legal_hold) VALUES ('red', 'traces', 60, true)`)
	require.NoError(t, err)
	tell := func(query string, header ...string) (all api.StoredStats) {
		t.Helper()
		f.get("/api/stats"+query, &all, header...)
		return all
	}
	tenant := func(all api.StoredStats, name string) *api.TenantStats {
		for i, s := range all.Tenants {
			if s.Tenant == name {
				return &all.Tenants[i]
			}
		}
		return nil
	}
	red := tell("", "X-Scope-OrgID", "red")
	require.Len(t, red.Tenants, 1)
	require.Nil(t, red.Installation)
	traces := red.Tenants[0].Signals[telemetry.Traces]
	require.Equal(t, []api.LevelStats{{Level: 0, Stats: f.counted("red", "spans", 0)}, {Level: 2, Stats: f.counted("red", "spans", 2)}}, traces.Levels)
	require.Equal(t, int64(100), traces.Total.Items)
	require.Equal(t, traces.Levels[0].Stats.Bytes+traces.Levels[1].Stats.Bytes, traces.Total.Bytes)
	require.Equal(t, traces.Levels[0].Stats, traces.Unmerged, "its hour is over")
	require.Equal(t, []any{60, true}, []any{traces.DaysKept, traces.Hold})
	logs := red.Tenants[0].Signals[telemetry.Logs]
	require.Equal(t, []any{int64(30), 3, false}, []any{logs.Total.Items, logs.DaysKept, logs.Hold})
	var rollups, bytes int64
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT count(*), sum(length(low) + length(high) + length(total) + length(minutes)) FROM rollup WHERE tenant_id = 'red'`).
		Scan(&rollups, &bytes))
	require.Positive(t, rollups)
	require.Equal(t, []int64{rollups, bytes}, []int64{red.Tenants[0].Rollups, red.Tenants[0].RollupBytes})

	nobody := tell("", "X-Scope-OrgID", "nobody")
	require.Len(t, nobody.Tenants, 1)
	require.Equal(t, api.SegmentStats{}, nobody.Tenants[0].Signals[telemetry.Traces].Total)
	require.Empty(t, nobody.Tenants[0].Signals[telemetry.Traces].Levels)

	all := tell("?all_tenants=true&installation=true")
	require.Equal(t, red.Tenants[0], *tenant(all, "red"), "the same, and its own policy, among others")
	require.Equal(t, int64(30), tenant(all, "blue").Signals[telemetry.Traces].Total.Items)
	require.Equal(t, 7, tenant(all, "blue").Signals[telemetry.Traces].DaysKept)
	require.Len(t, tell("?all_tenants=true", "X-Scope-OrgID", "red").Tenants, 1, "a proxy that names one bounds the answer")
	require.Greater(t, all.Installation.DatabaseBytes, all.Installation.Tables[0].Bytes)
	tables := map[string]api.TableStats{}
	for _, table := range all.Installation.Tables {
		tables[table.Table] = table
	}
	var days, size int64
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT count(*), sum(pg_total_relation_size(relid)) FROM pg_partition_tree('spans_body') WHERE isleaf`).Scan(&days, &size))
	require.Equal(t, api.TableStats{Table: "spans_body", Partitions: days, Bytes: size}, tables["spans_body"])
	require.Equal(t, int64(1), tables["retention_policy"].Partitions)
}

func TestWhatAllHaveIsForAdministrators(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	f.store("red", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(6)), 20)
	f.store("blue", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(6)), 20)
	reads, _ := f.newKey("red", "query")
	manages, _ := f.newKey("red", "query", "admin")
	for _, query := range []string{"?all_tenants=true", "?installation=true"} {
		require.Equal(t, "auth.scope", f.problem(http.StatusForbidden, http.MethodGet, "/api/stats"+query, "", "X-Api-Key", reads).Code)
	}
	var all api.StoredStats
	f.get("/api/stats?all_tenants=true&installation=true", &all, "X-Api-Key", manages)
	require.Len(t, all.Tenants, 1, "a key has one tenant, whatever its scopes")
	require.Equal(t, "red", all.Tenants[0].Tenant)
	require.Positive(t, all.Installation.DatabaseBytes)
}
