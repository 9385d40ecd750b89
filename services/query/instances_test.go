package query

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// instanceSpan is a span with what its resource says.
type instanceSpan struct {
	plainSpan
	instance, version, host, pod string // "" where it says nothing
	number                       bool   // instance is an integer
}

func instancesPayload(spans []instanceSpan) []byte {
	td := ptrace.NewTraces()
	for i, s := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		attributes := rs.Resource().Attributes()
		for _, a := range [][2]string{
			{"service.name", s.service}, {"service.namespace", s.namespace}, {"service.version", s.version}, {"host.name", s.host}, {"k8s.pod.name", s.pod},
		} {
			if a[1] != "" {
				attributes.PutStr(a[0], a[1])
			}
		}
		switch {
		case s.number:
			var n int64
			_, _ = fmt.Sscan(s.instance, &n)
			attributes.PutInt("service.instance.id", n)
		case s.instance != "":
			attributes.PutStr("service.instance.id", s.instance)
		}
		s.write(rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty(), 2, i)
	}
	return testbed.TracesPayload(td)
}

// partOf is what is told of a part of a service, in the words of a plain count.
type partOf struct {
	spans, requests, errors, first, last int64
	durations                            []int64
}

// partsOf counts the spans of cart in a range plainly, by a key; entry tells whether some are of kind server or consumer.
func partsOf(all []instanceSpan, from, to int64, namespace string, key func(instanceSpan) string) (parts map[string]*partOf, entry bool) {
	isEntry := func(s instanceSpan) bool { return s.kind == ptrace.SpanKindServer || s.kind == ptrace.SpanKindConsumer }
	in := slices.DeleteFunc(slices.Clone(all), func(s instanceSpan) bool {
		return s.service != "cart" || s.at < from || s.at >= to || namespace != "" && s.namespace != namespace
	})
	entry = slices.ContainsFunc(in, isEntry)
	parts = map[string]*partOf{}
	for _, s := range in {
		second := max(s.at/1e9*1e9, from)
		p := parts[key(s)]
		if p == nil {
			p = &partOf{first: second, last: second}
			parts[key(s)] = p
		}
		p.spans++
		p.first, p.last = min(p.first, second), max(p.last, second)
		if entry && !isEntry(s) {
			continue
		}
		p.requests++
		if s.failed {
			p.errors++
		}
		p.durations = append(p.durations, s.duration)
	}
	return parts, entry
}

func requirePart(t testing.TB, want *partOf, got *api.PartFigures, seconds float64) {
	t.Helper()
	require.NotNil(t, want)
	require.Equal(t, []int64{want.spans, want.requests, want.errors, want.first, want.last}, []int64{
		got.SpanCount, got.Red.Requests, got.Red.Errors, int64(number64(t, got.FirstSeenUnixNano)), int64(number64(t, got.LastSeenUnixNano)),
	})
	require.InDelta(t, float64(want.requests)/seconds, got.Red.Rate, 1e-9)
	if len(want.durations) > 0 {
		requirePercentile(t, want.durations, 0.95, got.Red.P95Nano)
	}
}

// Instances and versions are those of a plain count of every span, whatever range and namespace are asked for.
func TestInstancesAndVersionsAreThoseOfACount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rnd := rand.New(rand.NewPCG(3, 9))
	const span = 3 * time.Hour
	begin := base().Add(-span).UnixNano()
	var all []instanceSpan
	some := func(list ...string) string { return list[rnd.IntN(len(list))] }
	for i := range 10 {
		var list []instanceSpan
		for range 120 {
			s := instanceSpan{
				plainSpan: plainSpan{
					some("cart", "cart", "pay"), some("", "shop", "shop"), "get", ptrace.SpanKind(rnd.IntN(6)), begin + rnd.Int64N(int64(span)),
					rnd.Int64N(int64(1) << (10 + rnd.IntN(25))), rnd.IntN(5) == 0,
				},
				instance: some("", "a", "b", "7"), version: some("", "1.0", "1.1"), host: some("", "node-1"), pod: some("", "cart-0"),
			}
			s.number = s.instance == "7"
			list = append(list, s)
		}
		f.store("default", telemetry.Traces, instancesPayload(list), 20+i)
		all = append(all, list...)
	}
	f.store("other", telemetry.Traces, instancesPayload(all[:50]), 10)
	key := func(s instanceSpan) string {
		return strings.Join([]string{s.namespace, s.instance, s.version, s.host, s.pod}, "|")
	}
	ofVersion := func(s instanceSpan) string { return s.namespace + "|" + s.version }
	kinds := map[bool]int{}
	for i := range 16 {
		from := begin + rnd.Int64N(int64(span)) - int64(time.Minute)
		to := from + 1 + rnd.Int64N(int64(span))
		if i%4 == 0 {
			to = from + int64(20*time.Second)
		}
		namespace := []string{"", "shop"}[i%2]
		instances, entry := partsOf(all, from, to, namespace, key)
		versions, _ := partsOf(all, from, to, namespace, ofVersion)
		kinds[entry]++
		var got api.InstanceList
		path := "/api/services/cart/instances?" + url.Values{"start_time": {fmt.Sprint(from)}, "end_time": {fmt.Sprint(to)}, "namespace": {namespace}}.Encode()
		f.get(path, &got)
		require.Equal(t, entry, got.Basis == api.ServiceBasisEntry)
		require.Len(t, got.Instances, len(instances))
		require.Equal(t, len(instances), got.InstancesTotal)
		require.Nil(t, got.Other)
		require.Nil(t, got.Incomplete)
		for k := range got.Instances {
			one := &got.Instances[k]
			requirePart(t, instances[strings.Join([]string{one.Namespace, one.InstanceID, one.Version, one.Host, one.Pod}, "|")], &one.Figures, got.Covered.Seconds)
		}
		require.True(t, slices.IsSortedFunc(got.Instances, func(a, b api.Instance) int { return cmp.Compare(b.Figures.Red.Requests, a.Figures.Red.Requests) }))
		require.Len(t, got.Versions, len(versions))
		require.Equal(t, len(versions), got.VersionsTotal)
		for k := range got.Versions {
			requirePart(t, versions[got.Versions[k].Namespace+"|"+got.Versions[k].Version], &got.Versions[k].Figures, got.Covered.Seconds)
		}
		require.True(t, slices.IsSortedFunc(got.Versions, func(a, b api.ServiceVersion) int {
			return cmp.Compare(number64(t, a.Figures.FirstSeenUnixNano), number64(t, b.Figures.FirstSeenUnixNano))
		}))
		if len(got.Instances) < 4 {
			continue
		}
		var few api.InstanceList
		f.get(path+"&limit=3", &few)
		require.Equal(t, got.Instances[:3], few.Instances)
		require.Equal(t, got.Versions[max(len(got.Versions)-3, 0):], few.Versions)
		var requests, failed int64
		for k := range got.Instances[3:] {
			requests, failed = requests+got.Instances[3+k].Figures.Red.Requests, failed+got.Instances[3+k].Figures.Red.Errors
		}
		require.Equal(t, []int64{requests, failed}, []int64{few.Other.Requests, few.Other.Errors})
	}
	require.Positive(t, kinds[true])
	var none api.InstanceList
	f.get("/api/services/nobody/instances"+hour(), &none)
	require.Empty(t, none.Instances)
	require.Empty(t, none.Versions)
	require.Equal(t, http.StatusBadRequest, first(f.call(http.MethodGet, "/api/services/cart/instances"+hour()+"&limit=0", "")))
}

func first(status int, _ []byte) int { return status }

// What is more than one query looks at is told of the newest part of the range, exactly, and the answer says since when.
func TestInstancesThatAreCutAreThoseOfTheNewestPart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var all []instanceSpan
	for i := range 2000 {
		all = append(all, instanceSpan{
			plainSpan: plainSpan{"cart", "", "get", ptrace.SpanKindServer, base().Add(time.Duration(i) * time.Second / 4).UnixNano(), int64(i), i%3 == 0},
			instance:  fmt.Sprint("i", i/500), version: fmt.Sprint("v", i/1000),
		})
	}
	f.store("default", telemetry.Traces, instancesPayload(all), 100)
	var got api.InstanceList
	f.budget(900).get("/api/services/cart/instances"+hour(), &got)
	require.Equal(t, api.FiguresBasis{Segments: true, PercentileError: 1.0 / 128}, got.Figures)
	require.NotNil(t, got.Incomplete)
	require.Equal(t, api.IncompleteReasonScanBudget, got.Incomplete.Reason)
	since := int64(number64(t, got.Incomplete.Since))
	want, _ := partsOf(all, since, base().Add(time.Hour).UnixNano(), "", func(s instanceSpan) string { return s.instance + "|" + s.version })
	require.Len(t, got.Instances, len(want))
	require.Less(t, len(want), 4)
	for k := range got.Instances {
		of := want[got.Instances[k].InstanceID+"|"+got.Instances[k].Version]
		require.Equal(t, of.requests, got.Instances[k].Figures.Red.Requests)
	}
}
