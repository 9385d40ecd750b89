package segment

// The directory as readers see it (section 4 of docs/segment-format.md); internal/container parses it.

import (
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/ids"
)

// Directory lists what a segment's body holds and where: attribute keys, bounds of columns, and the byte ranges to fetch
// (docs/segment-format.md, section 4).
type Directory struct{ dir container.Directory }

// ParseDirectory reads a directory, which does not refer to b. A damaged one is fault.Internal with code "segment.damaged", one of an unknown
// version with "segment.format", one that needs an extension which this program does not know with "segment.extension".
func ParseDirectory(b []byte) (*Directory, error) { return parseDirectory(b, FormatVersion) }

func parseDirectory(b []byte, newest byte) (*Directory, error) {
	d := &Directory{}
	if err := d.dir.Parse(b, newest); err != nil {
		return nil, err
	}
	return d, nil
}

func damagedf(format string, args ...any) *fault.Error { return container.Damagedf(format, args...) }

// Items is how many items the segment holds.
func (d *Directory) Items() int { return d.dir.Items }

// Memory is about how many bytes a parsed directory takes.
func (d *Directory) Memory() int { return d.dir.Memory() }

// Keys lists the item attribute keys of the segment, sorted.
func (d *Directory) Keys() []string {
	keys := make([]string, len(d.dir.Keys))
	for i := range d.dir.Keys {
		keys[i] = d.dir.Keys[i].Key
	}
	return keys
}

// KeyInfo says what a segment holds under an attribute key.
type KeyInfo struct {
	Values   int   // how many attributes have the key
	Distinct int   // at most so many distinct values
	Types    uint8 // bit 1<<ValueType for each type that occurs
	Min, Max int64 // of the Int values; meaningless without any
	Told     bool  // the directory's head tells the values, and how many attributes have each
}

// Has tells whether a type occurs.
func (k KeyInfo) Has(t ValueType) bool { return k.Types>>t&1 != 0 }

// Key tells what the segment holds under an item attribute key; false when nothing.
func (d *Directory) Key(key string) (KeyInfo, bool) {
	s, _ := d.dir.Key(key)
	return infoOf(s)
}

// Text tells what a text column of spans or log records holds; false when nothing.
func (d *Directory) Text(c TextColumn) (KeyInfo, bool) {
	return infoOf(d.dir.Section(container.SectionText + uint8(c)))
}

func infoOf(s *container.Section) (KeyInfo, bool) {
	if s == nil {
		return KeyInfo{}, false
	}
	return KeyInfo{Values: s.Count, Distinct: s.Distinct, Types: s.Types, Min: s.Min, Max: s.Max, Told: s.HasHead()}, true
}

// Bounds returns the smallest and largest value of an integer column (as int64, whatever it stands for); a column that the segment
// does not have is all zero.
func (d *Directory) Bounds(c Column) (lo, hi int64) {
	if s := d.dir.Section(uint8(c)); s != nil {
		return s.Min, s.Max
	}
	return 0, 0
}

// Ranges returns the byte ranges of the body that w needs, sorted, near neighbours merged.
func (d *Directory) Ranges(w Want) []Range {
	n := needsOf(&d.dir, w)
	var out []Range
	for i := range d.dir.Sections {
		if s := &d.dir.Sections[i]; n.section(s.ID) {
			skip := 0
			if w.IDPlaces {
				skip = ids.Bytes(s)
			}
			out = d.dir.Ranges(out, s, skip)
		}
	}
	for i := range d.dir.Keys {
		if s := &d.dir.Keys[i]; n.key(s.Key) {
			out = d.dir.Ranges(out, s, 0)
		}
	}
	return container.Merge(out)
}

// Decoded is how many bytes are decompressed, or read as they are, to decode w.
func (d *Directory) Decoded(w Want) int64 {
	n := needsOf(&d.dir, w)
	needed := make([]bool, len(d.dir.Frames))
	add := func(s *container.Section) {
		for i := range s.Streams[:container.StreamExtension] {
			if st := &s.Streams[i]; st.Length > 0 {
				needed[st.Frame] = true
			}
		}
		for _, i := range d.dir.Behind(nil, s) {
			needed[i] = true
		}
	}
	for i := range d.dir.Sections {
		if s := &d.dir.Sections[i]; n.section(s.ID) {
			add(s)
		}
	}
	for i := range d.dir.Keys {
		if s := &d.dir.Keys[i]; n.key(s.Key) {
			add(s)
		}
	}
	var sum int64
	for i, is := range needed {
		if is {
			sum += int64(d.dir.Frames[i].Raw)
		}
	}
	for i := range d.dir.Passages.Chunks { // a chunk may be written in words, which are fewer bytes than its text
		if frame := d.dir.Chunk(i); needed[frame] {
			sum += int64(d.dir.Passages.Bytes(i) - d.dir.Frames[frame].Raw)
		}
	}
	return sum
}

// IDBytes is how many bytes of the body are ids of items, which Want.IDPlaces leaves out.
func (d *Directory) IDBytes() int {
	n := 0
	for i := range d.dir.Sections {
		n += ids.Bytes(&d.dir.Sections[i])
	}
	return n
}
