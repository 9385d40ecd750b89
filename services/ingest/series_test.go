package ingest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/grpc/metadata"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// gauges is a request with a point of each of some series, at a time.
func gauges(t *testing.T, at time.Time, series ...int) []byte {
	t.Helper()
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "cart")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("queue.length")
	points := m.SetEmptyGauge().DataPoints()
	for _, n := range series {
		p := points.AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(at))
		p.SetIntValue(int64(n))
		p.Attributes().PutInt("queue", int64(n))
	}
	b, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
	require.NoError(t, err)
	return b
}

// kept are the series of what is on the bus, and the ordinals of their points.
func (r *running) kept(n int) (series []int64, ordinals []string) {
	r.t.Helper()
	for _, b := range r.stored(telemetry.Metrics, n) {
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(b.Payload)
		require.NoError(r.t, err)
		points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints()
		require.Equal(r.t, points.Len(), b.Items)
		for i := range points.Len() {
			series = append(series, points.At(i).IntValue())
		}
		ordinals = append(ordinals, b.Ordinals.String())
	}
	return series, ordinals
}

func TestNewSeriesBeyondTheLimitAreLeftOutAndKnownOnesGoOn(t *testing.T) {
	t.Parallel()
	r := start(t)
	var q telemetry.Quotas
	q.Add("a", "active_series", 3)
	r.sayQuotas(0, q)
	testbed.Eventually(t, "ingest knows", func() bool { return r.service.quotas.known.Load() != nil })
	send := func(payload []byte) (rejected int64, message string) {
		t.Helper()
		got := r.post("/v1/metrics", typeProtobuf, payload, "X-Scope-OrgID", "a")
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
		response := pmetricotlp.NewExportResponse()
		require.NoError(t, response.UnmarshalProto(got.body))
		return response.PartialSuccess().RejectedDataPoints(), response.PartialSuccess().ErrorMessage()
	}
	rejected, _ := send(gauges(t, epoch(), 1, 2, 1))
	require.Zero(t, rejected)
	mixed := gauges(t, epoch().Add(time.Millisecond), 1, 7, 3, 8, 2, 9)
	rejected, message := send(mixed)
	require.EqualValues(t, 3, rejected)
	require.Equal(t, "rejected 3 of 6 data points: 3 of new series, where the tenant has as many as it may (limit active_series, 3)", message)
	series, ordinals := r.kept(2)
	require.Equal(t, []int64{1, 2, 1, 1, 7, 2}, series)
	require.Equal(t, []string{"", "0-1,4"}, ordinals)

	// A retry is judged as it was, and is the same to the bus.
	rejected, _ = send(mixed)
	require.EqualValues(t, 3, rejected)
	// A request of which nothing is left is taken, too: a retry cannot help.
	rejected, _ = send(gauges(t, epoch().Add(2*time.Millisecond), 10, 11))
	require.EqualValues(t, 2, rejected)
	r.stored(telemetry.Metrics, 0)

	// The same over gRPC, and nobody else is touched.
	conn := dial(t, r)
	_, err := call(metadata.AppendToOutgoingContext(t.Context(), auth.TenantHeader, "a"), conn, telemetry.Metrics, gauges(t, epoch().Add(3*time.Millisecond), 1, 12))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.post("/v1/metrics", typeProtobuf, gauges(t, epoch().Add(4*time.Millisecond), 20, 21, 22, 23)).status)
	require.Equal(t, http.StatusOK, r.post("/v1/traces", typeProtobuf, protobuf(t, telemetry.Traces), "X-Scope-OrgID", "a").status)
	series, _ = r.kept(2)
	require.Equal(t, []int64{1, 20, 21, 22, 23}, series)

	// What is not seen for two hours makes room; what is, stays.
	r.clock.Advance(time.Hour)
	at := r.clock.Now()
	rejected, _ = send(gauges(t, at, 1, 9))
	require.EqualValues(t, 1, rejected)
	r.clock.Advance(time.Hour)
	at = r.clock.Now()
	rejected, _ = send(gauges(t, at, 31, 1, 32, 33))
	require.EqualValues(t, 1, rejected)
	series, _ = r.kept(2)
	require.Equal(t, []int64{1, 31, 1, 32}, series)
}

func TestPointsOfNewSeriesAreCountedByTenant(t *testing.T) {
	t.Parallel()
	own, err := service.NewTelemetry("ingest")
	require.NoError(t, err)
	m, err := newInstruments(own.Env("ingest", testbed.NewLog(t)).Meter, &budget{}, &quotas{})
	require.NoError(t, err)
	a, err := telemetry.Admit(telemetry.Metrics, gauges(t, epoch(), 1, 2, 3), telemetry.Limits{})
	require.NoError(t, err)
	a.SiftSeries(1, func(uint64) bool { return false })
	for _, tenant := range []telemetry.Tenant{"a", "b", "a"} {
		m.took(t.Context(), tenant, telemetry.Metrics, 100, &a.Summary)
	}
	page := httptest.NewRecorder()
	own.Handler().ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	require.Regexp(t, `olly_ingest_series_refused_total{[^}]*tenant="a"[^}]*} 6\n`, page.Body.String())
	require.Regexp(t, `olly_ingest_rejected_total{[^}]*reason="series_limit"[^}]*} 9\n`, page.Body.String())
}

func TestSeriesTakeBoundedMemory(t *testing.T) { //nolint:paralleltest // measures the memory of the process
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var all atomic.Int64
	accounts := make([]series, 4)
	send := func(i, from int, now int64) {
		for n := range telemetry.MaxSeries {
			require.True(t, accounts[i].take(uint64(from+n)*0x9e3779b97f4a7c15, now, telemetry.MaxSeries, &all, &entry{}))
		}
	}
	for i := range accounts {
		send(i, 0, 1)
	}
	require.EqualValues(t, maxSeries, all.Load())
	require.Less(t, heap()-before, int64(80<<20))
	require.False(t, accounts[0].take(1, 1, telemetry.MaxSeries, &all, &entry{}), "the first two know theirs")
	require.True(t, accounts[3].take(1, 1, telemetry.MaxSeries, &all, &entry{}), "the others are not limited: their series are not known")

	// The same series in the next hours, and others in the hours after, take no more.
	hour := int64(seriesGeneration)
	for n := range int64(2) {
		send(0, 0, 1+(n+1)*hour)
		send(1, 0, 1+(n+1)*hour)
		require.EqualValues(t, maxSeries, all.Load())
		require.Less(t, heap()-before, int64(80<<20), "after %d turns", n+1)
	}
	for n := range int64(3) {
		send(0, int(n+1)*telemetry.MaxSeries, 1+(4+2*n)*hour)
		require.Less(t, heap()-before, int64(80<<20), "after %d times other ones", n+1)
	}
	// What is left of many that are gone is not kept in the memory of all.
	for n := range uint64(100) {
		require.True(t, accounts[1].take(n*0x9e3779b97f4a7c15, 1+3*hour, telemetry.MaxSeries, &all, &entry{}))
	}
	accounts[1].pass(1+4*hour, &all)
	accounts[0].forget(&all)
	require.EqualValues(t, 100, all.Load())
	require.Less(t, heap()-before, int64(1<<20))

	require.True(t, accounts[0].idle(2))
	require.False(t, accounts[1].idle(1+5*hour))
	require.True(t, accounts[1].idle(1+6*hour))
	accounts[1].forget(&all)
	require.Zero(t, all.Load())
	runtime.KeepAlive(accounts)
}

// Requests come to their series in another order than they began.
func TestKnownSeriesStayWhereRequestsMeetTheTurnOfAnHour(t *testing.T) {
	t.Parallel()
	begin, hour := epoch().UnixNano(), int64(time.Hour)
	for name, times := range map[string][]int64{
		"one that began before":        {begin + hour + 1e6, begin + hour - 1e6},
		"many, in turns":               {begin + hour, begin + hour - 1, begin + hour + 5e9, begin + hour - 5e9, begin + hour + 6e9},
		"a large one":                  {begin + hour + 3e10, begin + hour - 3e10, begin + hour + 4e10},
		"a clock set back a day":       {begin - 24*hour, begin - 24*hour + 1},
		"a clock set back and forward": {begin - 3*hour, begin - 2*hour, begin - hour - 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s series
			var all atomic.Int64
			for id := range uint64(10) {
				require.True(t, s.take(id, begin, 10, &all, &entry{}))
			}
			for _, now := range times {
				require.True(t, s.take(0, now, 10, &all, &entry{}))
			}
			last := times[len(times)-1]
			for id := range uint64(10) {
				require.False(t, s.take(100+id, last, 10, &all, &entry{}), "%d is new, and the places are taken", id)
				require.True(t, s.take(id, last, 10, &all, &entry{}), "%d is known", id)
			}
			require.EqualValues(t, 10, all.Load())
		})
	}
}

// A request of which nothing is stored takes no place from others.
func TestWhatIsRefusedTakesNoPlaceOfASeries(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.Quota.ActiveSeries, c.Quota.DataPointsPerSecond, c.Quota.BurstSeconds = 4, 10, 1
		c.PublishTimeout = 300 * time.Millisecond
	})
	post := func(series ...int) answer {
		return r.post("/v1/metrics", typeProtobuf, gauges(t, r.clock.Now(), series...))
	}
	require.Equal(t, http.StatusOK, post(1, 2).status)
	known := r.service.quotas.series.Load
	require.EqualValues(t, 2, known())

	// Another request has the last of the bucket while this one is on its way.
	a := r.service.quotas.accounts["default"]
	empty := func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.buckets[telemetry.LimitDataPoints].level = 0
	}
	r.meets.Store(&empty)
	require.Equal(t, http.StatusTooManyRequests, post(3, 4).status)
	require.EqualValues(t, 2, known())
	r.clock.Advance(time.Minute)

	r.nats.Stop()
	for n := range 3 {
		require.Equal(t, http.StatusServiceUnavailable, post(1, 10*n+10, 10*n+10, 10*n+11, 10*n+12).status)
		require.EqualValues(t, 2, known())
	}
	r.nats.Start()
	testbed.Eventually(t, "the bus is back", func() bool { return r.get("/health").status == http.StatusOK })

	// What is left out is not drawn: of ten points in a second, nine are.
	got := post(3, 4, 1, 2, 5, 6, 7, 8, 9, 5, 5, 5, 5)
	require.Equal(t, http.StatusOK, got.status)
	response := pmetricotlp.NewExportResponse()
	require.NoError(t, response.UnmarshalProto(got.body))
	require.EqualValues(t, 9, response.PartialSuccess().RejectedDataPoints())
	require.Equal(t, http.StatusOK, post(1, 2, 3, 4).status)
	require.EqualValues(t, 4, known())
}

// What another request has a point of stays, whatever becomes of the one that entered it.
func TestSeriesOfTwoRequestsAreNotTakenBack(t *testing.T) {
	t.Parallel()
	var s series
	var all atomic.Int64
	one, other := &entry{number: 1}, &entry{number: 2}
	for _, id := range []uint64{1, 1, 2, 3} {
		require.True(t, s.take(id, 1, 10, &all, one))
	}
	require.True(t, s.take(2, 1, 10, &all, other))
	require.True(t, s.take(2, 1, 10, &all, one))
	require.True(t, s.take(3, 1+int64(seriesGeneration), 10, &all, one), "a generation later")
	require.Equal(t, []int{3, 0}, []int{one.entered, other.entered})
	for _, id := range []uint64{1, 1, 2, 3, 4} {
		s.untake(id, &all, one)
	}
	require.Len(t, s.seen, 1)
	require.Contains(t, s.seen, uint64(2))
	require.EqualValues(t, 1, all.Load())
}

// Whoever sends no more has no place among the series of all.
func TestSeriesOfTenantsThatAreGoneAreForgotten(t *testing.T) {
	t.Parallel()
	clock := testbed.NewClock(epoch())
	q := newQuotas(QuotaConfig{BurstSeconds: 1, Replicas: 1, ActiveSeries: 10}, clock.Now)
	enter := func(tenant telemetry.Tenant, signal telemetry.Signal) *visit {
		v, err := q.enter(nil, auth.Identity{Tenant: tenant}, signal)
		require.NoError(t, err)
		v.leave()
		return v
	}
	send := func(tenant telemetry.Tenant, series ...int) (rejected int) {
		a, err := telemetry.Admit(telemetry.Metrics, gauges(t, clock.Now(), series...), telemetry.Limits{})
		require.NoError(t, err)
		enter(tenant, telemetry.Metrics).siftSeries(clock.Now(), a)
		return a.Refused()
	}
	gone := []*series{&enter("gone", telemetry.Metrics).account.series, &q.shared[7].series}
	for i, s := range gone {
		for n := range maxSeries/len(gone) - i {
			s.take(uint64(n), clock.Now().UnixNano(), telemetry.MaxSeries, &q.series, &entry{})
		}
	}
	require.Zero(t, send("b", 1))
	require.EqualValues(t, maxSeries, q.series.Load())
	clock.Advance(time.Hour)
	require.Zero(t, send("b", 1))
	require.EqualValues(t, maxSeries, q.series.Load(), "they are known for an hour")
	clock.Advance(time.Hour)
	q.base[telemetry.LimitSeries] = 0
	enter("c", telemetry.Traces) // whoever comes, with a limit or without
	require.EqualValues(t, 1, q.series.Load())
	q.base[telemetry.LimitSeries] = 10
	require.Equal(t, 2, send("c", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
	clock.Advance(30 * 24 * time.Hour)
	enter("c", telemetry.Logs)
	require.Zero(t, q.series.Load())
	for _, s := range gone {
		require.Zero(t, s.room, "nor memory")
	}
}

// A body that is good for nothing was received all the same.
func TestSpoiledBodiesArePaidFor(t *testing.T) {
	t.Parallel()
	large := []byte(`{"resourceSpans":[` + strings.Repeat(" ", 40<<10))
	packed := gzipped(t, large)
	for name, send := range map[string]func(r *running) answer{
		"bad JSON": func(r *running) answer { return r.post("/v1/traces", typeJSON, large) },
		"broken gzip": func(r *running) answer {
			return r.post("/v1/traces", typeJSON, append([]byte{31, 0}, large...), "Content-Encoding", "gzip")
		},
		"gzip cut off": func(r *running) answer {
			return r.post("/v1/traces", typeJSON, packed[:len(packed)-9], "Content-Encoding", "gzip")
		},
		"too large": func(r *running) answer {
			return r.post("/v1/traces", typeJSON, gzipped(t, make([]byte, 200<<10)), "Content-Encoding", "gzip")
		},
		"no protobuf": func(r *running) answer { return r.post("/v1/traces", typeProtobuf, large) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, func(c *Config) {
				c.MaxRequestBytes = 100 << 10
				c.Quota.BytesPerSecond, c.Quota.BurstSeconds = 1<<10, 30
			})
			first := send(r)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}, first.status, "%s", first.body)
			require.Equal(t, http.StatusTooManyRequests, send(r).status)
			require.Equal(t, http.StatusTooManyRequests, r.post("/v1/traces", typeProtobuf, protobuf(t, telemetry.Traces)).status)
			r.clock.Advance(3 * time.Minute)
			require.Equal(t, http.StatusOK, r.post("/v1/traces", typeProtobuf, protobuf(t, telemetry.Traces)).status)
		})
	}
}

// BenchmarkSeries is what the limit of series costs a request of metrics.
func BenchmarkSeries(b *testing.B) {
	payload := testbed.NewShop(1, epoch()).Payload(telemetry.Metrics, 1000)
	admitted, err := telemetry.Admit(telemetry.Metrics, payload, telemetry.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	for _, limited := range []bool{false, true} {
		b.Run(fmt.Sprintf("limited=%t", limited), func(b *testing.B) {
			q := newQuotas(QuotaConfig{BurstSeconds: 1, Replicas: 1, DataPointsPerSecond: telemetry.MaxLimit}, time.Now)
			if limited {
				q.base[telemetry.LimitSeries] = telemetry.MaxSeries
			}
			v, err := q.enter(nil, auth.Identity{Tenant: "a"}, telemetry.Metrics)
			if err != nil {
				b.Fatal(err)
			}
			defer v.leave()
			b.ReportAllocs()
			for b.Loop() {
				a := *admitted
				v.siftSeries(time.Now(), &a)
				if a.Refused() > 0 {
					b.Fatal(a.Message())
				}
			}
		})
	}
}
