package server_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// work is a directory that an unprivileged user can reach.
func work(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "olly")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func start(t *testing.T, cfg server.Config) *server.Server {
	t.Helper()
	s, err := server.Start(testbed.Context(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Stop(testbed.Context(t)) })
	return s
}

func query(t *testing.T, url, sql string) string {
	t.Helper()
	ctx := testbed.Context(t)
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(ctx)) }()
	var text string
	require.NoError(t, conn.QueryRow(ctx, sql).Scan(&text))
	return text
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	ctx := testbed.Context(t)
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	require.NoError(t, err)
}

// output is a log that may be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func TestStartStopAndStartAgain(t *testing.T) {
	t.Parallel()
	var log output
	cfg := server.Config{
		BinDir: testbed.PostgresBin(t), DataDir: filepath.Join(work(t), "deep", "er", "data"), Log: &log,
		Settings: map[string]string{"work_mem": "7MB"},
	}
	s := start(t, cfg)
	require.Equal(t, "7MB", query(t, s.URL("postgres"), `SHOW work_mem`))
	require.Equal(t, "127.0.0.1", query(t, s.URL("postgres"), `SHOW listen_addresses`))
	execute(t, s.URL("postgres"), `CREATE TABLE t AS SELECT 'kept'::text AS v`)
	require.NoError(t, s.Err())
	require.NoError(t, s.Stop(testbed.Context(t)))
	require.NoError(t, s.Stop(testbed.Context(t)), "twice is once")
	require.NoError(t, s.Err(), "it ended as it was told")
	require.NoDirExists(t, s.SocketDir())
	require.Contains(t, log.String(), "ready to accept connections")

	cfg.Port = s.Port()
	again := start(t, cfg)
	require.Equal(t, s.Port(), again.Port())
	require.Equal(t, "kept", query(t, again.URL("postgres"), `SELECT v FROM t`))
	require.NotContains(t, log.String()[strings.LastIndex(log.String(), "starting PostgreSQL"):], "recovery", "it was shut down in order")
}

func TestOpenConnectionsDoNotHoldUpTheStop(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{BinDir: testbed.PostgresBin(t), DataDir: filepath.Join(work(t), "data")})
	conn, err := pgx.Connect(testbed.Context(t), s.URL("postgres"))
	require.NoError(t, err)
	_, err = conn.Exec(testbed.Context(t), `BEGIN`)
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, s.Stop(testbed.Context(t)))
	require.Less(t, time.Since(began), testbed.Patience, "it does not wait until they end by themselves")
	_ = conn.Close(testbed.Context(t))
}

func TestADeathIsNoticed(t *testing.T) {
	t.Parallel()
	cfg := server.Config{BinDir: testbed.PostgresBin(t), DataDir: filepath.Join(work(t), "data")}
	s := start(t, cfg)
	b, err := os.ReadFile(filepath.Join(cfg.DataDir, "postmaster.pid"))
	require.NoError(t, err)
	kill(t, strings.SplitN(string(b), "\n", 2)[0])
	<-s.Done()
	require.Equal(t, "postgres.stopped", fault.From(s.Err()).Code)
	start(t, cfg) // and recovers
}

// Two at once on one data directory would destroy it: the second waits for the first to end, and else refuses.
func TestOneServerPerDataDirectory(t *testing.T) {
	t.Parallel()
	cfg := server.Config{BinDir: testbed.PostgresBin(t), DataDir: filepath.Join(work(t), "data")}
	first := start(t, cfg)
	err := testbed.InTime(func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(testbed.Context(t), limit)
		defer cancel()
		_, err := server.Start(ctx, cfg)
		return err
	})
	require.Equal(t, "postgres.data_directory", fault.From(err).Code)
	require.Contains(t, fault.From(err).Message, "another PostgreSQL")

	started := make(chan error, 1)
	go func() {
		second, err := server.Start(testbed.Context(t), cfg)
		if err == nil {
			err = second.Stop(testbed.Context(t))
		}
		started <- err
	}()
	require.NoError(t, first.Stop(testbed.Context(t)))
	require.NoError(t, <-started)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	bin := testbed.PostgresBin(t)
	foreign := work(t)
	require.NoError(t, os.WriteFile(filepath.Join(foreign, "novel.txt"), []byte("It was"), 0o600))
	other := work(t)
	require.NoError(t, os.WriteFile(filepath.Join(other, "PG_VERSION"), []byte("9\n"), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	good := filepath.Join(work(t), "data")

	for name, c := range map[string]struct {
		cfg  server.Config
		code string
		says string
	}{
		"no binaries":     {server.Config{BinDir: "/nowhere", DataDir: good}, "postgres.binaries", "/nowhere"},
		"foreign files":   {server.Config{BinDir: bin, DataDir: foreign}, "postgres.data_directory", "not empty"},
		"another version": {server.Config{BinDir: bin, DataDir: other}, "postgres.data_directory", "made by PostgreSQL 9"},
		"a taken port":    {server.Config{BinDir: bin, DataDir: good, Port: l.Addr().(*net.TCPAddr).Port}, "postgres.port", "taken"},
		"a bad setting":   {server.Config{BinDir: bin, DataDir: good, Settings: map[string]string{"work_mem": "much"}}, "postgres.start", "work_mem"},
	} {
		_, err := server.Start(testbed.Context(t), c.cfg)
		require.Equal(t, c.code, fault.From(err).Code, name)
		require.Contains(t, fault.From(err).Message, c.says, name)
	}
	require.FileExists(t, filepath.Join(foreign, "novel.txt"), "nothing was touched")
	if os.Geteuid() == 0 {
		_, err := server.Start(testbed.Context(t), server.Config{BinDir: bin, DataDir: good, User: "no-such-user"})
		require.Equal(t, "postgres.user", fault.From(err).Code)
		_, err = server.Start(testbed.Context(t), server.Config{BinDir: bin, DataDir: good, User: "root"})
		require.Equal(t, "postgres.user", fault.From(err).Code)
	}
}

// Binaries that are slow are not taken for binaries that do not run, which would be somebody's mistake.
func TestSlowBinariesAreNotBroken(t *testing.T) {
	t.Parallel()
	dir := work(t)
	bin, data := filepath.Join(dir, "bin"), filepath.Join(dir, "data")
	require.NoError(t, os.Mkdir(bin, 0o755))
	require.NoError(t, os.Mkdir(data, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("18\n"), 0o644))
	for _, name := range []string{"initdb", "postgres"} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\nexec sleep 600\n"), 0o755))
	}
	ctx, cancel := context.WithTimeout(testbed.Context(t), 50*time.Millisecond)
	defer cancel()
	_, err := server.Start(ctx, server.Config{BinDir: bin, DataDir: data})
	require.Equal(t, "postgres.start", fault.From(err).Code)
	require.Equal(t, fault.Unavailable, fault.ClassOf(err))
}

// A start that is given up leaves neither a process nor half a cluster.
func TestAStartThatIsGivenUp(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(work(t), "data")
	ctx, cancel := context.WithTimeout(testbed.Context(t), 50*time.Millisecond)
	defer cancel()
	_, err := server.Start(ctx, server.Config{BinDir: testbed.PostgresBin(t), DataDir: dir})
	require.Equal(t, "postgres.start", fault.From(err).Code)
	require.NoFileExists(t, filepath.Join(dir, "PG_VERSION"))
	start(t, server.Config{BinDir: testbed.PostgresBin(t), DataDir: dir})
}
