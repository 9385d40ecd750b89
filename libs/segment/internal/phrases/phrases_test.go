package phrases

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
)

// texts are of every kind that has something to learn, and of none, with the first byte of symbols of two bytes.
func texts() map[string]struct {
	list [][]byte
	wide int
} {
	r := rand.New(rand.NewPCG(4, 4))
	noise := make([]byte, 30_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var lines [][]byte
	for range 5 {
		var b []byte
		for len(b) < 40_000 {
			b = fmt.Appendf(b, "ship %d of %s enters lock %c at %02d:%02d; ", r.IntN(900), strings.Fields("Oslo Rotterdam Kobe Recife")[r.IntN(4)], 'A'+r.IntN(5), r.IntN(24), r.IntN(60))
		}
		lines = append(lines, b)
	}
	var coded []byte // as words are: bytes from 250 on have another after them
	for range 20_000 {
		if r.IntN(3) == 0 {
			coded = append(coded, byte(250+r.IntN(6)), byte(r.IntN(20)))
		} else {
			coded = append(coded, byte(128+r.IntN(100)))
		}
	}
	return map[string]struct {
		list [][]byte
		wide int
	}{
		"lines":        {lines, 256},
		"coded":        {[][]byte{coded, coded[:10_001]}, 250},
		"noise":        {[][]byte{noise}, 256},
		"noise, wide":  {[][]byte{noise, noise[:1]}, 128},
		"one byte":     {[][]byte{{7}}, 256},
		"wide, alone":  {[][]byte{{255}, {255}}, 128},
		"one letter":   {[][]byte{bytes.Repeat([]byte("x"), 100_000)}, 256},
		"an empty one": {[][]byte{[]byte("ab"), {}, bytes.Repeat([]byte("abc "), 5000)}, 256},
	}
}

// write learns a model, and writes all texts with it.
func write(t *testing.T, c *Coder, list [][]byte, wide int) (model []byte, written [][]byte) {
	t.Helper()
	var ends []int
	n := 0
	for _, s := range list {
		n += len(s)
		ends = append(ends, n)
	}
	model, ok := c.Learn(bytes.Join(list, nil), ends, wide)
	require.True(t, ok)
	for i := range list {
		written = append(written, c.Write(nil, i))
	}
	return model, written
}

func TestThrough(t *testing.T) {
	t.Parallel()
	var c Coder
	var r Reader
	for range 2 { // used again
		for name, x := range texts() {
			model, written := write(t, &c, x.list, x.wide)
			require.True(t, r.Parse(model), name)
			for i := len(x.list) - 1; i >= 0; i-- { // any order
				got, ok := r.Expand([]byte("before"), written[i], len(x.list[i]))
				require.True(t, ok, name)
				require.Equal(t, "before"+string(x.list[i]), string(got), name)
			}
		}
	}
}

// TestSmall holds what texts take: little more than what is by chance in them, and next to nothing where there is nothing to tell.
func TestSmall(t *testing.T) {
	t.Parallel()
	var c Coder
	of := texts()
	size := func(name string) (n int) {
		model, written := write(t, &c, of[name].list, of[name].wide)
		for _, w := range written {
			n += len(w)
		}
		require.Less(t, len(model), 8<<10, name)
		return n
	}
	// A line of some 40 bytes has log2(900 · 4 · 5 · 24 · 60) = 24.6 bits that are by chance.
	lines := 0
	for _, s := range of["lines"].list {
		lines += bytes.Count(s, []byte(";"))
	}
	require.Less(t, float64(size("lines")), float64(lines)*24.6/8*1.35)
	require.Less(t, size("one letter"), 20)
	require.Less(t, size("coded"), 30_000*7/8)
}

func TestSameTwice(t *testing.T) {
	t.Parallel()
	var a, b Coder
	of := texts()
	write(t, &b, of["noise"].list, of["noise"].wide)
	m1, w1 := write(t, &a, of["lines"].list, of["lines"].wide)
	m2, w2 := write(t, &b, of["lines"].list, of["lines"].wide)
	require.Equal(t, m1, m2)
	require.Equal(t, w1, w2)
}

func TestDamagedModels(t *testing.T) {
	t.Parallel()
	uvarints := func(v ...uint64) (b []byte) {
		for _, x := range v {
			b = binary.AppendUvarint(b, x)
		}
		return b
	}
	classes := make([]byte, firstPhrase)
	whole := bytes.Join([][]byte{uvarints(0, 1), classes, uvarints(1, 'x', 4)}, nil)
	var r Reader
	require.True(t, r.Parse(whole))
	got, ok := r.Expand(nil, []byte{0, 0, 1, 0}, 3)
	require.True(t, ok)
	require.Equal(t, "xxx", string(got))
	for name, b := range map[string][]byte{
		"empty":                      {},
		"no classes":                 bytes.Join([][]byte{uvarints(0, 0), classes}, nil),
		"too many classes":           bytes.Join([][]byte{uvarints(0, limits.PhraseClasses+1), classes, make([]byte, limits.PhraseClasses+1)}, nil),
		"a class that is not there":  bytes.Join([][]byte{uvarints(0, 1), bytes.Repeat([]byte{1}, firstPhrase), uvarints(0)}, nil),
		"a phrase of itself":         bytes.Join([][]byte{uvarints(1, firstPhrase, 1, 1), classes, {0}, uvarints(0)}, nil),
		"more phrases than bytes":    uvarints(limits.PhraseSymbols - firstPhrase),
		"too many symbols":           uvarints(limits.PhraseSymbols - firstPhrase + 1),
		"a symbol that is not there": bytes.Join([][]byte{uvarints(0, 1), classes, uvarints(2, 255, 0, 0, 0)}, nil),
		"too often":                  bytes.Join([][]byte{uvarints(0, 1), classes, uvarints(1, 'x', limits.PhraseOften)}, nil),
		"more than bytes":            bytes.Join([][]byte{uvarints(0, 1), classes, uvarints(200, 1, 1)}, nil),
		"something behind":           append(bytes.Clone(whole), 0),
		"not whole":                  whole[:len(whole)-1],
		"longer than a model":        append(bytes.Clone(whole), make([]byte, limits.PhraseModel)...),
	} {
		require.False(t, r.Parse(b), name)
	}
	require.True(t, r.Parse(whole))
	for name, b := range map[string][]byte{
		"no state": {0, 0, 1}, "a low state": {0, 0, 0, 0}, "something left": {0, 0, 1, 0, 0, 0}, "another state": {1, 0, 1, 0},
	} {
		_, ok := r.Expand(nil, b, 3)
		require.False(t, ok, name)
	}
	require.True(t, r.Parse(bytes.Join([][]byte{uvarints(0, 1), classes, uvarints(0)}, nil)), "a class after which nothing comes")
	_, ok = r.Expand(nil, []byte{0, 0, 1, 0}, 1)
	require.False(t, ok)
}

// TestPhraseBounds: eight doublings of a byte are 256 bytes, one more than a phrase has.
func TestPhraseBounds(t *testing.T) {
	t.Parallel()
	model := func(doublings int) []byte {
		b := binary.AppendUvarint(nil, uint64(doublings))
		for i := range doublings {
			s := uint64(firstPhrase + i - 1)
			if i == 0 {
				s = 'a'
			}
			b = binary.AppendUvarint(binary.AppendUvarint(b, s), s)
		}
		b = append(binary.AppendUvarint(b, 1), make([]byte, firstPhrase+doublings)...)
		return binary.AppendUvarint(b, 0)
	}
	var r Reader
	require.True(t, r.Parse(model(7)))
	require.False(t, r.Parse(model(8)))
}

func FuzzThrough(f *testing.F) {
	for _, x := range texts() {
		f.Add(x.list[0][:min(len(x.list[0]), 2000)], 3, x.wide)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut, wide int) {
		if len(text) == 0 || cut < 0 || wide < 128 {
			return
		}
		cut = min(cut, len(text))
		// Said often enough for phrases.
		list := [][]byte{bytes.Repeat(text, min(40, 1+8000/len(text))), text[:cut], text[cut:]}
		var c Coder
		var r Reader
		model, written := write(t, &c, list, wide)
		require.True(t, r.Parse(model))
		for i, s := range list {
			got, ok := r.Expand(nil, written[i], len(s))
			require.True(t, ok)
			require.True(t, bytes.Equal(s, got))
		}
	})
}

func FuzzRead(f *testing.F) {
	var c Coder
	for _, x := range texts() {
		list := x.list[:1]
		list[0] = list[0][:min(len(list[0]), 3000)]
		var ends []int
		ends = append(ends, len(list[0]))
		if model, ok := c.Learn(list[0], ends, x.wide); ok {
			f.Add(model, c.Write(nil, 0), len(list[0]))
		}
	}
	f.Fuzz(func(t *testing.T, model, b []byte, n int) {
		var r Reader
		if n = min(max(n, 0), 1<<19); !r.Parse(model) {
			return
		}
		if got, ok := r.Expand(nil, b, n); ok {
			require.Len(t, got, n)
		}
	})
}
