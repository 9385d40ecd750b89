package testbed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

func TestDatabasesOfTestsAreApart(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	a, b := testbed.Database(t), testbed.Database(t)
	_, err := a.Pool.Exec(ctx, "INSERT INTO "+schema.TenantDim+" (tenant_id) VALUES ('mine')")
	require.NoError(t, err)
	var n int
	require.NoError(t, b.Pool.QueryRow(ctx, "SELECT count(*) FROM "+schema.TenantDim+" WHERE tenant_id = 'mine'").Scan(&n))
	require.Zero(t, n)
}
