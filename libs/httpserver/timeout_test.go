package httpserver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A request that may take for ever may not take for ever to begin.
func TestTheHeaderIsAlwaysBounded(t *testing.T) {
	t.Parallel()
	for read, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Second: time.Second, time.Minute: 10 * time.Second} {
		require.Equal(t, want, headerTimeout(read))
	}
}
