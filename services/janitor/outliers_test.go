package janitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestOutliersOfAnHourAreSettledApart: what failed or took long is in a segment of its own, outside of the group, and the headers of the others say so.
func TestOutliersOfAnHourAreSettledApart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shop := testbed.NewShop(6, start())
	for range 10 {
		f.flush("default", telemetry.Traces, shop.Payload(telemetry.Traces, 2000))
	}
	before := f.contents("default", telemetry.Traces)
	f.clock.Set(start().Add(2 * time.Hour))
	f.pass()
	same(t, before, f.contents("default", telemetry.Traces))

	ctx := testbed.Context(t)
	var segments, apart, items, failed int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE group_id IS NULL), sum(items) FILTER (WHERE group_id IS NULL),
		sum(errors) FILTER (WHERE group_id IS NULL) FROM spans_segment WHERE level = 2`).Scan(&segments, &apart, &items, &failed))
	require.Equal(t, 6, segments, "five of what is common, and one")
	require.Equal(t, 1, apart)
	require.Greater(t, failed, 200, "of 20,000 spans one in 80")
	require.Less(t, items, 350, "and one in 400")
	var services, wrong int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `WITH of AS (
			SELECT group_id IS NULL AS apart, u.id, max(u.failed) AS failed
			FROM spans_segment, unnest(service_ids, service_max_error_duration) AS u(id, failed) GROUP BY 1, 2)
		SELECT count(*), count(*) FILTER (WHERE c.failed > a.failed) FROM of AS a JOIN of AS c USING (id) WHERE a.apart AND NOT c.apart`).
		Scan(&services, &wrong))
	require.Equal(t, 17, services)
	require.Zero(t, wrong, "services of which a longer failed span is among what is common")

	f.pass()
	same(t, before, f.contents("default", telemetry.Traces))
}
