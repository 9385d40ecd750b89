package container

import (
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"
)

// Sums of what a reader fetches by itself (section 4 of the specification): the checksum of a row is of all of it, and who reads a part cannot tell by that whether it is what was
// written. A byte that was changed may be another value, another name, or the id of nothing.

// sumBytes is what a sum takes.
const sumBytes = 4

// unit is a piece of the body that has a sum; it ends where the next one begins. The units of a segment are all of its body.
type unit struct {
	offset int32
	sum    uint32
}

func sumOf(b []byte) uint32 { return uint32(xxh3.Hash(b)) }

// units are the pieces of a body, in order, without their sums: of a raw frame with streams each of these, the ids of items apart from what follows them, and all of any other frame.
func (d *Directory) units() []unit {
	out := make([]unit, 0, len(d.Frames))
	for i := range d.Frames {
		if f := &d.Frames[i]; f.Stored > 0 {
			out = append(out, unit{offset: int32(f.Offset)})
		}
	}
	for _, list := range [...][]Section{d.Sections, d.Keys} {
		for i := range list {
			s := &list[i]
			for j, st := range s.Streams {
				f := frameOf(d, st)
				if f == nil || f.Codec != FrameRaw {
					continue
				}
				if st.Offset > 0 {
					out = append(out, unit{offset: int32(f.Offset) + st.Offset})
				}
				if ids := int32(s.idBytes()); j == StreamPlain && ids > 0 && ids < st.Length {
					out = append(out, unit{offset: int32(f.Offset) + st.Offset + ids})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b unit) int { return int(a.offset - b.offset) })
	return out
}

func frameOf(d *Directory, st Stream) *Frame {
	if st.Length == 0 {
		return nil
	}
	return &d.Frames[st.Frame]
}

// idBytes is how many bytes of ids a section of ids has.
func (s *Section) idBytes() int {
	switch s.ID {
	case SectionTraceIDs:
		return 16 * s.Count
	case SectionSpanIDs, SectionParentIDs:
		return 8 * s.Count
	}
	return 0
}

// bodyLength is how long the body is.
func (d *Directory) bodyLength() int {
	if len(d.Frames) == 0 {
		return 0
	}
	last := &d.Frames[len(d.Frames)-1]
	return last.Offset + last.Stored
}

// appendSummed writes the directory of a body with the sums of both.
func (d *Directory) appendSummed(b, body []byte) []byte {
	list := d.units()
	content := make([]byte, 0, sumBytes*(len(list)+1))
	for i := range list {
		end := len(body)
		if i+1 < len(list) {
			end = int(list[i+1].offset)
		}
		content = binary.LittleEndian.AppendUint32(content, sumOf(body[list[i].offset:end]))
	}
	summed := *d
	summed.Fields = slices.Clip(d.Fields).With(fieldSums, false, append(content, make([]byte, sumBytes)...)) // with room for its own
	b = summed.Append(b)
	at := len(b) - len(d.Head.append(nil)) - sumBytes // the end of the fields
	binary.LittleEndian.PutUint32(b[at:], sumOfDirectory(b, at))
	return b
}

// sumOfDirectory is the sum of a directory whose own sum is at a place.
func sumOfDirectory(b []byte, at int) uint32 {
	h := xxh3.New()
	_, _ = h.Write(b[:at])                 // no hash returns an error
	_, _ = h.Write(make([]byte, sumBytes)) // in its place
	_, _ = h.Write(b[at+sumBytes:])
	return uint32(h.Sum64())
}

// parseSums takes the sums out of the extension fields of a directory b, which end at a place: who writes the directory anew makes them anew.
func (d *Directory) parseSums(b []byte, end int) error {
	before, content, rest, ok := d.Fields.cut(fieldSums)
	if !ok {
		return nil
	}
	list := d.units()
	at := end - len(rest) - sumBytes
	if len(content) != sumBytes*(len(list)+1) || sumOfDirectory(b, at) != binary.LittleEndian.Uint32(content[len(content)-sumBytes:]) {
		return Damagedf("its directory is not what was written")
	}
	for i := range list {
		list[i].sum = binary.LittleEndian.Uint32(content[sumBytes*i:])
	}
	d.sums, d.Fields = list, slices.Concat(before, rest)
	if len(d.Fields) == 0 {
		d.Fields = nil
	}
	return nil
}

// verify tells whether what was fetched of a body from an offset on is what was written, as far as whole units are in it.
func (d *Directory) verify(offset int, b []byte) bool {
	i, _ := slices.BinarySearchFunc(d.sums, offset, func(u unit, at int) int { return int(u.offset) - at })
	for ; i < len(d.sums); i++ {
		end := d.bodyLength()
		if i+1 < len(d.sums) {
			end = int(d.sums[i+1].offset)
		}
		if end > offset+len(b) {
			break
		}
		if sumOf(b[int(d.sums[i].offset)-offset:end-offset]) != d.sums[i].sum {
			return false
		}
	}
	return true
}
