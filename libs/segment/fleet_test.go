package segment

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// fleet is one request of points of containers and devices, of which each has a clock that counts milliseconds, a serial number and ids: the same
// things are told of by several attributes, metric after metric, and whole numbers stand beside fractions in one column.
func fleet(t testing.TB, seed uint64, devices int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, seed))
	hex := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(b)
	}
	uuid := func(by string) string {
		return strings.Join([]string{hex(8), hex(4), "4" + hex(3), fmt.Sprintf("%04x", 1<<15|r.IntN(1<<14)), hex(12)}, by)
	}
	serial := func() string {
		b := make([]byte, 14)
		for i := range b {
			b[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[r.IntN(36)]
		}
		return string(b)
	}
	start := time.Date(2026, 11, 27, 10, 5, 0, 0, time.UTC)
	m := pmetric.NewMetrics()
	type container struct{ name, pod, id, cgroup string }
	var containers []container
	for i := range devices {
		rm := m.ResourceMetrics().AppendEmpty()
		put := rm.Resource().Attributes().PutStr
		put("service.name", "edge")
		put("device.id", uuid("-"))
		put("hw.serial_number", serial())
		metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
		at := start.Add(time.Duration(r.Int64N(int64(10 * time.Minute))))
		gauge := metrics.AppendEmpty()
		gauge.SetName("temperature")
		points := gauge.SetEmptyGauge().DataPoints()
		for range 6 {
			p := points.AppendEmpty()
			at = at.Add(time.Duration(4000+r.IntN(2000)) * time.Millisecond)
			p.SetTimestamp(pcommon.NewTimestampFromTime(at))
			p.SetDoubleValue(float64(r.IntN(900)) / 16)
			if r.IntN(9) == 0 {
				p.SetDoubleValue(r.NormFloat64())
			}
		}
		id := hex(64)
		containers = append(containers, container{id, fmt.Sprintf("api-%d-%s", i, hex(5)), id, "/kubepods-pod" + uuid("_") + ".slice/cri-" + id + ".scope"})
	}
	rm := m.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "containers")
	metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
	for _, name := range []string{"cpu", "memory", "files"} {
		metric := metrics.AppendEmpty()
		metric.SetName(name)
		points := metric.SetEmptyGauge().DataPoints()
		for _, c := range containers {
			p := points.AppendEmpty()
			p.SetTimestamp(pcommon.NewTimestampFromTime(start))
			p.SetIntValue(r.Int64N(100))
			put := p.Attributes().PutStr
			put("id", c.cgroup)
			put("name", c.id)
			put("pod", c.pod)
		}
	}
	b, err := pmetricotlp.NewExportRequestFromMetrics(m).MarshalProto()
	require.NoError(t, err)
	return b
}

// TestAFleetTakesItsChance: what identifies a thing is stored once, in the bits that chance has put into it, and clocks, numbers and the order in which
// a sender tells of its things take what they say.
func TestAFleetTakesItsChance(t *testing.T) {
	t.Parallel()
	const devices, points = 200, 200 * (6 + 3)
	// Of a device a UUID, a serial number, another UUID with a container's id and name, and a time; of its points the rest of a time and a number of ten
	// bits, of one in nine a double; of a container's three numbers.
	bits := devices * (122 + 14*5.17 + 122 + 256 + 20 + 8 + 39 + 6*(11+9+64/9.0) + 3*6.7)
	table := NewTable("acme", telemetry.Metrics)
	_, err := table.Append(fleet(t, 3, devices), 1)
	require.NoError(t, err)
	require.Equal(t, points, table.N)
	size := 0
	for _, s := range segments(t, table, MaxItems, 2) {
		size += len(s.Directory) + len(s.Body)
	}
	t.Logf("%.2f B a point, of them %.2f by chance", float64(size)/points, bits/8/points)
	require.Less(t, float64(size), 1.2*bits/8)
}
