package ingest

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestRefusedRequestsAreLoggedOnceAMinuteForEachReasonAndTenant(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	clock := testbed.NewClock(time.Unix(1_700_000_000, 0))
	r := refusals{log: slog.New(slog.NewTextHandler(&log, nil)), now: clock.Now}
	lines := func() int { return bytes.Count(log.Bytes(), []byte("requests refused")) }
	for range 50 {
		r.note(t.Context(), "http", "a", errBusy.New("too many requests"))
		r.note(t.Context(), "grpc", "b", errBusy.New("too many requests"))
		r.note(t.Context(), "http", "a", errBody.New("it ended"))
	}
	require.Equal(t, 3, lines())
	clock.Advance(time.Minute)
	r.note(t.Context(), "http", "a", errBusy.New("too many requests"))
	require.Equal(t, 4, lines())
	require.Contains(t, log.String(), "more_since_last_line=49")
	for n := range 3 * maxRefusals { // tenants are the senders' words: what is remembered is bounded
		r.note(t.Context(), "http", fmt.Sprint(n), errBusy.New("too many requests"))
	}
	require.LessOrEqual(t, len(r.seen), maxRefusals)
}
