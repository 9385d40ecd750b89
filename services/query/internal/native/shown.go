package native

import (
	"context"
	"slices"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// mostFields is how many fields a list can be asked for.
const mostFields = 50

// shownFields are those that a list is asked for; nil where items are shown in full.
func (n *API) shownFields(list string, signal telemetry.Signal, names []string) (*filter.Shown, error) {
	switch {
	case len(names) == 0:
		return nil, nil //nolint:nilnil // nothing is wrong, and nothing is asked for
	case signal == telemetry.Metrics:
		return nil, errFields.Newf("fields: %s are shown in full: no field stands for a point's value", list)
	case len(names) > mostFields:
		return nil, errFields.Newf("fields: %d are more than %d", len(names), mostFields)
	}
	return n.filters.Shown(signal, names)
}

// rows reads the fields of what was found, each item's in its place; of fewer, but one at least, where they take more than one answer may.
func (n *API) rows(ctx context.Context, s *engine.Snapshot, q *search, found []engine.Item) ([]api.ShownItem, error) {
	list := make([]api.ShownItem, len(found))
	a := allowance{left: n.set.PageBytes, end: len(found)}
	w := columns.Bare(q.Signal)
	q.shown.Columns(w)
	var values filter.Values
	err := s.ReadColumns(ctx, &q.Query, found, engine.Always(w.Want), func(r *columns.Reader, rows []uint32, numbers []int) int {
		if q.shown.Read(r, &values); r.Err() != nil {
			return a.end // the engine tells
		}
		for k, number := range numbers { // in the order of the list
			if number >= a.end || !a.fits(number, values.Size(rows[k])) {
				break
			}
			list[number] = api.ShownItem{ID: idOf(found[number].Position, found[number].Ordinal), Fields: values.Of(rows[k])}
		}
		return a.end
	})
	return slices.Clip(list[:a.end]), err
}
