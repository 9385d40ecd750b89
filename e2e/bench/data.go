package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func (r *requests) add(payload []byte, items int) {
	r.batches = append(r.batches, telemetry.Batch{
		ID: telemetry.NewBatchID(telemetry.DefaultTenant, r.signal, payload), Tenant: telemetry.DefaultTenant, Signal: r.signal,
		Received: time.Now(), Items: items, Payload: payload,
	})
	r.items += items
	r.bytes += int64(len(payload))
}

func (m *machine) traces(shop *testbed.Shop) *requests {
	r := &requests{signal: telemetry.Traces}
	rnd := rand.New(rand.NewPCG(1, uint64(m.options.spans)))
	for left := m.options.spans; left > 0; left -= m.options.request {
		n := min(left, m.options.request)
		td := shop.Traces(n)
		if m.options.hard {
			harden(td, rnd)
		}
		r.add(testbed.TracesPayload(td), n)
	}
	return r
}

func (m *machine) logs(shop *testbed.Shop) *requests {
	r := &requests{signal: telemetry.Logs}
	for left := m.options.spans; left > 0; left -= m.options.request {
		n := min(left, m.options.request)
		shop.Traces(n) // what the records belong to
		r.add(testbed.LogsPayload(shop.Logs(n)), n)
	}
	return r
}

func (m *machine) metrics(shop *testbed.Shop) *requests {
	r := &requests{signal: telemetry.Metrics}
	for left := m.options.spans; left > 0; left -= m.options.request {
		n := min(left, m.options.request)
		r.add(testbed.MetricsPayload(shop.Metrics(n)), n)
	}
	return r
}

// harden adds what does not compress.
func harden(td ptrace.Traces, rnd *rand.Rand) {
	words := []string{"order", "user", "waits", "for", "stock", "of", "item", "left", "retry", "after", "seconds", "value", "limit", "queue"}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				var id uuid.UUID
				for i := range id {
					id[i] = byte(rnd.Uint32())
				}
				var text strings.Builder
				for range 6 {
					fmt.Fprintf(&text, "%s %d ", words[rnd.IntN(len(words))], rnd.IntN(10_000))
				}
				a := span.Attributes()
				a.PutStr("request.id", id.String())
				a.PutStr("note", text.String())
				a.PutStr("client.address", fmt.Sprintf("%d.%d.%d.%d", rnd.IntN(223), rnd.IntN(256), rnd.IntN(256), rnd.IntN(256)))
				a.PutDouble("score", rnd.Float64())
			}
		}
	}
}
