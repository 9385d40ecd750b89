package writer

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

var (
	benchSeries   = flag.Int("bench.series", 40_000, "live series of BenchmarkDimensions")
	benchServices = flag.Int("bench.services", 1_000, "live services of BenchmarkDimensions, of three instances each")
	benchKnown    = flag.Int64("bench.known", 32<<20, "bytes in which BenchmarkDimensions remembers dimension entries")
)

// BenchmarkDimensions stores one point of each of many series, and one span of each instance of many services, and then the same again: the first round
// is first sight, the others are the steady state. It tells µs of CPU an item, of this process by getrusage and of PostgreSQL by the scheduler's
// count of each of its processes, how many entries the database was asked for, and what of WAL was written. Run it with -benchtime 1x; the flags say how many.
func BenchmarkDimensions(b *testing.B) {
	const perFlush = 8000
	for _, c := range []struct {
		signal telemetry.Signal
		items  int
		flush  func(round, first, n int) []byte
	}{
		{telemetry.Metrics, *benchSeries, seriesPayload},
		{telemetry.Traces, 3 * *benchServices, instancesPayload},
	} {
		b.Run(c.signal.String(), func(b *testing.B) {
			for range b.N {
				s := newStore(b)
				s.known = newKnown(*benchKnown)
				build := newBuild(c.signal)
				round := func(n int) (own, database time.Duration, asked int, wal int64) {
					walBefore := s.count("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
					for first := 0; first < c.items; first += perFlush {
						size := min(perFlush, c.items-first)
						h := batch("default", c.signal, c.flush(n, first, size), size)
						o, d := ownCPU(b), postgresCPU(b, s)
						_, err := s.store(testbed.Context(b), build, []*held{h})
						require.NoError(b, err)
						own, database = own+ownCPU(b)-o, database+postgresCPU(b, s)-d
						asked += len(build.dims.pending)
					}
					return own, database, asked, s.count("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - walBefore
				}
				report := func(what string, rounds ...int) {
					var own, database time.Duration
					var asked int
					var wal int64
					for _, n := range rounds {
						o, d, a, w := round(n)
						own, database, asked, wal = own+o, database+d, asked+a, wal+w
					}
					per := float64(len(rounds) * c.items)
					b.ReportMetric(float64(own.Microseconds())/per, "writer-µs/"+what)
					b.ReportMetric(float64(database.Microseconds())/per, "postgres-µs/"+what)
					b.ReportMetric(float64(asked)/per, "asked/"+what)
					b.ReportMetric(float64(wal)/per, "WAL-B/"+what)
				}
				report("first", 0)
				report("again", 1, 2)
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// seriesPayload is one gauge point of each of n series: 50 an instance, 20 attributes on its resource and 4 on a point.
func seriesPayload(round, first, n int) []byte {
	md := pmetric.NewMetrics()
	var scope pmetric.ScopeMetrics
	for i := first; i < first+n; i++ {
		if i == first || i%50 == 0 {
			rm := md.ResourceMetrics().AppendEmpty()
			instance(rm.Resource(), i/50)
			scope = rm.ScopeMetrics().AppendEmpty()
			scope.Scope().SetName("bench")
		}
		m := scope.Metrics().AppendEmpty()
		m.SetName("bench.metric." + strconv.Itoa(i%50/5))
		m.SetUnit("By")
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.Attributes().PutStr("device", "disk-"+strconv.Itoa(i%5))
		p.Attributes().PutStr("http.route", "/api/v1/things/"+strconv.Itoa(i%50))
		p.Attributes().PutInt("http.response.status_code", int64(200+i%5))
		p.Attributes().PutStr("state", "used")
		p.SetTimestamp(pcommon.NewTimestampFromTime(epoch.Add(time.Duration(round-10) * time.Minute)))
		p.SetDoubleValue(float64(i % 977 * (round + 1)))
	}
	return testbed.MetricsPayload(md)
}

// instancesPayload is one span of each of n instances, three a service.
func instancesPayload(round, first, n int) []byte {
	td := ptrace.NewTraces()
	for i := first; i < first+n; i++ {
		rs := td.ResourceSpans().AppendEmpty()
		instance(rs.Resource(), i)
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName("bench")
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, byte(round), byte(i >> 16), byte(i >> 8), byte(i)})
		s.SetSpanID(pcommon.SpanID{1, byte(round), byte(i >> 16), byte(i >> 8), byte(i)})
		s.SetName("GET /things")
		s.SetKind(ptrace.SpanKindServer)
		at := epoch.Add(time.Duration(round-10) * time.Minute)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(at))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(at.Add(time.Duration(i%997) * time.Millisecond)))
		s.Attributes().PutStr("http.route", "/things")
		s.Attributes().PutInt("http.response.status_code", 200)
	}
	return testbed.TracesPayload(td)
}

// instance fills a resource: instances of three make a service.
func instance(r pcommon.Resource, n int) {
	a := r.Attributes()
	a.PutStr("service.name", "service-"+strconv.Itoa(n/3))
	a.PutStr("service.instance.id", fmt.Sprintf("%016x", uint64(n+1)*0x9E3779B97F4A7C15))
	for i := range 10 {
		a.PutStr("k8s.label."+strconv.Itoa(i), "value-"+strconv.Itoa(i*n%7))
	}
}

// ownCPU is what this process has used so far.
func ownCPU(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// postgresCPU is what the processes of the store's PostgreSQL have used so far, those that have ended included.
func postgresCPU(t testing.TB, s *store) (sum time.Duration) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	postmaster := postmasters(s)
	for _, dir := range processes {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if filepath.Base(dir) == postmaster {
			user, _ := strconv.Atoi(fields[13]) // of its children that have ended, in hundredths of a second
			system, _ := strconv.Atoi(fields[14])
			sum += time.Duration(user+system) * 10 * time.Millisecond
		} else if fields[1] != postmaster {
			continue
		}
		scheduled, err := os.ReadFile(filepath.Join(dir, "schedstat"))
		if err != nil {
			continue
		}
		ns, _, _ := strings.Cut(string(scheduled), " ")
		n, err := strconv.ParseInt(ns, 10, 64)
		require.NoError(t, err)
		sum += time.Duration(n)
	}
	return sum
}

// postmasters is the process of the store's server.
func postmasters(s *store) string {
	return strconv.FormatInt(s.count("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::bigint"), 10)
}
