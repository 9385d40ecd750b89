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
	const size = maxSmall
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
