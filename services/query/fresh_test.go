package query

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// toldOf is all that lists of services and operations and the map say of a range.
func (f *fixture) toldOf(from, to int64) (told []any, read int) {
	f.t.Helper()
	within := "?" + url.Values{"start_time": {fmt.Sprint(from)}, "end_time": {fmt.Sprint(to)}}.Encode()
	var services api.ServiceList
	f.get("/api/services"+within, &services)
	var operations api.OperationList
	f.get("/api/services/svc-1/operations"+within, &operations)
	var drawn api.ServiceMap
	f.get("/api/service-map"+within, &drawn)
	require.Nil(f.t, services.Incomplete)
	return []any{services.Services, operations.Operations, drawn.Nodes, drawn.Edges}, services.Stats.SegmentsRead + operations.Stats.SegmentsRead + drawn.Stats.SegmentsRead
}

// What was counted of segments that no rollup tells of is remembered, and figures are those of who remembers nothing: while others come, in whatever minute
// and hour, while some are merged, and for whatever range.
func TestWhatIsRememberedOfFreshSegmentsChangesNoFigure(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	forgets := f.with(func(c *Config) { c.FreshCache = 0 })
	little := f.with(func(c *Config) { c.FreshCache = 3000 })
	rnd := rand.New(rand.NewPCG(3, 9))
	begin, span := base().Add(-2*time.Hour).UnixNano(), int64(2*time.Hour)
	spans := chains(rnd, 120, begin, span)
	var flushes [][]byte
	merged := 0
	for len(spans) > 0 {
		n := min(len(spans), 1+rnd.IntN(12))
		flushes = append(flushes, payloadOfCalls(spans[:n]))
		spans = spans[n:]
		f.position |= 1
		f.store("default", telemetry.Traces, flushes[len(flushes)-1], 1000)
		f.store("other", telemetry.Traces, flushes[len(flushes)-1], 1000)
		if rnd.IntN(5) == 0 { // the oldest of them are merged: of level 2, and in rollups
			_, err := f.db.Pool.Exec(f.t.Context(), `DELETE FROM spans_segment WHERE tenant_id = 'default' AND min_position = $1`, 2+4*merged)
			require.NoError(t, err)
			before := f.position
			f.position &^= 1
			f.store("default", telemetry.Traces, flushes[merged], 1000)
			f.position = before
			merged++
		}
		if rnd.IntN(3) > 0 {
			continue
		}
		from := begin + rnd.Int64N(span)
		to := from + 1 + rnd.Int64N(span)
		if rnd.IntN(2) == 0 {
			from, to = begin, begin+span
		}
		want, _ := forgets.toldOf(from, to)
		for name, some := range map[string]*fixture{"remembers": f, "remembers little": little} {
			got, _ := some.toldOf(from, to)
			require.Equal(t, want, got, "%s, %d to %d of %d", name, from-begin, to-begin, span)
		}
	}
	require.Positive(t, merged)
}

// Who asks again reads only the segments that came since.
func TestAskingAgainReadsOnlyNewSegments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	flush := func(second int) {
		at := base().Add(time.Duration(second) * time.Second).UnixNano()
		f.position |= 1
		var spans []callSpan
		for i := range byte(9) {
			spans = append(spans, callSpan{trace: byte(second), id: i + 1, at: at + int64(i)*1e7, service: fmt.Sprint("svc-", i%2), length: int64(i) * 1e5, failed: i == 4})
		}
		f.store("default", telemetry.Traces, payloadOfCalls(spans), 1000)
	}
	for i := range 30 { // three minutes
		flush(4 * i)
	}
	from, to := base().UnixNano(), base().Add(time.Hour).UnixNano()
	first, read := f.toldOf(from, to)
	require.Equal(t, 2*30, read, "services and operations are counted once, the map once")
	again, read := f.toldOf(from, to)
	require.Zero(t, read)
	require.Equal(t, first, again)
	for second := 117; second < 122; second++ {
		flush(second)
	}
	_, read = f.toldOf(from, to)
	require.Equal(t, 2*5, read)
}
