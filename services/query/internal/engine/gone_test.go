package engine

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// TestWhatGoesWhileItIsReadIsAskedForAgain: a snapshot that is older than the emptying of a slot, or the drop of a day, has headers whose bodies are
// gone. The question is asked once more, and then sees what is now.
func TestWhatGoesWhileItIsReadIsAskedForAgain(t *testing.T) {
	t.Parallel()
	const items, each = 60, 20
	for name, c := range map[string]struct {
		level int
		gone  string // what happens to the bodies
		moved bool   // to be found elsewhere
		want  int
		code  string
	}{
		"a slot is emptied":           {segmentrow.LevelFlush, `TRUNCATE spans_fresh_07`, true, items, ""},
		"a day is dropped":            {segmentrow.LevelSettled, `SELECT drop_partition('spans_body', 'spans_body_y2026_m11_d23')`, false, 0, ""},
		"rows are gone, headers stay": {segmentrow.LevelSettled, `TRUNCATE spans_body`, false, 0, "segment.missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testbed.Context(t)
			db := testbed.Database(t)
			e, err := New(Settings{
				Timeout: 30 * time.Second, HeaderCache: 1 << 20, Decoded: 64 << 20, ScanBudget: 1 << 30, Workers: 2, Questions: 4, Queue: time.Second,
			}, db.Pool, nil, time.Now)
			require.NoError(t, err)
			for _, table := range []string{"spans_segment", "spans_body"} {
				_, err := db.Pool.Exec(ctx, `SELECT ensure_partition($1, $2)`, table, base().UnixNano())
				require.NoError(t, err)
			}
			table := segment.NewTable("default", telemetry.Traces)
			_, err = table.Append(testbed.NewShop(1, base()).Payload(telemetry.Traces, items), 1)
			require.NoError(t, err)
			store := func(level int) {
				var rows []segmentrow.Row
				for _, part := range table.Slices(each) {
					s, err := table.Encode(part, level)
					require.NoError(t, err)
					rows = append(rows, segmentrow.New(s, "default", time.Unix(7*60, 0)))
				}
				require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
					if _, err := tx.Exec(ctx, `DELETE FROM spans_segment`); err != nil {
						return err
					}
					return segmentrow.Copy(ctx, tx, telemetry.Traces, rows, nil)
				}))
			}
			store(c.level)
			q := &Query{Tenant: "default", Signal: telemetry.Traces, From: base().Add(-time.Hour).UnixNano(), To: base().Add(time.Hour).UnixNano(), Filter: filter.All{}}
			asked := 0
			ask := func() (n int, err error) {
				asked++
				err = e.Ask(ctx, "default", time.Hour, func(ctx context.Context, s *Snapshot) error {
					if _, err := s.tx.Exec(ctx, `SELECT FROM spans_segment`); err != nil { // the snapshot is of now
						return err
					}
					if asked == 1 {
						switch {
						case c.moved:
							store(segmentrow.LevelSettled)
						case c.code == "":
							_, err := db.Pool.Exec(ctx, `DELETE FROM spans_segment`)
							require.NoError(t, err)
						}
						_, err := db.Pool.Exec(ctx, c.gone)
						require.NoError(t, err)
					}
					found, err := s.Search(ctx, q, 1000)
					n = len(found.Items)
					return err
				})
				return n, err
			}
			n, err := Again(ask)
			require.Equal(t, 2, asked)
			if c.code != "" {
				require.True(t, errMissing.Matches(err), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, n)
		})
	}
}
