package segment

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// A tag that no program knows.
const someTag = 4711

// extended is a segment as a later program may write it: with extension fields in its directory, in every entry of it, and in the body for
// every section.
func extended(t testing.TB, s *Segment) *Segment {
	t.Helper()
	d, err := ParseDirectory(s.Directory)
	require.NoError(t, err)
	dir := &d.dir
	unknown := container.Fields{}.With(someTag, false, []byte("later")).With(someTag+300, false, nil)
	dir.Fields = unknown
	var more []byte
	for _, list := range [][]container.Section{dir.Sections, dir.Keys} {
		for i := range list {
			list[i].Fields = unknown
			list[i].Streams[container.StreamExtension] = container.Stream{
				Frame: int32(len(dir.Frames)), Offset: int32(len(more)), Length: int32(len(unknown)),
			}
			more = append(more, unknown...)
		}
	}
	dir.Frames = append(dir.Frames, container.Frame{Offset: len(s.Body), Stored: len(more), Raw: len(more)})
	out := *s
	out.Directory, out.Body = dir.Append(nil), append(bytes.Clone(s.Body), more...)
	return &out
}

// edited is a segment whose directory was changed.
func edited(t testing.TB, s *Segment, edit func(d *container.Directory)) *Directory {
	t.Helper()
	d, err := ParseDirectory(s.Directory)
	require.NoError(t, err)
	edit(&d.dir)
	again, err := ParseDirectory(d.dir.Append(nil))
	require.NoError(t, err)
	return again
}

// TestUnknownExtensionsAreSkipped: what a later program adds to a segment changes nothing for this one, whichever way it is read, and is left out
// when the segment is merged.
func TestUnknownExtensionsAreSkipped(t *testing.T) {
	t.Parallel()
	v, err := NewView()
	require.NoError(t, err)
	for _, s := range seedSegments(t) {
		later := extended(t, s)
		plain, err := ParseDirectory(s.Directory)
		require.NoError(t, err)
		d, err := ParseDirectory(later.Directory)
		require.NoError(t, err)
		require.Equal(t, plain.Keys(), d.Keys())
		require.Greater(t, d.Memory(), edited(t, s, func(*container.Directory) {}).Memory())
		for _, w := range []Want{WantAll(), {Ints: []Column{ColTime}, AllAttrs: true}} {
			require.Equal(t, plain.Ranges(w), d.Ranges(w), "bytes that nobody knows are not fetched")
		}
		before, after := NewTable("acme", s.Signal), NewTable("acme", s.Signal)
		read(t, before, s, WantAll())
		read(t, after, later, WantAll())
		require.Equal(t, before.OTLP(nil), after.OTLP(nil))
		checkView(t, v, later)
		rows := NewTable("acme", s.Signal)
		require.NoError(t, rows.AppendRows(d, parts(d, later, WantAll()), WantAll(), []uint32{uint32(s.Items) / 2}))
		require.Equal(t, before.OTLP([]uint32{uint32(s.Items) / 2}), rows.OTLP(nil))

		want, got := segments(t, before, MaxItems, 2), segments(t, after, MaxItems, 2)
		require.Equal(t, want, got, "a merge leaves extensions out")

		x, err := newDecoder(&arena.Arena{})
		require.NoError(t, err)
		x.open(d, []Part{{Offset: 0, Bytes: later.Body}})
		for i := range d.dir.Sections {
			fields, err := x.in.Extension(&d.dir.Sections[i])
			require.NoError(t, err)
			content, ok := fields.Get(someTag)
			require.True(t, ok)
			require.Equal(t, "later", string(content))
		}
	}
}

// TestADirectoryIsWholeOrDamaged: no part of one is taken for a directory, nor one with something after it, with extensions or without.
func TestADirectoryIsWholeOrDamaged(t *testing.T) {
	t.Parallel()
	for _, s := range seedSegments(t) {
		for _, directory := range [][]byte{s.Directory, extended(t, s).Directory} {
			for n := range testbed.Some(len(directory)) {
				_, err := ParseDirectory(directory[:n])
				require.Equal(t, "segment.damaged", fault.From(err).Code, "%d of %d bytes", n, len(directory))
			}
			for _, more := range [][]byte{{0}, {1}, {0xff, 0xff}} {
				_, err := ParseDirectory(append(bytes.Clone(directory), more...))
				require.Equal(t, "segment.damaged", fault.From(err).Code)
			}
		}
	}
}

// TestExtensionsDoNotBreakDamage is TestDamaged for segments with extensions.
func TestExtensionsDoNotBreakDamage(t *testing.T) {
	t.Parallel()
	for i, s := range seedSegments(t) {
		later := extended(t, s)
		r := newRandom(uint64(i))
		table := NewTable("acme", s.Signal)
		for at := range testbed.Some(len(later.Directory)) {
			d := bytes.Clone(later.Directory)
			d[at] ^= 1 << r.IntN(8)
			checkDamaged(t, table, d, later.Body)
		}
	}
}

// TestACriticalExtensionIsRefused: who does not know it refuses what it belongs to, says its number, and reads the rest.
func TestACriticalExtensionIsRefused(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, err error) {
		t.Helper()
		require.Equal(t, "segment.extension", fault.From(err).Code)
		require.ErrorContains(t, err, "needs extension 4711")
	}
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Append(demoTraces(t, 1, 300, true), 1)
	require.NoError(t, err)
	s := segments(t, table, 300, 1)[0]
	critical := container.Fields{}.With(someTag, true, []byte("x"))
	body := []Part{{Offset: 0, Bytes: s.Body}}
	v, err := NewView()
	require.NoError(t, err)
	to := NewTable("acme", telemetry.Traces)

	t.Run("directory", func(t *testing.T) {
		d, err := ParseDirectory(s.Directory)
		require.NoError(t, err)
		d.dir.Fields = critical
		_, err = ParseDirectory(d.dir.Append(nil))
		refused(t, err)
	})
	t.Run("column", func(t *testing.T) {
		for _, c := range []Column{ColDuration, ColKind, ColPosition} { // the last is constant
			d := edited(t, s, func(d *container.Directory) { d.Section(uint8(c)).Fields = critical })
			require.Equal(t, c == ColPosition, d.dir.Section(uint8(c)).Constant())
			refused(t, to.AppendSegment(d, body, Want{Ints: []Column{c}}))
			refused(t, to.AppendRows(d, body, Want{Ints: []Column{c}}, []uint32{5}))
			refused(t, to.AppendSegment(d, body, WantAll()))
			to.Reset()
			require.NoError(t, to.AppendSegment(d, body, Want{Ints: []Column{ColTime, ColStatus}}))
			to.Reset()
			v.Open(d, body)
			v.Ints(ColTime)
			require.NoError(t, v.Err())
			v.Ints(c)
			refused(t, v.Err())
		}
	})
	t.Run("attribute", func(t *testing.T) {
		d := edited(t, s, func(d *container.Directory) {
			k, _ := d.Key("app.user.id")
			k.Fields = critical
		})
		refused(t, to.AppendSegment(d, body, Want{Attributes: []string{"app.user.id"}}))
		require.NoError(t, to.AppendSegment(d, body, Want{Attributes: []string{"http.response.status_code"}}))
		to.Reset()
		v.Open(d, body)
		v.Attribute("http.response.status_code")
		require.NoError(t, v.Err())
		v.Attribute("app.user.id")
		refused(t, v.Err())
	})
	t.Run("a section of a later program", func(t *testing.T) {
		add := func(fields container.Fields) *Directory {
			return edited(t, s, func(d *container.Directory) {
				d.Sections = append(d.Sections, container.Section{ID: 0x3f, Min: 5, Max: 5, Fields: fields})
			})
		}
		require.NoError(t, to.AppendSegment(add(nil), body, WantAll()))
		back := NewTable("acme", telemetry.Traces)
		read(t, back, s, WantAll())
		require.True(t, bytes.Equal(back.OTLP(nil), to.OTLP(nil)))
		to.Reset()
		d := add(critical)
		require.NoError(t, to.AppendSegment(d, body, Want{Ints: []Column{ColTime}, AllAttrs: true}))
		to.Reset()
		refused(t, to.AppendSegment(d, body, WantAll()))

		// Rows for an answer come without it, whole as this program knows them, and cannot be written anew.
		v.Open(d, body)
		require.NoError(t, v.Read(to, WantAll(), []uint32{5, 7}))
		require.NoError(t, to.AppendRows(d, body, WantAll(), []uint32{9}))
		require.Equal(t, back.OTLP([]uint32{5, 7, 9}), to.OTLP(nil))
		_, err := to.Encode([]uint32{0}, 1)
		require.Equal(t, "segment.partial", fault.From(err).Code)
		to.Reset()
	})
}

// TestAStatisticNeedsNoVersion adds to each key's entry how many items have it, as the issue of a real statistic would: the writer sets a
// field, the reader asks for it, and a reader that does not know it goes on.
func TestAStatisticNeedsNoVersion(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Append(newRandom(9).payload(t, telemetry.Traces, 200), 1)
	require.NoError(t, err)
	s := segments(t, table, MaxItems, 1)[0]
	back := NewTable("acme", telemetry.Traces)
	read(t, back, s, WantAll())
	present := map[string]uint64{}
	for i := range back.N {
		seen := map[string]bool{}
		for _, id := range back.Attributes.Row(i) {
			seen[back.Keys[back.Values[id].Key]] = true
		}
		for key := range seen {
			present[key]++
		}
	}
	d := edited(t, s, func(d *container.Directory) {
		for i := range d.Keys {
			k := &d.Keys[i]
			k.Fields = k.Fields.With(someTag, false, binary.AppendUvarint(nil, present[k.Key]))
		}
	})
	require.NotEmpty(t, d.Keys())
	for _, key := range d.Keys() {
		k, _ := d.dir.Key(key)
		content, ok := k.Fields.Get(someTag)
		require.True(t, ok)
		n, _ := binary.Uvarint(content)
		require.Equal(t, present[key], n)
	}
	require.Equal(t, s.Directory[0], d.dir.Append(nil)[0], "the version is as before")
	again := NewTable("acme", telemetry.Traces)
	require.NoError(t, again.AppendSegment(d, []Part{{Offset: 0, Bytes: s.Body}}, WantAll()))
	require.Equal(t, back.OTLP(nil), again.OTLP(nil))
}
