package container

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func TestFields(t *testing.T) {
	t.Parallel()
	f := Fields{}.With(1, false, []byte("one")).With(7, true, nil).With(MaxTag, false, make([]byte, 200))
	require.True(t, f.valid())
	list := slices.Collect(f.All())
	require.Equal(t, Field{Tag: 1, Content: []byte("one")}, list[0])
	require.Equal(t, Field{Tag: 7, Critical: true, Content: []byte{}}, list[1])
	require.Len(t, list, 3)
	content, ok := f.Get(1)
	require.True(t, ok)
	require.Equal(t, "one", string(content))
	_, ok = f.Get(2)
	require.False(t, ok)
	require.ErrorContains(t, f.understood("it", 3), "it of the segment needs extension 7")
	require.NoError(t, Fields{}.With(1, false, nil).understood("it", 3))

	for name, damaged := range map[string]Fields{
		"no tag":           {0, 0},
		"too large a tag":  Fields{}.With(MaxTag+1, false, nil),
		"tag cut":          {0x80},
		"length cut":       {2, 0x80},
		"no length":        {2},
		"content too long": {2, 2, 1},
		"twice":            Fields{}.With(3, false, nil).With(3, true, nil),
		"descending":       Fields{}.With(4, false, nil).With(3, false, nil),
		"huge length":      {2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
	} {
		require.False(t, damaged.valid(), name)
	}
}

func FuzzFields(f *testing.F) {
	f.Add([]byte(Fields{}.With(1, false, []byte("one")).With(7, true, nil)))
	f.Add([]byte{2, 2, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		fields := Fields(b)
		size, last := 0, uint64(0)
		again := Fields{}
		for field := range fields.All() {
			size += len(field.Content)
			if field.Tag > last {
				again = again.With(field.Tag, field.Critical, field.Content)
				last = field.Tag
			}
		}
		require.LessOrEqual(t, size, len(b))
		require.True(t, again.valid())
		if fields.valid() {
			require.Equal(t, slices.Collect(fields.All()), slices.Collect(again.All()))
		}
	})
}

// written writes sections with streams of many sizes.
func written(t testing.TB, level int) (directory, body []byte, want map[string][NumStreams][]byte) {
	t.Helper()
	var w Writer
	require.NoError(t, w.Begin(telemetry.Logs, 77, level))
	want = map[string][NumStreams][]byte{}
	add := func(s Section, streams [NumStreams][]byte) {
		w.Add(s, streams, nil)
		want[s.Name()] = streams
	}
	field := Fields{}.With(9, false, []byte("f"))
	for i := range uint8(20) {
		code, plain, text := bytes.Repeat([]byte{i, 1}, int(i)*60), bytes.Repeat([]byte{i}, int(i)*3), []byte("text")
		s := Section{ID: SectionText + i, Count: int(i), Types: 1 << otlp.Int, Distinct: 3}
		if i%3 == 0 {
			s.Fields = field
		}
		add(s, [NumStreams][]byte{code, plain, text, field})
		if i%5 == 0 {
			w.Cut()
		}
	}
	add(Section{ID: 3, Min: -5, Max: -5}, [NumStreams][]byte{})
	add(Section{ID: SectionKey, Key: "a", Count: 5, Types: 1 << otlp.Int, Min: -1, Max: 1 << 62}, [NumStreams][]byte{{1}})
	add(Section{ID: SectionKey, Key: "ab", Count: 5, Types: 2, Fields: field}, [NumStreams][]byte{{1}, {2}, {3}, nil})
	directory, body, err := w.Finish()
	require.NoError(t, err)
	return directory, body, want
}

func TestWriterAndReader(t *testing.T) {
	t.Parallel()
	for level := range 3 {
		directory, body, want := written(t, level)
		var d Directory
		require.NoError(t, d.Parse(directory, FormatVersion))
		require.Equal(t, directory, d.appendSummed(nil, body))
		require.Equal(t, 77, d.Items)
		require.Less(t, len(body), 20*19*60)
		var memory arena.Arena
		r, err := NewReader(&memory)
		require.NoError(t, err)
		r.Open(&d, []Part{{Offset: 0, Bytes: body}})
		n := 0
		for _, list := range [][]Section{d.Sections, d.Keys} {
			for i := range list {
				s := &list[i]
				n++
				src, err := r.Source(s)
				require.NoError(t, err)
				for k, b := range [][]byte{StreamCode: src.Code, StreamPlain: src.Plain, StreamText: src.Text} {
					require.Equal(t, string(want[s.Name()][k]), string(b), "%s, stream %d", s.Name(), k)
				}
				extension, err := r.Extension(s)
				require.NoError(t, err)
				require.Equal(t, string(want[s.Name()][StreamExtension]), string(extension))
				// The ranges that are asked for hold the section.
				var parts []Part
				for _, got := range Merge(d.Ranges(nil, s, 0)) {
					parts = append(parts, Part{Offset: got.Offset, Bytes: body[got.Offset : got.Offset+got.Length]})
				}
				alone, err := NewReader(&memory)
				require.NoError(t, err)
				alone.Open(&d, parts)
				_, err = alone.Source(s)
				require.NoError(t, err)
			}
		}
		require.Len(t, want, n)
		require.True(t, d.Section(3).Constant())
		k, at := d.Key("ab")
		require.Equal(t, 1, at)
		require.Equal(t, 5, k.Count)
		k, _ = d.Key("aa")
		require.Nil(t, k)
	}
}

// TestHeads: what sections have in the head is read without a body, by any number of readers, and what they have in the body beside it.
func TestHeads(t *testing.T) {
	t.Parallel()
	for level, long := range []int{1, 400, 3000} { // the head is stored as it is, and compressed
		var w Writer
		require.NoError(t, w.Begin(telemetry.Traces, 9, level))
		want := map[string]streams.Source{}
		room := w.Room()
		add := func(s Section, body []byte) {
			sink := streams.Sink{Code: []byte(s.Name()), Plain: bytes.Repeat([]byte{s.ID}, len(want)%2), Text: bytes.Repeat([]byte("text"), long/4)}
			s.Head = w.AddHead(&sink)
			w.Add(s, [NumStreams][]byte{body}, nil)
			want[s.Name()] = streams.Source{Code: sink.Code, Plain: sink.Plain, Text: sink.Text}
		}
		add(Section{ID: 6, Min: 1, Max: 3}, []byte("column"))
		add(Section{ID: SectionText, Count: 9, Types: 2, Distinct: 3}, []byte("codes"))
		add(Section{ID: SectionResources, Count: 2}, nil)
		w.Add(Section{ID: SectionScopes, Count: 1}, [NumStreams][]byte{[]byte("alone")}, nil)
		add(Section{ID: SectionKey, Key: "k", Count: 9, Types: 2, Distinct: 1}, nil)
		require.Less(t, w.Room(), room)
		directory, body, err := w.Finish()
		require.NoError(t, err)
		var d Directory
		require.NoError(t, d.Parse(directory, FormatVersion))
		require.Equal(t, directory, d.appendSummed(nil, body))
		require.Equal(t, long > 100, d.Head.Codec == FrameZstd)
		var group errgroup.Group
		for range 4 {
			group.Go(func() error {
				r, err := NewReader(&arena.Arena{})
				if err != nil {
					return err
				}
				r.Open(&d, nil)
				found := 0
				for _, list := range [][]Section{d.Sections, d.Keys} {
					for i := range list {
						s := &list[i]
						head, err := r.Head(s)
						switch {
						case err != nil:
							return err
						case head == nil && !s.HasHead():
							continue
						}
						found++
						at := want[s.Name()]
						if !reflect.DeepEqual(streams.NewSource(at.Code, at.Plain, at.Text, r), head) {
							return fmt.Errorf("%s is %v, want %v", s.Name(), *head, want[s.Name()])
						}
					}
				}
				if found != len(want) {
					return fmt.Errorf("%d sections have something in the head, want %d", found, len(want))
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		r, err := NewReader(&arena.Arena{})
		require.NoError(t, err)
		r.Open(&d, []Part{{Bytes: body}})
		src, err := r.Source(d.Section(SectionText))
		require.NoError(t, err)
		require.Equal(t, "codes", string(src.Code))
	}
}

// TestWhatAHeadHolds: exactly what the entries say, of columns and dictionaries only, and of dictionaries in full.
func TestWhatAHeadHolds(t *testing.T) {
	t.Parallel()
	sound := func() Directory {
		return Directory{
			Items: 1, Frames: []Frame{{Stored: 2, Raw: 2}}, Head: &Head{Stored: []byte("abcde"), Raw: 5},
			Sections: []Section{
				{ID: 1, Count: 1, Head: [headParts]Extent{{0, 2}, {0, 1}, {0, 1}}, Streams: [NumStreams]Stream{{Length: 2}}},
				{ID: SectionScopes, Count: 1, Head: [headParts]Extent{{2, 1}, {1, 0}, {1, 0}}},
			},
		}
	}
	for name, c := range map[string]struct {
		edit  func(d *Directory)
		sound bool
	}{
		"as it is":               {func(*Directory) {}, true},
		"too long":               {func(d *Directory) { d.Head.Stored = []byte("abcdef") }, false},
		"too short":              {func(d *Directory) { d.Head.Stored = []byte("abcd") }, false},
		"none":                   {func(d *Directory) { d.Head = nil }, false},
		"nobody's":               {func(d *Directory) { d.Sections[0].Head, d.Sections[1].Head = [headParts]Extent{}, [headParts]Extent{} }, false},
		"of span ids":            {func(d *Directory) { d.Sections[0].ID = SectionSpanIDs }, false},
		"a dictionary in two":    {func(d *Directory) { d.Sections[0].ID = SectionResources }, false},
		"larger than it unzips":  {func(d *Directory) { d.Head.Codec, d.Head.Raw = FrameZstd, 6 }, false},
		"as many bytes unzipped": {func(d *Directory) { d.Head.Codec = FrameZstd }, true}, // that they are no frame is seen when it is read
	} {
		d := sound()
		c.edit(&d)
		var again Directory
		err := again.Parse(d.Append(nil), FormatVersion)
		if !c.sound {
			require.True(t, ErrDamaged.Matches(err), name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, d.Sections, again.Sections, name)
	}
	d := sound()
	d.Head.Codec = FrameZstd
	r, err := NewReader(&arena.Arena{})
	require.NoError(t, err)
	var again Directory
	require.NoError(t, again.Parse(d.Append(nil), FormatVersion))
	r.Open(&again, nil)
	_, err = r.Head(&again.Sections[0])
	require.True(t, ErrDamaged.Matches(err))
}

// TestAStreamHasBytes: a mask that names a stream without any is damage, as there is one way only to say that a section has none.
func TestAStreamHasBytes(t *testing.T) {
	t.Parallel()
	section := Section{ID: 1, Streams: [NumStreams]Stream{{Length: 2}}}
	d := Directory{Items: 1, Frames: []Frame{{Stored: 2, Raw: 2}}, Sections: []Section{section, {ID: 2}}}
	b := d.Append(nil)
	end := len(b) - 4 // before the mask of the last section, the number of keys, and the lengths of extensions and head
	var again Directory
	require.NoError(t, again.Parse(b, FormatVersion))
	err := again.Parse(append(b[:end:end], 1, 0, 0, 0, 0, 0), FormatVersion)
	require.True(t, ErrDamaged.Matches(err))
}

// TestWhatAFrameHolds: plain streams lie in raw frames, of which a reader can fetch a part, and extensions have frames of their own, which nobody
// fetches who does not know them. A directory that says otherwise is damaged.
func TestWhatAFrameHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		codec         uint8
		first, second int
		sound         bool
	}{
		"code and text":           {FrameZstd, StreamCode, StreamText, true},
		"plain, raw":              {FrameRaw, StreamPlain, StreamPlain, true},
		"plain, compressed":       {FrameZstd, StreamPlain, StreamPlain, false},
		"code and plain, zstd":    {FrameZstd, StreamCode, StreamPlain, false},
		"extensions":              {FrameZstd, StreamExtension, StreamExtension, true},
		"extension after code":    {FrameRaw, StreamCode, StreamExtension, false},
		"extension after plain":   {FrameRaw, StreamPlain, StreamExtension, false},
		"text after an extension": {FrameRaw, StreamExtension, StreamText, false},
	} {
		d := Directory{Items: 1, Frames: []Frame{{Stored: 7, Raw: 7, Codec: c.codec}}, Sections: []Section{{ID: 1, Count: 1}, {ID: 2, Count: 1}}}
		d.Sections[0].Streams[c.first] = Stream{Length: 3}
		d.Sections[1].Streams[c.second] = Stream{Offset: 3, Length: 4}
		var again Directory
		err := again.Parse(d.Append(nil), FormatVersion)
		if c.sound {
			require.NoError(t, err, name)
			require.Equal(t, d.Sections, again.Sections, name)
		} else {
			require.True(t, ErrDamaged.Matches(err), name)
		}
	}
}

// TestKeysThatShareMuch: each key of a few bytes is one longer than the one before, so that a directory of some 60 kB holds 18 MB of them.
func TestKeysThatShareMuch(t *testing.T) {
	t.Parallel()
	d := Directory{Items: 1}
	key := strings.Repeat("k", 6000)
	for n := range len(key) {
		d.Keys = append(d.Keys, Section{ID: SectionKey, Key: key[:n+1], Count: 1})
	}
	var again Directory
	require.True(t, ErrDamaged.Matches(again.Parse(d.Append(nil), FormatVersion)))

	var w Writer
	require.NoError(t, w.Begin(telemetry.Logs, 1, 0))
	for i := range d.Keys {
		w.Add(d.Keys[i], [NumStreams][]byte{}, nil)
	}
	_, _, err := w.Finish()
	require.True(t, ErrEntries.Matches(err))
}

// TestEveryByteHasASum: whichever byte of a directory or a body is not what was written, who reads it is told, and sums that are lost lose nothing else.
func TestEveryByteHasASum(t *testing.T) {
	t.Parallel()
	directory, body, want := written(t, 2)
	var memory arena.Arena
	r, err := NewReader(&memory)
	require.NoError(t, err)
	same := func(d *Directory, body []byte) bool {
		r.Open(d, []Part{{Bytes: body}})
		for _, list := range [][]Section{d.Sections, d.Keys} {
			for i := range list {
				s := &list[i]
				raw := want[s.Name()]
				src, err := r.Source(s)
				if err != nil {
					require.True(t, ErrDamaged.Matches(err))
					return false
				}
				for j, got := range [][]byte{src.Code, src.Plain, src.Text} {
					require.True(t, bytes.Equal(raw[j], got))
				}
			}
		}
		return true
	}
	var sound Directory
	require.NoError(t, sound.Parse(directory, FormatVersion))
	require.True(t, same(&sound, body))
	extension := map[int]bool{} // bytes of frames that nobody reads who knows no field in them
	for _, list := range [][]Section{sound.Sections, sound.Keys} {
		for i := range list {
			if st := list[i].Streams[StreamExtension]; st.Length > 0 {
				f := &sound.Frames[st.Frame]
				for at := range f.Stored {
					extension[f.Offset+at] = true
				}
			}
		}
	}
	for at := range body {
		broken := bytes.Clone(body)
		broken[at] ^= 0x10
		require.Equal(t, extension[at], same(&sound, broken), "byte %d of the body", at)
	}
	passed := 0
	for at := range directory {
		for bit := range 8 {
			broken := bytes.Clone(directory)
			broken[at] ^= 1 << bit
			var d Directory
			if err := d.Parse(broken, FormatVersion); err == nil {
				passed++ // the tag of the sums: it is one that nobody knows now
				require.Nil(t, d.sums)
				require.True(t, same(&d, body), "byte %d of the directory", at)
			}
		}
	}
	require.LessOrEqual(t, passed, 8)
}

// FuzzDirectory: what is accepted is written again as something that says the same.
func FuzzDirectory(f *testing.F) {
	directory, _, _ := written(f, 1)
	f.Add(directory)
	f.Add([]byte{FormatVersion, 0, 1, 0, 0, 0, 0, 0})
	f.Add([]byte{FormatVersion, 0, 1, 0, 1, 6, 0, 2, hasHead, 2, 0, 0, 0, 0, 4, 5, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d, again Directory
		if err := d.Parse(b, FormatVersion); err != nil {
			require.Contains(t, []string{"segment.damaged", "segment.format", "segment.extension"}, fault.From(err).Code)
			return
		}
		require.NoError(t, again.Parse(d.Append(nil), FormatVersion))
		d.sums = nil // are of the bytes that were read
		require.Equal(t, d, again)
	})
}

// endless is a zstd frame that does not say what it comes to: so many blocks of 128 KiB of one byte, in four bytes each.
func endless(blocks int) []byte {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58}
	for i := range blocks {
		head := uint32(1)<<1 | uint32(128<<10)<<3
		if i == blocks-1 {
			head |= 1
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16), 'x')
	}
	return frame
}

// TestFramesComeToWhatTheDirectorySays: a frame, a chunk of passages or a head that holds more than the directory says is damage, and takes no more memory than
// it says and a block; one that holds less is damage too.
func TestFramesComeToWhatTheDirectorySays(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	const said = 100
	bomb := endless(2000)
	encoder, err := (&Writer{}).compressor(0)
	require.NoError(t, err)
	short, fits, empty := encoder.EncodeAll(make([]byte, said-1), nil), encoder.EncodeAll(make([]byte, said), nil), encoder.EncodeAll([]byte{}, nil)
	for name, c := range map[string]struct {
		stored []byte
		raw    int
		sound  bool
	}{
		"more": {bomb, said, false}, "of none": {bomb, 0, false}, "less": {short, said, false}, "as many": {fits, said, true}, "one more": {fits, said - 1, false},
		"several frames": {append(bytes.Clone(fits), bomb...), said, false}, "nothing": {empty, 0, true}, "nothing of nothing": {nil, 0, true},
	} {
		frames := []Frame{{Stored: len(c.stored), Raw: c.raw, Codec: FrameZstd}}
		ways := map[string]func(r *Reader) error{
			"frame": func(r *Reader) error {
				r.Open(&Directory{Items: 1, Frames: frames}, []Part{{Bytes: c.stored}})
				_, err := r.frame(0)
				return err
			},
			"passages": func(r *Reader) error {
				r.Open(&Directory{Items: 1, Frames: frames, Passages: Passages{Chunks: 1, Last: c.raw}}, []Part{{Bytes: c.stored}})
				if _, ok := r.Append(nil, 0, c.raw); !ok {
					return Damagedf("passages")
				}
				return nil
			},
			"head": func(r *Reader) error {
				r.Open(&Directory{Items: 1, Head: &Head{Stored: c.stored, Raw: c.raw, Codec: FrameZstd}}, nil)
				_, err := r.dir.Head.open(r.zstd)
				return err
			},
		}
		for way, read := range ways {
			r, err := NewReader(&arena.Arena{})
			require.NoError(t, err)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err = read(r)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), "%s of %s", way, name)
			if c.sound || way == "passages" && c.raw == 0 {
				require.NoError(t, err, "%s of %s", way, name)
			} else {
				require.True(t, ErrDamaged.Matches(err), "%s of %s: %v", way, name, err)
			}
		}
	}
}

// TestPhrases: passages of settled segments are written in phrases, chunk by chunk; what is damaged in them is told.
func TestPhrases(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 8))
	var text []byte
	for len(text) < 3*passages.ChunkBytes/2 {
		text = fmt.Appendf(text, "the %s %s %s in dock %d; ", strings.Fields("red old slow")[r.IntN(3)], strings.Fields("ferry barge tug pilot")[r.IntN(4)], strings.Fields("waits turns sinks")[r.IntN(3)], r.IntN(400))
	}
	write := func(level int) (*Directory, []byte) {
		var w Writer
		require.NoError(t, w.Begin(telemetry.Logs, 1, level))
		require.True(t, w.Passages().Begin(len(text), 1))
		require.Empty(t, w.Passages().Add(nil, text))
		directory, body, err := w.Finish()
		require.NoError(t, err)
		d := &Directory{}
		require.NoError(t, d.Parse(directory, FormatVersion))
		return d, body
	}
	fresh, larger := write(1)
	require.False(t, fresh.Passages.Phrases)
	d, body := write(2)
	require.True(t, d.Passages.Phrases)
	require.Less(t, len(body), len(larger)*9/10)
	require.Equal(t, FramePhrases, int(d.Frames[d.Chunk(1)].Codec))
	require.Contains(t, d.Behind(nil, &Section{Chunks: []int32{1}}), d.model())
	read := func(d *Directory, body []byte, from, length int) ([]byte, bool) {
		reader, err := NewReader(&arena.Arena{})
		require.NoError(t, err)
		reader.Open(d, []Part{{Bytes: body}})
		return reader.Append(nil, from, length)
	}
	got, ok := read(d, body, passages.ChunkBytes+5, 100) // of the second chunk, which is read without the first
	require.True(t, ok)
	require.Equal(t, string(text[passages.ChunkBytes+5:passages.ChunkBytes+105]), string(got))
	got, ok = read(d, body, 0, len(text))
	require.True(t, ok)
	require.True(t, bytes.Equal(text, got))
	for _, frame := range []int{d.model(), d.Chunk(0)} {
		damaged := bytes.Clone(body)
		f := d.Frames[frame]
		for i := f.Offset; i < f.Offset+f.Stored; i++ {
			damaged[i] ^= 0x55
		}
		_, ok = read(d, damaged, 0, 10)
		require.False(t, ok)
	}
}
