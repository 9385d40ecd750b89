package shapes

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// iot is a fleet of devices that report seldom: a resource for a few points, clocks that nobody sets, counts since the last report, frames of bytes.
type iot struct {
	*source
	devices map[int]*device
}

type device struct {
	attributes []any
	skew       time.Duration
	level      float64
	reported   time.Time
}

const fleet = 30_000

func newIoT(s *source) sender { return &iot{source: s, devices: map[int]*device{}} }

func (x *iot) device() (int, *device) {
	i := x.IntN(fleet)
	d := x.devices[i]
	if d == nil {
		d = &device{skew: time.Duration(x.NormFloat64() * float64(5*time.Second)), level: 15 + 10*x.Float64(), reported: x.now().Add(-x.lasting(time.Hour))}
		d.attributes = []any{
			"service.name", one(x.source, "boiler", "heatpump", "solar"), "service.instance.id", x.uuid(), "device.serial", x.letters(alphabet[:26], 3) + x.letters("0123456789", 9),
			"device.model", fmt.Sprintf("HX-%d", 10*x.rank(12)), "firmware", fmt.Sprintf("%d.%d.%d", 2+x.IntN(2), x.rank(9), x.rank(20)),
			"geo.lat", math.Round(x.Float64()*1e5) / 1e3, "geo.lon", math.Round(x.Float64()*1e5) / 1e3, "key", x.bytes(16), "tariff", one(x.source, "day", "night", "flat"),
		}
		x.devices[i] = d
	}
	return i, d
}

func (d *device) describe(m pcommon.Map) { put(m, d.attributes...) }

// clock is what a device believes the time to be.
func (x *iot) clock(d *device) time.Time {
	t := x.now().Add(d.skew).Truncate(time.Millisecond)
	if x.chance(0.02) {
		return t.Add(-x.lasting(2 * time.Hour))
	}
	return t
}

func (x *iot) traces(to *resources[ptrace.ResourceSpans]) {
	i, d := x.device()
	span := spansOf(to.of(i, d.describe), "updater").AppendEmpty()
	began := x.clock(d)
	x.made++
	span.SetTraceID(x.traceID())
	span.SetSpanID(x.spanID())
	span.SetName(one(x.source, "update", "handshake", "sync"))
	span.SetStartTimestamp(stamp(began))
	span.SetEndTimestamp(stamp(began.Add(x.lasting(8 * time.Second).Truncate(time.Millisecond))))
	put(span.Attributes(), "image.digest", "sha256:"+x.hex(64), "battery", math.Round(x.Float64()*100)/100, "attempt", 1+x.rank(4))
}

func (x *iot) logs(to *resources[plog.ResourceLogs]) {
	i, d := x.device()
	record := recordsOf(to.of(i, d.describe), "firmware").AppendEmpty()
	at := x.clock(d)
	x.made++
	record.SetTimestamp(stamp(at))
	if x.chance(0.5) {
		frame := append([]byte{0xa5, 0x01, byte(x.rank(30))}, x.bytes(4+x.IntN(28))...)
		record.Body().SetEmptyBytes().FromRaw(frame)
		return
	}
	record.SetSeverityText(one(x.source, "I", "W", "E"))
	record.Body().SetStr(fmt.Sprintf("valve %d moved to %d%% in %d ms, pressure %.2f bar", x.IntN(4), x.IntN(100), int(x.about(300)), 1+x.Float64()))
}

func (x *iot) metrics(to *resources[pmetric.ResourceMetrics]) {
	i, d := x.device()
	rm := to.of(i, d.describe)
	at := x.clock(d)
	d.level += x.NormFloat64() / 4
	gauge := func(name, unit string, v float64) {
		m := metricOf(rm, name, func(m pmetric.Metric) {
			m.SetUnit(unit)
			m.SetEmptyGauge()
		})
		p := m.Gauge().DataPoints().AppendEmpty()
		p.SetTimestamp(stamp(at))
		p.SetDoubleValue(v)
		x.made++
	}
	gauge("temperature", "Cel", math.Round(d.level*10)/10)
	if x.chance(0.5) {
		gauge("pressure", "bar", math.Round((1+x.Float64())*1000)/1000)
	}
	if x.chance(0.3) {
		m := metricOf(rm, "energy", func(m pmetric.Metric) {
			m.SetUnit("Wh")
			m.SetEmptySum().SetIsMonotonic(true)
			m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		})
		p := m.Sum().DataPoints().AppendEmpty()
		p.SetStartTimestamp(stamp(d.reported))
		p.SetTimestamp(stamp(at))
		p.SetIntValue(int64(x.about(400)))
		x.made++
	}
	if x.chance(0.2) {
		m := metricOf(rm, "cycle", func(m pmetric.Metric) {
			m.SetUnit("s")
			m.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		})
		p := m.ExponentialHistogram().DataPoints().AppendEmpty()
		p.SetStartTimestamp(stamp(d.reported))
		p.SetTimestamp(stamp(at))
		p.SetScale(int32(2 + x.IntN(3)))
		p.Positive().SetOffset(int32(x.IntN(20)))
		count := uint64(0)
		for range 4 + x.IntN(12) {
			n := uint64(x.rank(40))
			p.Positive().BucketCounts().Append(n)
			count += n
		}
		p.SetCount(count)
		p.SetSum(float64(count) * x.about(2))
		x.made++
	}
	d.reported = at
}
