package retention

import (
	"bytes"
	"os"
	"testing"

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
	program := service.NewProgram("ollyscale retention", cfg, New, service.WithLog(service.LogConfig{Level: "warn", Format: "text"}))
	code = program(testbed.Context(t), append(args, "--postgres", db.URL), &answer, &errs)
	return code, answer.String(), errs.String()
}

func TestRetentionByTheCommandLine(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	_, out, _ := run(t, db, "get")
	require.Equal(t, "TENANT   SIGNAL   DAYS  HOLD   ROWS  ROWS SINCE\ndefault  logs     3     false  none  \ndefault  metrics  30    false  none  \ndefault  traces   7     false  none  \n", out)

	code, out, complaint := run(t, db, "set", "--tenant", "shop", "--signals", "traces", "--rows", "2d", "--days", "14")
	require.Equal(t, service.ExitOK, code, complaint)
	require.Regexp(t, `^TENANT .*\nshop +traces +14 +false +2d +20\d\d-\d\d-\d\dT[\d:]+Z\n$`, out, "with the time from which there are rows")
	code, _, complaint = run(t, db, "set", "--tenant", "shop", "--rows", "0", "--hold", "true")
	require.Equal(t, service.ExitOK, code, complaint)
	_, out, _ = run(t, db, "get", "--tenant", "shop")
	require.Regexp(t, `\nshop +logs +3 +true +none *\nshop +metrics +30 +true +none *\nshop +traces +14 +true +none *\n$`, out)
	code, out, complaint = run(t, db, "unset", "--tenant", "shop", "--signals", "logs,metrics,traces")
	require.Equal(t, service.ExitOK, code, complaint)
	require.Equal(t, 1, bytes.Count([]byte(out), []byte("\n")), out)
	var by string
	var records int
	require.NoError(t, db.Pool.QueryRow(testbed.Context(t), `SELECT min(details->>'by'), count(*) FROM janitor_audit WHERE tenant_id = 'shop' AND action = 'policy'`).Scan(&by, &records))
	require.Equal(t, "ollyscale retention", by)
	require.Equal(t, 1+3+3, records, "a line for each signal that was set or unset")

	for word, args := range map[string][]string{
		"whose policy": {"set", "--days", "3"}, "nothing is to be set": {"set", "--tenant", "a"}, "no whole number": {"set", "--tenant", "a", "--days", "many"},
		"want 1 to 3650": {"set", "--tenant", "a", "--days", "0"}, "not a duration": {"set", "--tenant", "a", "--rows", "long"}, "neither true nor false": {"set", "--tenant", "a", "--hold", "maybe"},
		"unknown signal": {"get", "--signals", "profiles"}, "command": {"lift"}, "can be changed only": {"unset", "--tenant", "default"},
		"days (from --days): goes with set, and not with get": {"get", "--days", "3"}, "rows (from --rows): goes with set, and not with unset": {"unset", "--tenant", "a", "--rows", "1h"},
		"hold (from --hold): goes with set, and not with get": {"get", "--hold", "true"}, "signals (from --signals): goes with set and unset, and not with get": {"get", "--signals", "logs"},
		"tenant (from --tenant): ": {"set", "--tenant", "Bad Tenant", "--days", "3"},
	} {
		code, _, complaint := run(t, db, args...)
		require.NotEqual(t, service.ExitOK, code, word)
		require.Contains(t, complaint, word)
	}
}
