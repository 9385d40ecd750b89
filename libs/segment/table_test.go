package segment

import (
	"bytes"
	"math"
	"reflect"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	tables "github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestFailedAppendLeavesNoTrace cuts a payload at every length and checks that the table encodes to the same bytes as before.
func TestFailedAppendLeavesNoTrace(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			table := NewTable("acme", signal)
			_, err := table.Append(newRandom(1).payload(t, signal, 20), 1)
			require.NoError(t, err)
			before := segments(t, table, 100, 0)
			other := newRandom(2).payload(t, signal, 20)
			failed := 0
			for cut := range testbed.Some(len(other)) {
				broken := append(bytes.Clone(other[:cut]), 0xff)
				if _, ok := flatten(t, signal, broken); ok {
					continue // by chance the last byte of a message
				}
				_, err := table.Append(broken, 2)
				require.Error(t, err)
				failed++
			}
			require.Greater(t, failed, len(other)/testbed.Share()*9/10)
			require.Equal(t, before, segments(t, table, 100, 0))
			// And it goes on working.
			n, err := table.Append(other, 2)
			require.NoError(t, err)
			want := NewTable("acme", signal)
			_, err = want.Append(newRandom(1).payload(t, signal, 20), 1)
			require.NoError(t, err)
			m, err := want.Append(other, 2)
			require.NoError(t, err)
			require.Equal(t, m, n)
			require.Equal(t, want.OTLP(nil), table.OTLP(nil))
			require.True(t, reflect.DeepEqual(want.Pool, table.Pool))
		})
	}
}

func TestErrorsNameTheField(t *testing.T) {
	t.Parallel()
	span := func(fields ...[]byte) []byte {
		return field(1, message(field(2, field(2, nil)), field(2, message(field(2, nil), field(2, message(fields...))))))
	}
	for name, c := range map[string]struct {
		payload []byte
		code    string
		message string
	}{
		"trace id": {
			span(field(1, []byte("short"))), "otlp.bad_id_length",
			"resource_spans[0].scope_spans[1].spans[1].trace_id: has 5 bytes, want 16 or none",
		},
		"link": {
			span(field(13, nil), field(13, field(2, []byte("too long for it")))), "otlp.bad_id_length",
			"resource_spans[0].scope_spans[1].spans[1].links[1].span_id: has 15 bytes, want 8 or none",
		},
		"wire type": {
			span(number(7, 1)), "otlp.wire_type", "resource_spans[0].scope_spans[1].spans[1]: field 7 has the wrong wire type 0",
		},
		"truncated": {
			[]byte{0x0a, 0x05, 0x01}, "otlp.malformed", "request: malformed protobuf: the data ends inside a field",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewTable("acme", telemetry.Traces).Append(c.payload, 0)
			var fe *fault.Error
			require.ErrorAs(t, err, &fe)
			require.Equal(t, fault.Invalid, fe.Class)
			require.Equal(t, c.code, fe.Code)
			require.Equal(t, c.message, fe.Message)
		})
	}
}

func TestItemsHaveAnIdentity(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Traces)
	for position := range int64(2) {
		_, err := table.Append(demoTraces(t, 5, 40, false), 10+position)
		require.NoError(t, err)
	}
	for i := range table.N {
		require.Equal(t, int64(i%40), table.Ints[ColOrdinal][i])
		require.Equal(t, int64(10+i/40), table.Ints[ColPosition][i])
	}
	require.LessOrEqual(t, len(table.Resources), demoServices, "resources are interned")
}

func metricsPayload(t *testing.T, build func(m pmetric.MetricSlice)) []byte {
	t.Helper()
	d := pmetric.NewMetrics()
	rm := d.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "cart")
	build(rm.ScopeMetrics().AppendEmpty().Metrics())
	b, err := pmetricotlp.NewExportRequestFromMetrics(d).MarshalProto()
	require.NoError(t, err)
	return b
}

func TestSeriesIdentity(t *testing.T) {
	t.Parallel()
	point := func(m pmetric.MetricSlice, name, unit string, keys ...string) {
		x := m.AppendEmpty()
		x.SetName(name)
		x.SetUnit(unit)
		x.SetDescription("about " + unit)
		p := x.SetEmptyGauge().DataPoints().AppendEmpty()
		for _, k := range keys {
			p.Attributes().PutStr(k, "value of "+k)
		}
	}
	payload := metricsPayload(t, func(m pmetric.MetricSlice) {
		point(m, "load", "1", "a", "b")
		point(m, "load", "1", "b", "a")
		point(m, "load", "1", "a", "b")
		point(m, "load", "s", "a", "b")
		point(m, "load", "1", "a")
	})
	table := NewTable("acme", telemetry.Metrics)
	_, err := table.Append(payload, 0)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 1, 0, 2, 3}, table.Ints[ColSeries])
	require.Equal(t, table.Series[0].ID, table.Series[1].ID, "another order is the same series")
	require.NotEqual(t, table.Series[0].Attributes, table.Series[1].Attributes, "but comes back as it was sent")
	require.NotEqual(t, table.Series[0].ID, table.Series[2].ID)
	require.NotEqual(t, table.Series[0].ID, table.Series[3].ID)
	other := NewTable("other", telemetry.Metrics)
	_, err = other.Append(payload, 0)
	require.NoError(t, err)
	require.NotEqual(t, table.Series[0].ID, other.Series[0].ID, "tenants do not share ids")
}

func TestMetricsWithoutPointsCarryNothing(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Metrics)
	n, err := table.Append(metricsPayload(t, func(m pmetric.MetricSlice) { m.AppendEmpty().SetEmptySum().SetIsMonotonic(true) }), 0)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Empty(t, table.Metrics)
	require.Empty(t, table.Slices(0))
}

func TestServices(t *testing.T) {
	t.Parallel()
	d := ptrace.NewTraces()
	add := func(pairs ...string) {
		rs := d.ResourceSpans().AppendEmpty()
		for i := 0; i < len(pairs); i += 2 {
			rs.Resource().Attributes().PutStr(pairs[i], pairs[i+1])
		}
		rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	}
	add()
	add("service.name", "")
	add("service.name", "cart")
	add("service.namespace", "shop", "service.name", "cart")
	payload, err := ptraceotlp.NewExportRequestFromTraces(d).MarshalProto()
	require.NoError(t, err)
	table := NewTable("acme", telemetry.Traces)
	_, err = table.Append(payload, 0)
	require.NoError(t, err)
	r := table.Resources
	require.Equal(t, "unknown_service", r[0].ServiceName)
	require.Equal(t, "unknown_service", r[1].ServiceName)
	require.Equal(t, serviceID("acme", "", "unknown_service"), r[1].ServiceID)
	require.Equal(t, serviceID("acme", "", "cart"), r[2].ServiceID)
	require.Equal(t, serviceID("acme", "shop", "cart"), r[3].ServiceID)
	require.NotEqual(t, r[2].ServiceID, r[3].ServiceID)
	require.NotEqual(t, OperationID("acme", 1, "GET", 2), OperationID("acme", 1, "GET", 3))
}

func TestLogWithoutTimeIsTakenWhenObserved(t *testing.T) {
	t.Parallel()
	b := field(1, field(2, field(2, []byte{byte(otlp.LogRecordObservedTimeUnixNano), 5, 0, 0, 0, 0, 0, 0, 0})))
	table := NewTable("acme", telemetry.Logs)
	_, err := table.Append(b, 0)
	require.NoError(t, err)
	require.Equal(t, []int64{5}, table.Ints[ColTime])
	require.Equal(t, []int64{HasObserved}, table.Ints[ColHas])
	want, _ := flatten(t, telemetry.Logs, b)
	checkRoundTrip(t, telemetry.Logs, b, want)
}

func TestHeader(t *testing.T) {
	t.Parallel()
	d := ptrace.NewTraces()
	for i, service := range []string{"b", "a", "b"} {
		rs := d.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", service)
		for j := range 2 {
			s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			s.SetStartTimestamp(pcommon.Timestamp(baseTime + int64(i*10+j)))
			s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(100*i+j))
			if j == 1 {
				s.SetParentSpanID([8]byte{1})
			}
			if service == "b" && j == 0 {
				s.Status().SetCode(ptrace.StatusCodeError)
			}
		}
	}
	payload, err := ptraceotlp.NewExportRequestFromTraces(d).MarshalProto()
	require.NoError(t, err)
	table := NewTable("acme", telemetry.Traces)
	_, err = table.Append(payload, 77)
	require.NoError(t, err)
	s := segments(t, table, 100, 1)[0]
	a, b := serviceID("acme", "", "a"), serviceID("acme", "", "b")
	services := []ServiceStats{{ID: a, Items: 2, MaxDuration: 101, MaxErrorDuration: -1}, {ID: b, Items: 4, MaxDuration: 201, MaxErrorDuration: 200}}
	if b < a {
		services[0], services[1] = services[1], services[0]
	}
	require.Equal(t, Header{
		Tenant: "acme", Signal: telemetry.Traces, Level: 1, Format: 1, MinTime: baseTime, MaxTime: baseTime + 21, Items: 6, Errors: 2, Roots: 3,
		Services: services, MinPosition: 77, MaxPosition: 77, Checksum: s.Checksum,
	}, s.Header)
}

// TestWantedColumnsOnly decodes each column alone, from nothing but the ranges it asks for, and compares it with the whole.
func TestWantedColumnsOnly(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			table := NewTable("acme", signal)
			_, err := table.Append(newRandom(9).payload(t, signal, 300), 3)
			require.NoError(t, err)
			for _, s := range segments(t, table, 200, 1) {
				whole := NewTable("acme", signal)
				read(t, whole, s, WantAll())
				for _, c := range whole.b.Schema.Ints {
					one := NewTable("acme", signal)
					read(t, one, s, Want{Ints: []Column{c}})
					require.Equal(t, whole.Ints[c], one.Ints[c], "column %d", c)
					require.Nil(t, one.Attributes.Offsets)
					switch c {
					case ColResource:
						require.Equal(t, serviceNames(whole, c), serviceNames(one, c))
					case ColSeries:
						for i := range whole.Series {
							require.Equal(t, whole.Series[i].ID, one.Series[i].ID)
						}
					}
				}
				for _, c := range whole.b.Schema.Texts {
					one := NewTable("acme", signal)
					read(t, one, s, Want{Texts: []TextColumn{c}})
					for i := range whole.N {
						require.Equal(t, whole.Values[whole.Texts[c][i]].Raw, one.Values[one.Texts[c][i]].Raw)
					}
				}
				ids := NewTable("acme", signal)
				read(t, ids, s, Want{ParentIDs: true})
				require.Equal(t, whole.ParentIDs, ids.ParentIDs)
				require.Nil(t, ids.SpanIDs)
				d, err := ParseDirectory(s.Directory)
				require.NoError(t, err)
				for _, key := range append(d.Keys(), "not there") {
					one := NewTable("acme", signal)
					read(t, one, s, Want{Attributes: []string{key}})
					for i := range whole.N {
						var want, got []Value
						for _, id := range whole.Attributes.Row(i) {
							if v := whole.Values[id]; whole.Keys[v.Key] == key {
								v.Key = 0
								want = append(want, v)
							}
						}
						for _, id := range one.Attributes.Row(i) {
							v := one.Values[id]
							v.Key = 0
							got = append(got, v)
						}
						require.Equal(t, want, got)
					}
					_, err := one.Encode([]uint32{0}, 0)
					require.Error(t, err, "a table without all columns is no source of segments")
				}
			}
		})
	}
}

func serviceNames(t *Table, c Column) []string {
	out := make([]string, t.N)
	for i, r := range t.Ints[c] {
		out[i] = t.Resources[r].ServiceName
	}
	return out
}

func TestDirectoryTellsWhatAKeyHolds(t *testing.T) {
	t.Parallel()
	d := ptrace.NewTraces()
	ss := d.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for i := range 10 {
		s := ss.Spans().AppendEmpty()
		s.SetStartTimestamp(pcommon.Timestamp(baseTime + int64(i)))
		s.Attributes().PutInt("size", int64(i*i-3))
		if i%2 == 0 {
			s.Attributes().PutStr("mixed", "x")
		} else {
			s.Attributes().PutDouble("mixed", 1)
		}
	}
	payload, err := ptraceotlp.NewExportRequestFromTraces(d).MarshalProto()
	require.NoError(t, err)
	table := NewTable("acme", telemetry.Traces)
	_, err = table.Append(payload, 0)
	require.NoError(t, err)
	dir, err := ParseDirectory(segments(t, table, 100, 0)[0].Directory)
	require.NoError(t, err)
	require.Equal(t, []string{"mixed", "size"}, dir.Keys())
	k, ok := dir.Key("size")
	require.True(t, ok)
	require.Equal(t, KeyInfo{Values: 10, Distinct: 10, Types: 1 << Int, Min: -3, Max: 78, Told: true}, k)
	k, _ = dir.Key("mixed")
	require.True(t, k.Has(String) && k.Has(Double) && !k.Has(Int))
	_, ok = dir.Key("other")
	require.False(t, ok)
	lo, hi := dir.Bounds(ColTime)
	require.Equal(t, [2]int64{baseTime, baseTime + 9}, [2]int64{lo, hi})
}

// TestMerge reads many small segments into one table and makes one of them.
func TestMerge(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			var want []string
			merged := NewTable("acme", signal)
			resources := map[int64]bool{}
			for seed := range uint64(8) {
				table := NewTable("acme", signal)
				payload := newRandom(seed/2).payload(t, signal, 40) // every payload twice
				_, err := table.Append(payload, int64(seed))
				require.NoError(t, err)
				items, _ := flatten(t, signal, payload)
				want = append(want, items...)
				for _, r := range table.Resources {
					resources[r.ID] = true
				}
				for _, s := range segments(t, table, 7, 0) {
					read(t, merged, s, WantAll())
				}
			}
			require.LessOrEqual(t, len(merged.Resources), len(resources), "resources are the same in all segments")
			again := NewTable("acme", signal)
			for _, s := range segments(t, merged, MaxItems, 2) {
				read(t, again, s, WantAll())
			}
			got, ok := flatten(t, signal, again.OTLP(nil))
			require.True(t, ok)
			require.ElementsMatch(t, want, got)
		})
	}
}

func TestEncodersWorkInParallel(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Append(demoTraces(t, 3, 2000, true), 1)
	require.NoError(t, err)
	want := segments(t, table, 250, 1)
	got := make([]*Segment, len(want))
	var group sync.WaitGroup
	for i, rows := range table.Slices(250) {
		group.Go(func() {
			s, err := newEncoder().encode(&table.b, rows, 1)
			if err == nil {
				got[i] = s
			}
		})
	}
	group.Wait()
	require.Equal(t, want, got)
}

func TestResetForgets(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Append(newRandom(3).payload(t, telemetry.Traces, 100), 1)
	require.NoError(t, err)
	table.Reset()
	require.Zero(t, table.N)
	require.Nil(t, table.OTLP(nil))
	payload := newRandom(4).payload(t, telemetry.Traces, 100)
	_, err = table.Append(payload, 2)
	require.NoError(t, err)
	fresh := NewTable("acme", telemetry.Traces)
	_, err = fresh.Append(payload, 2)
	require.NoError(t, err)
	require.Equal(t, segments(t, fresh, 50, 1), segments(t, table, 50, 1))
}

func TestEncodeRefusesWrongRows(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Encode(nil, 0)
	require.Error(t, err)
	_, err = table.Encode(make([]uint32, MaxItems+1), 0)
	require.Error(t, err)
	d, err := ParseDirectory(seedSegments(t)[0].Directory)
	require.NoError(t, err)
	require.ErrorContains(t, NewTable("acme", telemetry.Logs).AppendSegment(d, nil, WantAll()), "cannot be read into a table of logs")
	require.ErrorContains(t, NewTable("acme", telemetry.Traces).AppendSegment(d, nil, WantAll()), "missing")
}

func TestSlices(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Append(demoTraces(t, 1, 5000, false), 1)
	require.NoError(t, err)
	seen := make([]bool, table.N)
	last := int64(math.MinInt64)
	slices := table.Slices(1000)
	require.Len(t, slices, 5)
	for _, rows := range slices {
		require.LessOrEqual(t, len(rows), 1000)
		minTime, maxTime := int64(math.MaxInt64), int64(math.MinInt64)
		for i, r := range rows {
			require.False(t, seen[r])
			seen[r] = true
			at := table.Ints[ColTime][r]
			minTime, maxTime = min(minTime, at), max(maxTime, at)
			if i > 0 {
				a, b := table.Resources[table.Ints[ColResource][rows[i-1]]].ServiceName, table.Resources[table.Ints[ColResource][r]].ServiceName
				require.LessOrEqual(t, a, b)
				if a == b {
					require.LessOrEqual(t, table.Ints[ColTime][rows[i-1]], at)
				}
			}
		}
		require.GreaterOrEqual(t, minTime, last, "slices follow each other in time")
		last = maxTime
	}
	require.NotContains(t, seen, false)
}

func TestSlicesKeepHoursAndSeriesApart(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Metrics)
	for i, p := range demoMetrics(t, 1, 250) { // more than an hour
		_, err := table.Append(p, int64(i))
		require.NoError(t, err)
	}
	covered := 0
	type key struct {
		hour   int64
		series int64
	}
	segmentsOf := map[key]int{}
	for _, rows := range table.Slices(2000) {
		covered += len(rows)
		seen := map[key]bool{}
		for _, r := range rows {
			seen[key{hourOf(table.Ints[ColTime][r]), table.Ints[ColSeries][r]}] = true
			require.Equal(t, hourOf(table.Ints[ColTime][rows[0]]), hourOf(table.Ints[ColTime][r]))
		}
		for k := range seen {
			segmentsOf[k]++
		}
	}
	require.Equal(t, table.N, covered)
	for _, n := range segmentsOf {
		require.LessOrEqual(t, n, 2, "a series lies in few segments")
	}
}

func TestHugeItemsFillSegments(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Logs)
	body := bytes.Repeat([]byte("x"), MaxItemBytes/2)
	for range 10 {
		_, err := table.Append(field(1, field(2, field(2, field(5, field(1, body))))), 1)
		require.NoError(t, err)
	}
	require.Greater(t, len(table.Slices(1000)), 1)
	_, err := table.Append(field(1, field(2, field(2, field(5, field(1, bytes.Repeat([]byte("x"), MaxItemBytes+1)))))), 1)
	require.ErrorContains(t, err, "at most")
}

// serviceID is the dimension id of a service.
var serviceID = tables.ServiceID
