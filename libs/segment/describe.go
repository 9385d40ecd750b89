package segment

// What a segment consists of, for an engineer who looks at one.

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ollyscale/ollyscale/libs/segment/internal/arena"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/integers"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/segment/internal/values"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Description tells an engineer what a segment consists of: how its bytes spread over columns, and how each column is written.
type Description struct {
	Version    int
	Signal     telemetry.Signal
	Items      int
	Directory  int // bytes
	Body       int // bytes
	Frames     []FrameDescription
	Passages   FrameDescription     // all chunks of passages together, which are the last of Frames
	Sections   []SectionDescription // in the order of the directory: columns and dictionaries, then attribute keys by name
	Extensions []ExtensionDescription
}

// FrameDescription is one run of the body that is compressed as one.
type FrameDescription struct {
	Codec       string // raw or zstd
	Stored, Raw int    // bytes
}

// SectionDescription is one column, dictionary or attribute key.
type SectionDescription struct {
	Name       string // time, name, resources, attributes.http.route …, as docs/segment-format.md names them; unknown 63 for a later program's
	Encoding   string // how it begins: delta; relative, packed; dictionary, runs; …
	Count      int    // items, values or entries
	Distinct   int    // keys and texts: entries of the dictionary; else 0
	Types      []string
	Bounded    bool // whether Min and Max are known
	Min, Max   int64
	Code       int // raw bytes of each stream
	Plain      int
	Text       int
	Extension  int
	Head       int // raw bytes of the directory's head
	Stored     int // bytes of the body; of a compressed frame the share that the section has of its raw bytes
	Extensions []ExtensionDescription
}

// ExtensionDescription is one extension field.
type ExtensionDescription struct {
	Tag      uint64
	Critical bool
	Bytes    int
	InBody   bool // in the section's stream of extensions, not in the directory
}

// Describe tells what a segment consists of. It needs the whole body, and reads of each section the head. A damaged segment is fault.Internal
// with code "segment.damaged"; critical extensions of sections are listed, not refused.
func Describe(directory, body []byte) (*Description, error) {
	d, err := ParseDirectory(directory)
	if err != nil {
		return nil, err
	}
	x, err := newDecoder(&arena.Arena{})
	if err != nil {
		return nil, err
	}
	x.open(d, []Part{{Bytes: body}})
	out := &Description{
		Version: int(directory[0]), Signal: d.dir.Signal, Items: d.dir.Items, Directory: len(directory), Body: len(body),
		Extensions: describeFields(nil, d.dir.Fields, 0, false),
	}
	end := 0
	for i, f := range d.dir.Frames {
		codec := "raw"
		if f.Codec == container.FrameZstd {
			codec = "zstd"
		}
		out.Frames = append(out.Frames, FrameDescription{Codec: codec, Stored: f.Stored, Raw: f.Raw})
		if i >= len(d.dir.Frames)-d.dir.Passages.Frames() {
			out.Passages.Codec, out.Passages.Stored, out.Passages.Raw = codec, out.Passages.Stored+f.Stored, out.Passages.Raw+f.Raw
		}
		end = f.Offset + f.Stored
		if end > len(body) {
			return nil, damagedf("frame %d ends at %d, the body at %d", i, end, len(body))
		}
	}
	if end != len(body) {
		return nil, damagedf("frames end at %d, the body at %d", end, len(body))
	}
	for _, list := range [...][]container.Section{d.dir.Sections, d.dir.Keys} {
		for i := range list {
			s, err := x.describe(&list[i])
			if err != nil {
				return nil, err
			}
			out.Sections = append(out.Sections, s)
		}
	}
	return out, nil
}

// describeFields lists fields but for one that is known.
func describeFields(to []ExtensionDescription, fields container.Fields, known uint64, inBody bool) []ExtensionDescription {
	for f := range fields.All() {
		if f.Tag == known {
			continue
		}
		to = append(to, ExtensionDescription{Tag: f.Tag, Critical: f.Critical, Bytes: len(f.Content), InBody: inBody})
	}
	return to
}

func (x *decoder) describe(s *container.Section) (SectionDescription, error) {
	out := SectionDescription{
		Name: sectionName(s), Count: s.Count, Distinct: s.Distinct, Min: s.Min, Max: s.Max, Bounded: s.HasBounds(),
		Code: int(s.Streams[container.StreamCode].Length), Plain: int(s.Streams[container.StreamPlain].Length),
		Text: int(s.Streams[container.StreamText].Length), Extension: int(s.Streams[container.StreamExtension].Length),
		Extensions: describeFields(nil, s.Fields, s.Known(), false),
	}
	for _, part := range s.Head {
		out.Head += int(part.Length)
	}
	for t := Empty; t <= Map; t++ {
		if s.Types>>t&1 != 0 {
			out.Types = append(out.Types, t.String())
		}
	}
	for _, st := range s.Streams {
		if st.Length == 0 {
			continue
		}
		// Rounded so that the shares of all streams of a frame add up to it.
		f := &x.d.Frames[st.Frame]
		from, to := int(st.Offset), int(st.Offset+st.Length)
		out.Stored += f.Stored*to/f.Raw - f.Stored*from/f.Raw
	}
	if slices.ContainsFunc(out.Extensions, func(e ExtensionDescription) bool { return e.Critical }) {
		out.Encoding = "unknown"
		return out, nil
	}
	fields, err := x.in.Extension(s)
	if err != nil {
		return out, err
	}
	out.Extensions = describeFields(out.Extensions, fields, 0, true)
	src, err := x.in.Source(s)
	if err != nil {
		return out, err
	}
	head, err := x.in.Head(s)
	if err != nil {
		return out, err
	}
	out.Encoding = strings.Join(encodingOf(x.r, s, src, head), ", ")
	return out, nil
}

// encodingOf reads how a section begins, and what the head has of it (nil: nothing), as far as that says something: sections of several lists are their lists' business.
func encodingOf(numbers *integers.Decoder, s *container.Section, src, head *streams.Source) []string {
	if s.HasBounds() && s.Constant() && s.ID != container.SectionKey {
		return []string{"constant"}
	}
	switch {
	case s.ID == container.SectionKey, s.ID >= container.SectionText && s.ID < container.SectionList:
		return values.Describe(numbers, src, head, s.Count, s.Distinct)
	case s.ID == container.SectionTraceIDs, s.ID == container.SectionSpanIDs:
		if src.Uvarint(); len(src.Code) == 0 {
			return []string{"all distinct"}
		}
		return []string{"distinct and numbers", numbers.Peek(src)}
	case s.ID == container.SectionParentIDs:
		return []string{"places in the trace", numbers.Peek(src)}
	case s.ID >= uint8(table.IntColumns):
		return nil
	}
	switch c := Column(s.ID); {
	case c == ColNumber:
		return []string{"integers and doubles"}
	case table.IsDouble(c):
		return numbers.PeekDoubles(src)
	case isRelative(c):
		if src.Byte() != 0 {
			return []string{"relative to time", numbers.Peek(src)}
		}
		return []string{numbers.Peek(src)}
	default:
		return []string{numbers.Peek(src)}
	}
}

// sectionName names a section as the specification does.
func sectionName(s *container.Section) string {
	var name string
	switch {
	case s.ID == container.SectionKey:
		return "attributes." + s.Key
	case s.ID < uint8(table.IntColumns):
		name = Column(s.ID).String()
	case s.ID >= container.SectionText && s.ID < container.SectionText+uint8(table.TextColumns):
		name = TextColumn(s.ID - container.SectionText).String()
	case s.ID >= container.SectionList && s.ID < container.SectionList+uint8(table.ListColumns):
		name = ListColumn(s.ID - container.SectionList).String()
	default:
		name = container.SectionName(s.ID)
	}
	if name == "" {
		return "unknown " + strconv.Itoa(int(s.ID))
	}
	return name
}
