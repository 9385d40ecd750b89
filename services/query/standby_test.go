package query

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/libs/testbed/contract"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// cluster starts a PostgreSQL of its own on a directory.
func cluster(t *testing.T, dir string, settings map[string]string) string {
	t.Helper()
	settings["fsync"], settings["shared_buffers"] = "off", "16MB"
	s, err := server.Start(testbed.Context(t), server.Config{BinDir: testbed.PostgresBin(t), DataDir: dir, Settings: settings})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), testbed.Patience)
		defer cancel()
		require.NoError(t, s.Stop(ctx))
	})
	return s.URL("postgres")
}

// An answer by a read replica that does not follow says so, and one that has to hold what was written waits for it, or is refused.
func TestAnAnswerByAReplicaThatIsBehindSaysSo(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	dir, err := os.MkdirTemp("", "ollystandby") // a test's own directory cannot be entered by the user that PostgreSQL runs as
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711))
	primary := filepath.Join(dir, "primary")
	url := cluster(t, primary, map[string]string{})
	migrations, err := fs.Sub(schema.Migrations, schema.Dir)
	require.NoError(t, err)
	_, err = migrate.Up(ctx, migrate.Config{URL: url, Dir: migrations})
	require.NoError(t, err)
	pool, err := pgxpool.New(ctx, url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)

	// A copy while it runs, which then follows.
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, "SELECT pg_backup_start('standby', true)")
	require.NoError(t, err)
	standby := filepath.Join(dir, "standby")
	out, err := exec.CommandContext(ctx, "cp", "-a", primary, standby).CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, err = conn.Exec(ctx, "SELECT pg_backup_stop(false)")
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(standby, "postmaster.pid")))
	require.NoError(t, os.WriteFile(filepath.Join(standby, "standby.signal"), nil, 0o644))
	followerURL := cluster(t, standby, map[string]string{"primary_conninfo": url})
	follower, err := pgxpool.New(ctx, followerURL)
	require.NoError(t, err)
	t.Cleanup(follower.Close)

	f := &fixture{t: t, db: &testbed.DB{URL: url, Pool: pool}, cfg: DefaultConfig(), check: contract.New(t)}
	f.cfg.Postgres.URL, f.cfg.Bus = url, testbed.NATS(t)
	f = f.with()
	behind := f.with(func(c *Config) { c.Postgres.URL = followerURL })
	b, err := bus.Connect(ctx, f.cfg.Bus, nil, nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureStreams(ctx))
	publisher, err := b.Publisher()
	require.NoError(t, err)
	consumer, err := b.Consumer(ctx, telemetry.Traces)
	require.NoError(t, err)
	t.Cleanup(consumer.Close)
	for _, one := range []*fixture{f, behind} {
		watching, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- one.svc.engine.Watch(watching, 5*time.Millisecond) }()
		t.Cleanup(func() { stop(); require.NoError(t, <-done) })
	}
	// write stores a span, as a writer does: the database, the queue, and then what is known of the queue.
	seen := 0
	write := func() {
		t.Helper()
		seen++
		payload := testbed.TracesPayload(newDice(uint64(seen)).traces(1))
		_, err := publisher.Publish(ctx, []telemetry.Batch{{Tenant: "default", Signal: telemetry.Traces, Request: telemetry.RequestID{byte(seen)}, Received: time.Now(), Items: 1, Payload: payload}})
		require.NoError(t, err)
		f.store("default", telemetry.Traces, payload, 20)
		testbed.Eventually(t, "the message", func() bool {
			list, err := consumer.Fetch(ctx, 1, 1<<20, time.Second)
			require.NoError(t, err)
			for _, d := range list {
				require.NoError(t, d.Settle(ctx, nil))
			}
			return len(list) > 0
		})
		var backlog bus.Backlog
		testbed.Eventually(t, "settled", func() bool {
			backlog, err = b.Pending(ctx, telemetry.Traces)
			require.NoError(t, err)
			return int(backlog.Settled) == seen
		})
		_, err = pool.Exec(ctx, `INSERT INTO queue_life (signal, base, began, seen, settled, seen_at, unsettled, whole_at, noticed_at)
			VALUES (0, 0, $1, $2, $2, clock_timestamp(), 0, clock_timestamp(), clock_timestamp())
			ON CONFLICT (signal, base) DO UPDATE SET seen = $2, settled = $2, seen_at = clock_timestamp(), whole_at = clock_timestamp()`,
			backlog.Created.UTC(), seen)
		require.NoError(t, err)
	}
	ask := func(f *fixture) (int, api.Completeness) {
		var page api.SpanPage
		f.search("spans", searchBody{limit: 1000}, &page)
		return len(page.Spans), page.Completeness
	}
	whole := func(of *fixture, n int, what string) {
		t.Helper()
		testbed.Eventually(t, what, func() bool {
			spans, c := ask(of)
			return spans == n && c.Pending != nil && *c.Pending == 0 && c.LagMs != nil
		})
	}
	write()
	write()
	whole(f, 2, "the primary has both")
	whole(behind, 2, "and the standby")
	reaches := func(ctx context.Context, f *fixture, position int64) bool {
		t.Helper()
		there, err := f.svc.engine.Await(ctx, "default", telemetry.Traces, position)
		require.NoError(t, err)
		return there
	}
	require.True(t, reaches(ctx, behind, 2))

	_, err = follower.Exec(ctx, "SELECT pg_wal_replay_pause()")
	require.NoError(t, err)
	testbed.Eventually(t, "it stands still", func() bool {
		var state string
		require.NoError(t, follower.QueryRow(ctx, "SELECT pg_get_wal_replay_pause_state()").Scan(&state))
		return state == "paused"
	})
	paused := time.Now()
	write()
	write()
	write()
	whole(f, 5, "the primary has all")
	testbed.Eventually(t, "the standby's queue was looked at", func() bool {
		_, c := ask(behind)
		return c.Pending != nil && *c.Pending == 3
	})
	spans, c := ask(behind)
	require.Equal(t, 2, spans)
	require.True(t, c.Watermark.Before(paused), "%s is not before %s", c.Watermark, paused)
	require.True(t, reaches(ctx, f, 5))
	soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	require.False(t, reaches(soon, behind, 5))

	refused := make(chan api.Problem)
	go func() {
		refused <- behind.problem(http.StatusConflict, http.MethodGet, "/api/spans/search"+hour()+"&min_position=1000", "")
	}()
	_, err = follower.Exec(ctx, "SELECT pg_wal_replay_resume()")
	require.NoError(t, err)
	status, body := behind.call(http.MethodGet, "/api/spans/search"+hour()+"&min_position=5", "")
	require.Equal(t, http.StatusOK, status)
	var page api.SpanPage
	decode(t, body, &page)
	require.Len(t, page.Spans, 5, "it waited for what was asked for")
	require.Equal(t, "query.position", (<-refused).Code)
	require.Equal(t, "request.position", behind.problem(http.StatusBadRequest, http.MethodGet, "/api/spans/search"+hour()+"&min_position=0", "").Code)
}
