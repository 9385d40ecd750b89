package segment

// Want selects what a reader needs; the zero value wants nothing, WantAll everything.
type Want struct {
	All        bool
	Ints       []Column
	Texts      []TextColumn
	TraceIDs   bool
	SpanIDs    bool
	ParentIDs  bool
	Attributes []string // keys of item attributes; other keys are left out of AttrList
	AllAttrs   bool     // every item attribute
	Events     bool
	Links      bool
	Exemplars  bool
	Lists      bool // list columns of points
	// Resources, scopes, metrics and series come with ColResource, ColScope and ColSeries.
}

// WantAll decodes everything.
func WantAll() Want { return Want{All: true} }
