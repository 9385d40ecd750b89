package limits

import (
	"bytes"
	"os"
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
	program := service.NewProgram("ollyscale limits", cfg, New, service.WithLog(service.LogConfig{Level: "warn", Format: "text"}))
	code = program(testbed.Context(t), append(args, "--postgres", db.URL), &answer, &errs)
	return code, answer.String(), errs.String()
}

func TestLimitsByTheCommandLine(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	for _, args := range [][]string{
		{"set", "--tenant", "shop", "--limits", "spans_per_second=20000,in_flight_requests=50"},
		{"set", "--tenant", "*", "--limits", "bytes_per_second=0"},
		{"set", "--tenant", "shop", "--limits", "in_flight_requests=unset"},
	} {
		code, out, complaint := run(t, db, args...)
		require.Equal(t, service.ExitOK, code, complaint)
		require.Contains(t, out, "within ten seconds")
	}
	_, out, _ := run(t, db, "get")
	require.Equal(t, "TENANT  LIMIT             VALUE\n*       bytes_per_second  0\nshop    spans_per_second  20000\n", out)
	_, out, _ = run(t, db, "get", "--tenant", "bank")
	require.Equal(t, "TENANT  LIMIT  VALUE\n", out)

	_, err := db.Pool.Exec(testbed.Context(t), `INSERT INTO tenant_usage (day, tenant_id, signal, part, items, bytes, series)
		SELECT d, 'shop', 2, p, 5, 700, 3 FROM unnest(ARRAY[$1::date, $1::date - 6, $1::date - 7]) AS d, generate_series(1, 2) AS p`, time.Now().UTC())
	require.NoError(t, err)
	_, out, _ = run(t, db, "usage", "--tenant", "shop", "--days", "7")
	require.Equal(t, 3, bytes.Count([]byte(out), []byte("\n")), out)
	require.Regexp(t, time.Now().UTC().Format(time.DateOnly)+` +metrics +10 +1400 +6\n`, out)
	_, err = db.Pool.Exec(testbed.Context(t), `INSERT INTO tenant_usage (day, tenant_id, signal, part, items, bytes) VALUES ($1, 'bank', 0, 1, 9, 90)`, time.Now().UTC())
	require.NoError(t, err)
	_, out, _ = run(t, db, "usage", "--days", "7")
	require.Regexp(t, `^TENANT +DAY +SIGNAL +ITEMS +BYTES +SERIES\nbank +[-0-9]+ +traces +9 +90 +0\nshop `, out, "of all tenants")
	_, out, _ = run(t, db, "usage", "--tenant", "nobody")
	require.Equal(t, 1, bytes.Count([]byte(out), []byte("\n")), out)

	for word, args := range map[string][]string{
		"tenant": {"set", "--limits", "spans_per_second=1"}, "limits": {"set", "--tenant", "a"}, "no limit": {"set", "--tenant", "a", "--limits", "speed=3"},
		"whole number": {"set", "--tenant", "a", "--limits", "spans_per_second=many"}, "want 0": {"set", "--tenant", "a", "--limits", "burst_seconds=9999"},
		"command": {"lift"}, "days": {"usage", "--days", "0"},
	} {
		code, _, complaint := run(t, db, args...)
		require.NotEqual(t, service.ExitOK, code, word)
		require.Contains(t, complaint, word)
	}
}
