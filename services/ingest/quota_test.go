package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// sayQuotas publishes what tenants may send, as a writer does, some seconds after the epoch.
func (r *running) sayQuotas(second int, q telemetry.Quotas) {
	r.t.Helper()
	data, err := q.Marshal()
	require.NoError(r.t, err)
	published, err := r.bus.Snapshots(telemetry.QuotaSnapshot, bus.Seal{}).Publish(r.t.Context(),
		bus.Snapshot{AsOf: epoch().Add(time.Duration(second) * time.Second), Data: data})
	require.NoError(r.t, err)
	require.True(r.t, published)
}

// waitOf is how long a call that was refused is told to wait.
func waitOf(t *testing.T, err error) time.Duration {
	t.Helper()
	wait, ok := retryInfo(status.Convert(err).Proto())
	require.True(t, ok)
	return wait
}

func TestARateIsTheMeanOfWhatATenantSends(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			payload := testbed.NewShop(1, epoch()).Payload(signal, 40)
			for limit, rate := range map[telemetry.Limit]int64{telemetry.LimitItems(signal): 20, telemetry.LimitBytes: int64(len(payload)) / 2} {
				r := start(t, func(c *Config) { c.Quota.BurstSeconds = 4 })
				conn := dial(t, r)
				var q telemetry.Quotas
				q.Add("limited", limit.String(), rate)
				r.sayQuotas(0, q)
				testbed.Eventually(t, "ingest knows", func() bool { return r.service.quotas.known.Load() != nil })
				overHTTP := func(tenant string) answer {
					return r.post("/v1/"+signal.String(), typeProtobuf, payload, "X-Scope-OrgID", tenant)
				}
				overGRPC := func(tenant string) error {
					_, err := call(metadata.AppendToOutgoingContext(t.Context(), auth.TenantHeader, tenant), conn, signal, payload)
					return err
				}
				// The bucket holds two requests.
				require.Equal(t, http.StatusOK, overHTTP("limited").status)
				require.NoError(t, overGRPC("limited"))
				refused := overHTTP("limited")
				require.Equal(t, http.StatusTooManyRequests, refused.status, "%s", refused.body)
				wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
				require.NoError(t, err)
				require.Positive(t, wait)
				err = overGRPC("limited")
				require.Equal(t, codes.ResourceExhausted, status.Code(err))
				require.Contains(t, err.Error(), "tenant limited has used up its "+limit.String())
				require.LessOrEqual(t, waitOf(t, err).Seconds(), float64(wait))
				if limit != telemetry.LimitBytes {
					api := r.post("/api/"+signal.String(), typeJSON, []byte("{}"), "X-Scope-OrgID", "limited")
					require.Equal(t, http.StatusTooManyRequests, api.status)
					require.Equal(t, strconv.Itoa(wait), api.header.Get("Retry-After"))
					require.Contains(t, string(api.body), `"code":"quota.items"`)
				}
				for range 20 {
					require.Equal(t, http.StatusOK, overHTTP("other").status, "neighbours are not touched")
				}
				// What waits as long as it is told is taken, and over a minute the mean is the limit.
				r.clock.Advance(time.Duration(wait) * time.Second)
				taken := 0
				for range 60 {
					for overHTTP("limited").status == http.StatusOK {
						taken++
					}
					r.clock.Advance(time.Second)
				}
				require.InDelta(t, 30, taken, 2)
			}
		})
	}
}

func TestALimitChangesWhileIngestRuns(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Quota.SpansPerSecond = 1; c.Quota.BurstSeconds = 1 })
	other := start(t, func(c *Config) { c.Bus = r.nats.Config(); c.Quota.SpansPerSecond = 1; c.Quota.BurstSeconds = 1 })
	payload := testbed.NewShop(1, epoch()).Payload(telemetry.Traces, 1000)
	send := func(r *running, tenant string) int {
		return r.post("/v1/traces", typeProtobuf, payload, "X-Scope-OrgID", tenant).status
	}
	for _, replica := range []*running{r, other} {
		require.Equal(t, http.StatusOK, send(replica, "a"), "however large it is, the first is taken")
		require.Equal(t, http.StatusTooManyRequests, send(replica, "a"))
		require.Equal(t, http.StatusOK, send(replica, "b"))
	}
	began := time.Now()
	var q telemetry.Quotas
	q.Add("a", "spans_per_second", 0)
	q.Add("a", "of_a_later_build", 7)
	q.Add(telemetry.EveryTenant, "spans_per_second", 100_000)
	r.sayQuotas(0, q)
	for _, replica := range []*running{r, other} {
		testbed.Eventually(t, "every replica knows", func() bool { return send(replica, "a") == http.StatusOK })
		require.Equal(t, http.StatusOK, send(replica, "a"), "0 is no limit")
		require.Equal(t, http.StatusOK, send(replica, "c"))
		require.Equal(t, http.StatusOK, send(replica, "c"))
	}
	require.Less(t, time.Since(began), testbed.Prompt)

	// A limit out of bounds leaves the ones before; a lower limit holds at once, and what was overdrawn before takes no longer to pay.
	_, err := r.bus.Snapshots(telemetry.QuotaSnapshot, bus.Seal{}).Publish(t.Context(),
		bus.Snapshot{AsOf: epoch().Add(time.Second), Data: []byte(`{"tenants":{"a":{"spans_per_second":-1}}}`)})
	require.NoError(t, err)
	q.Add("a", "spans_per_second", 1)
	r.sayQuotas(2, q)
	testbed.Eventually(t, "it is limited again", func() bool { return send(r, "a") == http.StatusTooManyRequests })
	require.Equal(t, http.StatusOK, send(r, "c"))
}

func TestReplicasShareALimit(t *testing.T) {
	t.Parallel()
	q := newQuotas(QuotaConfig{BytesPerSecond: 10, BurstSeconds: 10, InFlightRequests: 1, ActiveSeries: 1000, Replicas: 4}, epoch)
	quota, own := q.of("a")
	require.False(t, own)
	require.Equal(t, telemetry.Quota{telemetry.LimitBytes: 3, telemetry.LimitBurst: 10, telemetry.LimitInFlightRequests: 1, telemetry.LimitSeries: 1000}, quota, "series are not divided, and none is left with nothing")
}

func TestADebtIsPaidByTheLimitOfToday(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	var b bucket
	b.fill(0, 1000, 1)
	require.InDelta(t, 1000, b.level, 0)
	b.level -= 61_000
	b.fill(0, 10, 1)
	require.InDelta(t, -600, b.level, 0, "a minute is left to pay, as before")
	b.fill(0, 100_000, 1)
	require.InDelta(t, -600, b.level, 0, "and it is paid sooner where more is allowed")
	b.fill(-5*second, 100_000, 1)
	require.InDelta(t, -600, b.level, 0, "a clock that is set back pays nothing")
	b.fill(-4*second, 100_000, 1)
	require.InDelta(t, 99_400, b.level, 0, "and goes on from there")
	b.fill(100*second, 100_000, 1)
	require.InDelta(t, 100_000, b.level, 0)
}

// slow sends its body when it is told to.
type slow struct {
	first bool
	end   chan struct{}
	rest  *bytes.Reader
}

func (s *slow) Read(p []byte) (int, error) {
	if !s.first {
		s.first = true
		return s.rest.Read(p[:1])
	}
	<-s.end
	return s.rest.Read(p)
}

func TestWhatIsInFlightIsLimited(t *testing.T) {
	t.Parallel()
	payload := protobuf(t, telemetry.Traces)
	for limit, most := range map[string]int64{"in_flight_requests": 3, "in_flight_bytes": 3 * firstRead} {
		r := start(t)
		var q telemetry.Quotas
		q.Add("a", limit, most)
		r.sayQuotas(0, q)
		testbed.Eventually(t, "ingest knows", func() bool { return r.service.quotas.known.Load() != nil })
		end := make(chan struct{})
		var open sync.WaitGroup
		statuses := make(chan int, 3)
		for range 3 {
			open.Go(func() {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.http+"/v1/traces", &slow{end: end, rest: bytes.NewReader(payload)})
				if err != nil {
					return
				}
				request.Header.Set("Content-Type", typeProtobuf)
				request.Header.Set(auth.TenantHeader, "a")
				response, err := http.DefaultClient.Do(request)
				if err == nil {
					_, _ = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
					statuses <- response.StatusCode
				}
			})
		}
		// A fourth one, and whether the three hold what they may.
		a := func() *account {
			r.service.quotas.mu.RLock()
			defer r.service.quotas.mu.RUnlock()
			return r.service.quotas.accounts["a"]
		}
		testbed.Eventually(t, "three are being received", func() bool {
			a := a()
			return a != nil && a.requests.Load() == 3 && (limit != "in_flight_bytes" || a.bytes.Load() == most)
		})
		refused := r.post("/v1/traces", typeProtobuf, payload, "X-Scope-OrgID", "a")
		require.Equal(t, http.StatusTooManyRequests, refused.status)
		require.Contains(t, string(refused.body), limit)
		require.Equal(t, "1", refused.header.Get("Retry-After"))
		conn := dial(t, r)
		_, err := call(metadata.AppendToOutgoingContext(t.Context(), auth.TenantHeader, "a"), conn, telemetry.Traces, payload)
		require.Equal(t, codes.ResourceExhausted, status.Code(err))
		require.Equal(t, time.Second, waitOf(t, err))
		require.Equal(t, http.StatusOK, r.post("/v1/traces", typeProtobuf, payload, "X-Scope-OrgID", "b").status)
		close(end)
		open.Wait()
		for range 3 {
			require.Equal(t, http.StatusOK, <-statuses)
		}
		require.Equal(t, http.StatusOK, r.post("/v1/traces", typeProtobuf, payload, "X-Scope-OrgID", "a").status)
		testbed.Eventually(t, "all is given back", func() bool { return a().requests.Load() == 0 && a().bytes.Load() == 0 })
	}
}

func TestALoneRequestIsTakenHoweverLittleMayBeInFlight(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Quota.InFlightBytes = 1; c.Quota.InFlightRequests = 1 })
	shop := testbed.NewShop(1, epoch()).Traces(2000)
	body := asJSON(t, shop)
	require.Equal(t, http.StatusOK, r.post("/v1/traces", typeJSON, gzipped(t, body), "Content-Encoding", "gzip").status)
	require.Zero(t, r.service.quotas.accounts["default"].bytes.Load())
}

func TestWhatIsSentAgainIsNotPaidTwice(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.Quota.SpansPerSecond, c.Quota.BytesPerSecond, c.Quota.BurstSeconds = 1, 100, 1
		c.PublishTimeout = 300 * time.Millisecond
	})
	payload := protobuf(t, telemetry.Traces)
	r.nats.Stop()
	for range 3 {
		require.Equal(t, http.StatusServiceUnavailable, r.post("/v1/traces", typeProtobuf, payload).status)
	}
	r.nats.Start()
	testbed.Eventually(t, "the bus is back", func() bool { return r.get("/health").status == http.StatusOK })
	require.Equal(t, http.StatusOK, r.post("/v1/traces", typeProtobuf, payload).status)
	require.Equal(t, http.StatusTooManyRequests, r.post("/v1/traces", typeProtobuf, payload).status)
}

// Of a request whose sender left nobody knows what was stored: what it drew stays drawn.
func TestARequestThatItsSenderLeftIsPaidFor(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Quota.SpansPerSecond, c.Quota.BurstSeconds = 1, 1 })
	v, err := r.service.quotas.enter(nil, auth.Identity{Tenant: "default"}, telemetry.Traces)
	require.NoError(t, err)
	defer v.leave()
	r.nats.Stop()
	ctx, left := context.WithCancel(t.Context())
	left()
	payload := protobuf(t, telemetry.Traces)
	_, err = r.service.take(ctx, v, payload, payload, telemetry.Refusals{})
	require.Error(t, err)
	require.Positive(t, v.drawn[telemetry.LimitSpans])
	require.Equal(t, http.StatusTooManyRequests, r.post("/v1/traces", typeProtobuf, payload).status)
}

// What a bucket has is of the moment at which it is drawn from, however long a request took to be admitted: an earlier one would be granted
// again.
func TestEachDrawReadsTheClock(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Quota.SpansPerSecond, c.Quota.BytesPerSecond = 1000, 100_000 })
	slowly := func() { r.clock.Advance(time.Second) }
	r.each.Store(&slowly)
	require.Equal(t, http.StatusOK, r.post("/v1/traces", typeProtobuf, protobuf(t, telemetry.Traces)).status)
	r.each.Store(nil)
	a := r.service.quotas.accounts["default"]
	require.Equal(t, time.Second, time.Duration(a.buckets[telemetry.LimitSpans].at-a.buckets[telemetry.LimitBytes].at))
}

func TestManyTenantNamesTakeLittleMemory(t *testing.T) { //nolint:paralleltest // measures the memory of the process
	clock := testbed.NewClock(epoch())
	q := newQuotas(QuotaConfig{SpansPerSecond: 1, BurstSeconds: 10, Replicas: 1}, clock.Now)
	var names labels
	var said telemetry.Quotas
	said.Add("vip", "spans_per_second", 5)
	data, err := said.Marshal()
	require.NoError(t, err)
	require.NoError(t, q.apply(data))
	send := func(tenant string, n int) error {
		v, err := q.enter(nil, auth.Identity{Tenant: telemetry.Tenant(tenant)}, telemetry.Traces)
		if err != nil {
			names.of(telemetry.Tenant(tenant))
			return err
		}
		defer v.leave()
		return v.draw(clock.Now(), telemetry.LimitSpans, n)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 100_000 {
		if err := send(fmt.Sprintf("tenant-%d", n), 30); err != nil {
			require.Equal(t, fault.Overloaded, fault.ClassOf(err), "%v", err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.LessOrEqual(t, len(q.accounts), maxAccounts)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(16<<20))
	require.NoError(t, send("vip", 1), "of whom something was said, has an account of its own")
	for n := range 1000 {
		_ = send(fmt.Sprintf("tenant-%d", n), 30)
	}
	require.Len(t, names.seen, maxLabels)
	require.Equal(t, otherTenants, names.of("tenant-999999"))

	// After a while nothing of them is left to know.
	clock.Advance(time.Minute)
	require.NoError(t, send("late", 1))
	require.Len(t, q.accounts, 1)
	runtime.KeepAlive(q)
}

func TestAQuotaThatCannotBe(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]func(*QuotaConfig){
		"quota.bytes_per_second":   func(c *QuotaConfig) { c.BytesPerSecond = -1 },
		"quota.spans_per_second":   func(c *QuotaConfig) { c.SpansPerSecond = 1 << 60 },
		"quota.burst_seconds":      func(c *QuotaConfig) { c.BurstSeconds = 0 },
		"quota.in_flight_requests": func(c *QuotaConfig) { c.InFlightRequests = -5 },
		"quota.active_series":      func(c *QuotaConfig) { c.ActiveSeries = telemetry.MaxSeries + 1 },
		"quota.replicas":           func(c *QuotaConfig) { c.Replicas = 0 },
	} {
		cfg := DefaultConfig()
		change(&cfg.Quota)
		require.ErrorContains(t, cfg.Validate(), key)
	}
	require.NoError(t, DefaultConfig().Validate())
	require.Equal(t, time.Second, retryAfter(errors.New("any")))
}

// BenchmarkQuota is what the limits of a tenant cost a request, beside what BenchmarkTake takes.
func BenchmarkQuota(b *testing.B) {
	for name, c := range map[string]QuotaConfig{
		"none": defaultQuota(),
		"all": {
			BytesPerSecond: telemetry.MaxLimit, SpansPerSecond: telemetry.MaxLimit, BurstSeconds: 10, InFlightBytes: telemetry.MaxLimit, InFlightRequests: telemetry.MaxLimit, Replicas: 2,
		},
	} {
		b.Run(name, func(b *testing.B) {
			q := newQuotas(c, time.Now)
			b.ReportAllocs()
			for b.Loop() {
				v, err := q.enter(nil, auth.Identity{Tenant: "default"}, telemetry.Traces)
				if err != nil {
					b.Fatal(err)
				}
				if err := errors.Join(v.hold(firstRead), v.draw(time.Now(), telemetry.LimitBytes, 1000), v.draw(time.Now(), telemetry.LimitSpans, 10)); err != nil {
					b.Fatal(err)
				}
				v.release(firstRead)
				v.leave()
			}
		})
	}
}
