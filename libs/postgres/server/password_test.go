package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// refused tells how the server refuses somebody who comes without the password, over TCP and over its socket.
func refused(t *testing.T, s *server.Server) {
	t.Helper()
	for _, where := range []string{server.LocalURL(s.Port(), "postgres", ""), server.LocalURL(s.Port(), "postgres", "guess")} {
		conn, err := pgx.ParseConfig(where)
		require.NoError(t, err)
		for _, host := range []string{"127.0.0.1", s.SocketDir()} {
			conn.Host = host
			_, err := pgx.ConnectConfig(testbed.Context(t), conn)
			var answer *pgconn.PgError
			require.ErrorAs(t, err, &answer, "%s %s", where, host)
			require.Equal(t, "28P01", answer.Code, "invalid password: %s %s", where, host)
		}
	}
}

func TestTheSuperuserHasAPassword(t *testing.T) {
	t.Parallel()
	dir := work(t)
	var log output
	cfg := server.Config{
		BinDir: testbed.PostgresBin(t), DataDir: filepath.Join(dir, "data"), PasswordFile: filepath.Join(dir, "pass"), Log: &log,
		Settings: map[string]string{"log_statement": "all"},
	}
	s := start(t, cfg)
	refused(t, s)
	execute(t, s.URL("postgres"), `CREATE TABLE t AS SELECT 'kept'::text AS v`)
	first, err := server.ReadPassword(cfg.PasswordFile)
	require.NoError(t, err)
	require.Contains(t, s.URL("postgres"), first)
	require.NotContains(t, log.String(), first)
	info, err := os.Stat(cfg.PasswordFile)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	t.Run("psql reads the file", func(t *testing.T) {
		with := server.LocalURL(s.Port(), "postgres", "") + "&passfile=" + cfg.PasswordFile
		require.Equal(t, "kept", query(t, with, `SELECT v FROM t`))
	})

	rules := filepath.Join(cfg.DataDir, "pg_hba.conf")
	text, err := os.ReadFile(rules)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(rules, append(text, "# mine\n"...), 0o600))
	require.NoError(t, s.Stop(testbed.Context(t)))
	s = start(t, cfg)
	same, err := server.ReadPassword(cfg.PasswordFile)
	require.NoError(t, err)
	require.Equal(t, first, same)
	text, err = os.ReadFile(rules)
	require.NoError(t, err)
	require.Contains(t, string(text), "# mine", "what an operator adds stays")
	require.NoError(t, s.Stop(testbed.Context(t)))

	require.NoError(t, os.Remove(cfg.PasswordFile))
	s = start(t, cfg)
	require.NotContains(t, s.URL("postgres"), first, "a lost password is another one")
	require.Equal(t, "kept", query(t, s.URL("postgres"), `SELECT v FROM t`))
	refused(t, s)
}

// A cluster of before trusted every account of the machine.
func TestAnOldClusterIsClosed(t *testing.T) {
	t.Parallel()
	dir := work(t)
	cfg := server.Config{BinDir: testbed.PostgresBin(t), DataDir: filepath.Join(dir, "data")}
	old := start(t, cfg)
	require.Equal(t, server.LocalURL(old.Port(), "postgres", ""), old.URL("postgres"))
	execute(t, old.URL("postgres"), `CREATE TABLE t AS SELECT 'kept'::text AS v`)
	require.NoError(t, old.Stop(testbed.Context(t)))

	// Killed before the rules were written: the file is there, the cluster does not know of it.
	cfg.PasswordFile = filepath.Join(dir, "pass")
	require.NoError(t, os.WriteFile(cfg.PasswordFile, []byte("127.0.0.1:*:*:postgres:WRITTENBEFORE\n"), 0o600))
	s := start(t, cfg)
	refused(t, s)
	require.Contains(t, s.URL("postgres"), ":WRITTENBEFORE@")
	require.Equal(t, "kept", query(t, s.URL("postgres"), `SELECT v FROM t`))
	require.FileExists(t, filepath.Join(cfg.DataDir, "pg_hba.conf.old"))
}

func TestAPasswordFileOfAnotherKind(t *testing.T) {
	t.Parallel()
	dir := work(t)
	path := filepath.Join(dir, "pass")
	_, err := server.ReadPassword(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	for name, text := range map[string]string{
		"empty": "", "a bare password": "hunter2\n", "of another server": "10.0.0.1:*:*:postgres:hunter2\n",
		"no password": "127.0.0.1:*:*:postgres:\n", "a statement": "127.0.0.1:*:*:postgres:hunter2'; DROP TABLE t; --\n", "two": "127.0.0.1:*:*:postgres:hunter2\nx",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := server.Start(testbed.Context(t), server.Config{BinDir: testbed.PostgresBin(t), DataDir: filepath.Join(dir, "data"), PasswordFile: path})
		require.Equal(t, "postgres.password", fault.From(err).Code, name)
		require.NotContains(t, err.Error(), "hunter2", name)
		require.False(t, errors.Is(err, os.ErrNotExist) || strings.Contains(fault.From(err).Message, "\n"), name)
	}
}
