package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestWhoSentAnItem: items of requests that shared a message have the keys of their own requests, in lists, filters, groups and facets, at level 0 and settled.
func TestWhoSentAnItem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const each = 40
	keys := []string{"key-a", "", "key-b"} // of the first, second and third request of a message
	payload := func(signal telemetry.Signal, seed uint64) []byte {
		d := newDice(seed)
		switch signal {
		case telemetry.Traces:
			return testbed.TracesPayload(d.traces(each))
		case telemetry.Logs:
			return testbed.LogsPayload(d.logs(each))
		case telemetry.Metrics:
		}
		return testbed.MetricsPayload(d.metrics(each))
	}
	for message := range uint64(4) { // of each signal every second is stored as settled
		for _, signal := range telemetry.Signals() {
			var list []sent
			for i, key := range keys {
				list = append(list, sent{payload(signal, 10*message+uint64(i)), key})
			}
			f.storeSent("default", signal, 50, list...)
		}
	}
	lists := map[telemetry.Signal]string{telemetry.Traces: "spans", telemetry.Logs: "logs", telemetry.Metrics: "metrics"}
	for signal, list := range lists {
		// An id is position and ordinal, by which it is known which request the item was of.
		keyOf := func(item json.RawMessage) string {
			_, ordinal, _ := strings.Cut(identity(t, item), ".")
			n, err := strconv.Atoi(ordinal)
			require.NoError(t, err)
			return keys[n/each]
		}
		all := f.page(list, searchBody{limit: 1000}).items
		require.Len(t, all, 4*len(keys)*each)
		for _, item := range all {
			var one struct{ Connection string }
			require.NoError(t, json.Unmarshal(item, &one))
			require.Equal(t, keyOf(item), one.Connection, "%s", item)
		}
		for condition, want := range map[string][]string{
			`"operator":"eq","value":"key-a"`:                 {"key-a"},
			`"operator":"ne","value":"key-a"`:                 {"", "key-b"},
			`"operator":"in","value":["key-a","key-b"]`:       {"key-a", "key-b"},
			`"operator":"not_in","value":["key-a","key-b"]`:   {""},
			`"operator":"exists"`:                             {"key-a", "key-b"},
			`"operator":"exists","value":false`:               {""},
			`"operator":"contains","value":"-b"`:              {"key-b"},
			`"operator":"eq","value":"the key of a stranger"`: nil,
		} {
			got := map[string]int{}
			for _, item := range f.page(list, searchBody{filters: `[{"field":"connection",` + condition + `}]`, limit: 1000}).items {
				got[keyOf(item)]++
			}
			require.ElementsMatch(t, want, slices.Collect(maps.Keys(got)), "%s %s", list, condition)
			for key, n := range got {
				require.Equal(t, 4*each, n, "%s %s %q", list, condition, key)
			}
		}
		a := &aggregateBody{
			signal: signal, from: base().Add(-time.Hour).UnixNano(), to: base().Add(time.Hour).UnixNano(), measures: []api.Measure{{Measure: "count"}}, groups: []string{"connection"},
		}
		groups := map[string]float64{}
		for _, g := range f.aggregate(a).Groups {
			groups[string(must(json.Marshal(g.Values)))] = *g.Figures[0]
		}
		const n = 4 * each
		require.Equal(t, map[string]float64{`[{"stringValue":"key-a"}]`: n, `[{"stringValue":"key-b"}]`: n, `[null]`: n}, groups, list)
		if signal == telemetry.Metrics {
			continue // have no facets and no fields to show
		}
		facet := f.facets(signal, a.from, a.to, []string{"connection"}, "").Facets[0]
		require.EqualValues(t, n, facet.Missing)
		require.Len(t, facet.Values, 2)
		status, body := f.call(http.MethodPost, "/api/"+list+"/search", fmt.Sprintf(`{"time_range":{"start_time":%d,"end_time":%d},"fields":["connection"],"pagination":{"limit":1000}}`, a.from, a.to))
		require.Equal(t, http.StatusOK, status, "%s", body)
		var rows struct{ Rows []api.ShownItem }
		require.NoError(t, json.Unmarshal(body, &rows))
		require.Len(t, rows.Rows, len(all))
		for i, row := range rows.Rows {
			require.Equal(t, keyOf(all[i]), row.Fields["connection"].String)
		}
	}
}

// TestAKeyOfOneOpensNoBodies: where all items of a segment were sent with one key, heads tell how many, and filters pass over the segments of others.
func TestAKeyOfOneOpensNoBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.keys = []string{"key-1", "key-2"}
	shop := testbed.NewShop(3, base())
	for range 6 {
		f.store("default", telemetry.Traces, shop.Payload(telemetry.Traces, 100), 40)
	}
	a := &aggregateBody{
		signal: telemetry.Traces, from: base().Add(-time.Hour).UnixNano(), to: base().Add(time.Hour).UnixNano(), measures: []api.Measure{{Measure: "count"}}, groups: []string{"connection"},
	}
	got := f.aggregate(a)
	require.Len(t, got.Groups, 2)
	require.Zero(t, got.Stats.SegmentsRead, "heads tell")
	a.groups, a.filters = nil, []string{`{"field":"connection","operator":"eq","value":"nobody's"}`}
	got = f.aggregate(a)
	require.Zero(t, *got.Total.Figures[0])
	require.Zero(t, got.Stats.SegmentsRead, "filters of segments tell")
}
