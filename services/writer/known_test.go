package writer

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// ask asks for an entry as a flush does, and enters it where it is not known.
func ask(k *known, d dimension, tenant telemetry.Tenant, id int64, at time.Time) bool {
	key, m := k.key(d, k.tenant(tenant), id), momentOf(at)
	if k.has(key, id, m) {
		return true
	}
	k.add(map[dimensionKey]struct{}{key: {}}, m)
	return false
}

// rounds asks for so many series, one after the other, again and again, and tells which part of the last round was known.
func rounds(k *known, series, times int, at time.Time) float64 {
	hits := 0
	for range times {
		hits = 0
		for i := range series {
			if ask(k, dimSeries, "default", int64(mix(uint64(i+1))), at) {
				hits++
			}
		}
	}
	return float64(hits) / float64(series)
}

func TestAMillionSeriesAreKnownInThe32MiBOfAWriterWithoutALimit(t *testing.T) {
	t.Parallel()
	k := newKnown(FlushConfig{}.known(0))
	million := 1_000_000 / testbed.Share()
	require.Greater(t, rounds(k, million, 2, epoch), 0.999)
	entries, bytes := k.memory()
	require.Greater(t, entries, million/1000*999)
	require.LessOrEqual(t, bytes, int64(24<<20))
}

func TestKnownTakesNoMoreThanItsBytesAndNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	for _, most := range []int64{0, 1, 4 << 10, 100_000, 1 << 20} {
		k := newKnown(most)
		for _, d := range []dimension{dimService, dimOperation, dimResource, dimScope, dimSeries, dimTenant} {
			for i := range int64(20_000) {
				ask(k, d, telemetry.Tenant("t"+strconv.FormatInt(i%7, 10)), int64(mix(uint64(i+1))), epoch)
			}
		}
		entries, bytes := k.memory()
		require.LessOrEqual(t, bytes, most)
		require.LessOrEqual(t, int64(entries)*16, bytes)
		if most <= 100_000 { // less than there are
			require.GreaterOrEqual(t, int64(entries)*16, bytes*9/10, "what is full is used")
		}
	}
	k := newKnown(1 << 30)
	rounds(k, 1000, 1, epoch)
	_, bytes := k.memory()
	require.LessOrEqual(t, bytes, int64(64<<10))
}

// More series than fit, asked for in the same order for ever, are known as far as they fit: a cache that takes whatever came last knows none.
func TestKnownIsNotDefeatedByAScanOfMoreThanFits(t *testing.T) {
	t.Parallel()
	for _, over := range []float64{1.1, 1.5, 2, 4} {
		k := newKnown(256 << 10)
		rounds(k, 100_000, 1, epoch)
		fits, _ := k.memory()
		series := int(float64(fits) * over)
		require.Greater(t, rounds(k, series, 12, epoch), 0.75/over, over)
	}
}

// A flood of new series drives out neither what other dimensions have nor, for long, the series of the day after it.
func TestKnownForgetsWhatNobodyAsksForAndKeepsTheKindsApart(t *testing.T) {
	t.Parallel()
	k := newKnown(1 << 20)
	for i := range int64(1000) {
		ask(k, dimService, "default", i, epoch)
	}
	for i := range int64(1_000_000) {
		ask(k, dimSeries, "default", math.MaxInt64-i, epoch)
	}
	for i := range int64(1000) {
		require.True(t, ask(k, dimService, "default", i, epoch))
	}
	later := epoch.Add((idle + 1) * time.Hour)
	require.Greater(t, rounds(k, 40_000, 2, later), 0.95)
}

func TestKnownTellsTenantsKindsAndIDsApart(t *testing.T) {
	t.Parallel()
	k := newKnown(1 << 20)
	require.False(t, ask(k, dimSeries, "a", 1, epoch))
	require.True(t, ask(k, dimSeries, "a", 1, epoch))
	for _, other := range []struct {
		d      dimension
		tenant telemetry.Tenant
		id     int64
	}{{dimSeries, "b", 1}, {dimResource, "a", 1}, {dimSeries, "a", 2}, {dimSeries, "a", 0}, {dimSeries, "a", math.MinInt64}, {dimSeries, "", 1}} {
		require.False(t, ask(k, other.d, other.tenant, other.id, epoch))
	}
}

// An entry of the day before is asked for again in the first hours of a day when its turn comes; an older one and a new one at once.
func TestEntriesOfTheDayBeforeAreDueOneAfterTheOther(t *testing.T) {
	t.Parallel()
	midnight := epoch.Truncate(day).Add(day)
	rnd := rand.New(rand.NewPCG(1, 2))
	ids := make([]int64, 20_000)
	k := newKnown(1 << 20)
	for i := range ids {
		ids[i] = int64(rnd.Uint64())
		require.False(t, ask(k, dimSeries, "default", ids[i], midnight.Add(-time.Minute)))
	}
	var asked []int
	for at := time.Duration(0); at < 5*time.Hour; at += 10 * time.Minute {
		n := 0
		for _, id := range ids {
			if !ask(k, dimSeries, "default", id, midnight.Add(at)) {
				n++
				require.LessOrEqual(t, due(id), at)
				require.Greater(t, due(id), at-10*time.Minute)
			}
		}
		asked = append(asked, n)
	}
	sum := 0
	for i, n := range asked {
		sum += n
		if i > 0 && i <= 24 {
			require.InDelta(t, len(ids)/24, n, float64(len(ids)/24)/3, "round %d", i)
		} else {
			require.Zero(t, n, "round %d", i)
		}
	}
	require.Equal(t, len(ids), sum, "each once")
	require.False(t, ask(k, dimSeries, "default", ids[0], midnight.Add(49*time.Hour)), "of two days ago")
	require.False(t, ask(k, dimSeries, "default", 77, midnight), "a new one")
}

// Entries whose ids are neighbours are due together, from the least id to the greatest.
func TestTurnsGoByTheOrderOfIDs(t *testing.T) {
	t.Parallel()
	require.Zero(t, due(math.MinInt64))
	require.Equal(t, spread/2, due(0))
	require.Less(t, due(math.MaxInt64), spread)
	require.Greater(t, due(math.MaxInt64), spread-time.Second)
	require.Less(t, due(-5), due(1<<40))
}
