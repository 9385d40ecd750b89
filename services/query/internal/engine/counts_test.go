package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
)

func stringValue(s string) segment.Value { return segment.Value{Type: segment.String, Raw: []byte(s)} }

// endless has room for all, and scarce for so many bytes.
type endless struct{}

func (endless) HoldMore(need, _ int64) (int64, error) { return need, nil }
func (endless) LetGo(int64)                           {}

type scarce struct{ left, held int64 }

func (s *scarce) HoldMore(need, rather int64) (int64, error) {
	for _, bytes := range []int64{max(need, rather), need} {
		if bytes <= s.left {
			s.left, s.held = s.left-bytes, s.held+bytes
			return bytes, nil
		}
	}
	return 0, errMemory.New("there is no room")
}

func (s *scarce) LetGo(bytes int64) { s.left, s.held = s.left+bytes, s.held-bytes }

// What is kept is charged to the question; where there is no room, rare values are left out and it is said so, and what is not used any more is given back.
func TestCountsAreCharged(t *testing.T) {
	t.Parallel()
	budget := &scarce{left: 2 << 20}
	total, part := newCounts(budget, nil), &counts.List{}
	for i := range 60_000 {
		part.Forget()
		part.Add(stringValue("always"), 5)
		part.Add(stringValue(fmt.Sprint("once-", i)), 1)
		total.merge(part)
		require.LessOrEqual(t, total.bytes, budget.held+unchargedValues)
	}
	require.True(t, total.Lost)
	require.EqualValues(t, 300_000, total.List()[0].Items)
	require.Greater(t, budget.held, int64(1<<20))
	other := newCounts(&scarce{left: 16 << 20}, nil)
	other.join(total)
	require.True(t, other.Lost)
	require.Zero(t, budget.held)
	require.EqualValues(t, 300_000, other.List()[0].Items)
}

func TestCountsKeepTheFrequentOnes(t *testing.T) {
	t.Parallel()
	total := newCounts(endless{}, nil)
	for n := range 30 {
		part := &counts.List{}
		part.Add(stringValue("always"), 5)
		for i := range 5000 {
			part.Add(stringValue(fmt.Sprintf("once-%d-%d", n, i)), 1)
		}
		total.merge(part)
	}
	require.True(t, total.Lost)
	require.LessOrEqual(t, total.Distinct(), MostValues)
	require.EqualValues(t, 150, total.List()[0].Items)
	require.Equal(t, "always", string(total.List()[0].Value.Raw))
	both := newCounts(endless{}, nil)
	frequent := *total.List()[0]
	both.join(total)
	require.True(t, both.Lost)
	require.Equal(t, frequent, *both.List()[0])

	long := newCounts(endless{}, nil)
	for i := range 40 {
		part := &counts.List{}
		for k := range 20 {
			part.Add(stringValue(strings.Repeat("x", 100_000)+fmt.Sprint(i, k)), 1)
		}
		long.merge(part)
		require.LessOrEqual(t, long.bytes, int64(MostValueBytes))
	}
	require.True(t, long.Lost, "not more than so many bytes are kept")
}

// Of hundreds of segments, nearly all have the same few values: counting these takes memory for the first.
func TestCountsOfMoreSegmentsTakeNoMoreMemory(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts what others allocate, too
	values := make([]segment.Value, 100)
	for i := range values {
		values[i] = stringValue(fmt.Sprint("value ", i))
	}
	total, part := newCounts(endless{}, nil), &counts.List{}
	segments := int64(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, v := range values {
			part.Add(v, 1)
		}
		part.Add(stringValue("nothing has it"), 0)
		part.Items = 7
		total.merge(part)
		part.Forget()
		segments++
	}))
	require.Equal(t, len(values), total.Distinct())
	for _, v := range total.List() {
		require.Equal(t, segments, v.Items)
	}
	require.Equal(t, Basis{Segments: 7 * segments}, total.Basis)
}

// Whatever days are to be read by their hours, no piece of a range holds one of them whole, and together the pieces are the range.
func TestDaysThatAreReadByHoursAreCut(t *testing.T) {
	t.Parallel()
	const hour, day = int64(time.Hour), 24 * int64(time.Hour)
	for from := int64(0); from < 2*day; from += 5 * hour {
		for to := from + hour; to < 5*day; to += 7 * hour {
			for bits := range 32 {
				var days []int64
				for d := range int64(5) {
					if bits>>(4-d)&1 == 1 {
						days = append([]int64{(4 - d) * day}, days...)
					}
				}
				at := from
				for _, r := range (&Summed{From: from, To: to}).ranges(days) {
					require.Equal(t, at, r[0])
					require.Less(t, r[0], r[1])
					for _, d := range days {
						require.False(t, d >= r[0] && d+day <= r[1], "%v holds day %d", r, d/day)
					}
					at = r[1]
				}
				require.Equal(t, to, at)
			}
		}
	}
}
