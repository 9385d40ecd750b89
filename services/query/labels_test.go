package query

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// valueText is a value in the words of a test.
func valueText(v otlpjson.Value) string { return fmt.Sprint(v.Kind, " ", v.String, v.Int) }

// Labels and their values are those of a plain look at every point, of what is settled and of what is not, whatever minutes are asked for.
func TestLabelsOfAMetricAreThoseOfAPlainLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(4, 11))
	type point struct {
		at         time.Time
		pod        int
		attributes map[string]any
		metric     string
	}
	var all []point
	for i := range 8 {
		md := pmetric.NewMetrics()
		for range 60 {
			p := point{base().Add(time.Duration(rnd.IntN(1200)) * time.Second), rnd.IntN(3), map[string]any{}, []string{"requests", "requests", "other"}[rnd.IntN(3)]}
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", "shop")
			rm.Resource().Attributes().PutInt("pod", int64(p.pod))
			m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			m.SetName(p.metric)
			m.SetUnit([]string{"", "1"}[i%2])
			of := m.SetEmptyGauge().DataPoints().AppendEmpty()
			of.SetTimestamp(pcommon.NewTimestampFromTime(p.at))
			of.SetIntValue(1)
			if rnd.IntN(4) > 0 {
				p.attributes["route"] = "/r" + strconv.Itoa(rnd.IntN(12))
			}
			if rnd.IntN(3) == 0 {
				p.attributes["code"] = 200 + rnd.IntN(3)
			}
			if rnd.IntN(9) == 0 {
				p.attributes["route"] = rnd.IntN(2)
			}
			require.NoError(t, of.Attributes().FromRaw(p.attributes))
			p.attributes["unit"] = m.Unit() // what it is of
			all = append(all, p)
		}
		f.store("default", telemetry.Metrics, testbed.MetricsPayload(md), 7+i)
	}
	f.store("other", telemetry.Metrics, usersOf("requests", 10, base()), 100)
	text := func(v any) string {
		if n, ok := v.(int); ok {
			return fmt.Sprint("int ", n)
		}
		return fmt.Sprint("string ", v, "0")
	}
	for i := range 8 {
		from, to := base(), base().Add(20*time.Minute)
		if i > 0 {
			from = base().Add(time.Duration(rnd.IntN(1000)) * time.Second)
			to = from.Add(time.Duration(1+rnd.IntN(400)) * time.Second)
		}
		series := map[string]bool{}
		labels := map[string]map[string]map[string]bool{} // by key and value: the series
		note := func(key, value, id string) {
			if labels[key] == nil {
				labels[key] = map[string]map[string]bool{}
			}
			if labels[key][value] == nil {
				labels[key][value] = map[string]bool{}
			}
			labels[key][value][id] = true
		}
		for _, p := range all {
			if p.metric != "requests" || p.at.Before(from.Truncate(time.Minute)) || !p.at.Before(to.Add(time.Minute-1).Truncate(time.Minute)) {
				continue
			}
			id := fmt.Sprint(p.pod, p.attributes)
			series[id] = true
			note("resource pod", text(p.pod), id)
			note("resource service.name", text("shop"), id)
			for key, v := range p.attributes {
				if key != "unit" {
					note("attributes "+key, text(v), id)
				}
			}
		}
		within := "?" + url.Values{"start_time": {from.Format(time.RFC3339Nano)}, "end_time": {to.Format(time.RFC3339Nano)}}.Encode()
		var got api.MetricLabels
		f.get("/api/metrics/requests/labels"+within, &got)
		require.EqualValues(t, len(series), got.Series)
		require.False(t, got.SeriesEstimated)
		require.False(t, got.More)
		require.Len(t, got.Labels, len(labels))
		require.True(t, slices.IsSortedFunc(got.Labels, func(a, b api.MetricLabel) int {
			return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
		}))
		for _, l := range got.Labels {
			want := labels[string(l.Scope)+" "+l.Key]
			require.EqualValues(t, len(want), l.Values, l.Key)
			require.Equal(t, string(l.Scope)+"."+l.Key, l.Field)
			require.Len(t, l.Examples, min(len(want), 5))
			for _, v := range l.Examples {
				require.Contains(t, want, valueText(v), l.Key)
			}
			for _, prefix := range []string{"", "/r1"} {
				var values api.MetricLabelValues
				f.get("/api/metrics/requests/labels/"+l.Key+"/values"+within+"&prefix="+url.QueryEscape(prefix)+"&scope="+string(l.Scope), &values)
				require.Nil(t, values.Incomplete)
				require.Equal(t, len(series), values.Series)
				told := map[string]int64{}
				for _, v := range values.Values {
					told[valueText(v.Value)] = v.Series
				}
				exact := map[string]int64{}
				for v, of := range want {
					if strings.HasPrefix(strings.TrimPrefix(v, "string "), prefix) {
						exact[v] = int64(len(of))
					}
				}
				require.Equal(t, exact, told, l.Key)
				require.Equal(t, len(exact), values.Total)
				require.False(t, values.HasMore)
			}
		}
	}
	var few api.MetricLabelValues
	f.get("/api/metrics/requests/labels/route/values"+hour()+"&limit=2", &few)
	require.Len(t, few.Values, 2)
	require.Greater(t, few.Total, 2)
	require.True(t, few.HasMore)
	require.GreaterOrEqual(t, few.Values[0].Series, few.Values[1].Series)
	for _, path := range []string{"/api/metrics/nothing/labels", "/api/metrics/nothing/labels/route/values"} {
		status, body := f.call(http.MethodGet, path+hour(), "")
		require.Equal(t, http.StatusOK, status, string(body))
	}
	require.Equal(t, http.StatusBadRequest, first(f.call(http.MethodGet, "/api/metrics/requests/labels/route/values"+hour()+"&scope=scope", "")))
}

// Where every series was seen in the newest segments, the others are not read; where there are more points than are looked at, the answer says since when it is.
func TestValuesOfALabelAreLookedForUntilAllAreSeen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for minute := range 20 {
		f.position &^= 1
		f.store("default", telemetry.Metrics, usersOf("requests", 50, base().Add(time.Duration(minute)*time.Minute)), 100)
	}
	path := "/api/metrics/requests/labels/user.id/values" + fromBase(0, 30*time.Minute, nil)
	var got api.MetricLabelValues
	f.get(path, &got)
	require.Equal(t, []int{50, 50}, []int{got.Series, got.Total})
	require.Nil(t, got.Incomplete)
	require.Less(t, got.Stats.SegmentsRead, 10)

	f.store("default", telemetry.Metrics, usersOf("requests", 52, base()), 100)
	f.get(path, &got)
	require.Equal(t, []int{52, 52}, []int{got.Series, got.Total}, "two that only the oldest points have")
	var cut api.MetricLabelValues
	f.budget(600).get(path, &cut)
	require.NotNil(t, cut.Incomplete)
	require.Equal(t, api.IncompleteReasonScanBudget, cut.Incomplete.Reason)
	require.Equal(t, []int{50, 50}, []int{cut.Series, cut.Total})
}
