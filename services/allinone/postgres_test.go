package allinone

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// tempDir is a directory that the unprivileged user of a root's PostgreSQL may pass.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ollyscale")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func postmaster(t *testing.T, dir string) (pid int, alive bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	lines := strings.Split(string(text), "\n")
	pid, err = strconv.Atoi(lines[0])
	if err != nil {
		return 0, false // it is being written
	}
	return pid, len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
}

func TestADatabaseThatDiesComesBackUnderItsURL(t *testing.T) {
	t.Parallel()
	dir, err := openDataDir(tempDir(t))
	require.NoError(t, err)
	defer dir.close()
	d, err := startPostgres(t.Context(), PostgresConfig{}, testbed.PostgresBin(t), dir, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, createDatabase(t.Context(), d.current.URL("postgres")))
	require.NoError(t, createDatabase(t.Context(), d.current.URL("postgres")), "idempotent")
	url := d.url()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.run(ctx) }()

	first, alive := postmaster(t, dir.path)
	require.True(t, alive)
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	testbed.Eventually(t, "another server runs", func() bool {
		pid, alive := postmaster(t, dir.path)
		return alive && pid != first
	})
	require.NoError(t, createDatabase(t.Context(), strings.Replace(url, "/"+databaseName, "/postgres", 1)), "the data is there")

	cancel()
	require.NoError(t, <-done)
	require.NoError(t, d.stop(t.Context()), "a second stop does nothing")
	_, alive = postmaster(t, dir.path)
	require.False(t, alive)
}

// The local server is for a small machine, unless somebody says otherwise: what it keeps in memory and of its log is bounded, and it counts statements.
func TestTheLocalServerIsForASmallMachine(t *testing.T) {
	t.Parallel()
	dir, err := openDataDir(tempDir(t))
	require.NoError(t, err)
	defer dir.close()
	bin := testbed.PostgresBin(t)
	cfg := PostgresConfig{Settings: map[string]string{"work_mem": "5MB", "max_wal_size": "300MB"}}
	d, err := startPostgres(t.Context(), cfg, bin, dir, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, d.stop(t.Context())) }()
	require.NoError(t, createDatabase(t.Context(), d.current.URL("postgres")))
	pool, err := pgxpool.New(t.Context(), d.current.URL("postgres"))
	require.NoError(t, err)
	defer pool.Close()
	for _, test := range []struct {
		name string
		most int64 // bytes
	}{{"shared_buffers", 128 << 20}, {"max_wal_size", 300 << 20}, {"maintenance_work_mem", 64 << 20}, {"work_mem", 5 << 20}} {
		var bytes int64
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT pg_size_bytes(current_setting($1))`, test.name).Scan(&bytes))
		require.LessOrEqual(t, bytes, test.most, test.name)
	}
	for name, want := range map[string]string{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "work_mem": "5MB", "pg_stat_statements.track_utility": "off"} {
		var got string
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got))
		require.Equal(t, want, got, name)
	}
	var counted int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_statements WHERE calls > 0`).Scan(&counted))
	require.Positive(t, counted)

	apart := filepath.Join(t.TempDir(), "bin") // a server without the extension
	require.NoError(t, os.Mkdir(apart, 0o700))
	require.NotContains(t, serverSettings(apart), "shared_preload_libraries")
	require.Contains(t, serverSettings(bin), "shared_preload_libraries")
}

func TestDatabaseTroubleIsOneClearLine(t *testing.T) {
	t.Parallel()
	bin := testbed.PostgresBin(t)
	log := slog.New(slog.DiscardHandler)
	start := func(t *testing.T, prepare func(dir *dataDir), cfg PostgresConfig) error {
		t.Helper()
		dir, err := openDataDir(tempDir(t))
		require.NoError(t, err)
		defer dir.close()
		if prepare != nil {
			prepare(dir)
		}
		_, err = startPostgres(t.Context(), cfg, bin, dir, log)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "\n")
		return err
	}
	t.Run("a newer major", func(t *testing.T) {
		err := start(t, func(dir *dataDir) {
			require.NoError(t, os.Mkdir(dir.join("postgres"), 0o700))
			require.NoError(t, os.WriteFile(dir.join("postgres/PG_VERSION"), []byte("99\n"), 0o600))
		}, PostgresConfig{})
		require.ErrorContains(t, err, "was made by PostgreSQL 99")
	})
	t.Run("somebody else's", func(t *testing.T) {
		err := start(t, func(dir *dataDir) {
			require.NoError(t, os.Mkdir(dir.join("postgres"), 0o700))
			require.NoError(t, os.WriteFile(dir.join("postgres/photo.jpg"), nil, 0o600))
		}, PostgresConfig{})
		require.ErrorContains(t, err, "holds no PostgreSQL cluster")
	})
	t.Run("a taken port", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		port := l.Addr().(*net.TCPAddr).Port
		require.ErrorContains(t, start(t, nil, PostgresConfig{Port: port}), strconv.Itoa(port)+" is taken")
	})
}

// A killed ollyScale leaves its PostgreSQL for a moment, on the port that the next one wants: that one ends it, and loses nothing.
func TestAnOrphanOfAKilledOneIsEnded(t *testing.T) {
	t.Parallel()
	path := tempDir(t)
	dir, err := openDataDir(path)
	require.NoError(t, err)
	defer dir.close()
	cfg := config(t, path)
	orphan, err := server.Start(t.Context(), server.Config{BinDir: cfg.Postgres.Bin, DataDir: dir.join("postgres"), Port: cfg.Postgres.Port})
	require.NoError(t, err)
	t.Cleanup(func() { _ = orphan.Stop(context.Background()) })
	require.NoError(t, createDatabase(t.Context(), orphan.URL("postgres")))

	s, err := New(cfg, testbed.Env(t))
	require.NoError(t, err)
	require.NoError(t, s.checkPorts(t.Context(), dir), "the port is not taken by another process but by its own")
	d, err := startPostgres(t.Context(), cfg.Postgres, cfg.Postgres.Bin, dir, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, d.stop(t.Context())) }()
	<-orphan.Done()
	require.Equal(t, cfg.Postgres.Port, d.current.Port())
	pool, err := pgxpool.New(t.Context(), d.url())
	require.NoError(t, err)
	defer pool.Close()
	require.NoError(t, pool.Ping(t.Context()), "the database is still there")
	require.Error(t, createDatabase(t.Context(), orphan.URL("postgres")), "the one of before trusted everybody")

	elsewhere, err := New(config(t, tempDir(t)), testbed.Env(t))
	require.NoError(t, err)
	elsewhere.cfg.Postgres.Port = cfg.Postgres.Port
	other, err := openDataDir(elsewhere.cfg.DataDir)
	require.NoError(t, err)
	defer other.close()
	require.ErrorContains(t, elsewhere.checkPorts(t.Context(), other), "is taken by another process", "one of another directory is no orphan of ours")
}

// A process file that nobody removed names no database, and a command does not go to whatever listens on its port.
func TestNoDatabaseRunsWhereOneWasCutOff(t *testing.T) {
	t.Parallel()
	path := tempDir(t)
	require.NoError(t, os.Mkdir(filepath.Join(path, "postgres"), 0o700))
	gone := exec.CommandContext(t.Context(), "true")
	require.NoError(t, gone.Run())
	file := fmt.Sprintf("%d\n%s/postgres\n1\n15432\n", gone.Process.Pid, path)
	require.NoError(t, os.WriteFile(filepath.Join(path, "postgres", "postmaster.pid"), []byte(file), 0o600))
	_, err := LocalURL(path)
	require.Equal(t, "data_dir.not_running", fault.From(err).Code)
}
