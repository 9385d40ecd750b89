package writer

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

var benchTenants = flag.Int("bench.tenants", 1_000, "tenants of BenchmarkTenants")

// BenchmarkTenants stores a request of 100 spans of each of many tenants, 80 a flush, and then twice more what the same services do: the first round is first
// sight, the others are the steady state; and as many spans of one tenant. It tells µs of CPU a span of this process and of PostgreSQL, and what of WAL
// was written. Run it with -benchtime 1x. No rows for SQL are written.
func BenchmarkTenants(b *testing.B) {
	const perRequest, perFlush = 100, 80
	for _, tenants := range []int{*benchTenants, 1} {
		b.Run(fmt.Sprintf("%d", tenants), func(b *testing.B) {
			for range b.N {
				s := newSteady(b)
				s.known = newKnown(FlushConfig{}.known(0))
				build := newBuild(telemetry.Traces)
				rounds := 0
				round := func() (own, database time.Duration, wal int64) {
					rounds++
					walBefore := s.count("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
					for first := 0; first < *benchTenants; first += perFlush {
						var flush []*held
						for i := first; i < min(first+perFlush, *benchTenants); i++ {
							shop := testbed.NewShop(uint64(i)+1, epoch.Add(-time.Duration(rounds)*time.Second))
							flush = append(flush, batch(telemetry.Tenant(fmt.Sprintf("t%04d", i%tenants)), telemetry.Traces, shop.Payload(telemetry.Traces, perRequest), perRequest))
						}
						o, d := ownCPU(b), postgresCPU(b, s)
						_, left := s.all(build, flush...)
						require.Empty(b, left)
						own, database = own+ownCPU(b)-o, database+postgresCPU(b, s)-d
					}
					return own, database, s.count("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - walBefore
				}
				report := func(what string, rounds int) {
					var own, database time.Duration
					var wal int64
					for range rounds {
						o, d, w := round()
						own, database, wal = own+o, database+d, wal+w
					}
					per := float64(rounds * *benchTenants * perRequest)
					b.ReportMetric(float64(own.Nanoseconds())/per/1000, "writer-µs/"+what)
					b.ReportMetric(float64(database.Nanoseconds())/per/1000, "postgres-µs/"+what)
					b.ReportMetric(float64(wal)/per, "WAL-B/"+what)
				}
				report("first", 1)
				report("again", 2)
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}
