package janitor

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestMergedHoursAreGrouped: the segments of a merged hour have their token filters in a group, which lets everything pass that they hold.
func TestMergedHoursAreGrouped(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			f := newFixture(t)
			shop := testbed.NewShop(5, start())
			for range 12 {
				f.flush("default", signal, shop.Payload(signal, 800))
			}
			f.clock.Set(start().Add(2 * time.Hour))
			f.pass()
			ctx := testbed.Context(t)

			type grouped struct {
				segments     []uuid.UUID
				trace, token []byte
				blocks       [2]int // of trace and token filters
			}
			groups := map[uuid.UUID]grouped{}
			rows, err := f.db.Pool.Query(ctx, `SELECT group_id, segments, trace_filter, token_filter, trace_blocks, token_blocks FROM `+groupTable(signal))
			require.NoError(t, err)
			var id uuid.UUID
			var g grouped
			_, err = pgx.ForEachRow(rows, []any{&id, &g.segments, &g.trace, &g.token, &g.blocks[0], &g.blocks[1]}, func() error {
				groups[id] = g
				g = grouped{}
				return nil
			})
			require.NoError(t, err)
			require.NotEmpty(t, groups)

			rows, err = f.db.Pool.Query(ctx, `SELECT s.segment_id, group_id, level, octet_length(token_filter), items, format, checksum, directory, `+segmentrow.Select("body").List("s")+` FROM `+segmentrow.From(signal))
			require.NoError(t, err)
			defer rows.Close()
			members := 0
			for rows.Next() {
				var own int
				var in *uuid.UUID
				seg := &segment.Segment{}
				require.NoError(t, rows.Scan(&id, &in, &seg.Level, &own, &seg.Items, &seg.Format, &seg.Checksum, &seg.Directory, &seg.Body))
				if in == nil {
					require.Positive(t, own, "a segment without a group has a filter of its own")
					continue
				}
				members++
				require.Equal(t, 2, seg.Level)
				require.Zero(t, own)
				g := groups[*in]
				place := -1
				for i, member := range g.segments {
					if member == id {
						place = i
					}
				}
				require.GreaterOrEqual(t, place, 0, "the group names its segments")
				table := segment.NewTable("default", signal)
				require.NoError(t, add(table, seg))
				run := func(filter []byte, blocks int, hash uint64) []byte {
					high, _ := segment.Probe(hash)
					at := int(uint64(high)*uint64(blocks)>>32) * 32 * len(g.segments)
					return filter[at : at+32*len(g.segments)]
				}
				for row := range table.N {
					for _, v := range table.Attributes.Row(row) {
						hash := table.Values[v].Hash
						require.True(t, segment.MayContainAt(run(g.token, g.blocks[1], hash), place, hash))
					}
					if signal != telemetry.Metrics && table.TraceIDs[row] != [16]byte{} {
						hash := segment.TraceHash(table.TraceIDs[row])
						require.True(t, segment.MayContainAt(run(g.trace, g.blocks[0], hash), place, hash))
					}
				}
			}
			require.NoError(t, rows.Err())
			require.Greater(t, members, 1)
		})
	}
}
