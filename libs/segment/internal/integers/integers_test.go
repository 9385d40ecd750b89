package integers

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// lists are of every kind that columns are made of. Every test below runs over all of them and all encodings.
func lists() map[string][]int64 {
	out := map[string][]int64{}
	for _, n := range []int{1, 2, 15, 31, 129, 700} {
		r := rand.New(rand.NewPCG(3, uint64(n)))
		wandering := int64(0)
		for name, number := range map[string]func(i int) int64{
			"constant":    func(int) int64 { return 7 },
			"small":       func(int) int64 { return int64(r.IntN(6)) },
			"skewed":      func(int) int64 { return int64(r.IntN(20) / 19 * r.IntN(200)) },
			"repeating":   func(i int) int64 { return int64(uint64(i%30) * 0x9e3779b97f4a7c15 >> 56) },
			"any":         func(int) int64 { return int64(r.Uint64()) },
			"extremes":    func(int) int64 { return []int64{math.MinInt64, -1, 0, math.MaxInt64}[r.IntN(4)] },
			"runs":        func(i int) int64 { return int64(i / 40 * 1e6) },
			"uneven runs": func(i int) int64 { return int64(uint64(i/50*i/50)*0x9e3779b97f4a7c15) >> 20 },
			"few":         func(int) int64 { return int64(r.IntN(5)) * 123_456_789_123 },
			"rising":      func(i int) int64 { return int64(i)*1_000_003 + int64(r.IntN(50)) },
			"falling":     func(i int) int64 { return int64(-i) * 977 },
			"lengths":     func(int) int64 { return int64(math.Exp(r.Float64() * 30)) },
			"scaled":      func(int) int64 { return int64(r.IntN(1<<20)) * 1_000_000 },
			"outlier":     func(i int) int64 { return int64(i/(n-n/8)) * math.MaxInt64 / 3 },
			"clocks": func(i int) int64 { // of seven senders, in milliseconds and a remainder of each
				return int64(i/40)%7*123_456_789 + int64(i*i%977)*1_000_000
			},
			"steps": func(i int) int64 { return int64(i)*int64(math.Exp(r.Float64()*20)) - 5 },
			"wandering": func(int) int64 { // steps of very different lengths, either way
				wandering += int64(math.Exp(r.Float64()*25)) * int64(r.IntN(2)*2-1)
				return wandering
			},
		} {
			r = rand.New(rand.NewPCG(uint64(len(name)), uint64(n))) // the order of a map is chance
			v := make([]int64, n)
			for i := range v {
				v[i] = number(i)
			}
			out[fmt.Sprintf("%d %s", n, name)] = v
		}
	}
	return out
}

// written is v in one encoding; false where that does not take it.
func written(e *Encoder, enc *encoding, v []int64) (*streams.Sink, bool) {
	c := &e.columns[0]
	c.set(v, 0)
	asked := slices.ContainsFunc(e.byWidth[c.width], func(one *encoding) bool { return one.code == enc.code })
	if !asked || !enc.takes(c) || enc.size(e, c, never) == never {
		return nil, false
	}
	to := &streams.Sink{}
	to.Byte(enc.code)
	enc.write(e, to, c)
	return to, true
}

const follows = 0xee // in every stream, what comes after a list

func begin(to *streams.Sink) *streams.Source {
	with := func(b []byte) []byte { return append(bytes.Clone(b), follows) }
	return &streams.Source{Code: with(to.Code), Plain: with(to.Plain)}
}

// requireSame: what was written is read, picked and passed over, and each time the cursors end where the list does.
func requireSame(t *testing.T, v []int64, to *streams.Sink, percents ...int) {
	t.Helper()
	d := NewDecoder()
	end := &streams.Source{Code: []byte{follows}, Plain: []byte{follows}}
	read := begin(to)
	got := make([]int64, len(v))
	d.Read(read, got)
	require.Equal(t, v, got)
	require.Equal(t, end, read)

	skipped := begin(to)
	d.Skip(skipped, len(v))
	require.Equal(t, end, skipped)

	r := rand.New(rand.NewPCG(1, 2))
	for _, percent := range percents {
		picked, want := []uint32{}, []int64{}
		for i := range v {
			if r.IntN(100) < percent {
				picked, want = append(picked, uint32(i)), append(want, v[i])
			}
		}
		from, some := begin(to), make([]int64, len(picked))
		d.Pick(from, len(v), picked, some)
		require.Equal(t, want, some, "%d %% picked", percent)
		require.Equal(t, end, from)
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	codes, names := map[byte]bool{}, map[string]bool{}
	all := lists()
	for _, enc := range encodings() {
		require.Less(t, int(enc.code), maxCodes)
		require.False(t, codes[enc.code] || names[enc.name], "%s is there twice", enc.name)
		codes[enc.code], names[enc.name] = true, true
		t.Run(enc.name, func(t *testing.T) {
			taken := 0
			e := NewEncoder()
			for name, v := range all {
				if to, ok := written(e, &enc, v); ok {
					taken++
					t.Log(name)
					requireSame(t, v, to, 0, 5, 50, 100)
				}
			}
			require.Positive(t, taken, "no list is one that %s can hold", enc.name)
		})
	}
}

// TestChoice: every encoding is the smallest for some list; one that never is only makes writing slower. What cannot be compressed is
// never more than packed takes, which holds every list.
func TestChoice(t *testing.T) {
	t.Parallel()
	chosen := map[byte]string{}
	for name, v := range lists() {
		e, to := NewEncoder(), &streams.Sink{}
		lo, hi := e.Write(to, v)
		chosen[to.Code[0]] = name
		requireSame(t, v, to, 30)
		least, most := v[0], v[0]
		for _, x := range v {
			least, most = min(least, x), max(most, x)
		}
		require.Equal(t, least, lo)
		require.Equal(t, most, hi)
		bits := packed()
		p, ok := written(e, &bits, v)
		require.True(t, ok)
		require.LessOrEqual(t, len(to.Plain), len(p.Plain), "%s: not worse than bits", name)
	}
	for _, enc := range encodings() {
		require.Contains(t, chosen, enc.code, "%s is the smallest for none of the lists", enc.name)
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	to := &streams.Sink{}
	NewEncoder().Write(to, nil)
	NewEncoder().WriteDoubles(to, nil)
	require.Empty(t, to.Code)
	from := &streams.Source{}
	d := NewDecoder()
	d.Read(from, nil)
	d.ReadDoubles(from, nil)
	d.Pick(from, 0, nil, nil)
	d.Skip(from, 0)
	require.False(t, from.Bad)
}

func TestDoubles(t *testing.T) {
	t.Parallel()
	for form, values := range map[byte][]float64{
		formDecimal: {0, 1.5, -3.25, 0.1, 1e9, 123456.789},
		formPartly:  append(slices.Repeat([]float64{0.25, 7, math.Pi, -1e6, 3.5, math.NaN()}, 20), math.Copysign(0, -1), 5e-324, 1<<53-1),
		formBits:    {math.Pi, math.NaN(), math.Inf(-1), math.Copysign(0, -1), math.SmallestNonzeroFloat64},
	} {
		v := make([]int64, len(values))
		for i, x := range values {
			v[i] = int64(math.Float64bits(x))
		}
		to := &streams.Sink{}
		NewEncoder().WriteDoubles(to, v)
		require.Equal(t, form, to.Code[0])
		got, from := make([]int64, len(v)), begin(to)
		NewDecoder().ReadDoubles(from, got)
		require.Equal(t, v, got)
		require.Len(t, from.Code, 1)
	}
	from := &streams.Source{Code: []byte{2, 0, 0}}
	NewDecoder().ReadDoubles(from, make([]int64, 1))
	require.True(t, from.Bad, "a form that nobody knows")
}

// TestSpecification: section 6 lists the encodings that are there, and no others.
func TestSpecification(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "segment-format.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(page), "\n## 6. Integers and doubles\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	said := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \| [^|]+ \|$`).FindAllStringSubmatch(section, -1) {
		said[row[1]] = row[2]
	}
	is := map[string]string{}
	for _, enc := range append(encodings(), again()) {
		is[strconv.Itoa(int(enc.code))] = enc.name
	}
	require.Equal(t, is, said)
}

// brought lists the encodings that each version of the format has brought, by their codes. A reader takes a code that its version does not have for
// damage (section 12 of docs/segment-format.md): a new encoding is a row for a new version, and the rows of earlier ones never change.
func brought() map[int]map[byte]string {
	return map[int]map[byte]string{
		1: {
			0: "constant", 1: "packed", 2: "bytes", 3: "runs", 4: "dictionary", 5: "delta", 6: "split", 7: "delta split", 8: "scaled",
			9: "again", 10: "delta ticks",
		},
	}
}

// since is the version of the format that has brought an encoding.
func since(t *testing.T, enc *encoding) int {
	t.Helper()
	for version, list := range brought() {
		if list[enc.code] == enc.name {
			return version
		}
	}
	require.Failf(t, "an encoding of no version", "%d %s: raise container.FormatVersion, and list it as what that has brought", enc.code, enc.name)
	return 0
}

// TestVersions: the encodings are those of all versions up to the one that is written, each under one code.
func TestVersions(t *testing.T) {
	t.Parallel()
	want := map[byte]string{}
	for version, list := range brought() {
		require.True(t, version >= 1 && version <= container.FormatVersion, "version %d is not written yet", version)
		for code, name := range list {
			require.NotContains(t, want, code)
			want[code] = name
		}
	}
	got := map[byte]string{}
	for _, enc := range append(encodings(), again()) {
		got[enc.code] = enc.name
	}
	require.Equal(t, want, got, "a new encoding is a new version of the format")
}

// TestGolden: a file per encoding, of a version that was released some day, is read for ever. It holds the numbers, the code stream and the
// plain stream.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, enc := range encodings() {
		t.Run(enc.name, func(t *testing.T) {
			file := filepath.Join("testdata", "v"+strconv.Itoa(since(t, &enc)), strings.ReplaceAll(enc.name, " ", "-")+".golden")
			if _, err := os.Stat(file); os.Getenv("OLLY_UPDATE_GOLDEN") == "1" && err != nil {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(golden(&enc)), 0o644))
			}
			b, err := os.ReadFile(file)
			require.NoError(t, err, "a new encoding is a new version of the format (section 12 of docs/segment-format.md); OLLY_UPDATE_GOLDEN=1 writes the files that are missing")
			lines := strings.Split(string(b), "\n")
			var want []int64
			for field := range strings.FieldsSeq(lines[0]) {
				x, err := strconv.ParseInt(field, 10, 64)
				require.NoError(t, err)
				want = append(want, x)
			}
			to := &streams.Sink{}
			to.Code, err = hex.DecodeString(lines[1])
			require.NoError(t, err)
			to.Plain, err = hex.DecodeString(lines[2])
			require.NoError(t, err)
			require.Equal(t, enc.code, to.Code[0])
			requireSame(t, want, to, 20)
		})
	}
}

// golden is the text of a golden file: the lists of 129 numbers are the shortest that every encoding takes one of.
func golden(enc *encoding) string {
	var best []int64
	var to *streams.Sink
	for _, v := range lists() {
		sink, ok := written(NewEncoder(), enc, v)
		if ok && len(v) == 129 && (to == nil || len(sink.Code)+len(sink.Plain) > len(to.Code)+len(to.Plain)) {
			best, to = v, sink
		}
	}
	return fmt.Sprintf("%s\n%x\n%x\n", strings.Trim(fmt.Sprint(best), "[]"), to.Code, to.Plain)
}

// TestAllocations: once warm, writing, reading, picking and skipping allocate nothing.
func TestAllocations(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	all := lists()
	e, d, to := NewEncoder(), NewDecoder(), &streams.Sink{}
	got, from := make([]int64, 700), &streams.Source{}
	picked := []uint32{0}
	work := func() {
		for _, v := range all {
			to.Reset()
			e.Write(to, v)
			*from = streams.Source{Code: to.Code, Plain: to.Plain}
			d.Read(from, got[:len(v)])
			*from = streams.Source{Code: to.Code, Plain: to.Plain}
			d.Pick(from, len(v), picked, got[:1])
			*from = streams.Source{Code: to.Code, Plain: to.Plain}
			d.Skip(from, len(v))
		}
	}
	work()
	require.Zero(t, testing.AllocsPerRun(10, work))
}

// list makes numbers of what a fuzzer gives.
func list(raw []byte, mode, shift uint8) []int64 {
	v := make([]int64, 0, len(raw))
	sum := int64(0)
	for i, b := range raw {
		x := int64(b) << (shift % 64)
		switch mode % 4 {
		case 1:
			sum += x
			x = sum
		case 2:
			x = -x
		case 3:
			x = int64(uint64(b) * 0x9e3779b97f4a7c15 >> (shift % 64) << (i % 3))
		}
		v = append(v, x)
	}
	return v
}

// FuzzEncodings writes any list in every encoding that takes it, and reads it.
func FuzzEncodings(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint8(0), uint8(3))
	f.Add(bytes.Repeat([]byte{7, 0, 9, 200}, 100), uint8(1), uint8(0))
	f.Add(bytes.Repeat([]byte{255}, 256), uint8(2), uint8(60))
	f.Fuzz(func(t *testing.T, raw []byte, mode, shift uint8) {
		v := list(raw, mode, shift)
		if len(v) == 0 {
			return
		}
		e := NewEncoder()
		for _, enc := range encodings() {
			if to, ok := written(e, &enc, v); ok {
				requireSame(t, v, to, int(shift)%100)
			}
		}
		to := &streams.Sink{}
		e.Write(to, v)
		requireSame(t, v, to, 10)
		to.Reset()
		e.WriteDoubles(to, v)
		got, from := make([]int64, len(v)), begin(to)
		NewDecoder().ReadDoubles(from, got)
		require.Equal(t, v, got)
		require.Len(t, from.Code, 1)
		require.Len(t, from.Plain, 1)
	})
}

// FuzzDamaged reads any bytes as a list of any length: never a panic, never more memory than the numbers need. Where reading finds
// nothing wrong, picking gives the same numbers, and both leave the cursors where skipping does.
func FuzzDamaged(f *testing.F) {
	for _, v := range lists() {
		for _, enc := range encodings() {
			if to, ok := written(NewEncoder(), &enc, v); ok && len(v) < 200 {
				f.Add(to.Code, to.Plain, uint16(len(v)))
				f.Add(append(bytes.Clone(to.Code), again().code, byte(len(to.Code)), byte(len(to.Plain))), to.Plain, uint16(len(v)))
			}
		}
	}
	f.Add([]byte{16}, []byte{}, uint16(1))
	f.Fuzz(func(t *testing.T, code, plain []byte, count uint16) { checkDamaged(t, code, plain, int(count%4096)) })
}

func checkDamaged(t *testing.T, code, plain []byte, n int) {
	t.Helper()
	at := func() *streams.Source { return streams.NewSource(code, plain, nil, nil) }
	d := NewDecoder()
	read, from, skipped := at(), at(), at()
	for range 3 { // a list can be one before it again
		got := make([]int64, n)
		d.Read(read, got)
		picked, want := []uint32{}, []int64{}
		for i := 0; i < n; i += 1 + i%7 {
			picked, want = append(picked, uint32(i)), append(want, got[i])
		}
		some := make([]int64, len(picked))
		d.Pick(from, n, picked, some)
		d.Skip(skipped, n)
		if read.Bad {
			break
		}
		require.False(t, from.Bad)
		require.Equal(t, want, some)
		require.Equal(t, read, from)
		if skipped.Bad { // what is passed over in place of a list before it is not looked at
			break
		}
		require.Equal(t, read, skipped)
	}
	for _, p := range d.nested {
		require.LessOrEqual(t, cap(p.a)+cap(p.b), 4*n)
	}
	require.LessOrEqual(t, cap(d.steps), 2*n+2*deltaBlock)
}

// TestDamaged overwrites and cuts every byte of every encoding of short lists, and begins lists with codes that are not there.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for _, v := range lists() {
		if len(v) > 31 {
			continue
		}
		for _, enc := range encodings() {
			to, ok := written(NewEncoder(), &enc, v)
			if !ok {
				continue
			}
			for i := range to.Code {
				for _, b := range []byte{0, to.Code[i] ^ 1, 0x7f, 0xff} {
					code := bytes.Clone(to.Code)
					code[i] = b
					checkDamaged(t, code, to.Plain, len(v))
				}
				from := &streams.Source{Code: to.Code[:i], Plain: to.Plain}
				NewDecoder().Read(from, make([]int64, len(v)))
				require.True(t, from.Bad, "%s cut at %d of %d", enc.name, i, len(to.Code))
			}
			for i := range to.Plain {
				checkDamaged(t, to.Code, to.Plain[:i], len(v))
			}
		}
	}
	known := map[byte]bool{}
	for _, enc := range append(encodings(), again()) {
		known[enc.code] = true
	}
	for code := range 256 {
		if known[byte(code)] {
			continue
		}
		for name, read := range map[string]func(d *Decoder, from *streams.Source){
			"read": func(d *Decoder, from *streams.Source) { d.Read(from, make([]int64, 2)) },
			"pick": func(d *Decoder, from *streams.Source) { d.Pick(from, 2, []uint32{1}, make([]int64, 1)) },
			"skip": func(d *Decoder, from *streams.Source) { d.Skip(from, 2) },
		} {
			from := &streams.Source{Code: []byte{byte(code), 0, 0, 0}, Plain: []byte{0}}
			read(NewDecoder(), from)
			require.True(t, from.Bad, "%s of code %d", name, code)
		}
	}
	deep := &streams.Source{Code: bytes.Repeat([]byte{scaled().code, 2}, maxDepth), Plain: nil}
	deep.Code = append(deep.Code, constant().code, 2)
	NewDecoder().Read(deep, make([]int64, 3))
	require.True(t, deep.Bad, "lists within lists without end")
}

// TestAgain: of the lists of a section, one that comes again takes a few bytes, and is read, picked and passed over as the one before it. What names
// no list before it is damage, and so is a list again that names one, or that stands within another.
func TestAgain(t *testing.T) {
	t.Parallel()
	e, to := NewEncoder(), &streams.Sink{}
	v, other := lists()["129 any"], lists()["129 wandering"]
	e.Write(to, v)
	e.Write(to, v)
	require.Greater(t, len(to.Plain), 2000, "only what Remember began is looked through")
	to.Reset()
	e.Remember()
	e.Write(to, v)
	e.Write(to, other)
	before := len(to.Code)
	e.Write(to, v)
	require.Equal(t, again().code, to.Code[before])
	require.Less(t, len(to.Code)-before, 8)
	e.Write(to, v[1:])
	e.Write(to, other)
	e.Forget()
	for _, skip := range []bool{false, true} {
		d, from, got := NewDecoder(), streams.NewSource(to.Code, to.Plain, nil, nil), make([]int64, len(v))
		for _, want := range [][]int64{v, other, v, v[1:], other} {
			picked, some := []uint32{3, 70, 100}, make([]int64, 3)
			at := *from
			d.Pick(&at, len(want), picked, some)
			require.Equal(t, []int64{want[3], want[70], want[100]}, some)
			if skip {
				d.Skip(from, len(want))
			} else {
				d.Read(from, got[:len(want)])
				require.Equal(t, want, got[:len(want)])
			}
			require.False(t, from.Bad)
			require.Equal(t, at, *from)
		}
		require.Empty(t, from.Code)
		require.Empty(t, from.Plain)
	}
	code := []byte{constant().code, 2, packed().code, 0, 8}
	for name, list := range map[string][]byte{
		"nothing before":   {again().code, 6, 0},
		"itself":           {again().code, 0, 0},
		"no end":           {again().code, 0x80},
		"plain before":     {again().code, 3, 1},
		"of one that is":   {again().code, 3, 0, again().code, 3, 0},
		"within another":   {scaled().code, 2, again().code, 4, 0},
		"ends in this one": {again().code, 1, 0},
	} {
		for way, read := range map[string]func(d *Decoder, from *streams.Source, n int){
			"read": func(d *Decoder, from *streams.Source, n int) { d.Read(from, make([]int64, n)) },
			"pick": func(d *Decoder, from *streams.Source, n int) { d.Pick(from, n, []uint32{0, 1}, make([]int64, 2)) },
		} {
			from := streams.NewSource(append(bytes.Clone(code), list...), []byte{7, 8}, nil, nil)
			d := NewDecoder()
			d.Read(from, make([]int64, 2))
			d.Read(from, make([]int64, 2))
			require.False(t, from.Bad)
			read(d, from, 2)
			if list[0] == again().code && len(list) > 3 {
				read(d, from, 2)
			}
			require.True(t, from.Bad, "%s: %s", way, name)
		}
	}
}

// BenchmarkWrite writes lists as short as those of a small segment, where the choice costs more than the writing.
func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{4, 15, 60, 4000} {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		v := make([]int64, n)
		for _, shape := range []struct {
			name string
			next func(i int) int64
		}{
			{"constant", func(int) int64 { return 7 }},
			{"bytes", func(int) int64 { return r.Int64N(200) }},
			{"runs", func(i int) int64 { return int64(i/8) * 777 }},
			{"wide", func(int) int64 { return int64(r.Uint64()) }},
		} {
			for i := range v {
				v[i] = shape.next(i)
			}
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				e, to := NewEncoder(), &streams.Sink{}
				b.ReportAllocs()
				for b.Loop() {
					to.Reset()
					e.Write(to, v)
				}
			})
		}
	}
}
