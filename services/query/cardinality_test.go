package query

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// usersOf is a point at a time of each of so many users, on two pods, of a metric; and one of a metric without labels.
func usersOf(name string, users int, at time.Time) []byte {
	md := pmetric.NewMetrics()
	for pod := range 2 {
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", "shop")
		rm.Resource().Attributes().PutStr("k8s.pod.name", fmt.Sprint("pod-", pod))
		metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
		add := func(name, description, user string) {
			m := metrics.AppendEmpty()
			m.SetName(name)
			m.SetDescription(description)
			p := m.SetEmptyGauge().DataPoints().AppendEmpty()
			p.SetTimestamp(pcommon.NewTimestampFromTime(at))
			p.SetIntValue(1)
			if user != "" {
				p.Attributes().PutStr("user.id", user)
				p.Attributes().PutStr("http.method", "GET")
			}
		}
		for user := range users / 2 {
			add(name, "of each user", fmt.Sprint(pod, "-", user))
		}
		add("up", "Whether it RUNS", "")
	}
	return testbed.MetricsPayload(md)
}

// fromBase is the query string of a range from base on.
func fromBase(from, to time.Duration, more url.Values) string {
	values := url.Values{"start_time": {base().Add(from).Format(time.RFC3339Nano)}, "end_time": {base().Add(to).Format(time.RFC3339Nano)}}
	maps.Copy(values, more)
	return "?" + values.Encode()
}

// Which metrics have most series, which label makes them, and by how much both grew is told, of what is settled and of what is not.
func TestCardinality(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store("default", telemetry.Metrics, usersOf("requests", 20, base().Add(-20*time.Minute)), 100)
	f.store("default", telemetry.Metrics, usersOf("requests", 200, base().Add(5*time.Minute)), 100)
	f.store("default", telemetry.Metrics, usersOf("errors", 40, base().Add(6*time.Minute)), 100)
	f.store("other", telemetry.Metrics, usersOf("requests", 400, base().Add(6*time.Minute)), 100)

	var all api.Cardinality
	f.get("/api/cardinality"+fromBase(0, 30*time.Minute, nil), &all)
	require.Equal(t, 3, all.Total)
	require.EqualValues(t, 242, all.Series)
	require.EqualValues(t, 22, *all.SeriesBefore)
	type line struct {
		name          string
		series, since int64
		labels        int
	}
	var lines []line
	for _, m := range all.Metrics {
		lines = append(lines, line{m.Metric.Name, m.Series, m.Series - *m.SeriesBefore, len(m.Labels)})
		require.False(t, m.Estimated)
	}
	require.Equal(t, []line{{"requests", 200, 180, 0}, {"errors", 40, 40, 0}, {"up", 2, 0, 0}}, lines)

	var one api.Cardinality
	f.get("/api/cardinality"+fromBase(0, 30*time.Minute, url.Values{"name": {"requests"}}), &one)
	require.Len(t, one.Metrics, 1)
	require.EqualValues(t, 200, one.Series)
	var labels []string
	for _, l := range one.Metrics[0].Labels {
		labels = append(labels, fmt.Sprint(l.Scope, " ", l.Key, " ", l.Values, " ", l.Estimated, " ", *l.ValuesBefore))
	}
	require.Equal(t, []string{
		"attributes user.id 200 false 20", "resource k8s.pod.name 2 false 2", "attributes http.method 1 false 1", "resource service.name 1 false 1",
	}, labels)

	f.get("/api/cardinality"+fromBase(0, 30*time.Minute, url.Values{"limit": {"1"}}), &all)
	require.Len(t, all.Metrics, 1)
	require.Equal(t, 3, all.Total)
	f.get("/api/cardinality"+fromBase(0, 30*time.Minute, url.Values{"name": {"nothing"}}), &one)
	require.Empty(t, one.Metrics)
	f.problem(http.StatusBadRequest, http.MethodGet, "/api/cardinality"+fromBase(0, time.Minute, url.Values{"limit": {"1001"}}), "")
}

// An answer whose range was cut tells nothing of the time before.
func TestCardinalityOfACutRange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.position++ // what is stored first is not settled
	f.store("default", telemetry.Metrics, usersOf("requests", 200, base().Add(5*time.Minute)), 10)
	var got api.Cardinality
	f.budget(50).get("/api/cardinality"+fromBase(0, 30*time.Minute, url.Values{"name": {"requests"}}), &got)
	require.NotNil(t, got.Incomplete)
	require.Nil(t, got.SeriesBefore)
	for _, m := range got.Metrics {
		require.Nil(t, m.SeriesBefore)
		for _, l := range m.Labels {
			require.Nil(t, l.ValuesBefore)
		}
	}
}

// The catalogue is found in and paged by name and by series, and each metric is on one page.
func TestTheCatalogueIsSearchedSortedAndPaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i, users := range []int{6, 40, 2, 20, 40} {
		f.store("default", telemetry.Metrics, usersOf(fmt.Sprint("http.metric.", i), users, base().Add(time.Duration(i)*time.Minute)), 100)
	}
	ask := func(more url.Values) (names []string) {
		t.Helper()
		for pages := 0; ; pages++ {
			require.Less(t, pages, 10)
			var got api.MetricCatalogue
			f.get("/api/metrics"+fromBase(0, 30*time.Minute, more), &got)
			for _, m := range got.Metrics {
				names = append(names, m.Metric.Name)
			}
			require.Equal(t, got.HasMore, got.NextCursor != "")
			if !got.HasMore {
				require.Len(t, names, got.Total)
				return names
			}
			require.Len(t, got.Metrics, 2)
			more["cursor"] = []string{got.NextCursor}
		}
	}
	metric := func(numbers ...int) (names []string) {
		for _, n := range numbers {
			names = append(names, fmt.Sprint("http.metric.", n))
		}
		return names
	}
	require.Equal(t, append(metric(0, 1, 2, 3, 4), "up"), ask(url.Values{}))
	require.Equal(t, append(metric(0, 1, 2, 3, 4), "up"), ask(url.Values{"limit": {"2"}}))
	bySeries := metric(1, 4, 3, 0, 2)
	require.Equal(t, append(bySeries, "up"), ask(url.Values{"sort": {"series"}, "limit": {"2"}}))
	require.Equal(t, bySeries, ask(url.Values{"sort": {"series"}, "limit": {"2"}, "prefix": {"http."}}))
	require.Empty(t, ask(url.Values{"prefix": {"HTTP."}}))
	require.Equal(t, metric(3), ask(url.Values{"search": {"TRIC.3"}}))
	require.Equal(t, []string{"up"}, ask(url.Values{"search": {"it runs"}}))

	var page api.MetricCatalogue
	f.get("/api/metrics"+fromBase(0, 30*time.Minute, url.Values{"limit": {"2"}}), &page)
	for _, more := range []url.Values{{"sort": {"series"}}, {"search": {"x"}}, {"prefix": {"x"}}} {
		more["cursor"] = []string{page.NextCursor}
		f.problem(http.StatusBadRequest, http.MethodGet, "/api/metrics"+fromBase(0, 30*time.Minute, more), "")
	}
	for _, more := range []url.Values{{"sort": {"size"}}, {"limit": {"0"}}, {"cursor": {"x"}}} {
		f.problem(http.StatusBadRequest, http.MethodGet, "/api/metrics"+fromBase(0, 30*time.Minute, more), "")
	}
}
