package keys

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// run is one call of the command line, as main makes it.
func run(t *testing.T, db *testbed.DB, args ...string) (code int, out, complaint string) {
	t.Helper()
	var answer, errs bytes.Buffer
	cfg := DefaultConfig()
	cfg.Output = &answer
	program := service.NewProgram("ollyscale keys", cfg, New, service.WithLog(service.LogConfig{Level: "warn", Format: "text"}))
	code = program(testbed.Context(t), append(args, "--postgres", db.URL), &answer, &errs)
	return code, answer.String(), errs.String()
}

// A key that lands in another database than the one that is meant opens nothing, or the wrong thing.
func TestTwoDatabasesAreRefused(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	code, _, complaint := run(t, db, "create", "--name", "x", "--data-dir", t.TempDir())
	require.Equal(t, service.ExitUsage, code)
	require.Contains(t, complaint, "data_dir (from --data-dir): is given together with postgres_url")
	require.NotContains(t, complaint, db.URL)
	_, out, _ := run(t, db, "list")
	require.NotContains(t, out, "ingest", "no key was made")
}

func TestKeysByTheCommandLine(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	code, out, complaint := run(t, db, "create", "--tenant", "shop.v2", "--name", "collector in Berlin", "--scopes", "ingest,query", "--expires", "2160h")
	require.Equal(t, service.ExitOK, code, complaint)
	text, told, _ := strings.Cut(out, "\n")
	require.Regexp(t, `^olly_[a-z2-7]{16}_[a-z2-7]{52}$`, text)
	id := text[5:21]
	require.Contains(t, told, id+" of tenant shop.v2 for ingest, query")
	code, out, _ = run(t, db, "list")
	require.Equal(t, service.ExitOK, code)
	require.Regexp(t, id+` +shop\.v2 +ingest,query .* good until `+time.Now().Add(2160*time.Hour).UTC().Format("2006-01-02")+` .*collector in Berlin`, out)
	require.NotContains(t, out, text[22:])
	_, out, _ = run(t, db, "list", "--tenant", "shop")
	require.NotContains(t, out, id)
	code, _, complaint = run(t, db, "revoke", "--id", id, "--tenant", "shop")
	require.Equal(t, service.ExitFailed, code)
	require.Contains(t, complaint, "no key with this id")
	code, _, complaint = run(t, db, "revoke", "--id", id)
	require.Equal(t, service.ExitOK, code, complaint)
	_, out, _ = run(t, db)
	require.Contains(t, out, "revoked ")

	for word, args := range map[string][]string{
		"name": {"create"}, "id": {"revoke"}, "command": {"destroy"}, "scope": {"create", "--name", "x", "--scopes", "root"},
		"tenant": {"create", "--name", "x", "--tenant", "a b"},
	} {
		code, _, complaint = run(t, db, args...)
		require.NotEqual(t, service.ExitOK, code, word)
		require.Contains(t, complaint, word)
	}
	code, _, complaint = run(t, testbed.Empty(t), "list")
	require.Equal(t, service.ExitFailed, code)
	require.Contains(t, complaint, "schema")
}
