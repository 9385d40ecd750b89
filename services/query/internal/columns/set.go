package columns

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Set collects the columns that a query decodes, each once.
type Set struct {
	segment.Want
	metrics bool
}

// Bare has no columns yet.
func Bare(signal telemetry.Signal) *Set { return &Set{metrics: signal == telemetry.Metrics} }

// NewSet is what every list needs of an item: its time and identity.
func NewSet(signal telemetry.Signal) *Set {
	s := Bare(signal)
	s.Int(segment.ColTime, segment.ColPosition, segment.ColOrdinal)
	return s
}

// Int adds columns of numbers.
func (s *Set) Int(list ...segment.Column) {
	for _, c := range list {
		if !slices.Contains(s.Ints, c) {
			s.Ints = append(s.Ints, c)
		}
	}
}

// Text adds a column of texts.
func (s *Set) Text(c segment.TextColumn) {
	if !slices.Contains(s.Texts, c) {
		s.Texts = append(s.Texts, c)
	}
}

// Attribute adds an attribute of the items: a point's are those of its series.
func (s *Set) Attribute(key string) {
	if s.metrics {
		s.Int(segment.ColSeries)
	} else if !slices.Contains(s.Attributes, key) {
		s.Attributes = append(s.Attributes, key)
	}
}

// Add adds the columns of numbers and texts, and the attributes, that something wants.
func (s *Set) Add(w *segment.Want) {
	s.Int(w.Ints...)
	for _, c := range w.Texts {
		s.Text(c)
	}
	for _, key := range w.Attributes {
		s.Attribute(key)
	}
}

// Resource adds what the items' resources are; a point has its own by its series.
func (s *Set) Resource() { s.ofSeries(segment.ColResource) }

// Scope adds what the items' scopes are; a point has its own by its series.
func (s *Set) Scope() { s.ofSeries(segment.ColScope) }

func (s *Set) ofSeries(c segment.Column) {
	if s.metrics {
		c = segment.ColSeries
	}
	s.Int(c)
}
