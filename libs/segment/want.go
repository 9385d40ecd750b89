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
	Events     bool
	Links      bool
	Exemplars  bool
	Lists      bool // list columns of points
	Counts     Counts
	// Resources, scopes, metrics and series come with ColResource, ColScope and ColSeries.
}

// Counts selects what a View counts over all rows, without asking which rows have what: View.Numbers, Values.Count without rows, View.ResourceItems and
// View.ScopeItems. Of what the head tells, nothing of the body is needed.
type Counts struct {
	Ints       []Column
	Texts      []TextColumn
	Attributes []string // keys of item attributes
	Resources  bool     // of spans or log records
	Scopes     bool     // of spans or log records
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

// count notes what is counted of which the head does not tell.
func (n *needs) count(d *container.Directory, c *Counts) {
	inBody := func(s *container.Section) bool { return s != nil && !s.HasHead() }
	for _, column := range c.Ints {
		if inBody(d.Section(uint8(column))) {
			n.setInt(column)
		}
	}
	for _, column := range c.Texts {
		if id := container.SectionText + uint8(column); inBody(d.Section(id)) {
			n.set(id)
		}
	}
	if c.Resources && inBody(d.Section(container.SectionResources)) {
		n.setInt(ColResource)
	}
	if c.Scopes && inBody(d.Section(container.SectionScopes)) {
		n.setInt(ColScope)
	}
	for _, key := range c.Attributes {
		if s, _ := d.Key(key); inBody(s) {
			n.keys[key] = true
		}
	}
}

// setInt notes an integer column with what it numbers or leans on.
func (n *needs) setInt(c Column) {
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
		n.setInt(c)
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
	n.keys = make(map[string]bool, len(w.Attributes))
	for _, k := range w.Attributes {
		n.keys[k] = true
	}
	n.count(d, &w.Counts)
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
