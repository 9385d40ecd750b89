package counts

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/libs/testbed/shapes"
)

func hour() int64 { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).UnixNano() }

// segmentsOf encodes requests as segments of at most so many items.
func segmentsOf(t testing.TB, signal telemetry.Signal, size int, payloads ...[]byte) (*segment.Table, []*segment.Segment) {
	t.Helper()
	table := segment.NewTable("default", signal)
	for i, p := range payloads {
		_, err := table.Append(p, int64(i+1))
		require.NoError(t, err)
	}
	var out []*segment.Segment
	for _, rows := range table.Slices(size) {
		s, err := table.Encode(rows, 2)
		require.NoError(t, err)
		out = append(out, s)
	}
	return table, out
}

// plain counts items of a table as plainly as can be.
func plain(t *segment.Table) map[Key]map[string]int64 {
	out := map[Key]map[string]int64{}
	add := func(of Of, name string, v segment.Value) {
		k := Key{of, name}
		if out[k] == nil {
			out[k] = map[string]int64{}
		}
		out[k][name1(v)]++
	}
	text := func(of Of, name, s string) {
		if s != "" {
			add(of, name, segment.Value{Type: segment.String, Raw: []byte(s)})
		}
	}
	number := func(name string, n int64) { add(OfField, name, segment.Value{Type: segment.Int, Num: uint64(n)}) }
	attributes := func(of Of, list []segment.ValueID) {
		for _, id := range list {
			v := t.Values[id]
			add(of, t.Keys[v.Key], v)
		}
	}
	for i := range t.N {
		r, s := &t.Resources[t.Ints[segment.ColResource][i]], &t.Scopes[t.Ints[segment.ColScope][i]]
		text(OfField, "service", r.ServiceName)
		text(OfField, "namespace", r.ServiceNamespace)
		attributes(OfResource, r.Attributes)
		attributes(OfScope, s.Attributes)
		attributes(OfItem, t.Attributes.Row(i))
		if t.Signal == telemetry.Traces {
			number("kind", t.Ints[segment.ColKind][i])
			number("status", t.Ints[segment.ColStatus][i])
			text(OfField, "name", string(t.Values[t.Texts[segment.TextName][i]].Raw))
		} else if n := t.Ints[segment.ColSeverity][i]; n != 0 {
			number("severity", n)
		}
	}
	return out
}

func name1(v segment.Value) string { return fmt.Sprint(v.Type, " ", v.Num, " ", string(v.Raw)) }

// told is what contents of grain say of keys: values and items, nil where they do not tell; and of how many items they are.
func told(t testing.TB, grain rollup.Grain, contents []rollup.Content, keys []Key) (out map[Key]map[string]int64, items int64) {
	t.Helper()
	out = map[Key]map[string]int64{}
	require.Len(t, contents, 1)
	var c Chunk
	for _, key := range keys {
		require.NoError(t, c.Decode(Blob(grain, contents[0].Total, contents[0].Minutes)))
		got := map[string]int64{}
		known, err := c.Find(key, func(v segment.Value, n int64) { got[name1(v)] += n })
		require.NoError(t, err)
		if known {
			out[key] = got
		}
	}
	return out, c.Items
}

// rowsOf are contents as rows of one hour each.
func rowsOf(grain rollup.Grain, start int64, contents ...[]rollup.Content) func(func(*rollup.Row, error) bool) {
	return func(yield func(*rollup.Row, error) bool) {
		for i, list := range contents {
			for _, c := range list {
				if !yield(&rollup.Row{Grain: grain, Start: start + int64(i)*int64(time.Hour), Content: c}, nil) {
					return
				}
			}
		}
	}
}

func kind(signal telemetry.Signal) rollup.Kind {
	return Kinds()[slices.IndexFunc(Kinds(), func(k rollup.Kind) bool { return k.Signal == signal })]
}

// What parts tell, and hours and days that are folded of them, is a plain count, of every key that they tell of; and of few values they tell.
func TestSumsAreARecount(t *testing.T) {
	t.Parallel()
	for _, name := range append(shapes.Names(), "shop") {
		for _, signal := range []telemetry.Signal{telemetry.Traces, telemetry.Logs} {
			t.Run(name+"/"+signal.String(), func(t *testing.T) {
				t.Parallel()
				var payloads [][]byte
				if name == "shop" {
					shop := testbed.NewShop(5, time.Unix(0, hour()))
					payloads = [][]byte{shop.Payload(signal, 2000), shop.Payload(signal, 700), shop.Payload(signal, 30)}
				} else {
					made, err := shapes.Make(name, 4, 600, 150)
					require.NoError(t, err)
					payloads = made[signal]
				}
				k := kind(signal)
				var parts [][]rollup.Content
				for i, p := range payloads {
					_, segments := segmentsOf(t, signal, 100+i, p)
					part, err := k.Settle(segments)
					require.NoError(t, err)
					require.Empty(t, part[0].Total)
					parts = append(parts, part)
				}
				table, _ := segmentsOf(t, signal, segment.MaxItems, payloads...)
				want := plain(table)
				keys := append(slices.Collect(maps.Keys(want)), Key{OfItem, "nothing has it"}, Key{OfField, "no.field"})
				half := (len(parts) + 1) / 2
				first, err := k.Fold(rollup.Hour, hour(), false, rowsOf(rollup.Part, hour(), parts[:half]...))
				require.NoError(t, err)
				second, err := k.Fold(rollup.Hour, hour(), false, rowsOf(rollup.Part, hour(), parts[half:]...))
				require.NoError(t, err)
				if second == nil {
					second = first[:0]
				}
				day, err := k.Fold(rollup.Day, hour(), false, rowsOf(rollup.Hour, hour(), first, second))
				require.NoError(t, err)
				require.Empty(t, day[0].Minutes)
				got, items := told(t, rollup.Day, day, keys)
				require.EqualValues(t, table.N, items)
				few := 0
				for key, values := range want {
					if got[key] != nil {
						require.Equal(t, values, got[key], key)
					}
					bytes := 0
					for v := range values {
						bytes += len(v)
					}
					if len(values) <= 8 && bytes < 1000 {
						few++
						require.NotNil(t, got[key], "%v has %d values", key, len(values))
					}
				}
				require.GreaterOrEqual(t, few, 3)
				require.Empty(t, got[Key{OfItem, "nothing has it"}])
				require.NotNil(t, got[Key{OfItem, "nothing has it"}], "known to be none")
			})
		}
	}
}

// spans makes a request of spans that have an attribute each, of a name and value by number.
func spans(t testing.TB, n int, attribute func(i int) (name, value string)) []*segment.Segment {
	t.Helper()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	list := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		span := list.AppendEmpty()
		span.SetTraceID(pcommon.TraceID{1, byte(i >> 8), byte(i)})
		span.SetSpanID(pcommon.SpanID{1, byte(i >> 8), byte(i)})
		span.SetName("x")
		span.SetStartTimestamp(pcommon.Timestamp(hour() + int64(i)*1e6))
		span.SetEndTimestamp(pcommon.Timestamp(hour() + int64(i)*1e6 + 1000))
		name, value := attribute(i)
		span.Attributes().PutStr(name, value)
	}
	_, segments := segmentsOf(t, telemetry.Traces, 4000, testbed.TracesPayload(td))
	return segments
}

// What has too many values is not told, and that is: by a part, by an hour of which one part does not tell, and by a day of which one hour does not.
func TestWhatHasManyValuesIsNotTold(t *testing.T) {
	t.Parallel()
	k := kind(telemetry.Traces)
	key := Key{OfItem, "k"}
	part := func(n, values int, value string) []rollup.Content {
		c, err := k.Settle(spans(t, n, func(i int) (string, string) { return "k", fmt.Sprint(value, i%values) }))
		require.NoError(t, err)
		return c
	}
	for _, c := range []struct {
		name      string
		n, values int
		value     string
		told      bool
	}{
		{"as many as are told whatever items have them", fewOfPart, fewOfPart, "", true},
		{"one more, that one item each has", fewOfPart + 1, fewOfPart + 1, "", false},
		{"several items have each", 4 * 300, 300, "", true},
		{"fewer items have each", 4*300 - 1, 300, "", false},
		{"most", 4 * mostValues, mostValues, "", true},
		{"one more than most", 4 * (mostValues + 1), mostValues + 1, "", false},
		{"long ones", 4000, 20, strings.Repeat("x", 1000), false},
	} {
		_, known := first(told(t, rollup.Part, part(c.n, c.values, c.value), []Key{key}))[key]
		require.Equal(t, c.told, known, c.name)
	}
	good, bad := part(100, 3, "v"), part(200, 200, "v")
	for _, to := range []rollup.Grain{rollup.Hour, rollup.Day} {
		from := to - 1
		a, b := good, bad
		if from == rollup.Hour {
			var err error
			a, err = k.Fold(rollup.Hour, hour(), false, rowsOf(rollup.Part, hour(), good))
			require.NoError(t, err)
			b, err = k.Fold(rollup.Hour, hour(), false, rowsOf(rollup.Part, hour(), bad))
			require.NoError(t, err)
		}
		for _, order := range [][2][]rollup.Content{{a, b}, {b, a}} {
			folded, err := k.Fold(to, hour(), false, rowsOf(from, hour(), order[0], order[1]))
			require.NoError(t, err)
			got, items := told(t, to, folded, []Key{key, {OfField, "kind"}, {OfItem, "none"}})
			require.NotContains(t, got, key)
			require.Contains(t, got, Key{OfField, "kind"})
			require.Contains(t, got, Key{OfItem, "none"})
			require.EqualValues(t, 300, items)
		}
	}
}

func first[A, B any](a A, _ B) A { return a }

// A few items that come late, of as many values as items, do not spoil their hour; an hour of such does not tell of them.
func TestAFewLateOnesDoNotSpoilTheirHour(t *testing.T) {
	t.Parallel()
	k, key := kind(telemetry.Traces), Key{OfItem, "k"}
	part := func(n int) []rollup.Content {
		c, err := k.Settle(spans(t, n, func(i int) (string, string) { return "k", fmt.Sprint(i % 68) }))
		require.NoError(t, err)
		return c
	}
	hourOf := func(parts ...[]rollup.Content) map[Key]map[string]int64 {
		folded, err := k.Fold(rollup.Hour, hour(), false, rowsOf(rollup.Part, hour(), parts...))
		require.NoError(t, err)
		return first(told(t, rollup.Hour, folded, []Key{key}))
	}
	require.Len(t, hourOf(part(2000), part(68))[key], 68)
	require.NotContains(t, hourOf(part(68)), key)
}

// However many keys there are, what is told of an hour is bounded, and of what is left out nothing is told.
func TestSumsAreBounded(t *testing.T) {
	t.Parallel()
	k := kind(telemetry.Traces)
	for name, c := range map[string]struct {
		n         int
		attribute func(i int) (string, string)
		largest   int
		unknown   Key
	}{
		"keys like ids":   {8000, func(i int) (string, string) { return fmt.Sprint("key-", i), "v" }, mostBytes, Key{OfItem, "key-7000"}},
		"a long key":      {10, func(int) (string, string) { return strings.Repeat("k", mostName+1), "v" }, leastBytes, Key{OfItem, strings.Repeat("k", mostName+1)}},
		"few items, long": {20, func(i int) (string, string) { return fmt.Sprint("key-", i), strings.Repeat("v", 4000) }, leastBytes, Key{OfItem, "key-3"}},
		"many keys, long too": {4000, func(i int) (string, string) {
			return fmt.Sprint("key-", i%200), strings.Repeat("v", 3000) + fmt.Sprint(i%3)
		}, 20_300, Key{OfItem, "key-3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contents, err := k.Settle(spans(t, c.n, c.attribute))
			require.NoError(t, err)
			var memory []byte
			raw, err := packed.Unpack(&memory, contents[0].Minutes)
			require.NoError(t, err)
			require.LessOrEqual(t, len(raw), c.largest*5/4)
			got, _ := told(t, rollup.Part, contents, []Key{c.unknown, {OfField, "service"}})
			require.NotContains(t, got, c.unknown)
			require.Contains(t, got, Key{OfField, "service"})
			// Others, beside it: nothing is known of the key.
			other, err := k.Settle(spans(t, 10, func(int) (string, string) { return c.unknown.Name[:min(len(c.unknown.Name), mostName)], "v" }))
			require.NoError(t, err)
			for _, order := range [][2][]rollup.Content{{contents, other}, {other, contents}} {
				folded, err := k.Fold(rollup.Hour, hour(), false, rowsOf(rollup.Part, hour(), order[0], order[1]))
				require.NoError(t, err)
				got, _ = told(t, rollup.Hour, folded, []Key{c.unknown})
				require.NotContains(t, got, c.unknown)
			}
		})
	}
}

// What is damaged is told so and takes no memory.
func TestDamagedSumsAreTold(t *testing.T) {
	t.Parallel()
	contents, err := kind(telemetry.Traces).Settle(spans(t, 300, func(i int) (string, string) { return fmt.Sprint("k", i%5), fmt.Sprint(i % 7) }))
	require.NoError(t, err)
	var memory []byte
	raw, err := packed.Unpack(&memory, contents[0].Minutes)
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
		var c Chunk
		err = c.Decode(blob)
		if err == nil {
			err = newSums().addChunk(&c)
		}
		if err == nil {
			continue // other numbers or other letters
		}
		failed++
		require.Equal(t, fault.Internal, fault.ClassOf(err))
		require.True(t, packed.ErrDamaged.Matches(err))
	}
	require.Greater(t, failed, 1000)
}

// Resources of a service stand together in a segment: it is noted once.
func TestCountsOfOneValueAfterAnotherAreOne(t *testing.T) {
	t.Parallel()
	part := &List{}
	number := func(n uint64) segment.Value { return segment.Value{Type: segment.Int, Num: n} }
	text := func(s string) segment.Value { return segment.Value{Type: segment.String, Raw: []byte(s)} }
	for _, v := range []segment.Value{
		text("a"), text("a"), text("ab"), text("ab"), text("b"), number(1), number(1), number(2), text("a"),
		{Type: segment.Bytes, Raw: []byte("a")},
		{Type: segment.Bool, Num: 1},
		number(1),
	} {
		part.Add(v, 2)
	}
	require.Len(t, part.values, 9)
	require.Equal(t, "aabba"+"a", string(part.raw))
	got := map[string]int64{}
	part.Each(func(v segment.Value, items int64) { got[name1(v)] += items })
	require.Equal(t, map[string]int64{
		name1(text("a")): 6, name1(text("ab")): 4, name1(text("b")): 2, name1(number(1)): 6, name1(number(2)): 2,
		name1(segment.Value{Type: segment.Bytes, Raw: []byte("a")}): 2, name1(segment.Value{Type: segment.Bool, Num: 1}): 2,
	}, got)
	lists := &Lists{}
	lists.Put(part)
	again := lists.Take()
	require.Empty(t, again.values, "clean again")
	require.Zero(t, again.Items)
}

// What sums take of a shop, in bytes a span, and what making them costs: held to what it is and a tenth.
func TestBytesASpan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spans int // an hour
		most  float64
	}{{3_600, 1.2}, {41_700, 0.12}} {
		_, segments := segmentsOf(t, telemetry.Traces, 4000, testbed.NewShop(1, time.Unix(0, hour())).Payload(telemetry.Traces, c.spans))
		contents, err := kind(telemetry.Traces).Settle(segments)
		require.NoError(t, err)
		var memory []byte
		raw, err := packed.Unpack(&memory, contents[0].Minutes)
		require.NoError(t, err)
		a := float64(len(contents[0].Minutes)) / float64(c.spans)
		t.Logf("%d spans an hour: %d B, %.3f B a span; %d B unpacked", c.spans, len(contents[0].Minutes), a, len(raw))
		require.LessOrEqual(t, a, c.most)
	}
}

func BenchmarkSettle(b *testing.B) {
	_, segments := segmentsOf(b, telemetry.Traces, 4000, testbed.NewShop(1, time.Unix(0, hour())).Payload(telemetry.Traces, 20_000))
	k := kind(telemetry.Traces)
	b.ReportAllocs()
	for b.Loop() {
		_, err := k.Settle(segments)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/span")
}

// An hour, as a reader looks for one key.
func BenchmarkFind(b *testing.B) {
	_, segments := segmentsOf(b, telemetry.Traces, 4000, testbed.NewShop(1, time.Unix(0, hour())).Payload(telemetry.Traces, 41_700))
	contents, err := kind(telemetry.Traces).Settle(segments)
	require.NoError(b, err)
	var c Chunk
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, c.Decode(contents[0].Minutes))
		n := 0
		known, err := c.Find(Key{OfItem, "http.route"}, func(segment.Value, int64) { n++ })
		require.NoError(b, err)
		require.True(b, known)
		require.Positive(b, n)
	}
}
