package red

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func hour() int64 { return time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC).UnixNano() }

// span is one span, as plain as can be, for counting without the code under test.
type span struct {
	namespace, service, name string
	kind                     int32
	at, duration             int64
	failed                   bool
}

// tableOf is a table of spans, by way of OTLP.
func tableOf(t *testing.T, spans []span) *segment.Table {
	t.Helper()
	td := ptrace.NewTraces()
	for i, s := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		if s.service != "" {
			rs.Resource().Attributes().PutStr("service.name", s.service)
		}
		if s.namespace != "" {
			rs.Resource().Attributes().PutStr("service.namespace", s.namespace)
		}
		out := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		out.SetTraceID([16]byte{1, byte(i), byte(i >> 8)})
		out.SetSpanID([8]byte{1, byte(i), byte(i >> 8)})
		out.SetName(s.name)
		out.SetKind(ptrace.SpanKind(s.kind))
		out.SetStartTimestamp(pcommon.Timestamp(s.at))
		out.SetEndTimestamp(pcommon.Timestamp(s.at + s.duration))
		if s.failed {
			out.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	b, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	table := segment.NewTable("default", telemetry.Traces)
	_, err = table.Append(b, 1)
	require.NoError(t, err)
	return table
}

// randomSpans are of one hour, of few services with few operations, some of long-tailed and some of no duration.
func randomSpans(rnd *rand.Rand, n int) []span {
	out := make([]span, n)
	for i := range out {
		out[i] = span{
			namespace: []string{"", "", "shop", "ops"}[rnd.IntN(4)], service: []string{"", "cart", "cart\x00", "checkout", "ätsch", "z"}[rnd.IntN(6)],
			name: fmt.Sprintf("op %d", rnd.IntN(7)), kind: int32(rnd.IntN(6)), at: hour() + rnd.Int64N(int64(time.Hour)),
			duration: int64(1) << rnd.IntN(45) * int64(1+rnd.IntN(100)) / 10, failed: rnd.IntN(10) == 0,
		}
		if rnd.IntN(50) == 0 {
			out[i].duration = -out[i].duration
		}
	}
	return out
}

// line is what is known of an operation in a minute, comparable and readable.
func lines(add func(put func(service, namespace, name string, kind int32, minute int, errors int64, buckets map[int]int64))) []string {
	type key struct {
		service, namespace, name string
		kind                     int32
		minute                   int
	}
	failed, counts := map[key]int64{}, map[key]map[int]int64{}
	add(func(service, namespace, name string, kind int32, minute int, errors int64, buckets map[int]int64) {
		k := key{service, namespace, name, kind, minute}
		failed[k] += errors
		if counts[k] == nil {
			counts[k] = map[int]int64{}
		}
		for b, n := range buckets {
			counts[k][b] += n
		}
	})
	var out []string
	for k, n := range counts {
		out = append(out, fmt.Sprint(k, failed[k], n)) // a map is printed in order
	}
	slices.Sort(out)
	return out
}

func recount(spans []span, minutes bool) []string {
	return lines(func(put func(service, namespace, name string, kind int32, minute int, errors int64, buckets map[int]int64)) {
		for _, s := range spans {
			failed, minute := int64(0), 0
			if s.failed {
				failed = 1
			}
			if minutes {
				minute = int((s.at - hour()) / int64(time.Minute))
			}
			put(cmp.Or(s.service, otlp.UnknownService), s.namespace, s.name, s.kind, minute, failed, map[int]int64{BucketOf(s.at, s.duration): 1})
		}
	})
}

func told(t *testing.T, contents []rollup.Content, blob func(*rollup.Content) []byte) []string {
	t.Helper()
	return lines(func(put func(service, namespace, name string, kind int32, minute int, errors int64, buckets map[int]int64)) {
		var c Chunk
		for i := range contents {
			require.NoError(t, c.Decode(blob(&contents[i])))
			requireSeen(t, &c, blob(&contents[i]))
			for _, s := range c.Services {
				require.False(t, s.Many)
				require.LessOrEqual(t, string(contents[i].Low), s.Name)
				require.GreaterOrEqual(t, string(contents[i].High), s.Name)
				for _, o := range s.Operations {
					for _, cell := range o.Cells {
						buckets := map[int]int64{}
						for _, b := range cell.Buckets {
							buckets[int(b.Number)] += b.Count
						}
						put(s.Name, s.Namespace, o.Name, o.Kind, cell.Minute, cell.Errors, buckets)
					}
				}
			}
		}
	})
}

func minutes(c *rollup.Content) []byte { return c.Minutes }
func whole(c *rollup.Content) []byte   { return c.Total }

// partsOf collects spans in several merges, as rows.
func partsOf(t *testing.T, spans []span, merges int) []*rollup.Row {
	t.Helper()
	var rows []*rollup.Row
	for list := range slices.Chunk(spans, (len(spans)+merges-1)/merges) {
		table := tableOf(t, list)
		all := make([]uint32, table.N)
		for i := range all {
			all[i] = uint32(i)
		}
		contents, err := collect(table, hour(), all)
		require.NoError(t, err)
		for _, c := range contents {
			rows = append(rows, &rollup.Row{Kind: ID, Start: hour(), Content: c})
		}
	}
	return rows
}

func foldRows(t *testing.T, to rollup.Grain, start int64, rows []*rollup.Row) []rollup.Content {
	t.Helper()
	slices.SortStableFunc(rows, func(a, b *rollup.Row) int { return slices.Compare(a.Low, b.Low) })
	out, err := fold(to, start, false, func(yield func(*rollup.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	return out
}

func rowsOf(start int64, contents []rollup.Content) (out []*rollup.Row) {
	for _, c := range contents {
		out = append(out, &rollup.Row{Kind: ID, Start: start, Content: c})
	}
	return out
}

func TestRollupsEqualARecountHoweverTheyAreFolded(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		spans := randomSpans(rnd, 1+rnd.IntN(3000))
		parts := partsOf(t, spans, 1+rnd.IntN(7))
		var contents []rollup.Content
		for _, p := range parts {
			require.Empty(t, p.Total)
			contents = append(contents, p.Content)
		}
		require.Equal(t, recount(spans, true), told(t, contents, minutes), "parts, seed %d", seed)

		// Some first, the others later, as of data that comes late.
		n := rnd.IntN(len(parts) + 1)
		later := parts[n:]
		rows := append(rowsOf(hour(), foldRows(t, rollup.Hour, hour(), parts[:n:n])), later...)
		folded := foldRows(t, rollup.Hour, hour(), rows)
		require.Equal(t, recount(spans, true), told(t, folded, minutes), "an hour's minutes, seed %d", seed)
		require.Equal(t, recount(spans, false), told(t, folded, whole), "an hour, seed %d", seed)

		// Two hours of a day, of the same spans.
		start := hour() - 5*int64(time.Hour)
		day := foldRows(t, rollup.Day, start, append(rowsOf(hour(), folded), rowsOf(hour()+int64(time.Hour), folded)...))
		require.Equal(t, recount(append(slices.Clone(spans), spans...), false), told(t, day, whole), "a day, seed %d", seed)
		for i := range day {
			require.Empty(t, day[i].Minutes)
		}
	}
}

func TestRollupsSayWhenAServiceWasSeen(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	spans := []span{
		{service: "a", at: hour() + 61*second + 5, duration: 1},
		{service: "a", at: hour() + 75*second, duration: 1},
		{service: "a", at: hour() + 3599*second, duration: 1},
		{service: "b", at: hour() + 0, duration: 1},
	}
	folded := foldRows(t, rollup.Hour, hour(), partsOf(t, spans, 2))
	var c Chunk
	require.NoError(t, c.Decode(folded[0].Minutes))
	require.Equal(t, []Seen{{1, 61, 75}, {59, 3599, 3599}}, c.Services[0].Seen)
	require.NoError(t, c.Decode(folded[0].Total))
	require.Equal(t, []Seen{{0, 61, 3599}}, c.Services[0].Seen)
	require.Equal(t, []Seen{{0, 0, 0}}, c.Services[1].Seen)
	day := foldRows(t, rollup.Day, hour()-5*3600*second, rowsOf(hour(), folded))
	require.NoError(t, c.Decode(day[0].Total))
	require.Equal(t, []Seen{{0, 5*3600 + 61, 5*3600 + 3599}}, c.Services[0].Seen)
}

// A service that makes names of ids is known by its sums alone, whether one merge sees too many or only the hour does.
func TestAServiceOfTooManyOperationsKeepsItsSums(t *testing.T) {
	t.Parallel()
	var spans []span
	for i := range 3 * mostOperations {
		spans = append(spans, span{service: "ids", name: fmt.Sprintf("GET /%d", i/2), kind: int32(2 + i%2), at: hour() + int64(i), duration: int64(i), failed: i%3 == 0})
	}
	spans = append(spans, span{service: "sound", name: "one", kind: 1, at: hour(), duration: 7})
	for _, merges := range []int{1, 4} {
		folded := foldRows(t, rollup.Hour, hour(), partsOf(t, spans, merges))
		var ids, sound int
		var sum Sum
		var c Chunk
		for i := range folded {
			require.NoError(t, c.Decode(folded[i].Total))
			for _, s := range c.Services {
				if s.Name == "sound" {
					sound++
					require.False(t, s.Many)
					require.Equal(t, "one", s.Operations[0].Name)
					continue
				}
				ids++
				require.True(t, s.Many)
				require.Len(t, s.Operations, 2, "one of each kind")
				for _, o := range s.Operations {
					require.Empty(t, o.Name)
					sum.AddCell(&o.Cells[0])
				}
			}
		}
		require.Equal(t, [2]int{1, 1}, [2]int{ids, sound})
		require.Equal(t, int64(3*mostOperations), sum.Requests)
		require.Equal(t, int64(mostOperations), sum.Errors)
	}
}

// Many services: contents are cut between services, none is in two, and all parts together hold few of them in memory at a time.
func TestManyServicesAreCutIntoContents(t *testing.T) {
	t.Parallel()
	var spans []span
	for minute := range 4 {
		for i := range 5000 {
			spans = append(spans, span{service: fmt.Sprintf("service %d", i), name: "x", at: hour() + int64(minute)*int64(time.Minute) + int64(i), duration: int64(i)})
		}
	}
	parts := partsOf(t, spans, 4)
	require.Greater(t, len(parts), 4*3)
	folded := foldRows(t, rollup.Hour, hour(), parts)
	require.Greater(t, len(folded), 3)
	for i := range folded {
		var c Chunk
		require.NoError(t, c.Decode(folded[i].Minutes))
		require.LessOrEqual(t, len(c.Services), 2*chunkOperations)
		if i > 0 {
			require.Greater(t, string(folded[i].Low), string(folded[i-1].High))
		}
	}
	require.Equal(t, recount(spans, true), told(t, folded, minutes))
}

func TestDurationsAreCloseToExactPercentiles(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, scale := range []float64{50, 1e3, 1e6, 1e9, 1e15} {
		var d, half Durations
		var all []int64
		for i := range 5000 {
			n := int64(random.ExpFloat64() * scale)
			all = append(all, n)
			if i%2 == 0 {
				d.Add(DurationBucket(n), 1)
			} else {
				half.Add(DurationBucket(n), 1)
			}
		}
		d.Merge(&half)
		slices.Sort(all)
		for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
			exact := float64(all[int(math.Ceil(q*float64(len(all))))-1])
			require.InDelta(t, exact, float64(d.Quantile(q)), exact*0.008+1e-9, "q %v of scale %v", q, scale)
		}
	}
	var d Durations
	require.Zero(t, d.Quantile(0.5))
	d.Add(BucketOf(1, -5), 1)
	require.Equal(t, Durations{}, d, "a duration that nobody knows is none")
	d = Durations{}
	d.Add(DurationBucket(math.MaxInt64), 1)
	require.InEpsilon(t, float64(math.MaxInt64), float64(d.Quantile(0.5)), 0.01)
}

func TestDamageIsTold(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 3))
	blob := partsOf(t, randomSpans(rnd, 300), 1)[0].Minutes
	var sound, c Chunk
	require.NoError(t, sound.Decode(blob))
	told := 0
	for i := range blob {
		bad := slices.Clone(blob)
		bad[i] ^= 1 << rnd.IntN(8)
		// Some bits of zstd mean nothing.
		if err := c.Decode(bad); err == nil {
			require.Equal(t, sound.Services, c.Services, "byte %d", i)
		} else {
			require.True(t, packed.ErrDamaged.Matches(err), "byte %d: %v", i, err)
			told++
		}
		require.True(t, packed.ErrDamaged.Matches(c.Decode(blob[:i])), "cut at %d", i)
	}
	require.Greater(t, told, len(blob)*9/10)
	require.NoError(t, c.Decode(blob), "what was damaged leaves nothing behind")
	require.Equal(t, sound.Services, c.Services)
}

// FuzzRead reads columns that no checksum guards: nothing of what they claim may be taken on trust.
func FuzzRead(f *testing.F) {
	f.Add([]byte{1, 1, 'a', 0, 2, 0, 0, 0, 0})
	f.Add([]byte(strings.Repeat("\x01", 40)))
	f.Fuzz(func(_ *testing.T, b []byte) {
		var c Chunk
		c.read(&numbers{packed.Numbers{Rest: b}})
	})
}

// Names of megabytes are told cut, each by itself, and what is folded of them can be read.
func TestLongNamesAreCutAndStayApart(t *testing.T) {
	t.Parallel()
	var parts []*rollup.Row
	for p := range 5 {
		var spans []span
		for i := range 7 {
			spans = append(spans, span{
				namespace: strings.Repeat("n", 5000) + strconv.Itoa(p%2), service: strings.Repeat("ä", 1<<20), kind: 2, at: hour() + int64(time.Minute), duration: 1,
				name: strings.Repeat("a", 4<<20) + fmt.Sprint(p, "-", i),
			})
		}
		parts = append(parts, partsOf(t, spans, 1)...)
	}
	folded := foldRows(t, rollup.Hour, hour(), parts)
	require.Len(t, folded, 1)
	require.Equal(t, Key(strings.Repeat("ä", 1<<20)), folded[0].Low)
	for _, blob := range [][]byte{folded[0].Total, folded[0].Minutes} {
		var c Chunk
		require.NoError(t, c.Decode(blob))
		require.Len(t, c.Services, 2, "by namespace")
		require.Len(t, append(c.Services[0].Operations, c.Services[1].Operations...), 35)
		for _, s := range c.Services {
			for _, name := range []string{s.Name, s.Namespace, s.Operations[0].Name} {
				require.LessOrEqual(t, len(name), rollup.MostName)
				require.True(t, utf8.ValidString(name))
			}
		}
	}
}

// Contents are bounded by their bytes, services by theirs: of long names, and of durations that are all others.
func TestContentsAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	s := newSums()
	total := int64(0)
	for i := range 40 { // 20 MB of names
		of := s.service(serviceKey{fmt.Sprint("names ", i), ""})
		for k := range 1000 {
			o := s.operation(of, operationKey{strings.Repeat("x", rollup.MostName-8) + fmt.Sprintf("%08d", k), 2})
			s.grow(of, o.add(&Cell{Buckets: []Bucket{{1, 1}}}))
		}
	}
	services := map[string]int{}
	c := Chunk{Services: []Service{{Name: "wide"}}}
	for k := range 1500 {
		o := Operation{Name: fmt.Sprint("op ", k), Kind: int32(k)}
		for minute := range 4 {
			cell := Cell{Minute: minute}
			for b := range int32(600) {
				cell.Buckets = append(cell.Buckets, Bucket{b * 5, math.MaxInt64 >> 20})
				total += math.MaxInt64 >> 20
			}
			o.Cells = append(o.Cells, cell)
		}
		c.Services[0].Operations = append(c.Services[0].Operations, o)
	}
	s.add(&c, 0)
	contents, err := s.flush(nil, rollup.Hour, hour(), hour(), nil)
	require.NoError(t, err)
	require.Zero(t, s.bytes)
	require.Zero(t, s.operations)
	for i := range contents {
		var c Chunk
		require.NoError(t, c.Decode(contents[i].Minutes))
		require.LessOrEqual(t, len(c.raw), chunkBytes+mostBytes)
		for _, of := range c.Services {
			services[of.Name]++
			if of.Name != "wide" {
				require.Len(t, of.Operations, 1000)
				continue
			}
			require.True(t, of.Many)
			require.LessOrEqual(t, len(of.Operations), 6, "kinds that there are")
			for _, o := range of.Operations {
				for _, cell := range o.Cells {
					for _, b := range cell.Buckets {
						total -= b.Count
					}
				}
			}
		}
	}
	require.Len(t, services, 41)
	require.Zero(t, total, "nothing is lost")
}

// A cell takes others up, whatever they hold, as two lists that are merged into a new one, and keeps nothing of them.
func TestCellsTakeOthersUp(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 8))
	for range 500 {
		var got, want Cell
		grown := 0
		for range rnd.IntN(8) {
			one := Cell{Errors: rnd.Int64N(3)}
			for number := range int32(30) {
				if rnd.IntN(4) == 0 {
					one.Buckets = append(one.Buckets, Bucket{number * 97, 1 + rnd.Int64N(9)})
				}
			}
			want.Errors += one.Errors
			want.Buckets = Merged(want.Buckets, one.Buckets)
			grown += got.Merge(&one)
			for i := range one.Buckets {
				one.Buckets[i] = Bucket{-1, -1}
			}
		}
		require.Equal(t, want.Errors, got.Errors)
		require.Equal(t, append([]Bucket{}, want.Buckets...), append([]Bucket{}, got.Buckets...))
		require.Equal(t, 16*cap(got.Buckets), grown)
	}
}

// requireSeen holds what is read of services alone against all that is told of them.
func requireSeen(t testing.TB, whole *Chunk, blob []byte) {
	t.Helper()
	var c Chunk
	require.NoError(t, c.DecodeSeen(blob))
	require.Len(t, c.Services, len(whole.Services))
	for i, s := range whole.Services {
		s.Operations = nil
		require.Equal(t, s, c.Services[i])
	}
}

// A cell of a sum is what was added to it, and its percentiles are those of the sum.
func TestCellsOfSums(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(8, 8))
	var sum Sum
	var memory []Bucket
	shares := []float64{0, 0.5, 0.95, 0.99, 1}
	for range 200 {
		var whole Cell
		for range rnd.IntN(5) {
			var cell Cell
			cell.Errors = rnd.Int64N(3)
			for range rnd.IntN(40) {
				bucket := BucketOf(1, rnd.Int64N(int64(1)<<rnd.IntN(40))-rnd.Int64N(2))
				cell.Merge(&Cell{Buckets: []Bucket{{Number: int32(bucket), Count: 1 + rnd.Int64N(3)}}})
			}
			sum.AddCell(&cell)
			whole.Merge(&cell)
		}
		got := sum.Cell(memory)
		memory = got.Buckets
		require.Equal(t, whole.Errors, got.Errors)
		require.Equal(t, append([]Bucket{}, whole.Buckets...), append([]Bucket{}, got.Buckets...))
		require.Equal(t, sum.Requests, got.Requests())
		told := make([]int64, len(shares))
		got.Quantiles(shares, told)
		for i, q := range shares {
			require.Equal(t, sum.Durations.Quantile(q), told[i], "%v", q)
		}
		sum.Clear()
	}
}
