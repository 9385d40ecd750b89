package texts

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
)

// lists are of every kind that columns of text are made of, and of strings that look like templates.
func lists() map[string][][]byte {
	r := rand.New(rand.NewPCG(7, 7))
	pieces := []func() string{
		func() string { return fmt.Sprint(r.IntN(1000)) },
		func() string { return fmt.Sprintf("%05d", r.IntN(100000)) },
		func() string { return fmt.Sprintf("%08x", r.Uint32()) },
		func() string { return fmt.Sprintf("%016d", r.Uint64()>>12) },
		func() string {
			return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16), r.Uint64()>>16)
		},
		func() string { return strings.Repeat("9", r.IntN(25)) },
		func() string { // a UUID of version 4
			return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), 1<<15|r.IntN(1<<14), r.Uint64()>>16)
		},
		func() string { // a pod of a cgroup
			return fmt.Sprintf("/pod%08x_%04x_%04x_%04x_%012x.slice", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16), r.Uint64()>>16)
		},
		func() string { return strings.ToUpper(serial(r, 14)) },
		func() string { return serial(r, 8+r.IntN(20)) },
		func() string { return "-" },
		func() string { return " id=" },
		func() string { return "abcdef" },
		func() string { return "Größe\xff" },
	}
	out := map[string][][]byte{
		"one":         {[]byte("a")},
		"empty":       make([][]byte, 40),
		"slot bytes":  {{0}, {1, 2}, {3}, []byte("a\x00b1")},
		"only digits": nil,
	}
	for i := range 40 {
		out["only digits"] = append(out["only digits"], []byte(strconv.Itoa(i*i)))
	}
	for shape := range 30 {
		var parts []int
		for range 1 + r.IntN(6) {
			parts = append(parts, r.IntN(len(pieces)))
		}
		var list [][]byte
		for range 1 + r.IntN(90) {
			var b []byte
			for _, p := range parts {
				b = append(b, pieces[p]()...)
			}
			if r.IntN(20) == 0 {
				b = nil
			}
			list = append(list, b)
		}
		out[fmt.Sprint("shape ", shape)] = list
	}
	// Each string repeats the end of the one before it, as the turns of a conversation do.
	turn, turns := []byte{}, [][]byte{}
	for i := range 20 {
		turn = append(bytes.Clone(turn[len(turn)/4:]), fmt.Sprintf("%d: ", i)...)
		for range 60 {
			turn = append(turn, pieces[r.IntN(len(pieces))]()...)
		}
		turns = append(turns, turn)
	}
	out["events"], out["few events"] = events(70), events(leastNested)
	out["turns"], out["one long"] = turns, [][]byte{bytes.Join(turns, nil)}
	return out
}

// serial is n letters and digits.
func serial(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[r.IntN(36)]
	}
	return string(b)
}

// TestIdsTakeTheirBits: ids of letters and digits, and UUIDs, take what chance has put into them and little more.
func TestIdsTakeTheirBits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 8))
	for name, c := range map[string]struct {
		one  func() string
		bits float64
	}{
		"serial numbers": {func() string { return "sn-" + serial(r, 14) }, 14 * math.Log2(36)},
		"in upper case":  {func() string { return strings.ToUpper(serial(r, 12)) }, 12 * math.Log2(36)},
		"version 4": {func() string {
			return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), 1<<15|r.IntN(1<<14), r.Uint64()>>16)
		}, 122},
		"pods of cgroups": {func() string {
			return fmt.Sprintf("kubepods-pod%08x_%04x_4%03x_%04x_%012x.slice", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), 1<<15|r.IntN(1<<14), r.Uint64()>>16)
		}, 122},
	} {
		var list [][]byte
		for range 1000 {
			list = append(list, []byte(c.one()))
		}
		to := &streams.Sink{}
		NewEncoder(integers.NewEncoder()).Write(to, list)
		took := float64(len(to.Code)+len(to.Plain)+len(to.Text)) * 8 / 1000
		require.Less(t, took, c.bits*1.25, name) // serial numbers that look like words are there as they are
	}
}

// kept is passages that are all there.
type kept struct {
	bytes  []byte
	budget *passages.Budget
}

func (k kept) Len() int { return len(k.bytes) }

func (k kept) Take(n int) bool { return k.budget.Take(n) }

func (k kept) Append(to []byte, from, length int) ([]byte, bool) {
	return append(to, k.bytes[from:from+length]...), true
}

// passagesOf are those to which a section refers.
func passagesOf(to *streams.Sink) passages.Text {
	if to.Passages == nil {
		return nil
	}
	return kept{bytes.Clone(to.Passages.Kept()), &passages.Budget{}}
}

func begin(to *streams.Sink) *streams.Source {
	with := func(b []byte) []byte { return append(bytes.Clone(b), 0xee) }
	return &streams.Source{Code: with(to.Code), Plain: with(to.Plain), Text: with(to.Text), Passages: passagesOf(to)}
}

// requireSame: what was written is read, string by string and all at once; searches find what a search of every string finds.
func requireSame(t *testing.T, list [][]byte, to *streams.Sink) {
	t.Helper()
	from := begin(to)
	var l List
	l.Read(integers.NewDecoder(), from, len(list))
	require.False(t, from.Bad)
	require.NotEqual(t, "unknown", Describe(begin(to)))
	from.Passages = nil
	require.Equal(t, &streams.Source{Code: []byte{0xee}, Plain: []byte{0xee}, Text: []byte{0xee}}, from)
	for i, want := range list {
		got, ok := l.One(nil, i)
		require.True(t, ok)
		require.True(t, bytes.Equal(want, got), "%q, not %q", want, got)
	}
	got, ok := l.All(nil, make([]byte, 0, l.Built()))
	require.True(t, ok)
	require.Len(t, got, len(list))
	var parts [][]byte
	for i, want := range list {
		require.True(t, bytes.Equal(want, got[i]))
		if n := len(want); n > 0 {
			parts = append(parts, want, want[n/3:n-n/4], append(bytes.Clone(want[n/2:]), 'x'), append(bytes.Clone(want), '1'))
		}
	}
	parts = append(parts, []byte("1"), []byte("a1"), []byte{2}, []byte(" id="))
	pass := make([]bool, len(list))
	for i := 0; i < len(parts); i += 1 + len(parts)/40 {
		for _, wanted := range [][][]byte{{parts[i]}, {parts[i], parts[len(parts)-1-i]}} {
			require.True(t, l.Equal(wanted, pass))
			for k, s := range list {
				require.Equal(t, oneOf(wanted, s), pass[k], "%q is one of %q", s, wanted)
			}
			require.True(t, l.Contain(wanted, pass))
			for k, s := range list {
				all := bytes.Contains(s, wanted[0]) && bytes.Contains(s, wanted[len(wanted)-1])
				require.Equal(t, all, pass[k], "%q contains %q", s, wanted)
			}
		}
	}
}

// written is a list in one form; false where that does not take it.
func written(f *form, list [][]byte) (*streams.Sink, bool) {
	to := &streams.Sink{Passages: &passages.Builder{}}
	to.Passages.Add(nil, []byte(strings.Repeat("other columns have kept this before, ", 40)))
	to.Byte(f.code)
	return to, f.write(NewEncoder(integers.NewEncoder()), to, list)
}

func TestForms(t *testing.T) {
	t.Parallel()
	codes := map[byte]bool{}
	for _, f := range forms() {
		require.False(t, codes[f.code], "code %d is there twice", f.code)
		codes[f.code] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			taken := 0
			for _, list := range lists() {
				if to, ok := written(&f, list); ok {
					taken++
					requireSame(t, list, to)
				}
			}
			require.Positive(t, taken)
		})
	}
	for _, list := range lists() {
		for _, p := range []*passages.Builder{nil, {}} {
			to := &streams.Sink{Passages: p}
			NewEncoder(integers.NewEncoder()).Write(to, list)
			requireSame(t, list, to)
		}
	}
}

// TestVersions: the forms are those of all versions of the format up to the one that is written. A new form is a row for a new version, as a reader
// takes a code that its version does not have for damage; the rows of earlier ones never change.
func TestVersions(t *testing.T) {
	t.Parallel()
	brought := map[int]map[byte]string{1: {0: "plain", 1: "templates", 2: "copies", 3: "nested"}}
	want, got := map[byte]string{}, map[byte]string{}
	for version, list := range brought {
		require.True(t, version >= 1 && version <= container.FormatVersion, "version %d is not written yet", version)
		for code, name := range list {
			require.NotContains(t, want, code)
			want[code] = name
		}
	}
	for _, f := range forms() {
		got[f.code] = f.name
	}
	require.Equal(t, want, got, "a new form is a new version of the format")
}

// TestSpecification: section 7 lists the forms that are there, and no others.
func TestSpecification(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "segment-format.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(page), "\n`strings(n)`, n > 0: a byte.\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	said := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^- (\d+) (\w+): `).FindAllStringSubmatch(section, -1) {
		said[row[1]] = row[2]
	}
	is := map[string]string{}
	for _, f := range forms() {
		is[strconv.Itoa(int(f.code))] = f.name
	}
	require.Equal(t, is, said)
}

// FuzzForms writes any text, cut into strings, in every form that takes it.
func FuzzForms(f *testing.F) {
	f.Add([]byte("GET /a/1\nGET /a/20\nGET /b/3\n"), uint8(20))
	f.Add([]byte("0a1b2c3d-0000-1111-2222-0123456789ab\n00012\n18446744073709551616"), uint8(9))
	f.Add([]byte{0, '\n', 1, 2, '\n', 3, 4}, uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, times uint8) {
		list := bytes.Split(text, []byte("\n"))
		for range times % 32 {
			list = append(list, list[len(list)/2])
		}
		if len(list) > 300 {
			return
		}
		for _, form := range forms() {
			if to, ok := written(&form, list); ok {
				requireSame(t, list, to)
			}
		}
	})
}

// FuzzDamaged reads any bytes as a list of any length: never a panic, never more memory than limits.TemplateGrowth allows, and what is read string by
// string is what is read at once.
func FuzzDamaged(f *testing.F) {
	for _, list := range lists() {
		for _, form := range forms() {
			if to, ok := written(&form, list); ok {
				f.Add(to.Code, to.Plain, to.Text, to.Passages.Kept(), uint8(len(list)))
			}
		}
	}
	f.Add([]byte{2}, []byte{}, []byte{}, []byte{}, uint8(1))
	f.Fuzz(func(t *testing.T, code, plain, text, passage []byte, n uint8) {
		if n > 0 {
			checkDamaged(t, &streams.Source{Code: code, Plain: plain, Text: text, Passages: kept{passage, &passages.Budget{}}}, int(n))
		}
	})
}

func checkDamaged(t *testing.T, from *streams.Source, n int) {
	t.Helper()
	limit := (len(from.Text) + n) * limits.TemplateGrowth
	if len(from.Code) > 0 && (from.Code[0] == copies().code || from.Code[0] == nested().code) {
		limit = passages.MostText
	}
	var l List
	l.Read(integers.NewDecoder(), from, n)
	if from.Bad {
		return
	}
	require.LessOrEqual(t, l.Built(), limit)
	if l.Built() > 1<<20 { // what is copied so often takes long to look at
		return
	}
	all, sound := l.All(nil, make([]byte, 0, l.Built()))
	for i := range n {
		s, ok := l.One(nil, i)
		if sound {
			require.True(t, ok)
			require.True(t, bytes.Equal(s, all[i]))
		}
	}
	pass := make([]bool, n)
	l.Contain([][]byte{[]byte("a1")}, pass)
	l.Equal([][]byte{[]byte("user-1"), []byte("12")}, pass)
}

// TestDamaged overwrites and cuts every byte of every stream.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for _, list := range lists() {
		for _, form := range forms() {
			to, ok := written(&form, list)
			if !ok {
				continue
			}
			for which := range 3 {
				length := len([][]byte{to.Code, to.Plain, to.Text}[which])
				for i := 0; i < length; i += 1 + length/60 {
					for _, b := range []int{0, 1, 0x7f, 0xff, -1} {
						from := &streams.Source{Code: bytes.Clone(to.Code), Plain: bytes.Clone(to.Plain), Text: bytes.Clone(to.Text), Passages: passagesOf(to)}
						stream := []*[]byte{&from.Code, &from.Plain, &from.Text}[which]
						if b < 0 {
							*stream = (*stream)[:i]
						} else {
							(*stream)[i] = byte(b)
						}
						checkDamaged(t, from, len(list))
					}
				}
			}
		}
	}
	for _, code := range []byte{4, 0xff} {
		from := &streams.Source{Code: []byte{code, 0, 0}}
		new(List).Read(integers.NewDecoder(), from, 1)
		require.True(t, from.Bad, "a form that nobody knows")
	}
}

// TestMoreNumbersThanAListTakes: numbers that are equal take no bytes, so that there can be any number of them; what is written can be read.
func TestMoreNumbersThanAListTakes(t *testing.T) {
	t.Parallel()
	list := make([][]byte, minTemplated)
	for i := range list {
		list[i] = bytes.Repeat([]byte("1 "), MaxNumbers/minTemplated+1)
	}
	var to streams.Sink
	NewEncoder(integers.NewEncoder()).Write(&to, list)
	from := begin(&to)
	var l List
	l.Read(integers.NewDecoder(), from, len(list))
	require.False(t, from.Bad)
	got, ok := l.All(nil, make([]byte, 0, l.Built()))
	require.True(t, ok)
	for i := range list {
		require.True(t, bytes.Equal(list[i], got[i]))
	}
}
