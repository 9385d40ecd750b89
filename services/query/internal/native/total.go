package native

import (
	"context"
	"math"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// totalOf is the figure that tells how many a list has.
func (n *API) totalOf(list string, signal telemetry.Signal) (*aggregate.Measure, error) {
	name, field := "count", ""
	if list == "traces" {
		name, field = "count_distinct", "trace_id"
	}
	m, err := aggregate.NewMeasure(n.filters, signal, aggregate.Items, name, field, nil)
	return &m, err
}

// total counts what a list has on all its pages, if that is asked for. It is asked after the list, from which it takes no budget; shown are on the page.
func (n *API) total(ctx context.Context, s *engine.Snapshot, q *search, shown int, p *api.Pagination) error {
	switch {
	case q.total == nil:
		return nil
	case q.related != nil:
		q.totalMet(shown, p)
		return nil
	}
	// Headers tell it as well as rollups, which may turn out not to: then the page would have to be found anew.
	all := &aggregate.Query{Query: q.Query, Measures: []aggregate.Measure{*q.total}, Now: n.now(), Segments: true}
	all.Order, all.After, all.From = engine.Newest, nil, max(q.From, q.since) // of the time that the list is of
	got, err := aggregate.Ask(ctx, s, all)
	if err != nil {
		return err
	}
	figure := got.Total.All[0]
	p.TotalIs = api.TotalIsExact
	switch {
	case !got.Whole || all.From > q.From:
		p.TotalIs = api.TotalIsAtLeast
		if by, _ := q.total.Error(); got.Estimated[0] {
			figure = math.Floor(figure * (1 - surelyWithin*by))
		}
		least := shown
		if p.HasMore && shown > 0 {
			least++
		}
		figure = max(figure, float64(least))
	case got.Estimated[0]:
		p.TotalIs = api.TotalIsEstimate
	}
	n64 := int64(figure)
	p.Total = &n64
	return nil
}

// totalMet tells what is known of how many a list has whose filters look at other spans: all, where its first page is its only one, else at least what was found
// on the way to the page. To count the others, every trace of the range would have to be judged.
func (q *search) totalMet(shown int, p *api.Pagination) {
	total := int64(shown)
	if p.TotalIs = api.TotalIsExact; p.HasMore || q.After != nil {
		p.TotalIs, total = api.TotalIsAtLeast, int64(max(q.met, shown))
	}
	p.Total = &total
}

// surelyWithin is how many of its errors an estimate is hardly ever off by: in three of a thousand.
const surelyWithin = 3
