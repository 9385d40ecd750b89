package telemetry_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func requestOf(n uint64) (id telemetry.RequestID) {
	binary.BigEndian.PutUint64(id[:], n)
	return id
}

func TestAPlacementIsATenantOrABucketOfOne(t *testing.T) {
	t.Parallel()
	shop := telemetry.Tenant("shop.v-2_x")
	for of, want := range map[int]telemetry.Placement{0: "shop.v-2_x", 1: "shop.v-2_x", 2: "shop.v-2_x/1", 16: "shop.v-2_x/1"} {
		got := shop.Placement(1, of)
		require.Equal(t, want, got)
		require.Equal(t, shop, got.Tenant())
	}
	_, err := telemetry.ParseTenant("shop/1")
	require.Error(t, err, "or a placement would be a tenant's name")
	seen := map[int]int{}
	for n := range uint64(1000) {
		id := telemetry.NewRequestID(shop, telemetry.Logs, binary.BigEndian.AppendUint64(nil, n))
		require.Zero(t, id.Bucket(1))
		seen[id.Bucket(8)]++
	}
	require.Len(t, seen, 8)
	for bucket, n := range seen {
		require.InDelta(t, 125, n, 60, bucket)
	}
}

// TestAllWhoClaimARequestMeet: whatever was said of a tenant and when, one who has heard of it and one who has not yet, and one that comes
// again while the ledger remembers, have a home in common.
func TestAllWhoClaimARequestMeet(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const day = 24 * time.Hour
	for name, said := range map[string][]telemetry.Spread{
		"nothing":          nil,
		"once, just now":   {{now, 4}},
		"a day ago":        {{ago(day), 4}},
		"long ago":         {{ago(40 * day), 4}},
		"twice, unsorted":  {{ago(time.Hour), 3}, {ago(30 * day), 7}},
		"there and back":   {{ago(2 * day), 8}, {ago(day), 1}},
		"soon":             {{now.Add(time.Minute), 5}},
		"often":            {{ago(9 * day), 2}, {ago(2 * day), 3}, {ago(day), 5}, {ago(time.Hour), 7}, {ago(time.Minute), 11}},
		"the same, longer": {{ago(50 * day), 4}, {ago(time.Hour), 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range uint64(200) {
				id := requestOf(n * 0x9e3779b97f4a7c15)
				spreads := telemetry.Spreads{"a": said, "b": {{ago(time.Second), 2}}}
				homes := spreads.Homes("a", id, now)
				seen := map[telemetry.Placement]bool{}
				for _, h := range homes {
					require.Equal(t, telemetry.Tenant("a"), h.Tenant())
					require.False(t, seen[h], "twice")
					seen[h] = true
				}
				// Who has not heard of the newest, and who stored it at any time that the ledger remembers.
				for i := range said {
					var heard []telemetry.Spread
					for k, one := range said {
						if k != i {
							heard = append(heard, one)
						}
					}
					if said[i].Since.After(ago(2*day)) && newest(said, i) {
						require.True(t, seen[telemetry.Spreads{"a": heard}.Homes("a", id, now)[0]], "who has not heard")
					}
				}
				for back := time.Duration(0); back <= 2*day; back += 20 * time.Minute {
					require.True(t, seen[spreads.Homes("a", id, ago(back))[0]], "stored %s ago", back)
				}
			}
		})
	}
	require.Equal(t, []telemetry.Placement{"a"}, telemetry.Spreads{}.Homes("a", requestOf(1), now))
	require.Len(t, telemetry.Spreads{"a": {{ago(40 * day), 4}}}.Homes("a", requestOf(1), now), 1, "what is long settled costs nothing")
}

func newest(said []telemetry.Spread, i int) bool {
	for _, one := range said {
		if one.Since.After(said[i].Since) {
			return false
		}
	}
	return true
}
