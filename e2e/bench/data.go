package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// requests are batches of one signal.
type requests struct {
	signal  telemetry.Signal
	batches []telemetry.Batch
	items   int
	bytes   int64
	plain   []body // as they are sent by HTTP, made when first asked for
	zipped  []body
}

func (r *requests) add(payload []byte, items int) {
	r.batches = append(r.batches, telemetry.Batch{
		Request: telemetry.NewRequestID(telemetry.DefaultTenant, r.signal, payload), Tenant: telemetry.DefaultTenant, Signal: r.signal,
		Received: time.Now(), Items: items, Payload: payload,
	})
	r.items += items
	r.bytes += int64(len(payload))
}

// first is the first requests, those of n items or a little more.
func (r *requests) first(n int) *requests {
	out := &requests{signal: r.signal}
	for _, b := range r.batches {
		if out.items >= n {
			break
		}
		out.batches = append(out.batches, b)
		out.items += b.Items
		out.bytes += int64(len(b.Payload))
	}
	return out
}

// split cuts off the first twentieth, with which a case is warmed up.
func (r *requests) split() (warm, rest []telemetry.Batch) {
	n := min(len(r.batches)-1, 1+len(r.batches)/20)
	return r.batches[:n], r.batches[n:]
}

// encoded is the requests as they are sent by HTTP.
func (r *requests) encoded(zip bool) (_ []body, err error) {
	to := &r.plain
	if zip {
		to = &r.zipped
	}
	if *to == nil {
		*to, err = bodies(r.batches, zip)
	}
	return *to, err
}

// hourAgo is the beginning of the last whole hour less so many more: data from there on is closed for the janitor, and the same run gives
// the same segments at any time of the hour.
func hourAgo(more int) time.Time {
	return time.Now().UTC().Truncate(time.Hour).Add(-time.Duration(1+more) * time.Hour)
}

// maker makes requests of a shop.
type maker struct {
	shop  *testbed.Shop
	each  int  // items of a request
	hard  bool // with what does not compress
	noise *rand.Rand
}

func newMaker(shop *testbed.Shop, each int, hard bool) *maker {
	return &maker{shop: shop, each: each, hard: hard, noise: rand.New(rand.NewPCG(1, 2))}
}

// make makes n items of a signal.
func (k *maker) make(signal telemetry.Signal, n int) *requests {
	r := &requests{signal: signal}
	for left := n; left > 0; left -= k.each {
		r.add(k.payload(signal, min(left, k.each)), min(left, k.each))
	}
	return r
}

func (k *maker) payload(signal telemetry.Signal, n int) []byte {
	switch signal {
	case telemetry.Traces:
		td := k.shop.Traces(n)
		if k.hard {
			k.hardenSpans(td)
		}
		return testbed.TracesPayload(td)
	case telemetry.Logs:
		k.shop.Traces(n) // what the records belong to
		ld := k.shop.Logs(n)
		if k.hard {
			k.hardenRecords(ld)
		}
		return testbed.LogsPayload(ld)
	case telemetry.Metrics:
		md := k.shop.Metrics(n)
		if k.hard {
			k.hardenPoints(md)
		}
		return testbed.MetricsPayload(md)
	}
	panic(fmt.Sprintf("unknown signal %d", signal))
}

func (k *maker) hardenSpans(td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				k.harden(span.Attributes())
			}
		}
	}
}

func (k *maker) hardenRecords(ld plog.Logs) {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				k.harden(record.Attributes())
			}
		}
	}
}

// hardenPoints makes every number random to its last bit. Attributes stay: a random one would make a series of every point, which is not a
// metric.
func (k *maker) hardenPoints(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				var points pmetric.NumberDataPointSlice
				switch m.Type() {
				case pmetric.MetricTypeGauge:
					points = m.Gauge().DataPoints()
				case pmetric.MetricTypeSum:
					points = m.Sum().DataPoints()
				default:
					continue
				}
				for _, p := range points.All() {
					p.SetDoubleValue(k.noise.Float64())
				}
			}
		}
	}
}

// harden adds what does not compress: a random uuid, a free text, an address and a random number.
func (k *maker) harden(a pcommon.Map) {
	words := []string{"order", "user", "waits", "for", "stock", "of", "item", "left", "retry", "after", "seconds", "value", "limit", "queue"}
	rnd := k.noise
	var id uuid.UUID
	for i := range id {
		id[i] = byte(rnd.Uint32())
	}
	var text strings.Builder
	for range 6 {
		fmt.Fprintf(&text, "%s %d ", words[rnd.IntN(len(words))], rnd.IntN(10_000))
	}
	a.PutStr("request.id", id.String())
	a.PutStr("note", text.String())
	a.PutStr("client.address", fmt.Sprintf("%d.%d.%d.%d", rnd.IntN(223), rnd.IntN(256), rnd.IntN(256), rnd.IntN(256)))
	a.PutDouble("score", rnd.Float64())
}
