package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestStatementsOfAQuestionArePlannedAsTheDatabaseBears: generic plans are a setting, and without one a question of what the database is.
func TestStatementsOfAQuestionArePlannedAsTheDatabaseBears(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	plain, distributed := testbed.Database(t), testbed.Database(t)
	_, err := distributed.Pool.Exec(ctx, `SET allow_system_table_mods = on;
		INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES (99999, 'citus', 10, 'public'::regnamespace, false, '13');
		RESET allow_system_table_mods`)
	require.NoError(t, err)
	for _, c := range []struct {
		db            *testbed.DB
		setting, want string
	}{
		{plain, "auto", "force_generic_plan"},
		{plain, "on", "force_generic_plan"},
		{plain, "off", "auto"},
		{distributed, "auto", "auto"},
		{distributed, "on", "force_generic_plan"},
		{distributed, "off", "auto"},
	} {
		e, err := New(Settings{Timeout: 30 * time.Second, HeaderCache: 1 << 20, Decoded: 64 << 20, Questions: 1, Queue: time.Second, Plans: c.setting}, c.db.Pool, nil, time.Now)
		require.NoError(t, err)
		require.NoError(t, e.Ask(ctx, "default", time.Hour, func(ctx context.Context, s *Snapshot) error {
			var is string
			err := s.tx.QueryRow(ctx, "SHOW plan_cache_mode").Scan(&is)
			require.Equal(t, c.want, is, c.setting)
			return err
		}))
	}
}
