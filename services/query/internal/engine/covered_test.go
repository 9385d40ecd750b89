package engine

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestWhenTheFirstItemBeganIsKnownAtOnce: of a month of settled segments none is looked at for it, whichever are not settled at its end.
func TestWhenTheFirstItemBeganIsKnownAtOnce(t *testing.T) {
	t.Parallel()
	const days, each = 30, 240
	db := testbed.Database(t)
	ctx := testbed.Context(t)
	st := must(newStatements())
	since := base().Truncate(24*time.Hour).AddDate(0, 0, -days).UnixNano()
	for _, signal := range telemetry.Signals() {
		kind := wholeOf(signal).kind
		for day := range days + 1 {
			_, err := db.Pool.Exec(ctx, "SELECT ensure_partition($1, $3), ensure_partition($2, $3)", segmentTable(signal), "rollup", since+int64(day)*int64(24*time.Hour))
			require.NoError(t, err)
		}
		insert := func(level, from, n int) {
			_, err := db.Pool.Exec(ctx, `INSERT INTO `+segmentTable(signal)+` (tenant_id, segment_id, min_time, max_time, min_position, max_position, checksum, items, errors, roots, level, format, slot,
					service_ids, service_items, service_max_duration, service_max_error_duration, trace_filter, token_filter, directory, placement)
				SELECT 'default', gen_random_uuid(), at, at + 1, 1, 1, 0, 1, 0, 0, $1::smallint, 1, CASE WHEN $1 = 2 THEN -1 ELSE 0 END, '{}', '{}', '{}', '{}', '', '', '', 'default'
				FROM (SELECT $2::bigint + n * 360000000000 AS at FROM generate_series($3::int, $3::int + $4::int - 1) AS n) AS s`, level, since, from, n)
			require.NoError(t, err)
		}
		insert(2, 0, days*each)
		insert(0, days*each, 20)
		insert(1, days*each+20, 20)
		_, err := db.Pool.Exec(ctx, `INSERT INTO rollup (tenant_id, kind, grain, start, rollup_id, min_time, max_time, made_at, low, high, total, minutes, placement)
			VALUES ('default', $2, 1, $1, gen_random_uuid(), $1, $1, $1, '', '', '', '', 'default')`, since, kind)
		require.NoError(t, err)
		_, err = db.Pool.Exec(ctx, "ANALYZE "+segmentTable(signal))
		require.NoError(t, err)
		tx, err := db.Pool.BeginTx(ctx, beginSnapshot(time.Minute, true))
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback(ctx) })
		var first *int64
		require.NoError(t, tx.QueryRow(ctx, st.first[signal], "default", kind).Scan(&first))
		require.Equal(t, since, *first)
		_, err = tx.Exec(ctx, "PREPARE first_"+signal.String()+" AS "+st.first[signal])
		require.NoError(t, err)
		pages := 0
		for range 2 { // the first one reads the catalogue
			rows, err := tx.Query(ctx, fmt.Sprintf("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) EXECUTE first_%s('default', %d)", signal, kind))
			require.NoError(t, err)
			plan := must(pgx.CollectRows(rows, pgx.RowTo[string]))
			of := regexp.MustCompile(`hit=(\d+)`).FindStringSubmatch(fmt.Sprint(plan))
			require.NotNil(t, of, "%s", plan)
			pages, err = strconv.Atoi(of[1])
			require.NoError(t, err)
		}
		require.Less(t, pages, 40, signal)
		require.NoError(t, tx.Rollback(ctx))
		_, err = db.Pool.Exec(ctx, "DELETE FROM rollup")
		require.NoError(t, err)
	}
}
