package query

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// lockAll keeps every statement that names a table from going on until unlock is called.
func (f *fixture) lockAll() (unlock func()) {
	f.t.Helper()
	ctx := testbed.Context(f.t)
	conn, err := f.db.Pool.Acquire(ctx)
	require.NoError(f.t, err)
	tx, err := conn.Begin(ctx)
	require.NoError(f.t, err)
	rows, err := tx.Query(ctx, `SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`)
	require.NoError(f.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(f.t, err)
	require.Greater(f.t, len(tables), 20)
	_, err = tx.Exec(ctx, `LOCK TABLE ONLY `+strings.Join(tables, ", ONLY ")+` IN ACCESS EXCLUSIVE MODE`)
	require.NoError(f.t, err)
	return func() {
		require.NoError(f.t, tx.Rollback(ctx))
		conn.Release()
	}
}

// running is how many statements of the query service PostgreSQL is at.
func (f *fixture) running() (n int) {
	f.t.Helper()
	require.NoError(f.t, f.db.Pool.QueryRow(testbed.Context(f.t), `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'ollyscale-query' AND state = 'active'`).Scan(&n))
	return n
}

// A client that hangs up ends its statement in PostgreSQL, long before the query's time is over, and its turn.
func TestWhoHangsUpEndsItsStatement(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.MaxQueries, c.QueueTimeout, c.TenantShare, c.Timeout = 2, 0, 0, time.Hour })
	f.store("default", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(5)), 5)
	unlock := f.lockAll()
	gone, hangUp := context.WithCancel(testbed.Context(t))
	var clients sync.WaitGroup
	for _, asks := range []struct{ method, path, body string }{
		{http.MethodGet, "/api/services" + hour(), ""},
		{http.MethodPost, "/api/spans/search", searchBody{}.json(t)},
	} {
		r, err := http.NewRequestWithContext(gone, asks.method, f.url+asks.path, strings.NewReader(asks.body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		clients.Go(func() {
			response, err := http.DefaultClient.Do(r)
			if err == nil {
				_ = response.Body.Close()
			}
		})
	}
	testbed.Eventually(t, "both wait for a lock", func() bool { return f.running() == 2 })
	require.Equal(t, "query.busy", f.problem(http.StatusTooManyRequests, http.MethodGet, "/api/services"+hour(), "").Code)
	hangUp()
	clients.Wait()
	testbed.Eventually(t, "PostgreSQL is at nothing", func() bool { return f.running() == 0 })
	unlock()
	testbed.Eventually(t, "the turns are there again", func() bool {
		status, _ := f.call(http.MethodGet, "/api/services"+hour(), "")
		return status == http.StatusOK
	})
}

// While PostgreSQL answers nothing, every operation of the contract ends, and says by its code that time was over; nothing goes on in the database.
func TestEveryOperationHasAnEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys, func(c *Config) {
		c.MaxQueries, c.QueueTimeout, c.TenantShare, c.Timeout = 64, 0, 0, 500*time.Millisecond
	})
	require.NoError(t, f.svc.bus.EnsureStreams(testbed.Context(t)))
	f.looked(telemetry.Logs, 0)
	key, id := f.newKey("red", "query", "edit", "admin")
	unlock := f.lockAll()
	defer unlock()
	var mu sync.Mutex
	ended := map[string]string{}
	var group sync.WaitGroup
	for _, o := range operations(t, strings.Repeat("1", 32), id) {
		if o.id == "tailLogs" { // which is followed live, and asks PostgreSQL nothing
			continue
		}
		group.Go(func() {
			status, body := f.call(o.method, o.path, o.body, "X-Api-Key", key)
			if status == http.StatusServiceUnavailable {
				mu.Lock()
				defer mu.Unlock()
				ended[o.id] = string(body)
			}
		})
	}
	group.Wait()
	for code, list := range map[string]string{
		"query.timeout": "searchSpans searchLogsByQuery listServices getServiceMap aggregate getTrace", "timeout": "listKeys createKey getRetention setRetention getUsage",
	} {
		for id := range strings.FieldsSeq(list) {
			require.Contains(t, ended[id], `"code":"`+code+`"`, id)
		}
	}
	testbed.Eventually(t, "PostgreSQL is at nothing", func() bool { return f.running() == 0 })
}
