package segment

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Want selects what a reader needs; the zero value wants nothing, WantAll everything.
type Want struct {
	All        bool
	Ints       []Column
	Texts      []TextColumn
	TraceIDs   bool
	SpanIDs    bool
	ParentIDs  bool
	IDPlaces   bool     // rows get no ids of their own, but Table.IDRanges tells where these lie; a View of such parts cannot be asked for ids
	Attributes []string // keys of item attributes; other keys are left out of AttrList
	AllAttrs   bool     // every item attribute
	Values     []string // keys of item attributes of which a View counts the values, without asking which rows have them
	Events     bool
	Links      bool
	Exemplars  bool
	Lists      bool // list columns of points
	// Resources, scopes, metrics and series come with ColResource, ColScope and ColSeries.
}

// WantAll decodes everything.
func WantAll() Want { return Want{All: true} }

// Range is a byte range of the body.
type Range struct{ Offset, Length int }

// Part is a range of the body with its bytes.
type Part struct {
	Offset int
	Bytes  []byte
}

// rangeGap is the largest gap between two ranges that are fetched as one: about a TOAST chunk, which is read whole anyway.
const rangeGap = 2048

// Ranges returns the byte ranges of the body that w needs, sorted, near neighbours merged.
func (d *Directory) Ranges(w Want) []Range {
	n := d.needs(w)
	var out []Range
	add := func(s *section) {
		for i, st := range s.streams {
			if i == streamPlain && w.IDPlaces {
				skip := min(s.ids(), st.length)
				st.offset, st.length = st.offset+skip, st.length-skip
			}
			if st.length == 0 {
				continue
			}
			f := d.frames[st.frame]
			if f.codec == frameRaw {
				out = append(out, Range{f.offset + st.offset, st.length})
			} else {
				out = append(out, Range{f.offset, f.stored})
			}
		}
	}
	for i := range d.sections {
		if n.section(d.sections[i].id) {
			add(&d.sections[i])
		}
	}
	for i := range d.keys {
		if n.key(d.keys[i].key) {
			add(&d.keys[i])
		}
	}
	slices.SortFunc(out, func(a, b Range) int { return a.Offset - b.Offset })
	merged := out[:0]
	for _, r := range out {
		if k := len(merged) - 1; k >= 0 && r.Offset <= merged[k].Offset+merged[k].Length+rangeGap {
			merged[k].Length = max(merged[k].Length, r.Offset+r.Length-merged[k].Offset)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// ids is how many bytes of distinct ids of items a section's plain stream begins with.
func (s *section) ids() int {
	switch s.id {
	case sectionTraceIDs:
		return s.count * traceIDSize
	case sectionSpanIDs, sectionParentIDs:
		return s.count * spanIDSize
	default:
		return 0
	}
}

// IDBytes is how many bytes of the body are ids of items, which Want.IDPlaces leaves out.
func (d *Directory) IDBytes() int {
	n := 0
	for i := range d.sections {
		n += d.sections[i].ids()
	}
	return n
}

// needs is a Want with all that it implies.
type needs struct {
	want Want
	ids  [4]uint64 // bit per section number
	keys map[string]bool
}

func (n *needs) set(id uint8) { n.ids[id>>6] |= 1 << (id & 63) }

func (n *needs) section(id uint8) bool { return n.ids[id>>6]>>(id&63)&1 != 0 }

func (n *needs) key(k string) bool { return n.want.All || n.want.AllAttrs || n.keys[k] }

// attributes tells whether any item attribute is wanted.
func (n *needs) attributes() bool {
	return n.want.All || n.want.AllAttrs || len(n.want.Attributes) > 0
}

func (d *Directory) needs(w Want) *needs {
	n := &needs{want: w}
	if w.All {
		for i := range n.ids {
			n.ids[i] = ^uint64(0)
		}
		return n
	}
	metrics := d.Signal == telemetry.Metrics
	for _, c := range w.Ints {
		n.set(uint8(c))
		switch c {
		case ColResource:
			n.set(sectionResources)
		case ColScope:
			n.set(sectionScopes)
		case ColSeries:
			n.set(sectionResources)
			n.set(sectionScopes)
			n.set(sectionMetrics)
			n.set(sectionSeries)
		case ColNumber:
			n.set(uint8(ColHas))
		case ColObservedTime, ColStartTime:
			n.set(uint8(ColTime))
		default:
			if appliesTo(c) != 0 {
				n.set(uint8(ColKind))
			}
		}
	}
	for _, c := range w.Texts {
		n.set(sectionText + uint8(c))
		if c == TextBounds {
			n.set(uint8(ColKind))
		}
	}
	if w.TraceIDs || w.ParentIDs {
		n.set(sectionTraceIDs)
	}
	if w.SpanIDs || w.ParentIDs {
		n.set(sectionSpanIDs)
	}
	if w.ParentIDs {
		n.set(sectionParentIDs)
	}
	if w.AllAttrs || len(w.Attributes) > 0 {
		n.set(sectionShapes)
	}
	n.keys = make(map[string]bool, len(w.Attributes)+len(w.Values))
	for _, k := range w.Attributes {
		n.keys[k] = true
	}
	for _, k := range w.Values {
		n.keys[k] = true
	}
	if w.Events {
		n.set(sectionEvents)
		n.set(uint8(ColTime))
	}
	if w.Links {
		n.set(sectionLinks)
	}
	if w.Exemplars {
		n.set(sectionExemplars)
		n.set(uint8(ColTime))
	}
	if w.Lists && metrics {
		n.set(uint8(ColKind))
		for c := range numListColumns {
			n.set(sectionList + uint8(c))
		}
	}
	return n
}
