package aggregate

import (
	"context"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Values of one field, all that there is room for.

// ValueQuery is what is asked for. It is not changed while it is in use.
type ValueQuery struct {
	engine.Query
	Column  filter.Column
	Counted *filter.Counted            // how the field is counted without looking at items, where its values are told as they are; nil where it is not
	Keep    func(v segment.Value) bool // which values; nil for all
}

// AskValues counts the values of a field, an item's once. Errors are the engine's.
func AskValues(ctx context.Context, s *engine.Snapshot, q *ValueQuery) (*engine.Counts, error) {
	if q.Counted != nil && q.Everything() {
		all, err := (plain{}).count(ctx, s, &q.Query, q.Counted, q.Keep)
		if err != nil {
			return nil, err
		}
		if all != nil && !all.Repeated() {
			return all, nil
		}
		if all != nil {
			all.LetGo()
		}
	}
	return s.CountColumn(ctx, &q.Query, q.Column, q.Keep)
}

// plain is what is known of attributes in whose maps something may lie: whether nothing does.
type plain map[counts.Key]bool

// count counts a field by sums and heads; nil where these do not tell all of it.
func (p plain) count(ctx context.Context, s *engine.Snapshot, q *engine.Query, of *filter.Counted, keep func(v segment.Value) bool) (*engine.Counts, error) {
	for _, key := range of.Within {
		nothing, known := p[key]
		if !known {
			facet, _ := counts.For(q.Signal, key)
			before := s.Cut()
			all, err := s.CountsOfHeads(ctx, q, &facet, func(v segment.Value) bool { return v.Type == segment.Array || v.Type == segment.Map })
			if err != nil {
				return nil, err
			}
			if nothing = all != nil && all.Distinct() == 0 && s.Cut() == before; all != nil {
				all.LetGo()
			}
			p[key] = nothing
		}
		if !nothing {
			return nil, nil //nolint:nilnil // it is counted otherwise
		}
	}
	facet, _ := counts.For(q.Signal, of.Key)
	return s.CountsOfHeads(ctx, q, &facet, keep)
}
