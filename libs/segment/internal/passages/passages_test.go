package passages

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// prose is text of a few words.
func prose(r *rand.Rand, n int) []byte {
	words := strings.Fields("when the queue of a harbour waits every engine counts it, and no Größe of 世界 follows; {\"role\": \"user\"},")
	var b []byte
	for len(b) < n {
		b = append(b, words[r.IntN(len(words))]...)
		if r.IntN(8) == 0 {
			b = fmt.Append(b, r.IntN(1000))
		}
		b = append(b, ' ')
	}
	return b
}

// put gives back the texts that copies tell of, where new bytes begin at base.
func put(kept []byte, base int, copies []Copy, n int) []byte {
	var out []byte
	for _, c := range copies {
		out = append(out, kept[base:base+c.Gap]...)
		base += c.Gap
		out = append(out, kept[c.From:c.From+c.Length]...)
	}
	return append(out, kept[base:base+n-len(out)]...)
}

func TestTurns(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var b Builder
	for range 3 { // a Builder that is used again
		b.Reset()
		history, said, all := []byte{}, 0, 0
		for range 60 {
			turn := prose(r, 500+r.IntN(3000))
			said += len(turn)
			history = append(history, turn...)
			list := [][]byte{bytes.Clone(history), turn[len(turn)/2:]} // a question, and in another column a part of it
			all += len(history) + len(turn)/2
			require.True(t, b.Begin(len(list[0])+len(list[1]), 2))
			base, copies, n := len(b.Kept()), []Copy(nil), 0
			for _, s := range list {
				copies = b.Add(copies, s)
				n += len(s)
			}
			require.Equal(t, string(bytes.Join(list, nil)), string(put(b.Kept(), base, copies, n)))
			for _, c := range copies {
				require.GreaterOrEqual(t, c.Length, LeastCopy)
			}
		}
		require.Less(t, len(b.Kept()), said+said/4, "of %d bytes, %d are new", all, said)
	}
}

// TestPlacesGrow: what was kept long ago is found again.
func TestPlacesGrow(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	var b Builder
	noise := make([]byte, 2<<20)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	require.Empty(t, b.Add(nil, noise))
	require.Greater(t, len(b.places), leastPlaces)
	kept := len(b.Kept())
	require.True(t, b.Begin(len(noise), 1))
	for at := 0; at+4096 < len(noise); at += 100_003 {
		copies := b.Add(nil, noise[at:at+4096])
		require.Len(t, copies, 1)
		require.Greater(t, copies[0].Length, 3000)
	}
	require.Less(t, len(b.Kept())-kept, 4096*2)
}

// TestListsInWhichNothingComesAgain are not looked through to the end; the next list is.
func TestListsInWhichNothingComesAgain(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 6))
	noise := func() []byte {
		s := make([]byte, 4096)
		for i := range s {
			s[i] = byte(r.Uint32())
		}
		return s
	}
	var b Builder
	require.True(t, b.Begin(1<<20, 1<<11))
	first := noise()
	for range 40 {
		require.Empty(t, b.Add(nil, noise()))
	}
	require.Empty(t, b.Add(nil, first))
	require.Empty(t, b.Add(nil, first), "who looks no longer finds nothing")
	require.True(t, b.Begin(1<<20, 1<<11))
	b.Add(nil, first) // what was not looked through is not remembered
	require.NotEmpty(t, b.Add(nil, first))
}

func TestBudget(t *testing.T) {
	t.Parallel()
	var b Builder
	require.True(t, b.Begin(MostText, 1))
	require.False(t, b.Begin(1, 1))
	b.Reset()
	require.True(t, b.Begin(1, 1))
	var r Budget
	require.True(t, r.Take(MostText))
	require.False(t, r.Take(2*MostText))
	require.False(t, r.Take(-1))
}

func TestChunks(t *testing.T) {
	t.Parallel()
	require.Empty(t, Chunks(nil, 5, 0))
	require.Equal(t, []uint64{0b11}, Chunks(nil, ChunkBytes-1, 2))
	require.Equal(t, []uint64{1, 1}, Chunks([]uint64{1}, 64*ChunkBytes, ChunkBytes))
}

// texts are of every kind that words are found in, and of none.
func texts() map[string][]byte {
	r := rand.New(rand.NewPCG(3, 3))
	noise := make([]byte, 40_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	many := []byte{}
	for i := range 40_000 {
		many = fmt.Appendf(many, "word%c%c%c ", 'a'+i%26, 'a'+i/26%26, 'a'+i%17)
	}
	return map[string][]byte{
		"prose":       prose(r, 3*ChunkBytes/2),
		"exact":       prose(r, 2*ChunkBytes)[:2*ChunkBytes],
		"noise":       noise,
		"mixed":       append(append(prose(r, 300_000), noise...), prose(r, 300_000)...),
		"many words":  many,
		"one letter":  bytes.Repeat([]byte("x"), 100_000),
		"one word":    bytes.Repeat([]byte("word "), 30_000),
		"spaces":      bytes.Repeat([]byte("ab  ab ab,ab \x00 é "), 5_000),
		"ids":         ids(r),
		"other bytes": bytes.Repeat([]byte("\x00\x00\xff\xfe世界 "), 5_000),
	}
}

// ids is text with ids that come once and ids that come again.
func ids(r *rand.Rand) (b []byte) {
	for range 3000 {
		b = fmt.Appendf(b, "trace=%016x%016x again=%08x0a1b2c3d %08x-0000-4000-8000-%012x_x é%x\x01 ", r.Uint64(), r.Uint64(), r.IntN(20), r.Uint32(), r.Uint64()>>16, r.Uint64())
		b = fmt.Appendf(b, "k%dA%dbC%dd%dEf%dGh%d ", r.IntN(10), r.IntN(10), r.IntN(10), r.IntN(10), r.IntN(10), r.IntN(10))
	}
	return b
}

func TestWords(t *testing.T) {
	t.Parallel()
	var b Builder
	for name, text := range texts() {
		b.Reset()
		b.kept = append(b.kept, text...)
		got, coded, ok := throughWords(t, &b)
		require.Equal(t, name != "noise", ok, name)
		if ok {
			require.True(t, bytes.Equal(text, got), name)
			require.Less(t, coded, len(text), name)
		}
	}
}

// throughWords writes what is kept in words and reads it again; false where words do not pay. coded is how many bytes it took.
func throughWords(t *testing.T, b *Builder) (got []byte, coded int, ok bool) {
	t.Helper()
	var l List
	list := true
	ok = b.Code(func(chunk, bits []byte) {
		if list {
			list = false
			require.LessOrEqual(t, len(chunk), MostList)
			require.True(t, l.Parse(chunk, bits))
			coded += len(chunk) + len(bits)
			return
		}
		n := min(ChunkBytes, len(b.kept)-len(got))
		coded += len(chunk) + len(bits)
		if len(chunk) == n {
			require.Empty(t, bits)
			got = append(got, chunk...)
			return
		}
		var sound bool
		got, sound = l.Expand(got, chunk, bits, n)
		require.True(t, sound)
	})
	return got, coded, ok
}

// TestIDsTakeTheirBits: ids that never come again take what chance has put into them, and little beside it.
func TestIDsTakeTheirBits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	for name, c := range map[string]struct {
		make func() string
		bits float64
	}{
		"trace": {func() string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }, 128},
		"digest": {func() string {
			return fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
		}, 256},
		"uuid": {func() string {
			return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16), r.Uint64()>>16)
		}, 128},
		"key": {func() string {
			b := make([]byte, 40)
			for i := range b {
				b[i] = alphabet[r.IntN(len(alphabet))]
			}
			return string(b)
		}, 240},
	} {
		var b Builder
		const n = 2000
		for range n {
			b.kept = append(b.kept, "id="+c.make()+"; "...)
		}
		got, coded, ok := throughWords(t, &b)
		require.True(t, ok, name)
		require.True(t, bytes.Equal(b.kept, got), name)
		require.Less(t, float64(coded)/n, c.bits/8*1.06+6, name)
	}
}

// TestLongRunsAreLookedAtInPieces: of a text without a mark little is looked at for each of its words, and it comes back as it was.
func TestLongRunsAreLookedAtInPieces(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	for name, letters := range map[string]string{"hexadecimal": "0123456789abcdef", "any": alphabet, "bits": "01", "letters": "abcdefghijklmnop"} {
		text := make([]byte, 200_000)
		for i := range text {
			text[i] = letters[r.IntN(len(letters))]
		}
		c := &coder{kind: kinds(), number: numbers()}
		for _, at := range []int{0, 1, 777, len(text) - 10} {
			length, _ := c.id(text[at:])
			require.LessOrEqual(t, length, mostRun, name)
			require.Equal(t, min(len(text)-at, mostRun), length, name)
		}
		b := Builder{kept: text}
		if got, _, ok := throughWords(t, &b); ok {
			require.True(t, bytes.Equal(text, got), name)
		}
	}
}

// FuzzWords writes any text in words, and reads any bytes as such: never a panic, never more than was announced.
func FuzzWords(f *testing.F) {
	f.Add([]byte("the queue of the harbour, the queue; 12 queues"), []byte{2, 3, 5, 't', 'h', 'e', 'q', 'u', 'e', 'u', 'e'}, []byte{128, 129, ' ', 0, 2, 0xff, 0xfe, 'x'})
	f.Add([]byte("ab  ab\x00é"), []byte{0}, []byte{0, 0x80})
	f.Fuzz(func(t *testing.T, text, list, coded []byte) {
		var l List
		if l.Parse(list, text) || l.Parse(list, nil) {
			got, ok := l.Expand(nil, coded, text, 1000)
			require.True(t, !ok || len(got) == 1000)
			require.LessOrEqual(t, len(got), 1000+1+max(mostWord, 255, len(coded)))
		}
		if len(text) == 0 {
			return
		}
		whole := bytes.Repeat(text, 1+leastText/len(text))
		b := Builder{kept: whole}
		if got, _, ok := throughWords(t, &b); ok {
			require.True(t, bytes.Equal(whole, got))
		}
	})
}

// TestSameEnd compares with going back byte by byte.
func TestSameEnd(t *testing.T) {
	t.Parallel()
	text := []byte("0123456789abcdefghijklmnopqrstuv")
	for n := range text {
		for other := range text {
			for cut := range 3 {
				b := bytes.Clone(text[cut:])
				if other < n && n < len(text) && n >= cut {
					b[n-cut] ^= 0x80
				}
				a := text[other:]
				want := 0
				for want < min(len(a), len(b)) && a[len(a)-1-want] == b[len(b)-1-want] {
					want++
				}
				require.Equal(t, want, sameEnd(a, b))
			}
		}
	}
}
