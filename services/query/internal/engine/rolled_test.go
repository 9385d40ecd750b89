package engine

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// What is unpacked of rollups is charged as what is decoded of segments is, waits for its room, and is given back.
func TestWhatIsReadOfRollupsIsCharged(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	db := testbed.Database(t)
	const decoded = 1 << 20
	e, err := New(Settings{Timeout: 2 * time.Second, Decoded: decoded, ScanBudget: 1 << 30, Workers: 2, Questions: 4, Queue: time.Second}, db.Pool, nil, time.Now)
	require.NoError(t, err)
	_, err = db.Pool.Exec(ctx, `SELECT ensure_partition('rollup', $1)`, base().UnixNano())
	require.NoError(t, err)
	start := telemetry.Grain(base().UnixNano(), time.Hour)
	rnd := rand.New(rand.NewPCG(1, 1))
	sizes := map[int]bool{}
	for i, n := range []int{100, 7000, 300, 40_000, 200_000} { // the last one is more than there is
		body := make([]byte, n)
		for k := range body {
			body[k] = byte(rnd.IntN(256))
		}
		blob := binary.LittleEndian.AppendUint32([]byte{0}, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		blob = append(blob, body...)
		sizes[len(blob)] = true
		require.GreaterOrEqual(t, rollup.Memory(blob), int64(2*n))
		at := start + int64(i)*int64(time.Hour)
		_, err := db.Pool.Exec(ctx, `INSERT INTO rollup (tenant_id, kind, grain, start, rollup_id, min_time, max_time, made_at, low, high, total, minutes, placement)
			VALUES ('default', 7, 1, $1, gen_random_uuid(), $1, $1, $1, '', '', $2, $2, 'default')`, at, blob)
		require.NoError(t, err)
	}
	q := &RollupQuery{Tenant: "default", Kind: 7, From: start, To: start + int64(24*time.Hour)}
	read := func() error {
		return e.Ask(ctx, "default", time.Hour, func(ctx context.Context, s *Snapshot) error {
			seen := 0
			err := s.Rollups(ctx, q, func(r *Rolled) error {
				require.True(t, sizes[len(r.Blob)])
				free := int64(decoded) - min(rollup.Memory(r.Blob), decoded)
				require.False(t, e.memory.all.TryAcquire(free+1), "%d bytes are charged", len(r.Blob))
				seen++
				return nil
			})
			if err == nil {
				require.Equal(t, len(sizes), seen)
			}
			return err
		})
	}
	for range 3 {
		require.NoError(t, read())
		require.True(t, e.memory.all.TryAcquire(decoded), "all is given back")
		e.memory.all.Release(decoded)
	}
	// While others have all of it, it waits for as long as a question may take.
	others, ok, err := e.memory.take(ctx, nil, decoded, false, true)
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, ErrTimeout.Matches(read()))
	others.free()
	require.NoError(t, read())
}

// A question that holds figures has no more of them than its part, all together no more than there is, and nothing stays.
func TestHeldFiguresAreBounded(t *testing.T) {
	t.Parallel()
	e := &Engine{memory: newMemory(8000)}
	one, two, three := &Snapshot{engine: e}, &Snapshot{engine: e}, &Snapshot{engine: e}
	require.NoError(t, one.Hold(2000))
	require.True(t, errMemory.Matches(one.Hold(1)), "half of what is held")
	require.NoError(t, two.Hold(1500))
	require.NoError(t, three.Hold(500))
	require.True(t, errMemory.Matches(three.Hold(1)), "others have the rest")
	one.letGo(300)
	require.NoError(t, three.Hold(300))
	for _, s := range []*Snapshot{one, two, three} {
		s.release()
	}
	require.True(t, e.memory.held.TryAcquire(4000))
}

// The questions of one tenant hold no more than its share together, and what has no room beside them says so; others have what is left.
func TestFiguresOfATenantAreBounded(t *testing.T) {
	t.Parallel()
	e := &Engine{memory: newMemory(8000)}
	red, blue := e.memory.share(0.75), e.memory.share(0.75)
	one, two, three := &Snapshot{engine: e, share: red}, &Snapshot{engine: e, share: red}, &Snapshot{engine: e, share: blue}
	require.NoError(t, one.Hold(2000))
	require.True(t, errMemory.Matches(one.Hold(1)), "half of what is held")
	require.NoError(t, two.Hold(1000))
	require.True(t, errTenantMemory.Matches(two.Hold(1)), "its like have the rest of the share")
	require.NoError(t, three.Hold(1000))
	require.True(t, errMemory.Matches(three.Hold(1)), "others have the rest")
	one.letGo(300)
	require.NoError(t, two.Hold(300))
	for _, s := range []*Snapshot{one, two, three} {
		s.release()
	}
	require.True(t, e.memory.held.TryAcquire(4000))
	require.True(t, red.held.TryAcquire(3000))
	require.EqualValues(t, 400, (&Snapshot{engine: e, share: e.memory.share(0.1)}).MayHold(), "of a small share, one question may have all")
}
