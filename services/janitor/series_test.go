package janitor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/series"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// recounted is a metric as it is counted by looking at every point.
type recounted struct {
	points, last     int64
	series, services map[string]bool
	labels           map[string]map[string]bool
}

func (r *recounted) String() string {
	labels := []string{}
	for key, values := range r.labels {
		labels = append(labels, fmt.Sprint(key, " ", len(values)))
	}
	slices.Sort(labels)
	return fmt.Sprint(r.points, " ", r.last, " ", len(r.series), " ", slices.Sorted(maps.Keys(r.services)), " ", labels)
}

// period is some of the time of a tenant.
type period struct {
	tenant telemetry.Tenant
	length time.Duration
	start  int64
}

// recount counts the settled points by minutes and hours.
func (f *fixture) recount() map[period]map[string]*recounted {
	f.t.Helper()
	out := map[period]map[string]*recounted{}
	whole := segmentrow.SelectAll()
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT `+whole.List("s")+` FROM `+segmentrow.From(telemetry.Metrics))
	require.NoError(f.t, err)
	require.NoError(f.t, whole.ForEach(rows, func(r *segmentrow.Row) error {
		if r.Level < segmentrow.LevelSettled {
			return nil
		}
		t := segment.NewTable(r.Tenant, telemetry.Metrics)
		if err := add(t, &r.Segment); err != nil {
			return err
		}
		for i := range t.N {
			of, at := &t.Series[t.Ints[segment.ColSeries][i]], t.Ints[segment.ColTime][i]
			m := &t.Metrics[of.Metric]
			key := fmt.Sprint(m.Name, m.Unit, m.Kind, m.Temporality, m.Monotonic)
			for _, length := range []time.Duration{time.Minute, time.Hour} {
				p := period{r.Tenant, length, telemetry.Grain(at, length)}
				if out[p] == nil {
					out[p] = map[string]*recounted{}
				}
				c := out[p][key]
				if c == nil {
					c = &recounted{series: map[string]bool{}, services: map[string]bool{}, labels: map[string]map[string]bool{}}
					out[p][key] = c
				}
				c.points++
				c.last = max(c.last, at)
				c.series[fmt.Sprint(of.ID)] = true
				c.services[t.Resources[of.Resource].ServiceName] = true
				for scope, list := range map[int][]segment.ValueID{0: of.Attributes, 1: t.Resources[of.Resource].Attributes} {
					for _, id := range list {
						v := &t.Values[id]
						label := fmt.Sprint(scope, t.Keys[v.Key])
						if c.labels[label] == nil {
							c.labels[label] = map[string]bool{}
						}
						c.labels[label][fmt.Sprint(v.Type, v.Num, string(v.Raw))] = true
					}
				}
			}
		}
		return nil
	}))
	return out
}

// sameSeries holds rollups of series to a recount of what is settled, by minutes and hours, and days to their hours. It tells how many rows of each grain
// there are.
func (f *fixture) sameSeries() (grains [3]int) {
	f.t.Helper()
	want := f.recount()
	got, days, ofHours := map[period]*series.Catalogue{}, map[period]*series.Catalogue{}, map[period]*series.Catalogue{}
	rows, err := f.db.Pool.Query(testbed.Context(f.t), `SELECT `+rolluprow.Columns+` FROM rollup WHERE kind = $1`, series.ID)
	require.NoError(f.t, err)
	for r, err := range rolluprow.Read(rows) {
		require.NoError(f.t, err)
		grains[r.Grain]++
		read := func(to map[period]*series.Catalogue, length time.Duration, start int64, minutes uint64) {
			c, err := series.Read(series.Blob(r.Grain, r.Total, r.Minutes), r.Start, minutes, true)
			require.NoError(f.t, err)
			if p := (period{r.Tenant, length, start}); len(c.Metrics) > 0 {
				if to[p] == nil {
					to[p] = series.New()
				}
				to[p].Merge(c)
			}
		}
		day := telemetry.Grain(r.Start, 24*time.Hour)
		if r.Grain == rollup.Day {
			read(days, 24*time.Hour, day, series.AllMinutes)
			continue
		}
		read(got, time.Hour, r.Start, series.AllMinutes)
		if r.Grain == rollup.Hour {
			read(ofHours, 24*time.Hour, day, series.AllMinutes)
		}
		for minute := range int64(60) {
			start := r.Start + minute*int64(time.Minute)
			read(got, time.Minute, start, series.Minutes(r.Start, start, start+int64(time.Minute)))
		}
	}
	maps.DeleteFunc(ofHours, func(p period, _ *series.Catalogue) bool { return days[p] == nil })
	requireLines(f.t, f.lines(ofHours), f.lines(days))
	var all []string
	for p, metrics := range want {
		for key, c := range metrics {
			all = append(all, fmt.Sprint(p, key, " ", c))
		}
	}
	slices.Sort(all)
	requireLines(f.t, all, f.lines(got))
	return grains
}

// requireLines tells of what differs alone.
func requireLines(t testing.TB, want, got []string) {
	t.Helper()
	without := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	}
	require.Equal(t, without(want, got), without(got, want))
	require.Len(t, got, len(want))
}

// lines are catalogues in the words of recounted.
func (f *fixture) lines(of map[period]*series.Catalogue) (out []string) {
	f.t.Helper()
	for p, c := range of {
		for key, m := range c.Metrics {
			require.True(f.t, m.Series.Exact())
			labels := []string{}
			for i := range m.Labels {
				labels = append(labels, fmt.Sprint(int(m.Labels[i].Key.Of), m.Labels[i].Key.Name, " ", m.Labels[i].Values.Count()))
			}
			slices.Sort(labels)
			out = append(out, fmt.Sprint(p, key.Name, key.Unit, key.Type, key.Temporality, key.Monotonic, " ", m.Points, " ", m.Last, " ", m.Series.Count(), " ",
				m.Services.Values(), " ", labels))
		}
	}
	slices.Sort(out)
	return out
}

// points are so many of a few metrics around a time, of series that come and go.
func points(rnd *rand.Rand, at time.Time, n int) []byte {
	md := pmetric.NewMetrics()
	for range n {
		rm := md.ResourceMetrics().AppendEmpty()
		rm.Resource().Attributes().PutStr("service.name", fmt.Sprint("service-", rnd.IntN(4)))
		rm.Resource().Attributes().PutInt("instance", int64(rnd.IntN(3)))
		m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName(fmt.Sprint("metric.", rnd.IntN(3)))
		m.SetUnit([]string{"", "By"}[rnd.IntN(2)])
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(at.Add(-time.Duration(rnd.IntN(300_000)) * time.Millisecond)))
		p.SetIntValue(rnd.Int64N(1000))
		if rnd.IntN(3) > 0 {
			p.Attributes().PutStr("device", fmt.Sprint("disk-", rnd.IntN(9)))
		}
	}
	return testbed.MetricsPayload(md)
}

// Whatever is merged, put by, folded, comes late or expires, rollups tell of the series of what is settled, to the minute, and a day of those of its hours.
func TestSeriesAreThoseOfWhatIsSettledAtEveryStep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE retention_policy SET days = 2`)
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(5, 6))
	most := [3]int{}
	for i, after := range []time.Duration{
		0, time.Minute, 3 * time.Minute, 5 * time.Minute, 50 * time.Minute, 61 * time.Minute, 2 * time.Hour, 3 * time.Hour, 19 * time.Hour, 20 * time.Hour, 30 * time.Hour,
		31 * time.Hour, 49 * time.Hour, 50 * time.Hour,
	} {
		f.clock.Set(start().Add(after))
		for _, tenant := range []telemetry.Tenant{"red", "blue"} {
			for range 1 + rnd.IntN(2) {
				f.flush(tenant, telemetry.Metrics, points(rnd, start().Add(after), 1+rnd.IntN(150)))
			}
			if i%3 == 0 && after < 40*time.Hour && tenant == "red" {
				f.flush(tenant, telemetry.Metrics, points(rnd, start().Add(-3*time.Hour), 20))
			}
		}
		f.sameSeries()
		f.pass()
		grains := f.sameSeries()
		for g := range most {
			most[g] = max(most[g], grains[g])
		}
	}
	for g := range most {
		require.Positive(t, most[g], "grain %d", g)
	}
	f.clock.Set(start().Add(100 * 24 * time.Hour))
	f.pass()
	require.Equal(t, [3]int{}, f.sameSeries())
	var left int
	require.NoError(t, f.db.Pool.QueryRow(testbed.Context(t), `SELECT count(*) FROM rollup`).Scan(&left))
	require.Zero(t, left)
}

// Whatever the step at which the janitor dies, series are those of what is settled.
func TestACrashAtAnyStepLeavesSeriesRight(t *testing.T) {
	t.Parallel()
	for name, trigger := range map[string]string{
		"after the headers are deleted": `AFTER DELETE ON metrics_segment`,
		"after a part":                  `AFTER INSERT ON rollup`,
		"after parts are deleted":       `AFTER DELETE ON rollup`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testbed.Context(t)
			f := newFixture(t)
			rnd := rand.New(rand.NewPCG(7, 8))
			for range 10 {
				f.flush("default", telemetry.Metrics, points(rnd, start(), 50))
			}
			_, err := f.db.Pool.Exec(ctx, `CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`)
			require.NoError(t, err)
			f.clock.Set(start().Add(2 * time.Hour))
			if trigger == `AFTER DELETE ON rollup` {
				f.pass()
				f.clock.Advance(foldAfter + time.Second)
			}
			_, err = f.db.Pool.Exec(ctx, `CREATE TRIGGER boom `+trigger+` FOR EACH ROW EXECUTE FUNCTION boom()`)
			require.NoError(t, err)
			require.Error(t, f.s.pass(ctx))
			f.sameSeries()
			_, err = f.db.Pool.Exec(ctx, `DROP FUNCTION boom CASCADE`)
			require.NoError(t, err)
			f.pass()
			f.clock.Advance(foldAfter + time.Second)
			f.pass()
			require.Equal(t, [3]int{0, 1, 0}, f.sameSeries())
		})
	}
}
