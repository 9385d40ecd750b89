package segment

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func stored(s *Segment) int {
	return len(s.Body) + len(s.Directory) + len(s.TokenFilter) + len(s.TraceFilter) + 28*len(s.Services) + 100
}

func benchmarkAppend(b *testing.B, signal telemetry.Signal, payload []byte) {
	b.Helper()
	table := NewTable("default", signal)
	n, err := table.Append(payload, 1)
	require.NoError(b, err)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		table.Reset()
		if _, err := table.Append(payload, 1); err != nil {
			b.Fatal(err)
		}
	}
	report(b, n, from)
	b.ReportMetric(float64(len(payload))/float64(n), "otlp-B/item")
}

// cpu is the process's CPU time so far: on a busy machine the only time that means something.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func report(b *testing.B, items int, from time.Duration) {
	b.Helper()
	b.ReportMetric(float64((cpu()-from).Nanoseconds())/float64(b.N)/float64(items), "cpu-ns/item")
}

func BenchmarkAppendSpans(b *testing.B) {
	benchmarkAppend(b, telemetry.Traces, demoTraces(b, 1, 8000, false))
}

func BenchmarkAppendHardSpans(b *testing.B) {
	benchmarkAppend(b, telemetry.Traces, demoTraces(b, 1, 8000, true))
}
func BenchmarkAppendLogs(b *testing.B) { benchmarkAppend(b, telemetry.Logs, demoLogs(b, 1, 8000)) }
func BenchmarkAppendPoints(b *testing.B) {
	benchmarkAppend(b, telemetry.Metrics, demoMetrics(b, 1, 1)[0])
}

// BenchmarkPdataSpans is the yardstick: decoding alone by pdata.
func BenchmarkPdataSpans(b *testing.B) {
	payload := demoTraces(b, 1, 8000, false)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		if err := ptraceotlp.NewExportRequest().UnmarshalProto(payload); err != nil {
			b.Fatal(err)
		}
	}
	report(b, 8000, from)
}

func benchmarkEncode(b *testing.B, signal telemetry.Signal, level, maxItems int, payloads ...[]byte) {
	b.Helper()
	table := NewTable("default", signal)
	for i, p := range payloads {
		_, err := table.Append(p, int64(i))
		require.NoError(b, err)
	}
	size := 0
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		size = 0
		for _, rows := range table.Slices(maxItems) {
			s, err := table.Encode(rows, level)
			if err != nil {
				b.Fatal(err)
			}
			size += stored(s)
		}
	}
	report(b, table.N, from)
	b.ReportMetric(float64(size)/float64(table.N), "stored-B/item")
}

func BenchmarkEncodeSpans(b *testing.B) {
	for _, n := range []int{20, 250, 1000, 2000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchmarkEncode(b, telemetry.Traces, 0, n, demoTraces(b, 1, 8000, false))
		})
	}
}

func BenchmarkEncodeHardSpans(b *testing.B) {
	benchmarkEncode(b, telemetry.Traces, 0, 1000, demoTraces(b, 1, 8000, true))
}

func BenchmarkEncodeSpansLevel2(b *testing.B) {
	benchmarkEncode(b, telemetry.Traces, 2, 4000, demoTraces(b, 1, 8000, false))
}

func BenchmarkEncodeLogs(b *testing.B) {
	benchmarkEncode(b, telemetry.Logs, 0, 1000, demoLogs(b, 1, 8000))
}

func BenchmarkEncodePoints(b *testing.B) {
	benchmarkEncode(b, telemetry.Metrics, 0, 1000, demoMetrics(b, 1, 4)...)
}

func BenchmarkEncodePointsLevel2(b *testing.B) {
	benchmarkEncode(b, telemetry.Metrics, 2, 4000, demoMetrics(b, 1, 60)...)
}

func benchmarkDecode(b *testing.B, signal telemetry.Signal, want Want, payload []byte) {
	b.Helper()
	table := NewTable("default", signal)
	_, err := table.Append(payload, 1)
	require.NoError(b, err)
	all := segments(b, table, 4000, 2)
	to := NewTable("default", signal)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		to.Reset()
		for _, s := range all {
			d, err := ParseDirectory(s.Directory)
			if err != nil {
				b.Fatal(err)
			}
			if err := to.AppendSegment(d, []Part{{Offset: 0, Bytes: s.Body}}, want); err != nil {
				b.Fatal(err)
			}
		}
	}
	report(b, table.N, from)
}

func BenchmarkDecodeSpans(b *testing.B) {
	payload := demoTraces(b, 1, 8000, false)
	b.Run("all", func(b *testing.B) { benchmarkDecode(b, telemetry.Traces, WantAll(), payload) })
	b.Run("red", func(b *testing.B) {
		benchmarkDecode(b, telemetry.Traces, Want{Ints: []Column{ColTime, ColDuration, ColResource, ColStatus, ColKind}, Texts: []TextColumn{TextName}}, payload)
	})
	b.Run("key", func(b *testing.B) {
		benchmarkDecode(b, telemetry.Traces, Want{Attributes: []string{"app.user.id"}}, payload)
	})
}

func BenchmarkOTLP(b *testing.B) {
	table := NewTable("default", telemetry.Traces)
	_, err := table.Append(demoTraces(b, 1, 8000, false), 1)
	require.NoError(b, err)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		_ = table.OTLP(nil)
	}
	report(b, table.N, from)
}

// BenchmarkMerge is what the janitor does with a group: small segments read, sorted anew, and written as large ones.
func BenchmarkMerge(b *testing.B) {
	for name, c := range map[string]struct {
		signal   telemetry.Signal
		payloads [][]byte
	}{
		"spans":  {telemetry.Traces, [][]byte{demoTraces(b, 1, 16_000, false)}},
		"logs":   {telemetry.Logs, [][]byte{demoLogs(b, 1, 16_000)}},
		"points": {telemetry.Metrics, demoMetrics(b, 1, 8)},
	} {
		b.Run(name, func(b *testing.B) {
			from := NewTable("default", c.signal)
			for i, p := range c.payloads {
				_, err := from.Append(p, int64(i))
				require.NoError(b, err)
			}
			parts := segments(b, from, 2000, 1)
			t := NewTable("default", c.signal)
			b.ReportAllocs()
			began := cpu()
			for b.Loop() {
				t.Reset()
				for _, s := range parts {
					d, err := ParseDirectory(s.Directory)
					require.NoError(b, err)
					require.NoError(b, t.AppendSegment(d, []Part{{Offset: 0, Bytes: s.Body}}, WantAll()))
				}
				for _, rows := range t.Slices(MaxItems) {
					if _, err := t.Encode(rows, 2); err != nil {
						b.Fatal(err)
					}
				}
			}
			report(b, from.N, began)
		})
	}
}

// BenchmarkRow reads one row of a large segment in full: what the last step of a search pays where every hit lies in another segment.
func BenchmarkRow(b *testing.B) {
	for _, c := range []struct {
		signal  telemetry.Signal
		payload []byte
	}{
		{telemetry.Traces, demoTraces(b, 1, MaxItems, false)},
		{telemetry.Logs, demoLogs(b, 1, MaxItems)},
		{telemetry.Metrics, demoMetrics(b, 1, 1)[0]},
	} {
		b.Run(c.signal.String(), func(b *testing.B) {
			from := NewTable("default", c.signal)
			_, err := from.Append(c.payload, 1)
			require.NoError(b, err)
			s := segments(b, from, MaxItems, 2)[0]
			d, err := ParseDirectory(s.Directory)
			require.NoError(b, err)
			to := NewTable("default", c.signal)
			b.ReportAllocs()
			began := cpu()
			for i := uint32(0); b.Loop(); i += 997 {
				to.Reset()
				if err := to.AppendRows(d, []Part{{Offset: 0, Bytes: s.Body}}, WantAll(), []uint32{i % uint32(s.Items)}); err != nil {
					b.Fatal(err)
				}
			}
			report(b, 1, began)
			b.ReportMetric(float64(len(s.Body)), "body-B")
		})
	}
}
