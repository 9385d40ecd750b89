package segment

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// outliersOf is a second way to find the outliers of an hour: services sorted whole. Of equal durations any may be one, so that it gives the
// durations of each service's failed ones and of its others.
func outliersOf(t *Table) map[int64][2][]int64 {
	type span struct {
		duration int64
		failed   bool
	}
	of := map[int64][]span{}
	for r := range t.N {
		id := t.Resources[t.Ints[ColResource][r]].ServiceID
		of[id] = append(of[id], span{t.Ints[ColDuration][r], t.Ints[ColStatus][r] == otlp.StatusError})
	}
	out := map[int64][2][]int64{}
	for id, all := range of {
		slices.SortFunc(all, func(a, b span) int { return cmp.Compare(b.duration, a.duration) })
		var lists [2][]int64
		for kind, most := range []int{(len(all) + 79) / 80, len(all) / 400} {
			for _, s := range all {
				if s.failed == (kind == 0) && len(lists[kind]) < most {
					lists[kind] = append(lists[kind], s.duration)
				}
			}
			slices.Sort(lists[kind])
		}
		out[id] = lists
	}
	return out
}

func durationsOf(t *Table, rows [][]uint32) map[int64][2][]int64 {
	out := map[int64][2][]int64{}
	for _, r := range slices.Concat(rows...) {
		id := t.Resources[t.Ints[ColResource][r]].ServiceID
		kind := 1
		if t.Ints[ColStatus][r] == otlp.StatusError {
			kind = 0
		}
		lists := out[id]
		lists[kind] = append(lists[kind], t.Ints[ColDuration][r])
		out[id] = lists
	}
	for id, lists := range out {
		slices.Sort(lists[0])
		slices.Sort(lists[1])
		out[id] = lists
	}
	return out
}

// manySpans are n spans of services of all sizes within an hour, which fail as often as failing says of each service, with many equal durations and some
// that are negative.
func manySpans(t testing.TB, seed uint64, n int, failing func(service int) float64) *Table {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	d := ptrace.NewTraces()
	var of []ptrace.SpanSlice
	for i := range 40 {
		rs := d.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", string(rune('a'+i%23)))
		rs.Resource().Attributes().PutInt("instance", int64(i))
		of = append(of, rs.ScopeSpans().AppendEmpty().Spans())
	}
	for range n {
		i := min(rnd.IntN(40), rnd.IntN(40))
		s := of[i].AppendEmpty()
		s.SetSpanID([8]byte{1, byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32())})
		s.SetTraceID([16]byte{1, byte(rnd.Uint32()), byte(rnd.Uint32())})
		s.SetStartTimestamp(pcommon.Timestamp(baseTime - baseTime%time.Hour.Nanoseconds() + rnd.Int64N(time.Hour.Nanoseconds())))
		s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(rnd.Int64N(300)-20)*pcommon.Timestamp(time.Millisecond))
		if rnd.Float64() < failing(i%23) {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	payload, err := ptraceotlp.NewExportRequestFromTraces(d).MarshalProto()
	require.NoError(t, err)
	table := NewTable("acme", telemetry.Traces)
	_, err = table.Append(payload, 1)
	require.NoError(t, err)
	return table
}

func TestOutliersAreApart(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]func(int) float64{
		"none fail": func(int) float64 { return 0 },
		"few":       func(int) float64 { return 0.01 },
		"some":      func(service int) float64 { return float64(service%5) / 40 },
		"all":       func(int) float64 { return 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := manySpans(t, 7, 40_000, failing)
			for range 2 { // its memory is used again
				common, apart := table.SlicesApart(0)
				require.NotEmpty(t, apart)
				require.Equal(t, outliersOf(table), durationsOf(table, apart))
				seen := make([]bool, table.N)
				for _, list := range [][][]uint32{common, apart} {
					last := int64(0)
					for _, rows := range list {
						least, most := table.Ints[ColTime][rows[0]], int64(0)
						for _, r := range rows {
							require.False(t, seen[r])
							seen[r] = true
							least, most = min(least, table.Ints[ColTime][r]), max(most, table.Ints[ColTime][r])
						}
						require.GreaterOrEqual(t, least, last, "slices follow each other in time")
						last = most
					}
				}
				require.NotContains(t, seen, false)
			}
		})
	}
}

func TestOutliersOfFewSpansStay(t *testing.T) {
	t.Parallel()
	few := manySpans(t, 8, 4*MaxItems-1, func(int) float64 { return 0.02 })
	common, apart := few.SlicesApart(0)
	require.Empty(t, apart)
	require.Equal(t, few.Slices(0), common)

	// One service whose spans are too few of 400: nothing would fill a segment.
	calm := manySpans(t, 9, 4*MaxItems, func(int) float64 { return 0 })
	common, apart = calm.SlicesApart(0)
	require.Empty(t, apart)
	require.Len(t, common, 4)

	for _, signal := range []telemetry.Signal{telemetry.Logs, telemetry.Metrics} {
		table := NewTable("acme", signal)
		for i := range 6 {
			payload := demoLogs(t, uint64(i), 3000)
			if signal == telemetry.Metrics {
				payload = demoMetrics(t, uint64(i), 1)[0]
			}
			_, err := table.Append(payload, int64(i))
			require.NoError(t, err)
		}
		common, apart = table.SlicesApart(0)
		require.Empty(t, apart)
		require.Equal(t, table.Slices(0), common)
	}
}

func TestAFailedSpanIsSeenInTheHeaderWhateverItsClock(t *testing.T) {
	t.Parallel()
	d := ptrace.NewTraces()
	s := d.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetStartTimestamp(pcommon.Timestamp(baseTime))
	s.SetEndTimestamp(pcommon.Timestamp(baseTime - 1000))
	s.Status().SetCode(ptrace.StatusCodeError)
	payload, err := ptraceotlp.NewExportRequestFromTraces(d).MarshalProto()
	require.NoError(t, err)
	table := NewTable("acme", telemetry.Traces)
	_, err = table.Append(payload, 1)
	require.NoError(t, err)
	seg, err := table.Encode(table.Slices(0)[0], 0)
	require.NoError(t, err)
	require.Equal(t, int64(-1000), seg.Services[0].MaxDuration)
	require.Zero(t, seg.Services[0].MaxErrorDuration, "-1 would say that none failed")
}

// BenchmarkSlices is what finding outliers adds to sorting, beside Encode.
func BenchmarkSlices(b *testing.B) {
	table := NewTable("default", telemetry.Traces)
	for i := range 12 {
		_, err := table.Append(demoTraces(b, uint64(i), 8000, false), int64(i))
		require.NoError(b, err)
	}
	for name, slice := range map[string]func(){"as they come": func() { table.Slices(0) }, "apart": func() { table.SlicesApart(0) }} {
		b.Run(name, func(b *testing.B) {
			from := cpu()
			for b.Loop() {
				slice()
			}
			report(b, table.N, from)
		})
	}
}
