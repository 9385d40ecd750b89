package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// A golden file is the checksum (8 bytes, little-endian), and, each with its length in 4 bytes before it, the directory, the body and the
// OTLP request that comes back.
func writeGolden(s *Segment, otlp []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(s.Checksum))
	for _, part := range [][]byte{s.Directory, s.Body, otlp} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

func readGolden(t *testing.T, b []byte) (s *Segment, otlp []byte) {
	t.Helper()
	s = &Segment{}
	s.Checksum = int64(binary.LittleEndian.Uint64(b))
	b = b[8:]
	for _, part := range []*[]byte{&s.Directory, &s.Body, &otlp} {
		n := binary.LittleEndian.Uint32(b)
		*part, b = b[4:4+n], b[4+n:]
	}
	require.Empty(t, b)
	return s, otlp
}

// TestGolden pins what readers of version 1 must understand. The bytes that Encode writes may change (a better choice of encodings, another
// zstd), what they mean may not.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		for seed := range uint64(7) {
			if seed == 4 && signal != telemetry.Logs || seed == 5 && signal != telemetry.Traces || seed == 6 && signal != telemetry.Metrics {
				continue
			}
			name := filepath.Join("testdata", "v1", fmt.Sprintf("%s-%d.seg", signal, seed))
			t.Run(name, func(t *testing.T) {
				if _, err := os.Stat(name); os.Getenv("OLLY_UPDATE_GOLDEN") == "1" && err != nil {
					table := NewTable("acme", signal)
					var payload []byte
					switch {
					case seed == 6: // clocks of devices, serial numbers, doubles in part whole, lists that come again
						payload = fleet(t, 1, 40)
					case seed == 5: // long texts, written in phrases
						payload = shapesOf(t, signal, 30, 30)["genai"][0]
					case seed == 4: // lists and maps by what they hold
						payload = shapesOf(t, signal, 300, 300)["kubernetes"][0]
					case seed == 3: // long texts, written in words
						items := 300
						if signal == telemetry.Logs { // whose texts are shorter
							items = 800
						}
						payload = shapesOf(t, signal, items, items)["batch"][0]
					case seed < 2:
						payload = newRandom(seed+100).payload(t, signal, 60)
					case signal == telemetry.Traces:
						payload = demoTraces(t, 7, 100, true)
					case signal == telemetry.Logs:
						payload = demoLogs(t, 7, 100)
					default:
						payload = demoMetrics(t, 7, 1)[0]
					}
					_, err := table.Append(payload, 1<<40)
					require.NoError(t, err)
					rows := table.Slices(MaxItems)[0]
					s, err := table.Encode(rows, min(int(seed), 2))
					require.NoError(t, err)
					back := NewTable("acme", signal)
					read(t, back, s, WantAll())
					require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
					require.NoError(t, os.WriteFile(name, writeGolden(s, back.OTLP(nil)), 0o644))
				}
				b, err := os.ReadFile(name)
				require.NoError(t, err)
				s, otlp := readGolden(t, b)
				require.NoError(t, s.Verify())
				d, err := ParseDirectory(s.Directory)
				require.NoError(t, err)
				require.Equal(t, seed >= 3 && signal != telemetry.Metrics, d.dir.Passages.Words)
				require.Equal(t, seed == 5, d.dir.Passages.Phrases)
				if seed == 6 {
					said, err := Describe(s.Directory, s.Body)
					require.NoError(t, err)
					require.Equal(t, "delta ticks", said.Sections[0].Encoding)
				}
				if seed == 4 {
					said, err := Describe(s.Directory, s.Body)
					require.NoError(t, err)
					require.Contains(t, said.Sections[3].Encoding, "nested")
				}
				table := NewTable("acme", signal)
				read(t, table, s, WantAll())
				want, ok := flatten(t, signal, otlp)
				require.True(t, ok)
				got, ok := flatten(t, signal, table.OTLP(nil))
				require.True(t, ok)
				require.Equal(t, want, got)
			})
		}
	}
}

// TestGoldenSums pins what is checked of the parts of a segment: one of each signal, of which no byte can be another.
func TestGoldenSums(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		name := filepath.Join("testdata", "v1", signal.String()+"-sums.seg")
		if _, err := os.Stat(name); os.Getenv("OLLY_UPDATE_GOLDEN") == "1" && err != nil {
			table := NewTable("acme", signal)
			_, err := table.Append(newRandom(107).payload(t, signal, 60), 1<<40)
			require.NoError(t, err)
			s, err := table.Encode(table.Slices(MaxItems)[0], 2)
			require.NoError(t, err)
			back := NewTable("acme", signal)
			read(t, back, s, WantAll())
			require.NoError(t, os.WriteFile(name, writeGolden(s, back.OTLP(nil)), 0o644))
		}
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		s, otlp := readGolden(t, b)
		require.NoError(t, s.Verify())
		table := NewTable("acme", signal)
		read(t, table, s, WantAll())
		want, ok := flatten(t, signal, otlp)
		require.True(t, ok)
		got, ok := flatten(t, signal, table.OTLP(nil))
		require.True(t, ok)
		require.Equal(t, want, got)
		for at := 0; at < len(s.Body); at += 1 + len(s.Body)/500 {
			broken := slices.Clone(s.Body)
			broken[at] ^= 1
			d, err := ParseDirectory(s.Directory)
			require.NoError(t, err)
			err = NewTable("acme", signal).AppendSegment(d, []Part{{Bytes: broken}}, WantAll())
			require.Equal(t, "segment.damaged", fault.From(err).Code, "%s, byte %d", name, at)
		}
		for at := 0; at < len(s.Directory); at += 1 + len(s.Directory)/500 {
			broken := slices.Clone(s.Directory)
			broken[at] ^= 1
			d, err := ParseDirectory(broken)
			if err == nil { // the tag of the sums is another
				err = NewTable("acme", signal).AppendSegment(d, []Part{{Bytes: s.Body}}, WantAll())
			}
			require.Error(t, err, "%s, byte %d of the directory", name, at) // a tag of an odd number is critical
		}
	}
}

// TestGoldenSeverities pins what a record without a severity number is stored with, and that it comes back without one.
func TestGoldenSeverities(t *testing.T) {
	t.Parallel()
	name := filepath.Join("testdata", "v1", "logs-severities.seg")
	if _, err := os.Stat(name); os.Getenv("OLLY_UPDATE_GOLDEN") == "1" && err != nil {
		table := NewTable("acme", telemetry.Logs)
		_, err := table.Append(severities(t, "error", "Warning", "loud", "", "[FATAL2]", "notice"), 1<<40)
		require.NoError(t, err)
		s, err := table.Encode(table.Slices(MaxItems)[0], 0)
		require.NoError(t, err)
		back := NewTable("acme", telemetry.Logs)
		read(t, back, s, WantAll())
		require.NoError(t, os.WriteFile(name, writeGolden(s, back.OTLP(nil)), 0o644))
	}
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	s, otlp := readGolden(t, b)
	require.NoError(t, s.Verify())
	table := NewTable("acme", telemetry.Logs)
	read(t, table, s, WantAll())
	var texts []string
	for _, id := range table.Texts[TextSeverity] {
		texts = append(texts, string(table.Values[id].Raw))
	}
	want := map[string][2]int64{
		"error": {17, HasDerivedSeverity}, "Warning": {13, HasDerivedSeverity}, "loud": {}, "": {}, "[FATAL2]": {22, HasDerivedSeverity}, "notice": {10, HasDerivedSeverity},
	}
	require.Len(t, texts, len(want))
	for i, text := range texts {
		stored := [2]int64{table.Ints[ColSeverity][i], table.Ints[ColHas][i]}
		require.Equal(t, want[text], stored, text)
	}
	sent, ok := flatten(t, telemetry.Logs, otlp)
	require.True(t, ok)
	got, ok := flatten(t, telemetry.Logs, table.OTLP(nil))
	require.True(t, ok)
	require.Equal(t, sent, got)
	sent, ok = flatten(t, telemetry.Logs, severities(t, "error", "Warning", "loud", "", "[FATAL2]", "notice"))
	require.True(t, ok)
	require.ElementsMatch(t, sent, got)
}

// severities is a request of records with these texts and no number, a second apart.
func severities(t testing.TB, texts ...string) []byte {
	t.Helper()
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i, text := range texts {
		r := records.AppendEmpty()
		r.SetTimestamp(pcommon.Timestamp(baseTime + int64(i)*1e9))
		r.SetSeverityText(text)
	}
	b, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	require.NoError(t, err)
	return b
}

// TestGoldenFilesAreFrozen: version 1 is frozen, so that a file of it never changes. One that comes has its line, as sha256sum writes it.
func TestGoldenFilesAreFrozen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "v1")
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	require.NoError(t, err)
	want := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		require.True(t, ok, line)
		want[name] = sum
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	require.NoError(t, err)
	got := map[string]string{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		got[filepath.Base(file)] = fmt.Sprintf("%x", sha256.Sum256(b))
	}
	require.Equal(t, want, got, "version 1 of the format is frozen (docs/segment-format.md, section 12): what it means may not change")
}

// TestVersionBump is the day on which a program writes version 2: it still reads every golden file of version 1 and encodes what they hold
// anew; a program of today refuses the segments of that one by name, and neither takes what is newer than itself.
func TestVersionBump(t *testing.T) {
	t.Parallel()
	const next = FormatVersion + 1
	for _, signal := range telemetry.Signals() {
		b, err := os.ReadFile(filepath.Join("testdata", "v1", signal.String()+"-2.seg"))
		require.NoError(t, err)
		s, otlp := readGolden(t, b)
		require.EqualValues(t, 1, s.Directory[0])
		d, err := parseDirectory(s.Directory, next)
		require.NoError(t, err)
		table := NewTable("acme", signal)
		require.NoError(t, table.AppendSegment(d, []Part{{Offset: 0, Bytes: s.Body}}, WantAll()))
		want, ok := flatten(t, signal, otlp)
		require.True(t, ok)
		got, ok := flatten(t, signal, table.OTLP(nil))
		require.True(t, ok)
		require.Equal(t, want, got)
		again, err := table.Encode(table.Slices(MaxItems)[0], 2)
		require.NoError(t, err)
		require.EqualValues(t, FormatVersion, again.Directory[0], "what is written is of the writer's version")
		require.Equal(t, FormatVersion, again.Format)

		newer := append([]byte{next}, s.Directory[1:]...)
		_, err = ParseDirectory(newer)
		require.ErrorContains(t, err, "format version 2")
		require.Equal(t, "segment.format", fault.From(err).Code)
		_, err = parseDirectory(newer, next)
		require.NoError(t, err)
		for _, version := range []byte{0, next + 1} {
			_, err = parseDirectory(append([]byte{version}, s.Directory[1:]...), next)
			require.Equal(t, "segment.format", fault.From(err).Code)
		}
	}
}
