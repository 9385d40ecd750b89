package filter

import (
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// exemplarTest holds for all points of the segments that may have exemplars of a trace: headers of points have the same filter of traces as those of spans, made
// of their exemplars.
type exemplarTest struct{ id [16]byte }

// MayHaveExemplars holds for points, some of which may have exemplars of a trace; which do have is for who reads them to see.
func MayHaveExemplars(id [16]byte) Filter { return &condition{matcher: exemplarTest{id}} }

func (t exemplarTest) cost() cost { return byNumber }

func (t exemplarTest) Columns(*columns.Set) {}

func (t exemplarTest) Bounds() Bounds {
	return Bounds{Probes: alternatives(TraceFilter, []uint64{segment.TraceHash(t.id)})}
}

func (t exemplarTest) Match(_ *columns.Reader, hits []bool) {
	for i := range hits {
		hits[i] = true
	}
}
