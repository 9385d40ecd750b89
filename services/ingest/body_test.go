package ingest

import (
	"bytes"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A buffer that was put back belongs to someone else at once, who overwrites it.
func TestGrowingCopiesBeforeItGivesBack(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	s := &Service{budget: &budget{limit: 1 << 40}}
	kept := &s.buffers
	stop := make(chan struct{})
	var others sync.WaitGroup
	defer others.Wait()
	defer close(stop)
	for range 2 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if other := kept.get(size); other != nil {
					b := (*other)[:cap(*other)]
					for i := range b {
						b[i] = 'o'
					}
				}
			}
		})
	}
	want := bytes.Repeat([]byte{'w'}, size)
	for range 300 {
		large := make([]byte, 0, 4*size)
		kept.put(&large)
		// A pool keeps the first buffer for the processor that gave it, and lets others have only what comes after.
		first := make([]byte, 0, size)
		kept.put(&first)
		own := append(make([]byte, 0, size), want...)
		read := body{bytes: own, buffer: &own}
		require.NoError(t, s.grow(&read, 2*size))
		require.True(t, bytes.Equal(want, read.bytes))
	}
}

// A request is charged for no more than twice what it asks for, whatever others have left behind, and not refused for a kept buffer where there
// is room for one of its own size.
func TestAKeptBufferIsNoBurden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		kept, want, got int
	}{
		{"of the size", 300 << 10, 300 << 10, 300 << 10},
		{"a little larger", 310 << 10, 300 << 10, 310 << 10},
		{"of the next class", 600 << 10, 300 << 10, 600 << 10},
		{"more than twice as large", 600<<10 + 1, 300 << 10, 300 << 10},
		{"much larger", 8 << 20, 300 << 10, 300 << 10},
		{"much larger than a first read", 200 << 10, firstRead, firstRead},
		{"too small", 290 << 10, 300 << 10, 300 << 10},
		{"of a large request, for a small one", smallRequest + 1, 700 << 10, 700 << 10},
		{"one byte", 1, 1, 1},
	} {
		// Large requests have used all of theirs.
		s := &Service{budget: &budget{limit: 8 << 20}}
		require.NoError(t, s.budget.take(s.budget.largest(), s.budget.largest(), -1))
		// A pool may drop what it is given, and does so at random under the race detector.
		for range 20 {
			buffer := make([]byte, 0, test.kept)
			s.buffers.put(&buffer)
		}
		var b body
		require.NoError(t, s.grow(&b, int64(test.want)), test.name)
		if test.got != test.kept {
			require.Equal(t, test.got, cap(*b.buffer), test.name)
		} else {
			require.Contains(t, []int{test.want, test.kept}, cap(*b.buffer), test.name)
		}
		require.EqualValues(t, b.reserved, cap(*b.buffer), test.name)
		s.release(&b)
		require.Equal(t, s.budget.largest(), s.budget.used.Load(), test.name)
	}
}

// What was kept is used again, for what is as large or somewhat smaller.
func TestBuffersAreUsedAgain(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 100, firstRead, firstRead + 1, 100_001, 1 << 20, maxKept} {
		var kept buffers
		// As before: a pool may drop what it is given.
		for range 20 {
			buffer := make([]byte, 0, size)
			kept.put(&buffer)
		}
		require.Nil(t, kept.get(int64(size+1)))
		for _, want := range []int{size, (size + 1) / 2} {
			got := kept.get(int64(want))
			require.NotNil(t, got, "%d of %d", want, size)
			require.Equal(t, size, cap(*got))
		}
	}
	var kept buffers
	tooLarge := make([]byte, 0, maxKept+1)
	kept.put(&tooLarge)
	require.Nil(t, kept.get(maxKept+1))
}
