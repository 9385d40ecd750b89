package aggregate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Rollups do not know when an item came, nor where it stands in a list.
func TestRollupsAnswerWhatIsAskedByFilterAlone(t *testing.T) {
	t.Parallel()
	count, err := NewMeasure(nil, telemetry.Traces, Items, "count", "", nil)
	require.NoError(t, err)
	of := func(narrow func(*engine.Query)) bool {
		q := &Query{Query: engine.Query{Signal: telemetry.Traces, Filter: filter.All{}}, Measures: []Measure{count}}
		narrow(&q.Query)
		return q.OfRollups()
	}
	require.True(t, of(func(*engine.Query) {}))
	require.False(t, of(func(q *engine.Query) { q.MaxPosition = 7 }))
	require.False(t, of(func(q *engine.Query) { q.After = &engine.Key{Time: 1} }))
	require.False(t, of(func(q *engine.Query) { q.Beyond = &engine.Stored{Position: 7} }))
}
