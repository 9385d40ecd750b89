package seldom_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/seldom"
)

func TestAFloodIsALineAMinuteForEachReason(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	l := seldom.New(slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return now })
	ctx := context.Background()
	lines := func() []string {
		defer out.Reset()
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
	for range 10_000 {
		l.Note(ctx, slog.LevelError, "dead", "bad_body", slog.String("tenant", "shop"))
		l.Note(ctx, slog.LevelError, "dead", "limit")
	}
	got := lines()
	require.Len(t, got, 2)
	require.Contains(t, got[0], `msg=dead tenant=shop reason=bad_body times=1`)
	require.Contains(t, got[1], `reason=limit times=1`)

	l.Tell(ctx, slog.LevelWarn)
	require.Equal(t, []string{""}, lines(), "not yet")
	now = now.Add(time.Minute)
	l.Note(ctx, slog.LevelError, "dead", "limit")
	require.Contains(t, lines()[0], `reason=limit times=10000`, "9,999 unsaid ones and this one")
	l.Tell(ctx, slog.LevelWarn)
	got = lines()
	require.Len(t, got, 1)
	require.Contains(t, got[0], `level=WARN msg=dead reason=bad_body times=9999`)
	now = now.Add(time.Hour)
	l.Tell(ctx, slog.LevelWarn)
	require.Equal(t, []string{""}, lines(), "nothing is left to say")

	for i := range 5000 {
		l.Note(ctx, slog.LevelError, "many", fmt.Sprint(i))
	}
	require.Less(t, len(lines()), 300, "reasons without end are one in the end")
}
