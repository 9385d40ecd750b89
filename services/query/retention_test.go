package query

import (
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
