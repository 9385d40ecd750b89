package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func hour() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

// gauges are segments of gauges: so many metrics of so many series each, with a point in each of some scrapes, a minute apart.
func gauges(t testing.TB, metrics, each, scrapes int) []*segment.Segment {
	t.Helper()
	table := segment.NewTable("default", telemetry.Metrics)
	for scrape := range scrapes {
		md := pmetric.NewMetrics()
		for s := range each {
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", "service-"+strconv.Itoa(s/50))
			rm.Resource().Attributes().PutStr("service.instance.id", "instance-"+strconv.Itoa(s/10))
			sm := rm.ScopeMetrics().AppendEmpty()
			for i := range metrics {
				m := sm.Metrics().AppendEmpty()
				m.SetName("metric." + strconv.Itoa(i))
				m.SetUnit("1")
				p := m.SetEmptyGauge().DataPoints().AppendEmpty()
				p.SetTimestamp(pcommon.NewTimestampFromTime(hour().Add(time.Duration(scrape)*time.Minute + time.Duration(s)*time.Millisecond)))
				p.SetIntValue(int64(s))
				p.Attributes().PutStr("http.route", "/things/"+strconv.Itoa(s%50))
				p.Attributes().PutInt("shard", int64(s))
			}
		}
		_, err := table.Append(testbed.MetricsPayload(md), int64(scrape+1))
		require.NoError(t, err)
	}
	var out []*segment.Segment
	for _, rows := range table.Slices(segment.MaxItems) {
		s, err := table.Encode(rows, 2)
		require.NoError(t, err)
		out = append(out, s)
	}
	return out
}

func settled(t testing.TB, segments []*segment.Segment) rollup.Content {
	t.Helper()
	contents, err := Kind().Settle(segments)
	require.NoError(t, err)
	require.Len(t, contents, 1)
	return contents[0]
}

// A number of things is exact up to the most that are kept, and close beyond, whichever way sets are joined.
func TestASetReckonsWhatItDoesNotKeep(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 4095, 4096, 4097, 20_000, 300_000} {
		rnd := rand.New(rand.NewPCG(1, uint64(n)))
		parts := make([][]uint64, 7)
		for i := range n {
			hash := short(xxh3.HashString(strconv.Itoa(i)))
			for k, of := range []int{rnd.IntN(7), rnd.IntN(7)} { // many are in two
				if k == 0 || of != 0 {
					parts[of] = append(parts[of], hash)
				}
			}
		}
		var there, back Set
		sets := make([]Set, len(parts))
		for i, list := range parts {
			sets[i] = setOf(list, nil, MostSeries)
			there.merge(&sets[i], MostSeries)
		}
		for i := range sets {
			back.merge(&sets[len(sets)-1-i], MostSeries)
		}
		require.Equal(t, there.values, back.values)
		require.Equal(t, there.below, back.below)
		require.Equal(t, n <= MostSeries, there.Exact())
		if there.Exact() {
			require.EqualValues(t, n, there.Count())
		}
		require.InEpsilon(t, max(n, 1), max(there.Count(), 1), 0.05)
	}
}

// What one row tells is what was counted; parts of some minutes, hours and a day say the same of what they are of.
func TestWhatIsToldOfMinutes(t *testing.T) {
	t.Parallel()
	part := settled(t, gauges(t, 3, 120, 5))
	start := hour().UnixNano()
	read := func(blob []byte, minutes uint64) *Metric {
		c, err := Read(blob, start, minutes, true)
		require.NoError(t, err)
		if len(c.Metrics) == 0 {
			return nil
		}
		require.Len(t, c.Metrics, 3)
		return c.Metrics[Key{Name: "metric.1", Unit: "1", Type: segment.Gauge}]
	}
	two := Minutes(start, start+int64(time.Minute), start+3*int64(time.Minute))
	require.EqualValues(t, 0b110, two)
	m := read(part.Minutes, two)
	require.EqualValues(t, 240, m.Points)
	require.EqualValues(t, 120, m.Series.Count())
	require.Equal(t, hour().Add(2*time.Minute+119*time.Millisecond).UnixNano(), m.Last)
	require.Equal(t, []string{"service-0", "service-1", "service-2"}, m.Services.Values())
	got := map[string]int64{}
	for i := range m.Labels {
		got[fmt.Sprint(m.Labels[i].Key.Of, m.Labels[i].Key.Name)] = m.Labels[i].Values.Count()
	}
	require.Equal(t, map[string]int64{"0http.route": 50, "0shard": 120, "1service.name": 3, "1service.instance.id": 12}, got)
	require.Nil(t, read(part.Minutes, Minutes(start, start+5*int64(time.Minute), math.MaxInt64)))
	require.EqualValues(t, AllMinutes, Minutes(start, start-1, start+int64(time.Hour)))
	require.Zero(t, Minutes(start, start+1, start+int64(time.Minute)))

	// Folded, with itself: series stay what they are, points are those of both.
	rows := func(grain rollup.Grain, contents ...rollup.Content) func(func(*rollup.Row, error) bool) {
		return func(yield func(*rollup.Row, error) bool) {
			for _, c := range contents {
				if !yield(&rollup.Row{Grain: grain, Start: start, Content: c}, nil) {
					return
				}
			}
		}
	}
	hours, err := Kind().Fold(rollup.Hour, start, false, rows(rollup.Part, part, part))
	require.NoError(t, err)
	m = read(hours[0].Minutes, two)
	require.EqualValues(t, 480, m.Points)
	require.EqualValues(t, 120, m.Series.Count())
	days, err := Kind().Fold(rollup.Day, telemetry.Grain(start, 24*time.Hour), false, rows(rollup.Hour, hours...))
	require.NoError(t, err)
	require.Empty(t, days[0].Minutes)
	m = read(days[0].Total, AllMinutes)
	require.EqualValues(t, 1200, m.Points)
	require.EqualValues(t, 120, m.Series.Count())
	_, err = Kind().Fold(rollup.Hour, start, false, rows(rollup.Hour, rollup.Content{Minutes: days[0].Total}))
	require.True(t, packed.ErrDamaged.Matches(err), "a day is no hour")
}

// However many metrics and series an hour has, its row is small, and what it leaves out it counts.
func TestARowIsBounded(t *testing.T) {
	t.Parallel()
	c := New()
	mostMetrics := wholeRoom().metrics
	for i := range 2*mostMetrics + 1 {
		of := New()
		m := &Metric{Points: 3, Series: setOf([]uint64{uint64(i)}, []uint64{1}, MostSeries), minutes: []minute{{points: 3}}}
		if i < 270 { // some with more series than one keeps
			hashes, minutes := make([]uint64, 4200), make([]uint64, 4200)
			for n := range hashes {
				hashes[n], minutes[n] = short(xxh3.HashString(fmt.Sprint(i, n))), 1
			}
			m.Series = setOf(hashes, minutes, MostSeries)
		}
		of.Metrics[Key{Name: fmt.Sprint("metric.", i)}] = m
		c.add(of)
	}
	blob, err := c.encode(0, true)
	require.NoError(t, err)
	require.Less(t, len(blob), 7<<20)
	got, err := Read(blob, 0, AllMinutes, true)
	require.NoError(t, err)
	require.Len(t, got.Metrics, mostMetrics)
	points := got.Untold
	hashes := 0
	for key, m := range got.Metrics {
		points += m.Points
		hashes += len(m.Series.values)
		if n := slices.Contains([]string{"metric.0", "metric.269"}, key.Name); n {
			require.False(t, m.Series.Exact())
			require.InEpsilon(t, 4200, m.Series.Count(), 0.1)
		}
	}
	require.EqualValues(t, 3*(2*mostMetrics+1), points)
	require.LessOrEqual(t, hashes, wholeRoom().series)
}

// However many keys with many values the metrics of an hour have, what is held of them is bounded: of values fewer are kept, from which one reckons.
func TestValuesOfKeysAreBoundedTogether(t *testing.T) {
	t.Parallel()
	total := New()
	const metrics, values = 270, 250
	for part := range 2 {
		hashes, minutes := make([]uint64, values), make([]uint64, values)
		for n := range hashes {
			hashes[n], minutes[n] = short(xxh3.HashString(fmt.Sprint(part, n))), 1
		}
		set := setOf(hashes, minutes, MostValues)
		of := New()
		for i := range metrics {
			m := &Metric{Points: 1, minutes: []minute{{points: 1}}}
			for k := range mostLabels {
				m.Labels = append(m.Labels, Label{counts.Key{Name: fmt.Sprintf("key %03d", k)}, set})
			}
			of.Metrics[Key{Name: fmt.Sprint("metric ", i)}] = m
		}
		total.add(of)
	}
	require.Less(t, total.Memory(), int64(120<<20))
	blob, err := total.encode(0, true)
	require.NoError(t, err)
	got, err := Read(blob, 0, AllMinutes, true)
	require.NoError(t, err)
	require.Len(t, got.Metrics, metrics)
	for _, m := range got.Metrics {
		require.Len(t, m.Labels, mostLabels)
		require.False(t, m.Labels[7].Values.Exact())
		require.InEpsilon(t, 2*values, m.Labels[7].Values.Count(), 0.5)
	}
}

// An hour of which all would be larger than a row tells less, and what it leaves out it counts.
func TestARowThatWouldBeTooLargeTellsLess(t *testing.T) {
	t.Parallel()
	c := New()
	long := strings.Repeat("n", rollup.MostName-10)
	for i := range wholeRoom().metrics {
		m := &Metric{Points: 3, Series: setOf([]uint64{uint64(i)}, []uint64{1}, MostSeries), minutes: []minute{{points: 3}}}
		for k := range 5 {
			m.Labels = append(m.Labels, Label{counts.Key{Name: fmt.Sprint(long, i, ".", k)}, m.Series})
		}
		c.Metrics[Key{Name: fmt.Sprint(long, i), Unit: fmt.Sprint(long, i)}] = m
	}
	blob, err := c.encode(0, true)
	require.NoError(t, err)
	require.LessOrEqual(t, packed.Size(blob), mostBytes)
	got, err := Read(blob, 0, AllMinutes, true)
	require.NoError(t, err)
	require.Greater(t, len(got.Metrics), wholeRoom().metrics/10)
	points := got.Untold
	for _, m := range got.Metrics {
		require.True(t, m.More)
		points += m.Points
	}
	require.EqualValues(t, 3*wholeRoom().metrics, points)
}

func TestTextsAndListsAreBounded(t *testing.T) {
	t.Parallel()
	md := pmetric.NewMetrics()
	for i := range mostNames + 5 {
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", fmt.Sprintf("%04d%s", i, strings.Repeat("s", 600)))
		m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(strings.Repeat("n", 600))
		m.SetDescription(strings.Repeat("ä", 600))
		m.Metadata().PutStr("large", strings.Repeat("m", mostMeta))
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(hour()))
		for k := range 2 {
			p.Attributes().PutStr(fmt.Sprint("key.", i%100, ".", k), "v")
		}
	}
	table := segment.NewTable("default", telemetry.Metrics)
	_, err := table.Append(testbed.MetricsPayload(md), 1)
	require.NoError(t, err)
	s, err := table.Encode(table.Slices(segment.MaxItems)[0], 2)
	require.NoError(t, err)
	c, err := Read(settled(t, []*segment.Segment{s}).Minutes, hour().UnixNano(), AllMinutes, true)
	require.NoError(t, err)
	require.Len(t, c.Metrics, 1)
	for key, m := range c.Metrics {
		require.True(t, rollup.IsCut(key.Name))
		require.LessOrEqual(t, len(m.Description), mostText)
		require.True(t, strings.HasSuffix(m.Description, "ä…"))
		require.Empty(t, m.Metadata)
		require.Len(t, m.Services.Values(), mostNames)
		require.True(t, rollup.IsCut(m.Services.Values()[0]))
		require.Len(t, m.Labels, mostLabels)
		require.True(t, m.More)
		require.EqualValues(t, mostNames+5, m.Series.Count())
	}
}

func TestADamagedRowIsTold(t *testing.T) {
	t.Parallel()
	blob := settled(t, gauges(t, 4, 40, 3)).Minutes
	var memory []byte
	raw, err := packed.Unpack(&memory, blob)
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(1, 1))
	failed := 0
	for range 3000 {
		b := slices.Clone(raw)
		switch rnd.IntN(3) {
		case 0:
			b = b[:rnd.IntN(len(b))]
		case 1:
			b = append(b, 1)
		default:
			b[rnd.IntN(len(b))] ^= byte(1 << rnd.IntN(8))
		}
		blob, err := packed.Pack(b)
		require.NoError(t, err)
		for _, keep := range []bool{true, false} {
			c, err := decode(blob, 0, 0b101, keep, true)
			if err == nil { // other numbers or other letters
				sum := New()
				sum.Merge(c)
				sum.Merge(c)
				continue
			}
			failed++
			require.Equal(t, fault.Internal, fault.ClassOf(err))
		}
	}
	require.Greater(t, failed, 1000)
}

// A row is small beside its points.
func TestBytesASeries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		metrics, each int
		most          float64 // bytes a series
	}{{20, 10, 34}, {20, 400, 9}} {
		part := settled(t, gauges(t, c.metrics, c.each, 10))
		n := float64(len(part.Minutes)) / float64(c.metrics*c.each)
		t.Logf("%d series of %d metrics: %d B, %.1f B a series", c.metrics*c.each, c.metrics, len(part.Minutes), n)
		require.LessOrEqual(t, n, c.most)
	}
}

func BenchmarkSettle(b *testing.B) {
	segments := gauges(b, 10, 800, 5)
	b.ReportAllocs()
	for b.Loop() {
		_, err := Kind().Settle(segments)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/40_000, "ns/point")
}

// Two hours joined, as a reader does.
func BenchmarkRead(b *testing.B) {
	blob := settled(b, gauges(b, 10, 800, 5)).Minutes
	b.ReportAllocs()
	for b.Loop() {
		sum := New()
		for range 2 {
			c, err := Read(blob, hour().UnixNano(), AllMinutes, false)
			require.NoError(b, err)
			sum.Merge(c)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/16_000, "ns/series")
}

// What a Reader makes of rows, of which most have the series of the row before, is what all of them make that are read by themselves: of hours by minutes and whole, of
// days, packed or plain.
func TestARowIsReadAgainstTheOneBefore(t *testing.T) {
	t.Parallel()
	for _, values := range []bool{false, true} {
		same := settled(t, gauges(t, 10, 800, 5)).Minutes
		other := settled(t, gauges(t, 7, 500, 3)).Minutes
		r := Reader{Values: values}
		got, want := New(), New()
		passed := 0
		for i, blob := range [][]byte{same, same, other, same, same, other, other} {
			start := hour().UnixNano() + int64(i)*int64(time.Hour)
			minutes := uint64(AllMinutes)
			if i == 3 {
				minutes = 1<<20 - 1
			}
			told, err := r.Read(slices.Clone(blob), start, minutes)
			require.NoError(t, err)
			for _, m := range told.Metrics {
				if len(m.Series.values) == 0 {
					passed++
				}
			}
			got.Merge(told)
			told, err = Read(blob, start, minutes, values)
			require.NoError(t, err)
			want.Merge(told)
			require.Equal(t, want, got, "row %d", i)
		}
		require.Positive(t, passed)
		_, err := r.Read(same[:len(same)/2], hour().UnixNano(), AllMinutes)
		require.Error(t, err)
	}
}
