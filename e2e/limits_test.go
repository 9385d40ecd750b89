package e2e

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/e2e/load"
)

// toldWithin is how soon every ingest goes by a limit that was set: docs/quotas.md says ten seconds, the rest is the machine's.
const toldWithin = 15 * time.Second

// A limit that is set refuses within seconds, with a time to wait; one that is unset lets in again. A writer is killed meanwhile, and what is
// told of usage in the end is what was taken.
func TestLimitsAreSetAndUnsetWhileEverythingRuns(t *testing.T) {
	s := newStack(t)
	writer, writerHealth := s.writer()
	s.ready(writerHealth)
	plan := load.NewPlan(uint64(time.Now().UnixNano()), 10_000*250, 250, time.Now(), time.Hour) // more than are sent
	next, taken := 0, map[load.Signal]int{}
	// send sends the next request of the plan, and the same again until it is taken.
	send := func(signal load.Signal) (status int, retryAfter string) {
		t.Helper()
		body, err := plan.Request(signal, next)
		require.NoError(t, err)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http+"/v1/"+string(signal), bytes.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/x-protobuf")
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		if answer.StatusCode == http.StatusOK {
			next++
			taken[signal] += plan.Batch
		}
		return answer.StatusCode, answer.Header.Get("Retry-After")
	}
	set := func(limits string) {
		t.Helper()
		tool := s.start("limits", binary(t, "ollyscale"), []string{"OLLY_POSTGRES_URL=" + s.url()}, "limits", "set", "--tenant", "default", "--limits", limits)
		require.NoError(t, tool.wait(time.Minute), "%s", tool.tail())
	}
	for range 3 {
		status, _ := send(load.Traces)
		require.Equal(t, http.StatusOK, status)
	}
	set("spans_per_second=1,burst_seconds=1")
	waitFor(t, toldWithin, "spans are refused", func() bool {
		status, retryAfter := send(load.Traces)
		if status == http.StatusOK {
			return false
		}
		require.Equal(t, http.StatusTooManyRequests, status)
		seconds, err := strconv.Atoi(retryAfter)
		require.NoError(t, err)
		require.Positive(t, seconds)
		return true
	})
	status, _ := send(load.Logs)
	require.Equal(t, http.StatusOK, status, "nothing is said of logs")
	writer.kill()
	set("spans_per_second=unset,burst_seconds=unset,active_series=4")
	status, _ = send(load.Traces)
	require.Equal(t, http.StatusTooManyRequests, status, "while no writer runs, nobody tells of limits, and what was told holds")
	writer.run()
	s.ready(writerHealth)
	waitFor(t, toldWithin, "spans are taken again", func() bool { status, _ := send(load.Traces); return status == http.StatusOK })
	for range 3 {
		status, _ := send(load.Traces)
		require.Equal(t, http.StatusOK, status)
	}
	before := taken[load.Metrics]
	status, _ = send(load.Metrics)
	require.Equal(t, http.StatusOK, status, "of metrics, points are refused, and no request")
	require.Equal(t, plan.Batch, taken[load.Metrics]-before)

	s.settled()
	now := time.Now()
	var answer struct {
		Usage []struct {
			Signal               string
			Items, Bytes, Series int64
		}
	}
	query := url.Values{"start_time": {now.Add(-24 * time.Hour).Format(time.RFC3339)}, "end_time": {now.Add(24 * time.Hour).Format(time.RFC3339)}}
	require.NoError(t, get(t.Context(), s.api+"/api/usage?"+query.Encode(), &answer))
	items, series := map[load.Signal]int{}, int64(0)
	for _, d := range answer.Usage {
		require.Equal(t, d.Items > 0, d.Bytes > 0) // just after midnight there may be a day of which only series count
		items[load.Signal(d.Signal)] += int(d.Items)
		series += d.Series
	}
	require.Equal(t, taken[load.Traces], items[load.Traces])
	require.Equal(t, taken[load.Logs], items[load.Logs])
	require.EqualValues(t, 4, series)
	require.Positive(t, items[load.Metrics])
	require.Less(t, items[load.Metrics], plan.Batch)
	all := s.counts(t.Context(), s.pool())
	require.Equal(t, counts{Spans: taken[load.Traces], Logs: taken[load.Logs], Points: items[load.Metrics], Rollup: taken[load.Traces]}, all, "usage is what is stored")
}
