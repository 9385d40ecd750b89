package ingest

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// How much a tenant may send. A request is refused as early as that can be told, so that a flood costs little and its neighbours nothing:
//
//	identify ── enter: too many in flight? a bucket empty? ── read (bytes in flight) ── bytes ── admit ── items ── publish
//
// A bucket may be overdrawn by one request, and then has to fill up again before the next: however large requests are against the burst,
// none is refused for ever, and the mean is what the limit says.

// QuotaConfig limits tenants of which the bus has told nothing else (docs/quotas.md).
type QuotaConfig struct {
	BytesPerSecond      int64 `mapstructure:"bytes_per_second" doc:"Bytes of requests that a tenant may send a second, decompressed; 0 for no limit."`
	SpansPerSecond      int64 `mapstructure:"spans_per_second" doc:"Spans that a tenant may send a second; 0 for no limit."`
	LogRecordsPerSecond int64 `mapstructure:"log_records_per_second" doc:"Log records that a tenant may send a second; 0 for no limit."`
	DataPointsPerSecond int64 `mapstructure:"data_points_per_second" doc:"Data points that a tenant may send a second; 0 for no limit."`
	BurstSeconds        int64 `mapstructure:"burst_seconds" doc:"How many seconds of such a rate may come at once."`
	InFlightBytes       int64 `mapstructure:"in_flight_bytes" doc:"Bytes of a tenant's requests that are being received and published at a time, as max_in_flight_bytes counts them; 0 for no limit. A request that is alone is taken."`
	InFlightRequests    int64 `mapstructure:"in_flight_requests" doc:"Requests of a tenant that are being received and published at a time; 0 for no limit."`

	ActiveSeries int64 `mapstructure:"active_series" doc:"Series of metrics that a tenant may have at a time: of which a point came in the last one to two hours. Points of others are left out while it has as many; 0 for no limit. It is not divided by quota.replicas."`

	Replicas int64 `mapstructure:"replicas" doc:"How many replicas of ingest share a tenant's limits: each grants its part."`
}

func defaultQuota() QuotaConfig { return QuotaConfig{BurstSeconds: 10, Replicas: 1} }

// quota is what the settings say.
func (c QuotaConfig) quota() telemetry.Quota {
	return telemetry.Quota{
		telemetry.LimitBytes: c.BytesPerSecond, telemetry.LimitSpans: c.SpansPerSecond, telemetry.LimitLogRecords: c.LogRecordsPerSecond,
		telemetry.LimitDataPoints: c.DataPointsPerSecond, telemetry.LimitBurst: c.BurstSeconds, telemetry.LimitInFlightBytes: c.InFlightBytes,
		telemetry.LimitInFlightRequests: c.InFlightRequests, telemetry.LimitSeries: c.ActiveSeries,
	}
}

// problems adds what is wrong to p.
func (c QuotaConfig) problems(p *settings.Problems) {
	for l, value := range c.quota() {
		limit, least := telemetry.Limit(l), int64(0)
		if limit == telemetry.LimitBurst {
			least = 1
		}
		settings.Between(p, "quota."+limit.String(), value, least, limit.Most())
	}
	settings.Between(p, "quota.replicas", c.Replicas, 1, 1<<16)
}

// visit is one request on its way: who sends it, and what that may cost. It belongs to one goroutine.
type visit struct {
	from    *peer // the connection that it came by, nil where that tells nothing
	id      auth.Identity
	signal  telemetry.Signal
	quota   telemetry.Quota // this replica's part
	account *account        // nil where nothing is limited
	all     *quotas
	held    int64 // of the account's bytes
	charged int64 // of the budget's, of all tenants
	drawn   [telemetry.LimitBurst]int
	entry   entry // of its series
}

// account is what a tenant has used. The zero value has used nothing. Safe for concurrent use.
type account struct {
	bytes    atomic.Int64 // in flight
	requests atomic.Int64

	mu      sync.Mutex
	buckets [telemetry.LimitBurst]bucket // of the rates, by limit

	series series
}

// bucket fills up with time. The zero value is full.
type bucket struct {
	level   float64 // less than 0 where it was overdrawn
	at      int64   // when that was so, Unix ns
	rate    int64   // as of then; 0 where it was never used
	seconds int64
}

// full is when it will be full, Unix ns.
func (b *bucket) full() float64 {
	if b.rate == 0 {
		return 0
	}
	return float64(b.at) + (float64(b.rate)*float64(b.seconds)-b.level)/float64(b.rate)*float64(time.Second)
}

// fill brings it up to now. A limit that was changed holds from now on: a debt takes no longer to pay than it did.
func (b *bucket) fill(now, rate, seconds int64) {
	most := float64(rate) * float64(seconds)
	switch {
	case b.rate == 0:
		b.level = most
	case rate < b.rate && b.level < 0:
		b.level *= float64(rate) / float64(b.rate)
	}
	if passed := now - b.at; passed > 0 && b.rate != 0 {
		b.level += float64(rate) * (float64(passed) / float64(time.Second))
	}
	b.level = min(b.level, most)
	b.at, b.rate, b.seconds = now, rate, seconds
}

// wait is how long it takes until there is something in it.
func (b *bucket) wait() time.Duration {
	seconds := (1 - b.level) / float64(b.rate)
	return time.Duration(min(seconds*float64(time.Second), float64(math.MaxInt64/2)))
}

// maxAccounts bounds the tenants whose use is told apart, about 250 bytes each: tenants may be the senders' words.
const maxAccounts = 1 << 15

// sweepEvery bounds how often accounts that say nothing are looked for.
const sweepEvery = time.Second

// sharedAccounts is how many accounts there are for tenants beyond maxAccounts of whom nothing was said.
const sharedAccounts = 1 << 8

// quotas knows what tenants may send, and what they have. Safe for concurrent use.
type quotas struct {
	base     telemetry.Quota
	replicas int64
	now      func() time.Time
	known    atomic.Pointer[telemetry.Quotas] // nil until the bus has told: the settings hold

	mu       sync.RWMutex
	accounts map[telemetry.Tenant]*account
	swept    time.Time
	seed     maphash.Seed
	shared   [sharedAccounts]account
	series   atomic.Int64 // of all accounts
	entries  atomic.Uint32
	passed   atomic.Int64 // when passSeries was last, Unix ns
}

func newQuotas(c QuotaConfig, now func() time.Time) *quotas {
	return &quotas{base: c.quota(), replicas: c.Replicas, now: now, accounts: map[telemetry.Tenant]*account{}, seed: maphash.MakeSeed()}
}

// apply goes by what was said of tenants from now on.
func (q *quotas) apply(data []byte) error {
	known, err := telemetry.ParseQuotas(data)
	if err == nil {
		q.known.Store(known)
	}
	return err
}

// of is this replica's part of a tenant's quota. own reports whether anything was said for the tenant itself.
func (q *quotas) of(tenant telemetry.Tenant) (quota telemetry.Quota, own bool) {
	quota, own = q.known.Load().Of(tenant, q.base)
	if q.replicas > 1 {
		for l, value := range quota {
			// A series is seen by each replica that its points come to: where requests are spread, all see all.
			if limit := telemetry.Limit(l); limit != telemetry.LimitBurst && limit != telemetry.LimitSeries {
				quota[l] = (value + q.replicas - 1) / q.replicas
			}
		}
	}
	return quota, own
}

// enter lets a request in before anything of it is read; fault.Overloaded where its tenant has used up what it may. The caller ends with
// leave.
func (q *quotas) enter(from *peer, id auth.Identity, signal telemetry.Signal) (*visit, error) {
	q.passSeries()
	v := &visit{from: from, id: id, signal: signal, all: q}
	var own bool
	if v.quota, own = q.of(id.Tenant); v.quota.Unlimited() {
		return v, nil
	}
	v.account = q.account(id.Tenant, own)
	if most := v.quota[telemetry.LimitInFlightRequests]; most > 0 && v.account.requests.Load() > most {
		v.leave()
		return nil, v.over(errQuotaInFlight, telemetry.LimitInFlightRequests, 0)
	}
	for _, limit := range []telemetry.Limit{telemetry.LimitBytes, telemetry.LimitItems(signal)} {
		if err := v.draw(q.now(), limit, 0); err != nil {
			v.leave()
			return nil, err
		}
	}
	return v, nil
}

// leave ends what enter began.
func (v *visit) leave() {
	if v.account != nil {
		v.account.requests.Add(-1)
		v.account.bytes.Add(-v.held)
		v.held = 0
	}
}

// account finds a tenant's account and counts one more request of it.
func (q *quotas) account(tenant telemetry.Tenant, own bool) *account {
	q.mu.RLock()
	a := q.accounts[tenant]
	if a != nil {
		a.requests.Add(1) // under the lock: an account in use is not forgotten
	}
	q.mu.RUnlock()
	if a != nil {
		return a
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if a = q.accounts[tenant]; a == nil {
		if len(q.accounts) >= maxAccounts {
			q.sweep()
		}
		if len(q.accounts) >= maxAccounts && !own {
			a = &q.shared[maphash.String(q.seed, string(tenant))%sharedAccounts]
		} else {
			a = &account{}
			q.accounts[tenant] = a
		}
	}
	a.requests.Add(1)
	return a
}

// sweep forgets the accounts that are as new ones would be.
func (q *quotas) sweep() {
	now := q.now()
	if since := now.Sub(q.swept); since >= 0 && since < sweepEvery {
		return
	}
	q.swept = now
	for tenant, a := range q.accounts {
		if a.idle(now.UnixNano()) {
			a.series.forget(&q.series)
			delete(q.accounts, tenant)
		}
	}
}

func (a *account) idle(now int64) bool {
	if a.requests.Load() > 0 || a.bytes.Load() > 0 {
		return false
	}
	if !a.series.idle(now) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.buckets {
		if a.buckets[i].full() > float64(now) {
			return false
		}
	}
	return true
}

// draw takes n of what a rate grants; fault.Overloaded where nothing is left.
func (v *visit) draw(now time.Time, limit telemetry.Limit, n int) error {
	if v.account == nil || v.quota[limit] == 0 {
		return nil
	}
	v.account.mu.Lock()
	defer v.account.mu.Unlock()
	b := &v.account.buckets[limit]
	b.fill(now.UnixNano(), v.quota[limit], max(v.quota[telemetry.LimitBurst], 1))
	if b.level < 1 {
		kind := errQuotaItems
		if limit == telemetry.LimitBytes {
			kind = errQuotaBytes
		}
		return v.over(kind, limit, b.wait())
	}
	b.level -= float64(n)
	v.drawn[limit] += n
	return nil
}

// spoil charges n bytes of a body that err says to be good for nothing: it was received, and decompressed, like any other, and nobody is told
// to send it again. What is refused for want of room, or because its sender left, costs nothing.
func (v *visit) spoil(now time.Time, n int, err error) {
	if class := fault.ClassOf(err); class != fault.Invalid && class != fault.TooLarge {
		return
	}
	if v == nil || v.account == nil || v.quota[telemetry.LimitBytes] == 0 {
		return
	}
	v.account.mu.Lock()
	defer v.account.mu.Unlock()
	b := &v.account.buckets[telemetry.LimitBytes]
	b.fill(now.UnixNano(), v.quota[telemetry.LimitBytes], max(v.quota[telemetry.LimitBurst], 1))
	b.level -= float64(n)
}

// undraw gives back n of what was drawn.
func (v *visit) undraw(limit telemetry.Limit, n int) {
	if v.account == nil || v.drawn[limit] < n {
		return
	}
	v.account.mu.Lock()
	defer v.account.mu.Unlock()
	v.account.buckets[limit].level += float64(n) // the next fill takes away what is too much
	v.drawn[limit] -= n
}

// giveBack gives back what was drawn.
func (v *visit) giveBack() {
	for limit, n := range v.drawn {
		v.undraw(telemetry.Limit(limit), n)
	}
}

// hold counts n more bytes that the request takes, before they are allocated; fault.Overloaded where the tenant's other requests leave no
// room. What release gives back, and leave.
func (v *visit) hold(n int64) error {
	if v == nil || v.account == nil || v.quota[telemetry.LimitInFlightBytes] == 0 {
		return nil
	}
	if total := v.account.bytes.Add(n); total > v.quota[telemetry.LimitInFlightBytes] && total-n > v.held {
		v.account.bytes.Add(-n)
		return v.over(errQuotaInFlight, telemetry.LimitInFlightBytes, 0)
	}
	v.held += n
	return nil
}

// charge counts n more bytes, or fewer, that the request has of the budget.
func (v *visit) charge(n int64) {
	if v != nil {
		v.charged += n
	}
}

// charges is how many these are; less than 0 for nobody's request.
func (v *visit) charges() int64 {
	if v == nil {
		return -1
	}
	return v.charged
}

// release gives bytes back.
func (v *visit) release(n int64) {
	if v == nil || v.account == nil || v.quota[telemetry.LimitInFlightBytes] == 0 {
		return
	}
	v.account.bytes.Add(-n)
	v.held -= n
}

// overQuotaError is the cause of an error that says that a tenant has used up a limit.
type overQuotaError struct {
	tenant telemetry.Tenant
	limit  telemetry.Limit
	wait   time.Duration // until there is something again
}

// Error says which limit.
func (o *overQuotaError) Error() string { return o.limit.String() + " of tenant " + string(o.tenant) }

// over is the error for a limit that is used up. For what is in flight nobody can tell when it ends.
func (v *visit) over(kind fault.Kind, limit telemetry.Limit, wait time.Duration) error {
	wait = max(wait, httpserver.RetryAfterSeconds*time.Second)
	return kind.Wrap(&overQuotaError{v.id.Tenant, limit, wait},
		fmt.Sprintf("tenant %s has used up its %s (%d on this replica); retry in %d s", v.id.Tenant, limit, v.quota[limit], seconds(wait)))
}

// seconds is a time to wait, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// retryAfter is when a sender that was refused may try again.
func retryAfter(err error) time.Duration {
	if over, ok := errors.AsType[*overQuotaError](err); ok {
		return over.wait
	}
	return httpserver.RetryAfterSeconds * time.Second
}

// waitHeader is the same for Retry-After: whole seconds.
func waitHeader(err error) string { return strconv.FormatInt(seconds(retryAfter(err)), 10) }

// noteRefusal counts and logs a request that is not taken. tenant is whose it says that it is, where nobody has found out.
func (s *Service) noteRefusal(ctx context.Context, transport, tenant string, err error) {
	s.metrics.refuse(ctx, transport, err)
	if over, ok := errors.AsType[*overQuotaError](err); ok {
		tenant = string(over.tenant)
		s.metrics.overQuota(ctx, over)
	}
	s.refused.note(ctx, transport, tenant, err)
}
