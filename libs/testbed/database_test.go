package testbed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestDatabasesOfTestsAreApart(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	a, b := testbed.Database(t), testbed.Database(t)
	_, err := a.Pool.Exec(ctx, "INSERT INTO tenant_dim (tenant_id) VALUES ('mine')")
	require.NoError(t, err)
	var n int
	require.NoError(t, b.Pool.QueryRow(ctx, "SELECT count(*) FROM tenant_dim WHERE tenant_id = 'mine'").Scan(&n))
	require.Zero(t, n)
}
