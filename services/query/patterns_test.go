package query

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// What log records have in common is told over their range, and what of it is new, however they lie in segments.
func TestLogPatternsTellWhatRecordsHaveInCommon(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for part := range 2 {
		data := plog.NewLogs()
		for s := range 2 {
			rl := data.ResourceLogs().AppendEmpty()
			rl.Resource().Attributes().PutStr("service.name", fmt.Sprint("service-", s))
			records := rl.ScopeLogs().AppendEmpty().LogRecords()
			add := func(at time.Time, severity plog.SeverityNumber) plog.LogRecord {
				l := records.AppendEmpty()
				l.SetTimestamp(pcommon.NewTimestampFromTime(at))
				l.SetSeverityNumber(severity)
				return l
			}
			for i := range 30 {
				at := base().Add(time.Duration(part*30+i) * time.Second)
				add(at, plog.SeverityNumberInfo).Body().SetStr(fmt.Sprintf("order %d placed", 100*s+i))
				add(at.Add(-time.Hour), plog.SeverityNumberInfo).Body().SetStr(fmt.Sprintf("order %d placed", i))
				if i%3 == 0 {
					add(at, plog.SeverityNumberError).Body().SetEmptyMap().PutStr("msg", fmt.Sprintf("no answer from 10.0.0.%d", i))
				}
			}
		}
		f.store("default", telemetry.Logs, testbed.LogsPayload(data), 11)
	}
	ask := func(more string) (out api.LogPatterns) {
		body := fmt.Sprintf(`{"time_range":{"start_time":%d,"end_time":%d}%s}`, base().UnixNano(), base().Add(time.Hour).UnixNano(), more)
		status, answer := f.call(http.MethodPost, "/api/logs/patterns", body)
		require.Equal(t, http.StatusOK, status, "%s", answer)
		decode(t, answer, &out)
		return out
	}
	got := ask("")
	require.Len(t, got.Patterns, 2)
	require.Nil(t, got.Other)
	placed, failed := got.Patterns[0], got.Patterns[1]
	require.Equal(t, "order <number> placed", placed.Template)
	require.Equal(t, "no answer from <ip>", failed.Template)
	require.EqualValues(t, 120, placed.Count)
	require.EqualValues(t, 120, *placed.CountBefore)
	require.False(t, *placed.New)
	require.True(t, *failed.New)
	require.EqualValues(t, 40, failed.Severities.Error)
	require.EqualValues(t, 160, got.Total)
	require.InDelta(t, 0.25, failed.Share, 1e-9)
	require.Equal(t, []api.CountOf{{Name: "service-0", Count: 20}, {Name: "service-1", Count: 20}}, failed.Services)
	require.Len(t, failed.Examples, 3)
	sum := int64(0)
	for _, n := range placed.Over {
		sum += n
	}
	require.EqualValues(t, 120, sum)
	require.Len(t, placed.Over, got.Timeline.Buckets)
	require.Equal(t, fmt.Sprint(base().UnixNano()), placed.FirstSeenUnixNano)
	require.Equal(t, got.Sample.OfItems, got.Sample.Items)

	first := ask(`,"limit":1,"compare":false`)
	require.Len(t, first.Patterns, 1)
	require.Nil(t, first.Patterns[0].New)
	require.EqualValues(t, 40, first.Other.Count)
	require.Equal(t, 2, first.DistinctPatterns)
	require.Len(t, ask(`,"filters":[{"field":"severity","operator":"gte","value":"error"}]`).Patterns, 1)
	for more, code := range map[string]string{`"limit":0`: "pagination.limit", `"buckets":1`: "timeline.buckets", `"sample":1`: "request.sample", `"signal":"logs"`: "request.malformed"} {
		body := fmt.Sprintf(`{"time_range":{"start_time":1,"end_time":2},%s}`, more)
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodPost, "/api/logs/patterns", body).Code, more)
	}
}

// alike are so many records of one text, a millisecond apart.
func alike(text string, from time.Time, n int) []byte {
	data := plog.NewLogs()
	records := data.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range n {
		l := records.AppendEmpty()
		l.SetTimestamp(pcommon.NewTimestampFromTime(from.Add(time.Duration(i) * time.Millisecond)))
		l.Body().SetStr(text)
	}
	return testbed.LogsPayload(data)
}

// Of little in the range there is something in the sample, however much there was in the time before.
func TestPatternsOfARangeAreToldBesideAFullTimeBefore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.position |= 1
	for try := range 3 { // by chance alone the one segment is in one of twenty samples
		from := base().Add(time.Duration(try) * time.Minute)
		f.store("default", telemetry.Logs, alike("before", from.Add(-20*time.Second), 10_000), 500)
		f.store("default", telemetry.Logs, alike("here", from, 10), 500)
		var got api.LogPatterns
		body := fmt.Sprintf(`{"time_range":{"start_time":%d,"end_time":%d},"sample":1000}`, from.UnixNano(), from.Add(20*time.Second).UnixNano())
		status, answer := f.call(http.MethodPost, "/api/logs/patterns", body)
		require.Equal(t, http.StatusOK, status, "%s", answer)
		decode(t, answer, &got)
		require.Len(t, got.Patterns, 1)
		require.Equal(t, "here", got.Patterns[0].Template)
		require.EqualValues(t, 10, got.Total)
		require.EqualValues(t, 10_010, got.Sample.OfItems)
		require.Less(t, got.Sample.Items, got.Sample.OfItems)
	}
}

// Of what is rare in a range there is something in the sample, however much else there is, and of what is not there everything was looked at.
func TestPatternsOfWhatIsRareAreTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.position |= 1
	for try := range 3 { // by chance alone the one segment is in one of ten samples
		from := base().Add(time.Duration(try) * time.Minute)
		f.store("default", telemetry.Logs, alike("much", from, 10_000), 500)
		f.store("default", telemetry.Logs, alike("rare", from.Add(5*time.Second), 10), 500)
		ask := func(text string) (got api.LogPatterns) {
			body := fmt.Sprintf(`{"time_range":{"start_time":%d,"end_time":%d},"sample":1000,"compare":false,"filters":[{"field":"body","operator":"contains","value":%q}]}`,
				from.UnixNano(), from.Add(20*time.Second).UnixNano(), text)
			status, answer := f.call(http.MethodPost, "/api/logs/patterns", body)
			require.Equal(t, http.StatusOK, status, "%s", answer)
			decode(t, answer, &got)
			require.Nil(t, got.Incomplete)
			return got
		}
		got := ask("rar")
		require.Len(t, got.Patterns, 1)
		require.EqualValues(t, 10, got.Total)
		require.EqualValues(t, 10_010, got.Sample.OfItems)
		got = ask("nothing")
		require.Empty(t, got.Patterns)
		require.EqualValues(t, 10_010, got.Sample.Items)
		require.Less(t, ask("much").Sample.Items, int64(5000))
	}
}
