package policystore_test

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/policystore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// fixture is a store, and what it says of one tenant and signal.
type fixture struct {
	*policystore.Store
	t  *testing.T
	db *testbed.DB
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	db := testbed.Database(t)
	s, err := policystore.New(db.Pool)
	require.NoError(t, err)
	return &fixture{Store: s, t: t, db: db}
}

func (f *fixture) of(tenant telemetry.Tenant, signal telemetry.Signal) *policystore.Policy {
	f.t.Helper()
	list, err := f.List(testbed.Context(f.t))
	require.NoError(f.t, err)
	for _, p := range list {
		if p.Tenant == tenant && p.Signal == signal {
			return &p
		}
	}
	return nil
}

// rows asks for rows of spans.
func (f *fixture) rows(tenant telemetry.Tenant, window time.Duration) {
	f.t.Helper()
	require.NoError(f.t, f.Set(testbed.Context(f.t), "test", tenant, []telemetry.Signal{telemetry.Traces}, policystore.Change{Rows: &window}))
}

// age lets time pass: what was said of spans was said so long ago.
func (f *fixture) age(by string) {
	f.t.Helper()
	_, err := f.db.Pool.Exec(testbed.Context(f.t), `UPDATE retention_policy SET rows_since = rows_since - $1::text::interval WHERE signal = 'traces'`, by)
	require.NoError(f.t, err)
}

// since tells how long ago the rows of a tenant begin, by olly.rows; null is a year.
func (f *fixture) since(tenant string) (ago time.Duration) {
	f.t.Helper()
	var seconds float64
	require.NoError(f.t, f.db.Pool.QueryRow(testbed.Context(f.t), `SELECT coalesce(extract(epoch FROM clock_timestamp() - since), 366 * 86400)::float8
		FROM olly.rows WHERE tenant_id = $1 AND signal = 'traces'`, tenant).Scan(&seconds))
	return time.Duration(seconds * float64(time.Second))
}

func TestWhatIsNotSaidStaysAsItIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := testbed.Context(t)
	days, hold, signals := 90, true, []telemetry.Signal{telemetry.Logs, telemetry.Metrics}
	require.NoError(t, f.Set(ctx, "test", "shop", signals, policystore.Change{Days: &days}))
	require.NoError(t, f.Set(ctx, "test", "shop", signals[:1], policystore.Change{Hold: &hold}))
	require.Equal(t, &policystore.Policy{Tenant: "shop", Signal: telemetry.Logs, RetentionPolicy: telemetry.RetentionPolicy{Days: 90, Hold: true}}, f.of("shop", telemetry.Logs))
	require.Equal(t, &policystore.Policy{Tenant: "shop", Signal: telemetry.Metrics, RetentionPolicy: telemetry.RetentionPolicy{Days: 90}}, f.of("shop", telemetry.Metrics))
	require.Nil(t, f.of("shop", telemetry.Traces))
	window := 36 * time.Hour
	require.NoError(t, f.Set(ctx, "test", "shop", telemetry.Signals(), policystore.Change{Rows: &window}))
	got := f.of("shop", telemetry.Traces)
	require.Equal(t, telemetry.RetentionPolicy{Days: 7, Rows: window}, got.RetentionPolicy, "the days are those of the tenant default")
	require.WithinDuration(t, time.Now().Add(time.Minute), got.RowsSince, 30*time.Second)

	require.NoError(t, f.Unset(ctx, "test", "shop", signals))
	require.Nil(t, f.of("shop", telemetry.Logs))
	require.NotNil(t, f.of("shop", telemetry.Traces))

	of, err := f.Of(ctx, "shop")
	require.NoError(t, err)
	require.Len(t, of, 3)
	require.Equal(t, []telemetry.Tenant{"default", "default", "shop"}, []telemetry.Tenant{of[0].Tenant, of[1].Tenant, of[2].Tenant}, "logs, metrics, traces")
	require.Equal(t, *f.of("shop", telemetry.Traces), of[2])

	zero, many, odd, back := 0, 3651, 1500*time.Millisecond, -time.Second
	endless, beginless := policystore.Seconds(math.MaxInt64), policystore.Seconds(math.MinInt64)
	for name, err := range map[string]error{
		"no days":              f.Set(ctx, "test", "shop", signals, policystore.Change{Days: &zero}),
		"more days than taken": f.Set(ctx, "test", "shop", signals, policystore.Change{Days: &many}),
		"half a second":        f.Set(ctx, "test", "shop", signals, policystore.Change{Rows: &odd}),
		"a window below 0":     f.Set(ctx, "test", "shop", signals, policystore.Change{Rows: &back}),
		"no such tenant":       f.Set(ctx, "test", "a b", signals, policystore.Change{Days: &days}),
		"nothing to be set":    f.Set(ctx, "test", "shop", signals, policystore.Change{}),
		"of no signal":         f.Set(ctx, "test", "shop", nil, policystore.Change{Days: &days}),
		"more than a duration": f.Set(ctx, "test", "shop", signals, policystore.Change{Rows: &endless}),
		"less than a duration": f.Set(ctx, "test", "shop", signals, policystore.Change{Rows: &beginless}),
		"that of all others":   f.Unset(ctx, "test", telemetry.DefaultTenant, signals),
	} {
		require.Equal(t, fault.Invalid, fault.ClassOf(err), name)
	}
	require.Equal(t, 3, f.of(telemetry.DefaultTenant, telemetry.Logs).Days)
}

// What is told of rows is never more than there is: not after a window was widened, nor by the policy of others.
func TestRowsAreToldSinceWhenThereAreAny(t *testing.T) {
	t.Parallel()
	const year, slack = 366 * 24 * time.Hour, 50 * time.Second
	f := newFixture(t)
	about := func(want time.Duration, tenant, why string) {
		t.Helper()
		require.InDelta(t, want, f.since(tenant), float64(slack), why)
	}
	about(year, "default", "none, unless somebody asks")
	f.rows("default", 48*time.Hour)
	about(-time.Minute, "default", "from when every writer knows")
	f.age("10 hours")
	about(10*time.Hour-time.Minute, "default", "since it was asked for")
	f.age("90 hours")
	about(48*time.Hour, "default", "and no longer than they are kept")

	f.rows("shop", time.Hour)
	about(time.Hour, "shop", "it had those of the tenant default until now")
	f.rows("shop", 24*time.Hour)
	about(time.Hour-time.Minute, "shop", "what is older was dropped, and does not come back; writers take another minute")
	f.rows("shop", 0)
	about(year, "shop", "none")
	require.Zero(t, f.of("shop", telemetry.Traces).RowsSince)
	f.rows("shop", 24*time.Hour)
	about(-time.Minute, "shop", "a new beginning")
	f.rows("shop", 24*time.Hour)
	about(-time.Minute, "shop", "the same again")

	day := 1
	f.rows("brief", 48*time.Hour)
	require.NoError(t, f.Set(testbed.Context(t), "test", "brief", telemetry.Signals(), policystore.Change{Days: &day}))
	about(24*time.Hour, "brief", "rows go with the data")
	require.WithinDuration(t, time.Now().Add(-24*time.Hour), f.of("brief", telemetry.Traces).RowsSince, slack)

	f.age("12 hours")
	f.rows("quiet", 0)
	about(year, "quiet", "none of its own")
	require.NoError(t, f.Unset(testbed.Context(t), "test", "quiet", telemetry.Signals()))
	about(-time.Minute, "default", "a tenant that had none has this policy now: it is told of all what holds for each")
	about(12*time.Hour-time.Minute, "shop", "its own")
}

// How far back there are rows is decided by window, days and hold alike, in an update, an insert and a delete.
func TestWhatWasDroppedWithItsDataIsNotPromisedAgain(t *testing.T) {
	t.Parallel()
	const day, slack = 24 * time.Hour, 50 * time.Second
	one, seven, yes, no := 1, 7, true, false
	window, short := 2*day, day/2
	for name, c := range map[string]struct {
		common, first, then policystore.Change // of the tenant default, and of shop; then is an unset where it says nothing
		want                time.Duration
	}{
		"more days":                     {first: policystore.Change{Days: &one, Rows: &window}, then: policystore.Change{Days: &seven}, want: day},
		"a hold":                        {first: policystore.Change{Days: &one, Rows: &window}, then: policystore.Change{Hold: &yes}, want: day},
		"a hold that ends":              {first: policystore.Change{Days: &one, Rows: &window, Hold: &yes}, then: policystore.Change{Hold: &no}, want: day},
		"fewer days":                    {first: policystore.Change{Days: &seven, Rows: &window}, then: policystore.Change{Days: &one}, want: day},
		"days beyond the window":        {first: policystore.Change{Days: &one, Rows: &short}, then: policystore.Change{Days: &seven}, want: day / 2},
		"a first policy with more":      {common: policystore.Change{Days: &one, Rows: &window}, then: policystore.Change{Days: &seven}, want: day},
		"a first policy with less":      {common: policystore.Change{Days: &seven, Rows: &window}, then: policystore.Change{Days: &one}, want: day},
		"unset, after fewer days":       {common: policystore.Change{Rows: &window}, first: policystore.Change{Days: &one}, want: day},
		"unset, after more":             {common: policystore.Change{Days: &one, Rows: &window}, first: policystore.Change{Days: &seven}, want: day},
		"unset, after a smaller window": {common: policystore.Change{Rows: &window}, first: policystore.Change{Rows: &short}, want: day / 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			ctx, spans := testbed.Context(t), []telemetry.Signal{telemetry.Traces}
			for _, said := range []struct {
				tenant telemetry.Tenant
				policystore.Change
			}{{telemetry.DefaultTenant, c.common}, {"shop", c.first}} {
				if said.Change != (policystore.Change{}) {
					require.NoError(t, f.Set(ctx, "test", said.tenant, spans, said.Change))
				}
			}
			f.age("100 hours")
			tenant := "shop"
			if c.then == (policystore.Change{}) {
				tenant = "default" // whose policy shop has then
				require.NoError(t, f.Unset(ctx, "test", "shop", spans))
			} else {
				require.NoError(t, f.Set(ctx, "test", "shop", spans, c.then))
			}
			since := f.since(tenant)
			require.InDelta(t, c.want, since, float64(slack+time.Minute))
			require.LessOrEqual(t, since, c.want+time.Second, "never more than there is")
		})
	}
}

// A tenant that asked for rows an hour ago keeps what it has when it goes back to the policy of all, and is not told of what those have longer.
func TestWhoGoesBackToTheCommonPolicyBringsItsOwnRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.rows("default", 24*time.Hour)
	f.age("100 hours")
	f.rows("shop", 0)
	f.rows("shop", 24*time.Hour)
	_, err := f.db.Pool.Exec(testbed.Context(t), `UPDATE retention_policy SET rows_since = rows_since - interval '1 hour' WHERE tenant_id = 'shop' AND signal = 'traces'`)
	require.NoError(t, err)
	require.NoError(t, f.Unset(testbed.Context(t), "test", "shop", telemetry.Signals()))
	require.InDelta(t, time.Hour-time.Minute, f.since("default"), float64(50*time.Second))
}

// A change of days that was asked for while a hold was being set waits for it, and leaves it.
func TestChangesAtOnceKeepEachOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := testbed.Context(t)
	twice := []telemetry.Signal{telemetry.Traces, telemetry.Traces}
	days := 30
	require.NoError(t, f.Set(ctx, "test", "shop", twice, policystore.Change{Days: &days}), "a signal that is named twice is meant once")

	tx, err := f.db.Pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `UPDATE retention_policy SET legal_hold = true WHERE tenant_id = 'shop'`)
	require.NoError(t, err)
	done := make(chan error, 1)
	days = 5
	go func() { done <- f.Set(ctx, "test", "shop", twice, policystore.Change{Days: &days}) }()
	testbed.Eventually(t, "the change waits for the hold", func() bool {
		var waiting int
		return f.db.Pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`).Scan(&waiting) == nil && waiting > 0
	})
	require.NoError(t, tx.Commit(ctx))
	require.NoError(t, <-done)
	require.Equal(t, telemetry.RetentionPolicy{Days: 5, Hold: true}, f.of("shop", telemetry.Traces).RetentionPolicy)
}
