package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestPlans(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	generic := func(setting string) bool {
		t.Helper()
		is, err := postgres.NewPlans(setting, db.Pool).Generic(ctx)
		require.NoError(t, err)
		return is
	}
	require.True(t, generic("auto"))
	require.True(t, generic(""))
	require.True(t, generic("on"))
	require.False(t, generic("off"))
	distributed(t, db)
	require.False(t, generic("auto"))
	require.True(t, generic("on"), "whoever says so knows")
	require.False(t, generic("off"))

	// A database that is down is asked again.
	_, err := postgres.NewPlans("auto", nowhere(t)).Generic(ctx)
	require.Equal(t, fault.Unavailable, fault.ClassOf(err))
	cfg := postgres.DefaultConfig()
	require.Equal(t, "auto", cfg.GenericPlans)
	cfg.GenericPlans = "sometimes"
	require.ErrorContains(t, cfg.Validate(), "generic_plans")
}

// distributed makes a database look like one that has the extension.
func distributed(t *testing.T, db *testbed.DB) {
	t.Helper()
	_, err := db.Pool.Exec(testbed.Context(t), `SET allow_system_table_mods = on;
		INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES (99999, 'citus', 10, 'public'::regnamespace, false, '13');
		RESET allow_system_table_mods`)
	require.NoError(t, err)
}
