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
		c, ok, err := m.take(t.Context(), nil, bytes, long, false)
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
	of := []*share{nil, m.share(0.5), m.share(0.75)}
	var used, most, waited atomic.Int64
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			for j := range 50 {
				c, ok, err := m.take(t.Context(), of[i%len(of)], int64(1+(i*37+j*101)%700), i%4 == 0, j%3 > 0)
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
	require.True(t, of[1].all.TryAcquire(bytes/2))

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok, err := m.take(ended, nil, 1, false, true)
	require.False(t, ok)
	require.ErrorIs(t, err, context.Canceled)
	_, ok, err = m.take(ended, nil, 1, true, true)
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

// What a tenant's questions have of the memory is its share at most, and those that wait for more of it hold up nobody else.
func TestATenantHasItsShareOfTheMemory(t *testing.T) {
	t.Parallel()
	m := newMemory(1000)
	red, blue := m.share(0.75), m.share(0.75)
	take := func(of *share, bytes int64, long bool) (charge, bool) {
		c, ok, err := m.take(t.Context(), of, bytes, long, false)
		require.NoError(t, err)
		return c, ok
	}
	long, ok := take(red, 400, true)
	require.True(t, ok)
	require.EqualValues(t, 375, long.bytes, "of what long questions may have, too")
	other, ok := take(blue, 100, true)
	require.True(t, ok)
	other.free()
	long.free()
	largest, ok := take(red, 1<<40, false)
	require.True(t, ok)
	require.EqualValues(t, 750, largest.bytes, "one that is larger has all that its tenant may have")
	waits := make(chan charge)
	ended, cancel := context.WithCancel(t.Context())
	for range 50 {
		go func() {
			c, _, _ := m.take(ended, red, 200, false, true)
			waits <- c
		}()
	}
	small, ok := take(blue, 250, false)
	require.True(t, ok, "however many of another tenant wait")
	_, ok = take(blue, 1, false)
	require.False(t, ok)
	small.free()
	_, ok = take(red, 1, true)
	require.False(t, ok)
	largest.free()
	for range 50 {
		c := <-waits
		c.free()
	}
	cancel()
	require.True(t, m.all.TryAcquire(1000), "all is given back")
	require.True(t, red.all.TryAcquire(750))
	require.Nil(t, m.share(0))
	require.Nil(t, m.share(1))
}
