package engine

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLongQuestionsLeaveHalfOfTheMemoryToOthers(t *testing.T) {
	t.Parallel()
	m := newMemory(1000)
	take := func(bytes int64, long bool) (charge, bool) {
		c, ok, err := m.take(t.Context(), bytes, long, false)
		require.NoError(t, err)
		return c, ok
	}
	long, ok := take(300, true)
	require.True(t, ok)
	_, ok = take(300, true)
	require.False(t, ok, "half of it, less what the first has")
	short, ok := take(700, false)
	require.True(t, ok)
	_, ok = take(1, true)
	require.False(t, ok, "there is none at all")
	short.free()
	short.free()
	all, ok := take(701, false)
	require.False(t, ok, "what is given back twice counts once")
	all.free()
	long.free()
	largest, ok := take(1<<40, true)
	require.True(t, ok, "what is larger than the budget has all that it may have")
	require.EqualValues(t, 500, largest.bytes)
	largest.free()
	largest, ok = take(1<<40, false)
	require.True(t, ok)
	require.EqualValues(t, 1000, largest.bytes)
}

// However many questions there are, they never have more than the budget together, each gets its turn, and nothing stays charged.
func TestQuestionsNeverHaveMoreThanTheMemoryTogether(t *testing.T) {
	t.Parallel()
	const bytes = 1000
	m := newMemory(bytes)
	var used, most, waited atomic.Int64
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			for j := range 50 {
				c, ok, err := m.take(t.Context(), int64(1+(i*37+j*101)%700), i%4 == 0, j%3 > 0)
				if !ok {
					waited.Add(1)
					continue
				}
				if now := used.Add(c.bytes); now > most.Load() {
					most.Store(now)
				}
				if err == nil {
					runtime.Gosched()
				}
				used.Add(-c.bytes)
				c.free()
			}
		})
	}
	group.Wait()
	require.LessOrEqual(t, most.Load(), int64(bytes))
	require.Positive(t, waited.Load())
	require.True(t, m.all.TryAcquire(bytes))
	require.True(t, m.long.TryAcquire(bytes/longPart))

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok, err := m.take(ended, 1, false, true)
	require.False(t, ok)
	require.ErrorIs(t, err, context.Canceled)
	_, ok, err = m.take(ended, 1, true, true)
	require.False(t, ok)
	require.ErrorIs(t, err, context.Canceled)
}

// One processor is left to those that are no long questions.
func TestLongQuestionsDecodeWithOneProcessorLess(t *testing.T) {
	t.Parallel()
	m := newMemory(1)
	var ends []func()
	for range cap(m.slots) {
		end, err := m.decoding(t.Context(), true)
		require.NoError(t, err)
		ends = append(ends, end)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.decoding(ended, true)
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.decoding(ended, false)
	require.NoError(t, err)
	for _, end := range ends {
		end()
	}
	require.Empty(t, m.slots)
}
