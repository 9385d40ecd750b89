package query

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// backlog stores, for each of some minutes, a segment at level 0 with so many operations of one service.
func (f *fixture) backlog(tenant telemetry.Tenant, minutes, operations int) (within string) {
	f.t.Helper()
	for m := range minutes {
		var spans []plainSpan
		for i := range operations {
			at := base().Add(time.Duration(m)*time.Minute + time.Duration(i)*time.Millisecond).UnixNano()
			spans = append(spans, plainSpan{"wide", "", fmt.Sprintf("operation %04d of many", i), ptrace.SpanKindServer, at, int64(1+i) * 1e5, i%7 == 0})
		}
		f.position |= 1
		f.store(tenant, telemetry.Traces, payloadOf(spans), operations)
	}
	return between(base().UnixNano(), base().Add(time.Hour).UnixNano())
}

func between(from, to int64) string {
	return "?" + url.Values{"start_time": {fmt.Sprint(from)}, "end_time": {fmt.Sprint(to)}}.Encode()
}

// What a question holds of segments that no rollup tells of is bounded: beyond, it is cut, and says so, and tells exactly what is newer.
func TestAQuestionHoldsNoMoreOfFreshSegmentsThanItMay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	within := f.backlog("default", 4, 700) // of some 100 kB each
	poor := f.with(func(c *Config) { c.FreshCache = 0; c.MaxDecoded = 1 << 20 })
	var whole api.ServiceList
	f.get("/api/services"+within, &whole)
	require.Nil(t, whole.Incomplete)
	require.EqualValues(t, 4*700, whole.Services[0].SpanCount)
	for range 5 { // nothing stays charged
		var cut api.ServiceList
		poor.get("/api/services"+within, &cut)
		require.NotNil(t, cut.Incomplete)
		require.Equal(t, api.IncompleteReasonLimit, cut.Incomplete.Reason)
		since, err := strconv.ParseInt(cut.Incomplete.Since, 10, 64)
		require.NoError(t, err)
		require.Greater(t, since, base().UnixNano())
		var want api.ServiceList
		f.get("/api/services"+between(since, base().Add(time.Hour).UnixNano()), &want)
		require.Equal(t, want.Services, cut.Services)
		require.Less(t, cut.Services[0].SpanCount, int64(4*700))
		require.Positive(t, cut.Services[0].SpanCount)
	}
	var drawn api.ServiceMap
	poor.get("/api/service-map"+within, &drawn)
	require.NotNil(t, drawn.Incomplete)
	require.Equal(t, api.IncompleteReasonLimit, drawn.Incomplete.Reason)

	// What not even one segment has room in is refused, and may be asked for again.
	wider := newFixture(t, func(c *Config) { c.FreshCache = 0; c.MaxDecoded = 1 << 20 })
	within = wider.backlog("default", 1, 1900)
	for _, path := range []string{"/api/services", "/api/services/wide/operations", "/api/service-map"} {
		require.Equal(t, "query.memory", wider.problem(http.StatusTooManyRequests, http.MethodGet, path+within, "").Code, path)
	}
}

// A backlog that is larger than what is remembered neither throws out what another tenant asks for nor its own newest minutes.
func TestALargeBacklogLeavesWhatIsRememberedOfOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.FreshCache = 600 << 10 })
	within := f.backlog("default", 1, 300)
	f.backlog("large", 20, 300) // of some 50 kB each, a million in all
	read := func(tenant string) int {
		var list api.ServiceList
		f.get("/api/services"+within, &list, "X-Scope-OrgID", tenant)
		require.Nil(t, list.Incomplete)
		return list.Stats.SegmentsRead
	}
	require.Equal(t, 1, read("default"))
	require.Equal(t, 20, read("large"))
	require.Zero(t, read("default"), "it is still there")
	again := read("large")
	require.Less(t, again, 20, "its newest are still there")
	require.Positive(t, again)
	require.Equal(t, again, read("large"))
	require.Zero(t, read("default"))
}

// What figures over time take is charged to the question, and is little where few spans are in a bucket, however far apart their durations are.
func TestFiguresOverTimeAreCharged(t *testing.T) {
	t.Parallel()
	const minutes = 100
	for services, refused := range map[int]bool{8: false, 40: true} {
		t.Run(fmt.Sprint(services), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *Config) { c.MaxDecoded = 2250 << 10 }) // from the shortest span to the longest are 1,160 buckets: 9 kB a service, and 6 over time
			var spans []plainSpan
			for i := range services * minutes * 2 {
				at := base().Add(time.Duration(i/2/services) * time.Minute).UnixNano()
				spans = append(spans, plainSpan{fmt.Sprint("s", i/2%services), "", "op", ptrace.SpanKindServer, at, int64(i%2) * 1e10, false})
			}
			for _, part := range [][]plainSpan{spans[:len(spans)/2], spans[len(spans)/2:]} { // in rollups, and at level 0
				f.store("default", telemetry.Traces, payloadOf(part), 1000)
			}
			within := between(base().UnixNano(), base().Add(minutes*time.Minute).UnixNano())
			var list api.ServiceList
			f.get("/api/services"+within, &list)
			require.Len(t, list.Services, services)
			if refused {
				require.Equal(t, "query.memory", f.problem(http.StatusTooManyRequests, http.MethodGet, "/api/services"+within+"&buckets=120", "").Code)
				return
			}
			for range 3 { // nothing stays charged
				f.get("/api/services"+within+"&buckets=120", &list)
				require.Nil(t, list.Incomplete)
				require.Equal(t, minutes, list.Timeline.Buckets)
				for _, s := range list.Services {
					for i := range minutes {
						require.EqualValues(t, 2, s.Series.Requests[i])
						require.Equal(t, "0", s.Series.P50Nano[i])
						require.InEpsilon(t, 1e10, must(strconv.ParseFloat(s.Series.P99Nano[i], 64)), 0.01)
					}
				}
			}
		})
	}
}
