package query

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// facets asks for facets, with more members of the body.
func (f *fixture) facets(signal telemetry.Signal, from, to int64, fields []string, more string) (out api.FacetList) {
	f.t.Helper()
	body := fmt.Sprintf(`{"signal":%q,"time_range":{"start_time":%d,"end_time":%d},"fields":%s%s}`, signal, from, to, must(json.Marshal(fields)), more)
	status, answer := f.call(http.MethodPost, "/api/facets", body)
	require.Equal(f.t, http.StatusOK, status, "%s", answer)
	decode(f.t, answer, &out)
	return out
}

// facetByAggregate is one facet as groups of an aggregate tell it.
func (f *fixture) facetByAggregate(signal telemetry.Signal, from, to int64, field string, filters []string, limit int) (out api.Facet) {
	f.t.Helper()
	id := "trace_id"
	if signal == telemetry.Metrics {
		id = "name"
	}
	body := fmt.Sprintf(`{"signal":%q,"time_range":{"start_time":%d,"end_time":%d},"filters":[%s],"measures":[{"measure":"count"},{"measure":"count_distinct","field":%q}],"group_by":[%q],"limit":1000}`,
		signal, from, to, strings.Join(filters, ","), id, field)
	status, answer := f.call(http.MethodPost, "/api/aggregate", body)
	require.Equal(f.t, http.StatusOK, status, "%s", answer)
	var all api.Aggregate
	decode(f.t, answer, &all)
	require.Nil(f.t, all.Other)
	out = api.Facet{Field: field, Values: []api.AttributeValue{}, Items: all.Total.Items}
	for _, g := range all.Groups {
		switch {
		case g.Values[0] == nil:
			out.Missing += g.Items
		default:
			if out.Distinct++; len(out.Values) < limit {
				out.Values = append(out.Values, api.AttributeValue{Value: *g.Values[0], Count: g.Items})
			} else {
				out.Other += g.Items
			}
		}
	}
	return out
}

func (f *fixture) sameFacets(want, got []api.Facet, what string) {
	f.t.Helper()
	require.Len(f.t, got, len(want))
	for i := range want {
		name := fmt.Sprint(what, ": ", want[i].Field)
		values := map[string]int64{}
		for _, v := range want[i].Values {
			values[string(must(json.Marshal(v.Value)))] = v.Count
		}
		have, sum := map[string]int64{}, got[i].Other+got[i].Missing
		for _, v := range got[i].Values {
			have[string(must(json.Marshal(v.Value)))] = v.Count
			sum += v.Count
		}
		require.Equal(f.t, values, have, name)
		require.Equal(f.t, got[i].Items, sum, name)
		want[i].Values, got[i].Values = nil, nil
		require.Equal(f.t, want[i], got[i], name)
	}
}

// Whatever is asked for at once, each facet is what an aggregate tells of its field alone; with exclude_own, of the other filters.
func TestFacetsAreThoseOfAggregatesOneByOne(t *testing.T) {
	t.Parallel()
	fields := map[telemetry.Signal][]string{
		telemetry.Traces: {
			"service", "namespace", "operation", "kind", "status", "attributes.http.status_code", "attributes.ratio", "attributes.user.id", "resource.host.name", "scope.name",
			"scope.generated", "environment", "root", "attributes.nothing", "attributes.user.address.zip", "version", "connection",
		},
		telemetry.Logs: {
			"service", "severity", "severity_text", "event_name", "body", "body.message", "body.user.id", "attributes.user.id", "attributes.tags", "resource.service.namespace",
			"scope.version", "attributes.raw", "connection",
		},
	}
	conditions := []struct{ field, text string }{
		{"service", `{"field":"service","operator":"in","value":["cart","payment"]}`},
		{"service", `{"or":[{"field":"service","operator":"eq","value":"cart"},{"field":"service","operator":"eq","value":"frontend"}]}`},
		{"attributes.http.status_code", `{"field":"attributes.http.status_code","operator":"gte","value":200}`},
		{"connection", `{"field":"connection","operator":"in","value":["key-1","key-2"]}`},
		{"resource.host.name", `{"not":[{"field":"resource.host.name","operator":"eq","value":"node-1"}]}`},
		{"", `{"or":[{"field":"scope.name","operator":"eq","value":"http"},{"field":"attributes.ratio","operator":"exists"}]}`},
	}
	for signal, all := range fields {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.keys = someKeys()
			d := newDice(9)
			for range 5 {
				payload, _ := d.tangledItems(signal, 120)
				f.store("default", signal, payload, 50)
			}
			rnd := rand.New(rand.NewPCG(5, 5))
			const limit = 12
			for round := range 8 {
				from, to := base().UnixNano(), base().Add(time.Hour).UnixNano()
				if round%3 == 2 {
					from, to = from+int64(2*time.Minute), from+int64(8*time.Minute)
				}
				fields := append([]string{}, all...)
				rnd.Shuffle(len(fields), func(i, k int) { fields[i], fields[k] = fields[k], fields[i] })
				if fields = fields[:10]; round%2 == 0 {
					fields[0] = "service"
				}
				var filters []string
				var about []string
				if round > 1 {
					for _, c := range conditions {
						if rnd.IntN(2) == 0 {
							filters, about = append(filters, c.text), append(about, c.field)
						}
					}
				}
				own := rnd.IntN(3) > 0
				var want []api.Facet
				for _, field := range fields {
					var left []string
					for i, text := range filters {
						if !own || about[i] != field {
							left = append(left, text)
						}
					}
					want = append(want, f.facetByAggregate(signal, from, to, field, left, limit))
				}
				got := f.facets(signal, from, to, fields, fmt.Sprintf(`,"limit":%d,"exclude_own":%t,"filters":[%s]`, limit, own, strings.Join(filters, ",")))
				require.Nil(t, got.Incomplete)
				f.sameFacets(want, got.Facets, fmt.Sprint("round ", round, " ", filters, " ", own))
			}
		})
	}
}

// Facets of everything read no body of what few values tell, and their own filters left out are nothing that has to be read.
func TestFacetsOfEverythingReadNoBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shop := testbed.NewShop(5, base().Add(10*time.Minute)).Every(100 * time.Millisecond)
	for range 4 {
		f.store("default", telemetry.Traces, shop.Payload(telemetry.Traces, 1000), 1000) // so many that their values repeat
	}
	from, to := base().UnixNano(), base().Add(time.Hour).UnixNano()
	got := f.facets(telemetry.Traces, from, to, []string{"service", "kind", "status", "name", "attributes.http.route"}, "")
	require.Zero(t, got.Stats.SegmentsRead)
	require.EqualValues(t, 4000, got.Facets[0].Items)
	one := f.facets(telemetry.Traces, from, to, []string{"service"}, `,"exclude_own":true,"filters":[{"field":"service","operator":"eq","value":"nothing"}]`)
	require.Zero(t, one.Stats.SegmentsRead)
	require.Equal(t, got.Facets[0].Values, one.Facets[0].Values)
}

// Where an answer is cut, each facet says from when on it is whole: what is counted without bodies is of all of the range.
func TestFacetsOfACutAnswerSayOfWhatTheyAre(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var all []int64
	for part := range 4 {
		var list []plainItem
		for i := range 1000 {
			at := base().Add(time.Duration(part*1000+i) * 700 * time.Millisecond).UnixNano()
			list = append(list, plainItem{at: at, service: fmt.Sprint("s", i%3), route: "/", user: fmt.Sprint(part, "-", i), level: 1})
			all = append(all, at)
		}
		f.store("default", telemetry.Traces, payloadOfItems(telemetry.Traces, list), 100)
	}
	from, to := base().UnixNano(), base().Add(time.Hour).UnixNano()
	got := f.budget(1500).facets(telemetry.Traces, from, to, []string{"service", "attributes.user"}, "")
	require.NotNil(t, got.Incomplete)
	whole, cut := got.Facets[0], got.Facets[1]
	require.Empty(t, whole.SinceUnixNano)
	require.EqualValues(t, len(all), whole.Items)
	since, err := strconv.ParseInt(cut.SinceUnixNano, 10, 64)
	require.NoError(t, err)
	newer := int64(0)
	for _, at := range all {
		if at >= since {
			newer++
		}
	}
	require.Equal(t, newer, cut.Items)
	require.Positive(t, newer)
	require.Less(t, newer, int64(len(all)))
	twice := f.facets(telemetry.Traces, from, to, []string{"attributes.user", "service", "attributes.user"}, "")
	require.Nil(t, twice.Incomplete)
	require.EqualValues(t, len(all), twice.Stats.ItemsScanned, "what heads do not tell is read once, with all else that they do not")
	require.Equal(t, len(all), twice.Facets[2].Distinct)
}

func TestFacetsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	within := `"signal":"traces","time_range":{"start_time":"2026-11-23T00:00:00Z","end_time":"2026-11-24T00:00:00Z"}`
	for body, code := range map[string]string{
		`{` + within + `,"fields":[]}`: "aggregate.shape",
		`{` + within + `,"fields":["a` + strings.Repeat(`","attributes.x`, 11) + `"]}`:  "filter.unknown_field",
		`{` + within + `,"fields":["service` + strings.Repeat(`","service`, 10) + `"]}`: "aggregate.shape",
		`{` + within + `,"fields":["service"],"limit":0}`:                               "aggregate.shape",
		`{` + within + `,"fields":["duration"]}`:                                        "aggregate.group",
		`{` + within + `,"fields":["service"],"filters":[{}]}`:                          "filter.malformed",
		`{` + within + `,"field":["service"]}`:                                          "request.malformed",
	} {
		got := f.problem(http.StatusBadRequest, http.MethodPost, "/api/facets", body).Code
		require.Equal(t, code, got, body)
	}
}
