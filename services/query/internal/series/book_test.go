package series

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/aggregate"
)

// What series of a segment have of one another's is copied once, and charged.
func TestSeriesOfASegmentShareWhatTheyAre(t *testing.T) {
	t.Parallel()
	const series, size = 50, 10_000
	large := strings.Repeat("x", size)
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("large", large)
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(large)
	m := sm.Metrics().AppendEmpty()
	m.SetName("one")
	m.SetUnit(large)
	points := m.SetEmptyGauge().DataPoints()
	for i := range series {
		points.AppendEmpty().Attributes().PutInt("i", int64(i))
	}
	table := segment.NewTable("default", telemetry.Metrics)
	_, err := table.Append(testbed.MetricsPayload(md), 1)
	require.NoError(t, err)
	require.Len(t, table.Series, series)
	describe := func(p *plan) *part {
		out := newPart(0)
		for i := range table.Series {
			var s partSeries
			p.describe(table, &table.Series[i], &s, out)
			require.Equal(t, large, s.metric.Unit)
			require.Equal(t, p.apart, s.described != nil)
		}
		return out
	}
	out := describe(&plan{apart: true})
	require.Len(t, out.metrics, 1)
	require.Less(t, out.bytes, 4*size+series*500)
	require.Greater(t, out.bytes, 3*size, "it is charged")
	require.Less(t, describe(&plan{}).bytes, 2*size+series*400, "nothing is told of them")
	known := &line{one: &Series{}}
	lines := map[int64]*line{}
	for i := range table.Series {
		lines[table.Series[i].ID] = known
	}
	var s partSeries
	out = newPart(0)
	(&plan{apart: true, lines: lines, full: true}).describe(table, &table.Series[0], &s, out)
	require.Nil(t, s.described, "the book knows it")
	require.False(t, s.left)
	(&plan{apart: true, full: true}).describe(table, &table.Series[0], &s, out)
	require.True(t, s.left, "there is no room for it")
}

// What a worker makes is bounded while it makes it, whatever others make beside it.
func TestPartsAreChargedWhileTheyAreMade(t *testing.T) {
	t.Parallel()
	errFull := errors.New("full")
	p := &plan{}
	p.hold = func() error {
		if p.made > 10_000 {
			return errFull
		}
		return nil
	}
	one, other := newPart(0), newPart(0)
	one.bytes = 6000
	require.NoError(t, p.grow(one, 0))
	require.NoError(t, p.grow(one, 0), "nothing is charged twice")
	other.bytes = 4000
	require.NoError(t, p.grow(other, mostUncharged), "it is little")
	require.NoError(t, p.grow(other, 0))
	one.bytes++
	require.ErrorIs(t, p.grow(one, 0), errFull)
}

// spanning is a book of distributions of some seconds, without a question.
func spanning(seconds int) *book {
	q := &Query{Line: aggregate.Timeline{Step: 1e9, Buckets: seconds}}
	q.From, q.To = 0, int64(seconds)*1e9
	return &book{plan: &plan{Query: q, lookback: 1e9}, overSeries: &overSeries{spans: true}, overTime: &overTime{}}
}

// The newest point of each line is kept until the next older one, and charged.
func TestTheLastDistributionOfALineIsCharged(t *testing.T) {
	t.Parallel()
	b := spanning(10)
	l := &line{group: &spread{cells: make([]*distribution, 10)}}
	wide := exponential(0, 0, 0, side{}, side{counts: make([]float64, 1000)})
	small := exponential(0, 0, 0, side{}, side{counts: make([]float64, 10)})
	b.look(l, &point{time: 9e9, spread: wide})
	require.EqualValues(t, wide.bytes(), b.kept)
	b.look(l, &point{time: 8e9, spread: small})
	require.EqualValues(t, small.bytes(), b.kept)
}

// Nobody waits for ever for the points of a question that was given up.
func TestAQuestionThatIsGivenUpEnds(t *testing.T) {
	t.Parallel()
	b := spanning(10)
	b.order = []*line{{waits: []point{{time: 5e9}}}}
	ctx, cancel := context.WithCancel(testbed.Context(t))
	cancel()
	require.ErrorIs(t, b.settle(ctx, math.MinInt64), context.Canceled)
	require.Len(t, b.order[0].waits, 1)
}

// Empty buckets take no memory: nothing of a list stays that is not charged.
func TestWhatIsTrimmedIsNotHeld(t *testing.T) {
	t.Parallel()
	s := side{offset: -5, counts: make([]float64, 100_000)}
	s.counts[60_000], s.counts[60_002] = 1, 2
	all := s.counts
	s.trim()
	require.Equal(t, []float64{1, 0, 2}, s.counts)
	require.EqualValues(t, 59_995, s.offset)
	require.LessOrEqual(t, cap(s.counts), 8)
	s.counts[0] = 7
	require.InDelta(t, 1, all[60_000], 0, "it is a list of its own")
}
