package segment

// What a reader asks for, and what of a segment that needs: a column brings the dictionaries that it numbers and the columns that its encoding
// leans on (section 5 of docs/segment-format.md).

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
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
type Range = container.Range

// Part is a range of the body with its bytes.
type Part = container.Part

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

// needsOf finds what w needs of a segment.
func needsOf(d *container.Directory, w Want) *needs {
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
			n.set(container.SectionResources)
		case ColScope:
			n.set(container.SectionScopes)
		case ColSeries:
			n.set(container.SectionResources)
			n.set(container.SectionScopes)
			n.set(container.SectionMetrics)
			n.set(container.SectionSeries)
		case ColNumber:
			n.set(uint8(ColHas))
		case ColObservedTime, ColStartTime:
			n.set(uint8(ColTime))
		default:
			if table.AppliesTo(c) != 0 {
				n.set(uint8(ColKind))
			}
		}
	}
	for _, c := range w.Texts {
		n.set(container.SectionText + uint8(c))
		if c == TextBounds {
			n.set(uint8(ColKind))
		}
	}
	if w.TraceIDs || w.ParentIDs {
		n.set(container.SectionTraceIDs)
	}
	if w.SpanIDs || w.ParentIDs {
		n.set(container.SectionSpanIDs)
	}
	if w.ParentIDs {
		n.set(container.SectionParentIDs)
	}
	if w.AllAttrs || len(w.Attributes) > 0 {
		n.set(container.SectionShapes)
	}
	n.keys = make(map[string]bool, len(w.Attributes)+len(w.Values))
	for _, k := range w.Attributes {
		n.keys[k] = true
	}
	for _, k := range w.Values {
		n.keys[k] = true
	}
	if w.Events {
		n.set(container.SectionEvents)
		n.set(uint8(ColTime))
	}
	if w.Links {
		n.set(container.SectionLinks)
	}
	if w.Exemplars {
		n.set(container.SectionExemplars)
		n.set(uint8(ColTime))
	}
	if w.Lists && metrics {
		n.set(uint8(ColKind))
		for c := range table.ListColumns {
			n.set(container.SectionList + uint8(c))
		}
	}
	return n
}
