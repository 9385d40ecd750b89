package segment

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// TestDescribe: every byte of a segment is told of once, and every section has a name and, but for lists of lists, an encoding.
func TestDescribe(t *testing.T) {
	t.Parallel()
	for signal, payload := range map[telemetry.Signal][]byte{
		telemetry.Traces: demoTraces(t, 1, 4000, true), telemetry.Logs: demoLogs(t, 1, 4000), telemetry.Metrics: demoMetrics(t, 1, 1)[0],
	} {
		table := NewTable("default", signal)
		_, err := table.Append(payload, 1)
		require.NoError(t, err)
		for _, s := range append(segments(t, table, MaxItems, 2), seedSegments(t)...) {
			d, err := Describe(s.Directory, s.Body)
			require.NoError(t, err)
			require.Equal(t, Description{
				Version: FormatVersion, Signal: s.Signal, Items: s.Items, Directory: len(s.Directory), Body: len(s.Body), Frames: d.Frames, Sections: d.Sections,
			}, *d)
			frames, sections, raw, streams := 0, 0, 0, 0
			for _, f := range d.Frames {
				frames, raw = frames+f.Stored, raw+f.Raw
			}
			names := map[string]bool{}
			for _, c := range d.Sections {
				sections += c.Stored
				streams += c.Code + c.Plain + c.Text + c.Extension
				require.False(t, names[c.Name], c.Name)
				names[c.Name] = true
				require.NotContains(t, c.Name, "unknown")
				require.Empty(t, c.Extensions)
			}
			require.Equal(t, len(s.Body), frames)
			require.Equal(t, len(s.Body), sections)
			require.Equal(t, raw, streams)
		}
	}
}

func TestDescribeTellsEncodings(t *testing.T) {
	t.Parallel()
	table := NewTable("default", telemetry.Traces)
	_, err := table.Append(demoTraces(t, 1, 4000, true), 1)
	require.NoError(t, err)
	s := segments(t, table, MaxItems, 2)[0]
	d, err := Describe(s.Directory, s.Body)
	require.NoError(t, err)
	encodings := map[string]SectionDescription{}
	for _, c := range d.Sections {
		encodings[c.Name] = c
	}
	require.Equal(t, "constant", encodings["ingest position"].Encoding)
	require.Contains(t, encodings["time"].Encoding, "split")
	require.Equal(t, "dictionary of 3 with counts, bytes codes, packed", encodings["attributes.http.response.status_code"].Encoding)
	require.Equal(t, []string{"int"}, encodings["attributes.http.response.status_code"].Types)
	require.Equal(t, int64(500), encodings["attributes.http.response.status_code"].Max)
	require.Contains(t, encodings["attributes.app.user.id"].Encoding, "1 templates")
	require.Equal(t, "all distinct", encodings["span ids"].Encoding)
	require.Equal(t, 8*4000, encodings["span ids"].Plain)
	require.Equal(t, 4000, encodings["span ids"].Count)
	require.Empty(t, encodings["resources"].Encoding, "several lists")
}

func TestDescribeExtensions(t *testing.T) {
	t.Parallel()
	for _, s := range seedSegments(t) {
		later := extended(t, s)
		d, err := Describe(later.Directory, later.Body)
		require.NoError(t, err)
		inDirectory := []ExtensionDescription{{Tag: someTag, Bytes: 5}, {Tag: someTag + 300}}
		require.Equal(t, inDirectory, d.Extensions)
		for _, c := range d.Sections {
			require.Equal(t, append(inDirectory[:2:2], ExtensionDescription{Tag: someTag, Bytes: 5, InBody: true}, ExtensionDescription{Tag: someTag + 300, InBody: true}), c.Extensions)
		}
		critical := edited(t, s, func(d *container.Directory) {
			d.Sections = append(d.Sections, container.Section{ID: 0x3f, Fields: container.Fields{}.With(5, true, nil)})
		})
		d, err = Describe(critical.dir.Append(nil), s.Body)
		require.NoError(t, err)
		last := d.Sections[len(critical.dir.Sections)-1]
		require.Equal(t, "unknown 63", last.Name)
		require.Equal(t, "unknown", last.Encoding)
	}
}

// TestDescribeDamaged: an engineer looks at damaged segments above all.
func TestDescribeDamaged(t *testing.T) {
	t.Parallel()
	for i, s := range seedSegments(t) {
		r := newRandom(uint64(i))
		for at := 0; at < len(s.Body); at += 1 + len(s.Body)/60 {
			b := bytes.Clone(s.Body)
			b[at] ^= 1 << r.IntN(8)
			if _, err := Describe(s.Directory, b); err != nil {
				require.Equal(t, "segment.damaged", fault.From(err).Code)
			}
		}
		_, err := Describe(s.Directory, s.Body[1:])
		require.Equal(t, "segment.damaged", fault.From(err).Code)
		_, err = Describe(s.Directory, append(bytes.Clone(s.Body), 0))
		require.Equal(t, "segment.damaged", fault.From(err).Code)
	}
}
