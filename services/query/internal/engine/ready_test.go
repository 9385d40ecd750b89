package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// catalogueScans is how often a transaction has looked into the catalogue until now. Asking is looking, but for who has asked before.
const catalogueScans = `SELECT sum(pg_stat_get_xact_numscans(oid))::int FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'i')`

// poolOf is a pool of one connection, which knows what asking for scans takes, and an engine on it.
func (f *daysFixture) poolOf(change func(*postgres.Config)) (*Engine, *pgxpool.Pool) {
	f.t.Helper()
	ctx := testbed.Context(f.t)
	cfg := f.db.Config()
	cfg.MaxConnections = 1
	change(&cfg)
	pool, err := postgres.Open(context.Background(), cfg, "ready")
	require.NoError(f.t, err)
	f.t.Cleanup(pool.Close)
	e, err := New(f.e.set, pool, nil, func() time.Time { return time.Unix(0, dayStart(daysStored-1)).Add(6 * time.Hour) })
	require.NoError(f.t, err)
	require.NoError(f.t, e.Ask(ctx, "default", 0, func(ctx context.Context, s *Snapshot) error {
		var scans int
		return s.tx.QueryRow(ctx, catalogueScans).Scan(&scans)
	}))
	return e, pool
}

// looks asks for items and says how often PostgreSQL looked into the catalogue for it.
func (f *daysFixture) looks(e *Engine, signal telemetry.Signal, filters string, items int) (scans int) {
	f.t.Helper()
	var raw []json.RawMessage
	require.NoError(f.t, json.Unmarshal([]byte(filters), &raw))
	by, err := filter.NewParser().Parse(signal, raw)
	require.NoError(f.t, err)
	q := &Query{Tenant: "default", Signal: signal, From: dayStart(daysStored - 1), To: math.MaxInt64, Filter: by}
	require.NoError(f.t, e.Ask(testbed.Context(f.t), "default", 0, func(ctx context.Context, s *Snapshot) error {
		var before int // of transactions that PostgreSQL has not told of yet
		if err := s.tx.QueryRow(ctx, catalogueScans).Scan(&before); err != nil {
			return err
		}
		found, err := s.Search(ctx, q, 1000)
		if err != nil {
			return err
		}
		require.Len(f.t, found.Items, items, filters)
		err = s.tx.QueryRow(ctx, catalogueScans).Scan(&scans)
		scans -= before
		return err
	}))
	return scans
}

// TestAReadyConnectionKnowsTheCatalogue: the first question of a connection that was made ready makes PostgreSQL look up next to nothing.
func TestAReadyConnectionKnowsTheCatalogue(t *testing.T) {
	t.Parallel()
	f := newDays(t)
	all := 0
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT sum(items)::int FROM spans_segment WHERE min_time >= $1`, dayStart(daysStored-1)).Scan(&all))
	trace := f.traces[daysStored-1]
	_, ofTrace, _ := f.ask(trace)
	for _, c := range []struct {
		name, filters string
		items         int
	}{
		{"everything", `[]`, all},
		{"a trace", fmt.Sprintf(`[{"field":"trace_id","operator":"eq","value":"%x"}]`, trace), ofTrace},
		{"an attribute", `[{"field":"attributes.nothing","operator":"eq","value":"nowhere"}]`, 0},
	} {
		fresh, _ := f.poolOf(func(*postgres.Config) {})
		before := f.looks(fresh, telemetry.Traces, c.filters, c.items)
		ready, _ := f.poolOf(func(*postgres.Config) {})
		require.True(t, ready.makeReady(testbed.Context(t)))
		after := f.looks(ready, telemetry.Traces, c.filters, c.items)
		t.Logf("%s: %d looks into the catalogue, %d by a connection that is ready", c.name, before, after)
		require.Greater(t, before, 300, c.name)
		require.Less(t, after, 10, c.name)
	}
}

// TestConnectionsAreMadeReady: those that are kept, without anybody's asking, and those that questions have made.
func TestConnectionsAreMadeReady(t *testing.T) {
	t.Parallel()
	f := newDays(t)
	for _, c := range []struct {
		least, most int
		pooler      bool
	}{{3, 4, false}, {1, 1, false}, {3, 4, true}} {
		_, pool := f.poolOf(func(cfg *postgres.Config) { cfg.MinConnections, cfg.MaxConnections = c.least, c.most })
		set := f.e.set
		set.Pooler = c.pooler
		e, err := New(set, pool, nil, time.Now)
		require.NoError(t, err)
		testbed.Eventually(t, "connections are kept", func() bool { return int(pool.Stat().IdleConns()) >= c.least })
		ctx, cancel := context.WithCancel(testbed.Context(t))
		ended := make(chan error)
		go func() { ended <- e.KeepReady(ctx) }()
		ready := func() (n int) {
			for _, conn := range pool.AcquireAllIdle(ctx) {
				if _, is := conn.Conn().PgConn().CustomData()[readyMark]; is {
					n++
				}
				conn.Release()
			}
			return n
		}
		want := 0
		if !c.pooler { // its connections are of any database
			want = int(pool.Stat().TotalConns())
		}
		testbed.Eventually(t, "those that may be are ready", func() bool { return ready() == want })
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Equal(t, want, ready())
	}
}
