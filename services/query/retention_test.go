package query

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

func TestATenantSeesHowLongItsDataIsKeptAndSinceWhenThereAreRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.db.Pool.Exec(testbed.Context(t), `INSERT INTO retention_policy (tenant_id, signal, days, rows_window, legal_hold) VALUES ('shop', 'metrics', 60, '36 hours', true)`)
	require.NoError(t, err)
	var all api.Retention
	f.get("/api/retention", &all)
	require.Equal(t, []api.RetentionPolicy{{Signal: "logs", Days: 3}, {Signal: "metrics", Days: 30}, {Signal: "traces", Days: 7}}, all.Policies)

	all = api.Retention{}
	f.get("/api/retention", &all, "X-Scope-OrgID", "shop")
	require.Equal(t, api.RetentionPolicy{Signal: "logs", Days: 3}, all.Policies[0], "as the tenant default has")
	own := all.Policies[1]
	require.NotNil(t, own.RowsSince)
	require.WithinDuration(t, time.Now().Add(time.Minute), *own.RowsSince, 50*time.Second)
	own.RowsSince = nil
	require.Equal(t, api.RetentionPolicy{Signal: "metrics", Days: 60, Hold: true, RowsSeconds: 36 * 3600}, own)
}

// What an administrator says of his tenant holds for it and for no other, by the rules of the command line, and is put on record.
func TestAnAdministratorSaysHowLongDataIsKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	boss, bossID := f.newKey("red", "admin", "query")
	reads, _ := f.newKey("blue", "query")
	put := func(body string) (answer api.Retention) {
		t.Helper()
		status, got := f.call(http.MethodPut, "/api/retention", body, "X-Api-Key", boss)
		require.Equal(t, http.StatusOK, status, "%s", got)
		decode(t, got, &answer)
		return answer
	}
	all := put(`{"signals":["logs","traces"],"days":60}`)
	require.Equal(t, []api.RetentionPolicy{{Signal: "logs", Days: 60}, {Signal: "metrics", Days: 30}, {Signal: "traces", Days: 60}}, all.Policies)
	all = put(`{"signals":["traces"],"rows_seconds":129600,"hold":true}`)
	require.WithinDuration(t, time.Now().Add(time.Minute), *all.Policies[2].RowsSince, 50*time.Second)
	all.Policies[2].RowsSince = nil
	require.Equal(t, api.RetentionPolicy{Signal: "traces", Days: 60, Hold: true, RowsSeconds: 129600}, all.Policies[2], "days stay as they were")
	require.Equal(t, api.RetentionPolicy{Signal: "logs", Days: 60}, all.Policies[0])
	all = put(`{"signals":["traces"],"hold":false,"rows_seconds":0}`)
	require.Equal(t, api.RetentionPolicy{Signal: "traces", Days: 60}, all.Policies[2], "false and 0 are something that is said")

	var others api.Retention
	f.get("/api/retention", &others, "X-Api-Key", reads)
	require.Equal(t, []api.RetentionPolicy{{Signal: "logs", Days: 3}, {Signal: "metrics", Days: 30}, {Signal: "traces", Days: 7}}, others.Policies)

	var records string
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT string_agg(concat_ws(' ', signal, target, details->>'by' = $1, details->>'days', details->>'rows_seconds', details->>'hold'), '; '
		ORDER BY audit_id, signal) FROM janitor_audit WHERE tenant_id = 'red' AND action = 'policy'`, bossID).Scan(&records))
	require.Equal(t, "logs retention_policy t 60 0 false; traces retention_policy t 60 0 false; traces retention_policy t 60 129600 true; traces retention_policy t 60 0 false", records)

	for body, code := range map[string]string{
		`{"signals":["traces"],"days":0}`: "retention.policy", `{"signals":["traces"],"days":3651}`: "retention.policy", `{"signals":["traces"]}`: "retention.policy",
		`{"signals":[],"days":4}`: "retention.policy", `{"days":4}`: "retention.policy", `{"signals":["traces"],"rows_seconds":-1}`: "retention.policy",
		`{"signals":["traces"],"rows_seconds":9223372036854775807}`: "retention.policy", `{"signals":["traces"],"rows_seconds":18446744074}`: "retention.policy",
		`{"signals":["profiles"],"days":4}`: "request.signal", `{"signals":["traces"],"days":4,"tenant":"blue"}`: "request.malformed", ``: "request.malformed",
	} {
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodPut, "/api/retention", body, "X-Api-Key", boss).Code, body)
	}
	f.problem(http.StatusForbidden, http.MethodPut, "/api/retention", `{"signals":["traces"],"days":4}`, "X-Api-Key", reads)
	f.problem(http.StatusForbidden, http.MethodPut, "/api/retention", `{"signals":["traces"],"days":4}`, "X-Api-Key", boss, "X-Scope-OrgID", "blue")
	f.get("/api/retention", &all, "X-Api-Key", boss)
	require.Equal(t, 60, all.Policies[2].Days, "what was refused changed nothing")
}
