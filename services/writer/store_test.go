package writer

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// store is a database under test with what a writer keeps beside it.
type store struct {
	*database
	t     testing.TB
	db    *testbed.DB
	clock *testbed.Clock
}

// newStore is a writer on a database in which items are rows, too.
func newStore(t testing.TB) *store {
	t.Helper()
	db := testbed.Database(t)
	db.KeepRows(t)
	return openStore(t, db, testbed.NewClock(epoch))
}

// openStore is another writer on the same database.
func openStore(t testing.TB, db *testbed.DB, clock *testbed.Clock) *store {
	t.Helper()
	sql, err := newStatements()
	require.NoError(t, err)
	return &store{t: t, db: db, clock: clock, database: &database{
		pool: db.Pool, sql: sql, now: clock.Now, segmentItems: 1000, maxAhead: 24 * time.Hour, known: newKnown(1 << 20),
		policies: &policies{pool: db.Pool, sql: sql, refresh: time.Minute},
	}}
}

func (s *store) put(signal telemetry.Signal, batches ...*held) outcome {
	s.t.Helper()
	out, err := s.store(testbed.Context(s.t), newBuild(signal), batches)
	require.NoError(s.t, err)
	return out
}

// count asks for one number.
func (s *store) count(sql string, args ...any) int64 {
	s.t.Helper()
	var n int64
	require.NoError(s.t, s.db.Pool.QueryRow(testbed.Context(s.t), sql, args...).Scan(&n))
	return n
}

// items is the number of items in the segments of a signal, and of rows in its projection.
func (s *store) items(signal telemetry.Signal) (segments, rows int64) {
	s.t.Helper()
	return s.count("SELECT coalesce(sum(items), 0) FROM " + segmentTable(signal)), s.count("SELECT count(*) FROM " + factTable(signal))
}

// positions are unique within the process: parallel tests share them.
var positions atomic.Int64

// batch makes a delivery that nobody settles.
func batch(tenant telemetry.Tenant, signal telemetry.Signal, payload []byte, items int) *held {
	return &held{
		Batch: telemetry.Batch{
			Request: telemetry.NewRequestID(tenant, signal, payload), Tenant: tenant, Signal: signal, Connection: "key-1", Received: epoch,
			Items: items, Payload: payload,
		},
		position: positions.Add(1), attempts: 1, arrived: epoch,
		settle: func(context.Context, error) error { return nil }, keep: func() error { return nil },
	}
}

func sample(signal telemetry.Signal, at time.Time) *held {
	return batch(telemetry.DefaultTenant, signal, testbed.Sample(signal, at), 0)
}

func shopSpans(seed uint64, at time.Time, n int) *held {
	return batch(telemetry.DefaultTenant, telemetry.Traces, testbed.TracesPayload(testbed.NewShop(seed, at).Traces(n)), n)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	testbed.Golden(t, filepath.Join("testdata", name), got)
}

// text renders rows as one readable text, a column a line.
func (s *store) text(sql string) string {
	s.t.Helper()
	rows, err := s.db.Pool.Query(testbed.Context(s.t), "SELECT jsonb_pretty(to_jsonb(r)) FROM ("+sql+") AS r")
	require.NoError(s.t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s.t, err)
	return strings.Join(texts, "\n") + "\n"
}

func TestGoldenRows(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, signal := range telemetry.Signals() {
		out := s.put(signal, sample(signal, epoch))
		require.Empty(t, out.refused)
		require.Positive(t, out.items)
		require.Equal(t, out.items, out.rows)
	}
	golden(t, "spans_fact.golden", s.text("SELECT * FROM spans_fact ORDER BY start_time_unix_nano, span_id, duration_nano"))
	golden(t, "logs_fact.golden", s.text("SELECT * FROM logs_fact ORDER BY time_unix_nano"))
	golden(t, "metrics_fact.golden", s.text("SELECT * FROM metrics_fact ORDER BY time_unix_nano, series_id"))
	golden(t, "dimensions.golden", strings.Join([]string{
		s.text("SELECT tenant_id, service_id, name, namespace, last_seen_day FROM service_dim ORDER BY name"),
		s.text("SELECT tenant_id, operation_id, service_id, name, kind, last_seen_day FROM operation_dim ORDER BY service_id, name, kind"),
		s.text("SELECT tenant_id, resource_id, service_id, attributes, schema_url, dropped_attributes_count FROM resource_dim ORDER BY resource_id"),
		s.text("SELECT tenant_id, scope_id, name, version, attributes, schema_url, dropped_attributes_count FROM scope_dim ORDER BY name, version"),
		s.text(`SELECT tenant_id, series_id, service_id, resource_id, scope_id, metric_name, metric_type, temporality, monotonic, unit,
			description, attributes, metadata FROM series_dim ORDER BY metric_name, series_id`),
	}, ""))
}

func TestGoldenSegmentHeaders(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.segmentItems = 100
	shop := testbed.NewShop(1, epoch.Add(-5*time.Minute))
	for i, h := range []*held{
		batch("default", telemetry.Traces, testbed.TracesPayload(shop.Traces(450)), 450),
		batch("default", telemetry.Logs, testbed.LogsPayload(shop.Logs(250)), 250),
		batch("default", telemetry.Metrics, testbed.MetricsPayload(shop.Metrics(250)), 250),
	} {
		h.position = int64(i + 1) // those of the process are shared with the tests beside
		s.put(h.Signal, h)
	}
	var all strings.Builder
	for _, signal := range telemetry.Signals() {
		all.WriteString(s.text(`SELECT min_time, max_time, min_position, max_position, items, errors, roots, level, format, slot,
			service_ids::text, service_items::text, service_max_duration::text, service_max_error_duration::text,
			octet_length(trace_filter) > 0 AS has_trace_filter, octet_length(token_filter) > 0 AS has_token_filter
			FROM ` + segmentTable(signal) + " ORDER BY min_time, items, max_time"))
	}
	golden(t, "segments.golden", all.String())
}

func TestWhatIsStoredIsWhatWasSent(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, signal := range telemetry.Signals() {
		sent := testbed.Sample(signal, epoch)
		s.put(signal, batch("default", signal, sent, 0))
		require.Equal(t, flatten(t, signal, sent), flatten(t, signal, s.otlp("default", signal)), signal)
	}
}

func freshTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Fresh }

// otlp reads all segments of a tenant back.
func (s *store) otlp(tenant telemetry.Tenant, signal telemetry.Signal) []byte {
	s.t.Helper()
	whole := segmentrow.Select("checksum", "directory", "body")
	rows, err := s.db.Pool.Query(testbed.Context(s.t), `SELECT `+whole.List("s")+` FROM `+segmentrow.From(signal)+`
		WHERE s.tenant_id = $1 ORDER BY s.min_time`, string(tenant))
	require.NoError(s.t, err)
	table := segment.NewTable(tenant, signal)
	require.NoError(s.t, whole.ForEach(rows, func(r *segmentrow.Row) error {
		require.NoError(s.t, r.Verify())
		d, err := segment.ParseDirectory(r.Directory)
		require.NoError(s.t, err)
		return table.AppendSegment(d, []segment.Part{{Bytes: r.Body}}, segment.WantAll())
	}))
	return table.OTLP(nil)
}

func TestABatchSentTwiceIsStoredOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	first, second := shopSpans(1, epoch, 100), shopSpans(2, epoch, 50)
	again := shopSpans(1, epoch, 100)
	require.Equal(t, first.ID(), again.ID())

	require.Zero(t, s.put(telemetry.Traces, first).duplicates)
	out := s.put(telemetry.Traces, again, second)
	require.Equal(t, 1, out.duplicates)
	require.Equal(t, 50, out.items)
	out = s.put(telemetry.Traces, first, second)
	require.Equal(t, 2, out.duplicates)

	segments, rows := s.items(telemetry.Traces)
	require.Equal(t, int64(150), segments)
	require.Equal(t, int64(150), rows)
	require.Equal(t, int64(2), s.count("SELECT count(*) FROM ingest_batch WHERE NOT guard"))
	require.Equal(t, int64(150), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
}

func TestTheSameBytesOfTwoTenantsAreTwoBatches(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	payload := testbed.Sample(telemetry.Traces, epoch)
	out := s.put(telemetry.Traces, batch("one", telemetry.Traces, payload, 0), batch("two", telemetry.Traces, payload, 0))
	require.Zero(t, out.duplicates)
	require.Equal(t, int64(2), s.count("SELECT count(DISTINCT tenant_id) FROM spans_segment"))
	require.Zero(t, s.count("SELECT count(*) FROM spans_segment a JOIN spans_segment b ON a.tenant_id < b.tenant_id AND a.segment_id = b.segment_id"))
	require.Equal(t, flatten(t, telemetry.Traces, payload), flatten(t, telemetry.Traces, s.otlp("two", telemetry.Traces)))
	require.Equal(t, int64(2), s.count("SELECT count(*) FROM tenant_dim WHERE tenant_id IN ('one', 'two')"))
}

func TestWritersThatHoldTheSameBatchesStoreThemOnce(t *testing.T) {
	t.Parallel()
	const writers, batches, spans = 4, 12, 40
	s := newStore(t)
	var wg sync.WaitGroup
	outs := make([]outcome, writers)
	errs := make([]error, writers)
	for w := range writers {
		own := openStore(t, s.db, s.clock)
		wg.Go(func() {
			// Every writer holds all batches, in another order, one flush for each three.
			b := newBuild(telemetry.Traces)
			for i := range batches / 3 {
				var flush []*held
				for k := range 3 {
					flush = append(flush, shopSpans(uint64((i*3+k+w*5)%batches), epoch, spans))
				}
				out, err := own.store(context.Background(), b, flush)
				if err != nil {
					errs[w] = err
					return
				}
				outs[w].items += out.items
			}
		})
	}
	wg.Wait()
	total := 0
	for w := range writers {
		require.NoError(t, errs[w])
		total += outs[w].items
	}
	require.Equal(t, batches*spans, total)
	segments, rows := s.items(telemetry.Traces)
	require.Equal(t, int64(batches*spans), segments)
	require.Equal(t, int64(batches*spans), rows)
}

func TestARetryAfterMidnightIsRecognised(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.clock.Set(time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC))
	s.put(telemetry.Traces, shopSpans(1, epoch, 10))
	s.clock.Advance(2 * time.Second)
	require.Equal(t, 1, s.put(telemetry.Traces, shopSpans(1, epoch, 10)).duplicates)
	s.clock.Set(time.Date(2026, 11, 24, 23, 59, 59, 0, time.UTC))
	require.Equal(t, 1, s.put(telemetry.Traces, shopSpans(1, epoch, 10)).duplicates)
	s.clock.Set(epoch) // another writer's clock lags
	require.Equal(t, 1, s.put(telemetry.Traces, shopSpans(1, epoch, 10)).duplicates)
	segments, _ := s.items(telemetry.Traces)
	require.Equal(t, int64(10), segments)
}

func TestABatchThatCannotBeDecodedCostsItsNeighboursNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	bad := batch("default", telemetry.Traces, []byte("\x0a\xff not protobuf"), 1)
	good := shopSpans(1, epoch, 10)
	out := s.put(telemetry.Traces, bad, good, batch("default", telemetry.Traces, nil, 0))
	require.Len(t, out.refused, 1)
	require.Same(t, bad, out.refused[0].held)
	require.Equal(t, fault.Invalid, fault.ClassOf(out.refused[0].err))
	require.Equal(t, 10, out.items)
	require.Zero(t, s.count("SELECT count(*) FROM ingest_batch WHERE batch_id = $1", [16]byte(bad.ID())), "it may come again, repaired")

	out = s.put(telemetry.Traces, bad)
	require.Len(t, out.refused, 1)
}

func TestAFlushIsStoredWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, table := range []string{"spans_segment", "spans_fresh", "spans_fact"} {
		_, err := s.db.Pool.Exec(testbed.Context(t), "ALTER TABLE "+table+" ADD CONSTRAINT refuse CHECK (tenant_id <> 'bad') NOT VALID")
		require.NoError(t, err)
		payload := testbed.TracesPayload(testbed.NewShop(7, epoch).Traces(10))
		_, err = s.store(testbed.Context(t), newBuild(telemetry.Traces), []*held{
			shopSpans(1, epoch, 10), batch("bad", telemetry.Traces, payload, 10),
		})
		require.Equal(t, fault.Invalid, fault.ClassOf(err), "%s: %v", table, err)
		for _, empty := range []string{"spans_segment", "spans_fresh", "spans_fact", "ingest_batch", "service_dim", "resource_dim"} {
			require.Zero(t, s.count("SELECT count(*) FROM "+empty), "%s, refused by %s", empty, table)
		}
		_, err = s.db.Pool.Exec(testbed.Context(t), "ALTER TABLE "+table+" DROP CONSTRAINT refuse")
		require.NoError(t, err)
	}
	require.Equal(t, 10, s.put(telemetry.Traces, shopSpans(1, epoch, 10)).items, "nothing is remembered of what failed")
	require.Positive(t, s.count("SELECT count(*) FROM service_dim"))
}

func TestMissingPartitionsAreMadeOnDemand(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, err := s.db.Pool.Exec(testbed.Context(t), "UPDATE retention_policy SET days = 30")
	require.NoError(t, err)
	for _, at := range []time.Time{epoch, epoch.Add(-50 * time.Hour), epoch.Add(-30 * 24 * time.Hour), epoch.Add(time.Hour)} {
		s.put(telemetry.Traces, shopSpans(uint64(at.Unix()), at, 10))
	}
	for table, partition := range map[string]string{
		"spans_segment": "spans_segment_y2026_m10", "spans_fact": "spans_fact_y2026_m11_d23_h12",
		"ingest_batch": "ingest_batch_y2026_m11_d24",
	} {
		require.Equal(t, int64(1), s.count("SELECT count(*) FROM partitions($1) WHERE partition = $2", table, partition), partition)
	}
	segments, rows := s.items(telemetry.Traces)
	require.Equal(t, int64(40), segments)
	require.Equal(t, int64(20), rows, "late items are in the segments, but not in the rows of the last 24 hours")
}

func TestAPartitionDroppedBehindTheWriterIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.put(telemetry.Traces, shopSpans(1, epoch, 10))
	_, err := s.db.Pool.Exec(testbed.Context(t), "SELECT drop_partition('spans_segment', 'spans_segment_y2026_m11')")
	require.NoError(t, err)
	b := shopSpans(2, epoch, 10)
	_, err = s.store(testbed.Context(t), newBuild(telemetry.Traces), []*held{b})
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
	require.Equal(t, 10, s.put(telemetry.Traces, b).items)
}

func TestRowsFollowThePolicy(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	exec := func(sql string) {
		t.Helper()
		_, err := s.db.Pool.Exec(testbed.Context(t), sql)
		require.NoError(t, err)
	}
	exec("UPDATE retention_policy SET rows_window = '0' WHERE signal = 'traces'")
	exec("INSERT INTO retention_policy (tenant_id, signal, days, rows_window) VALUES ('sql', 'traces', 7, '2 hours')")
	payload := func(seed uint64, at time.Time) []byte {
		return testbed.TracesPayload(testbed.NewShop(seed, at).Traces(10))
	}
	s.put(telemetry.Traces,
		batch("default", telemetry.Traces, payload(1, epoch), 10),
		batch("sql", telemetry.Traces, payload(1, epoch), 10),
		batch("sql", telemetry.Traces, payload(2, epoch.Add(-3*time.Hour)), 10),
		batch("unheard-of", telemetry.Traces, payload(1, epoch), 10), // has the default tenant's policy
	)
	segments, rows := s.items(telemetry.Traces)
	require.Equal(t, int64(40), segments)
	require.Equal(t, int64(10), rows)
	require.Equal(t, int64(10), s.count("SELECT count(*) FROM spans_fact WHERE tenant_id = 'sql'"))

	exec("UPDATE retention_policy SET rows_window = '1 hour' WHERE tenant_id = 'default'")
	s.put(telemetry.Traces, batch("default", telemetry.Traces, payload(3, epoch), 10))
	require.Zero(t, s.count("SELECT count(*) FROM spans_fact WHERE tenant_id = 'default'"), "what is known is a minute old at most")
	s.clock.Advance(time.Minute)
	s.put(telemetry.Traces, batch("default", telemetry.Traces, payload(4, epoch), 10))
	require.Equal(t, int64(10), s.count("SELECT count(*) FROM spans_fact WHERE tenant_id = 'default'"))
}

func TestASteadyStateSendsNoDimensions(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	shop := testbed.NewShop(1, epoch)
	s.put(telemetry.Traces, batch("default", telemetry.Traces, testbed.TracesPayload(shop.Traces(3000)), 3000))
	b := newBuild(telemetry.Traces)
	flush := []*held{batch("default", telemetry.Traces, testbed.TracesPayload(shop.Traces(100)), 100)}
	_, err := s.store(testbed.Context(t), b, flush)
	require.NoError(t, err)
	require.LessOrEqual(t, len(b.dims.pending), 5)
	require.NotContains(t, b.dims.pending, s.known.key(dimTenant, s.known.tenant("default"), 0))
}

func TestLastSeenDayMovesOnceADay(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	seen := func() int64 {
		return s.count("SELECT count(*) FROM service_dim WHERE last_seen_day = $1", s.clock.Now().Truncate(24*time.Hour))
	}
	s.put(telemetry.Traces, shopSpans(1, epoch, 300))
	services := seen()
	require.Positive(t, services)
	version := "SELECT count(DISTINCT xmin::text) FROM service_dim"
	require.Equal(t, int64(1), s.count(version))

	s.clock.Advance(24 * time.Hour)
	require.Zero(t, seen())
	s.put(telemetry.Traces, shopSpans(1, s.clock.Now(), 300))
	require.Equal(t, services, seen())
	require.Equal(t, services, s.count("SELECT count(*) FROM service_dim"), "moved, not entered again")

	// Another writer, which knows nothing yet, moves nothing.
	before := s.text("SELECT xmin::text, service_id FROM service_dim ORDER BY service_id")
	openStore(t, s.db, s.clock).put(telemetry.Traces, shopSpans(2, s.clock.Now(), 300))
	require.Equal(t, before, s.text("SELECT xmin::text, service_id FROM service_dim ORDER BY service_id"))
}

// Right after midnight a flush moves what is due by then and no more, and by four o'clock all; what is new is entered at once. Usage counts what is
// entered or moved.
func TestMidnightMovesEntriesOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	midnight := epoch.Truncate(day).Add(day)
	s.clock.Advance(midnight.Add(-time.Minute).Sub(s.clock.Now()))
	points := func() *held {
		return batch("default", telemetry.Metrics, seriesPayload(int(s.clock.Now().Sub(midnight).Minutes())+2, 0, 500), 500)
	}
	seen := func(when string) int64 {
		return s.count("SELECT count(*) FROM series_dim WHERE last_seen_day = $1 AND "+when, s.clock.Now().Truncate(day))
	}
	counted := func() int64 {
		return s.count("SELECT coalesce(sum(series), 0)::bigint FROM tenant_usage WHERE day = $1", s.clock.Now().Truncate(day))
	}
	s.put(telemetry.Metrics, points())
	require.EqualValues(t, 500, seen("true"))
	last := int64(0)
	for _, c := range []struct {
		at  time.Duration
		due string
	}{{0, "series_id < -9223372036854775000"}, {spread / 4, "series_id <= -4611686018427387904"}, {spread / 2, "series_id <= 0"}, {spread, "true"}} {
		s.clock.Advance(midnight.Add(c.at).Sub(s.clock.Now()))
		s.put(telemetry.Metrics, points())
		require.Equal(t, s.count("SELECT count(*) FROM series_dim WHERE "+c.due), seen("true"), c.at)
		require.Equal(t, seen("true"), seen(c.due), c.at)
		require.Equal(t, seen("true"), counted(), c.at)
		if c.at > 0 {
			require.Greater(t, seen("true"), last, c.at)
		}
		last = seen("true")
	}
	s.clock.Advance(midnight.Add(day + time.Minute).Sub(s.clock.Now()))
	s.put(telemetry.Metrics, batch("default", telemetry.Metrics, seriesPayload(3000, 500, 10), 10))
	require.EqualValues(t, 10, seen("true"), "new ones")
}

func TestNamesTooLongForAnIndexAreShortenedInTheDimensions(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	long := strings.Repeat("x", 100_000)
	td := testbed.NewShop(1, epoch).Traces(1)
	td.ResourceSpans().At(0).Resource().Attributes().PutStr("service.name", long)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetName(long)
	out := s.put(telemetry.Traces, batch("default", telemetry.Traces, testbed.TracesPayload(td), 1))
	require.Equal(t, 1, out.items)
	require.Equal(t, int64(schema.MaxName), s.count("SELECT max(length(name)) FROM service_dim"))
	require.Equal(t, flatten(t, telemetry.Traces, testbed.TracesPayload(td)), flatten(t, telemetry.Traces, s.otlp("default", telemetry.Traces)))
}

// A batch that came to the bus by another way than ingest makes no partition that nobody would have dropped for a year.
func TestBatchesFarOutOfTimeAreRefusedAlone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, err := s.db.Pool.Exec(testbed.Context(t), "INSERT INTO retention_policy (tenant_id, signal, days, legal_hold) VALUES ('court', 'traces', 1, true), ('long', 'traces', 400, false)")
	require.NoError(t, err)
	of := func(tenant telemetry.Tenant, seed uint64, at time.Time) *held {
		h := shopSpans(seed, at, 10)
		return batch(tenant, telemetry.Traces, h.Payload, 10)
	}
	day := 24 * time.Hour
	old, ahead := of("default", 1, epoch.Add(-400*day)), of("default", 2, epoch.Add(25*time.Hour))
	other := of("shop", 3, epoch.Add(-10*day))
	out, err := s.store(testbed.Context(t), newBuild(telemetry.Traces), []*held{
		old, of("default", 4, epoch), ahead, of("default", 5, epoch.Add(-8*day)), // admitted, and long in the queue
		other, of("court", 6, epoch.Add(-400*day)), of("long", 7, epoch.Add(-400*day)), of("default", 8, epoch.Add(23*time.Hour)),
	})
	require.NoError(t, err)
	refused := map[*held]string{}
	for _, r := range out.refused {
		require.Equal(t, fault.Invalid, fault.ClassOf(r.err))
		refused[r.held] = fault.From(r.err).Code
	}
	require.Equal(t, map[*held]string{old: "writer.time", ahead: "writer.time", other: "writer.time"}, refused)
	require.Equal(t, 50, out.items)
	segments, _ := s.items(telemetry.Traces)
	require.Equal(t, int64(50), segments)
}

// mixed is one batch with items of epoch, old ones between them, and how many of each.
func mixed(t *testing.T, signal telemetry.Signal, old time.Time) (h *held, in, out int) {
	t.Helper()
	shop := func(seed uint64, at time.Time, n int) ([]byte, int) {
		payload := testbed.NewShop(seed, at).Payload(signal, n)
		return payload, len(flatten(t, signal, payload))
	}
	var payload []byte // requests one after the other are one request
	for i, n := range []int{5, 1, 8, 3, 1, 20} {
		at, count := epoch, &in
		if i%2 == 1 {
			at, count = old, &out
		}
		more, items := shop(uint64(i)+1, at, n)
		payload, *count = append(payload, more...), *count+items
	}
	return batch(telemetry.DefaultTenant, signal, payload, in+out), in, out
}

// An ingest that was told of no policy lets in what is older than its tenant keeps, in one request with what is not.
func TestItemsOutOfTimeDoNotCostTheOthersOfTheirBatch(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			h, in, old := mixed(t, signal, epoch.Add(-year))
			neighbour := batch(telemetry.DefaultTenant, signal, testbed.NewShop(9, epoch).Payload(signal, 10), 0)
			neighbours := flatten(t, signal, neighbour.Payload)
			neighbour.Items = len(neighbours)
			for range 2 { // as after a crash before the settling
				out := s.put(signal, h, neighbour)
				require.Empty(t, out.refused)
				require.Len(t, out.cut, 1)
				require.Same(t, h, out.cut[0].held)
				require.True(t, errTime.Matches(out.cut[0].err))
				require.ErrorContains(t, out.cut[0].err, fmt.Sprintf("%d of the %d items", old, in+old))
				require.Len(t, s.stored(t, signal), in+len(neighbours))
				require.EqualValues(t, in+len(neighbours), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"), "the ledger does not say that all of it is stored")
			}
			require.Zero(t, s.count("SELECT count(*) FROM partitions('"+segmentTable(signal)+"') WHERE partition < $1", segmentTable(signal)+"_y2026"))

			// The dead letter is put back when more is kept: what is missing is stored, and nothing twice.
			_, err := s.db.Pool.Exec(testbed.Context(t), "UPDATE retention_policy SET days = 400")
			require.NoError(t, err)
			s.clock.Advance(time.Hour)
			out := s.put(signal, h)
			require.Empty(t, out.cut)
			require.Equal(t, old, out.items)
			require.Equal(t, in, out.repeated)
			want := slices.Concat(neighbours, flatten(t, signal, h.Payload))
			slices.Sort(want)
			require.Equal(t, want, s.stored(t, signal))
		})
	}
}

func TestOfPartsOfARequestItemsOutOfTimeAreCutToo(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	td := testbed.NewShop(1, epoch).Traces(40)
	old := telemetry.Ordinals{}
	n := uint32(0)
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if n%3 == 1 {
					span.SetStartTimestamp(pcommon.NewTimestampFromTime(epoch.Add(-10_000 * time.Hour)))
					old = old.Add(n)
				}
				n++
			}
		}
	}
	all := batch(telemetry.DefaultTenant, telemetry.Traces, testbed.TracesPayload(td), int(n))
	some := ordinals(t, "2-5,7,9-30,38-39")
	out := s.put(telemetry.Traces, part(all, some), part(all, ordinals(t, "33-36")))
	require.Len(t, out.cut, 2)
	want := some.Union(ordinals(t, "33-36")).Without(old)
	require.Equal(t, flatten(t, telemetry.Traces, telemetry.Cut(telemetry.Traces, all.Payload, all.Covers(), want)), s.stored(t, telemetry.Traces))
	covered := ""
	require.NoError(t, s.db.Pool.QueryRow(testbed.Context(t), "SELECT covered FROM ingest_batch WHERE NOT guard").Scan(&covered))
	require.Equal(t, want.String(), covered)

	// Of a batch whose envelope does not say which items it holds, nothing can be left out.
	liar := part(all, ordinals(t, "0-9"))
	liar.Request[0]++
	liar.Ordinals = ordinals(t, "0-8")
	out = s.put(telemetry.Traces, liar)
	require.Empty(t, out.cut)
	require.Len(t, out.refused, 1)
	require.True(t, errTime.Matches(out.refused[0].err))
	require.Equal(t, flatten(t, telemetry.Traces, telemetry.Cut(telemetry.Traces, all.Payload, all.Covers(), want)), s.stored(t, telemetry.Traces))
}

// What is refused only when it is built again is in the ledger by then: the flush fails as a whole, and the ledger forgets it.
func TestWhatIsRefusedOnlyWhenItIsBuiltAgainIsNotTakenForStored(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	known, other := shopSpans(1, epoch, 10), shopSpans(2, epoch, 10)
	s.put(telemetry.Traces, part(known, ordinals(t, "0-3")))
	bounds := 0
	p := plan{now: epoch, segmentItems: 1000, known: s.known, homes: oneBucket, rowsSince: func(telemetry.Tenant) int64 { return math.MaxInt64 }}
	p.bounds = func(t telemetry.Tenant) (least, most int64) {
		if bounds++; bounds > 1 {
			return epoch.Add(time.Hour).UnixNano(), math.MaxInt64
		}
		return always(t)
	}
	_, err := s.commit(testbed.Context(t), newBuild(telemetry.Traces), []*held{known, other}, p)
	require.True(t, errRebuilt.Matches(err), "%v", err)
	require.Equal(t, fault.Internal, fault.ClassOf(err), "they are given back")
	require.Equal(t, int64(4), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
	require.Equal(t, 16, s.put(telemetry.Traces, known, other).items)
}

// A flush is built twice where something of it is stored already. Another flush may learn of a new policy in between: the batch that was in time when it
// was entered into the ledger is in time when it is written.
func TestAFlushGoesByOnePolicyFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx := testbed.Context(t)
	known, late := shopSpans(1, epoch, 10), shopSpans(2, epoch.Add(-8*24*time.Hour), 10)
	s.put(telemetry.Traces, part(known, ordinals(t, "0-3")), shopSpans(3, epoch.Add(-8*24*time.Hour), 10)) // and makes the partitions

	entering, err := s.db.Pool.Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = entering.Rollback(context.Background()) }()
	_, err = entering.Exec(ctx, "LOCK TABLE ingest_batch IN SHARE MODE")
	require.NoError(t, err)
	type result struct {
		out outcome
		err error
	}
	done := make(chan result, 1)
	go func() {
		out, err := s.store(ctx, newBuild(telemetry.Traces), []*held{known, late})
		done <- result{out, err}
	}()
	testbed.Eventually(t, "the flush waits for the ledger", func() bool {
		return s.count("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") > 0
	})
	_, err = s.db.Pool.Exec(ctx, "UPDATE retention_policy SET days = 1, rows_window = '0' WHERE signal = 'traces'")
	require.NoError(t, err)
	changed, err := s.policies.reload(ctx, s.clock.Now())
	require.NoError(t, err)
	least, _ := changed.bounds(telemetry.DefaultTenant, telemetry.Traces, s.clock.Now(), 0)
	require.Greater(t, least, late.Received.Add(-8*24*time.Hour).UnixNano(), "too late by the new policy")
	require.NoError(t, entering.Rollback(ctx))

	got := <-done
	require.NoError(t, got.err)
	require.Empty(t, got.out.refused)
	require.Equal(t, 16, got.out.items)
	segments, _ := s.items(telemetry.Traces)
	require.Equal(t, int64(30), segments)
	require.Equal(t, segments, s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"), "what is in the ledger is stored")
}

// What ingest is told is what flushes go by: one statement reads it for both.
func TestFlushesGoByWhatWasToldLast(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx := testbed.Context(t)
	_, err := s.policies.load(ctx, s.clock.Now())
	require.NoError(t, err)
	_, err = s.db.Pool.Exec(ctx, "INSERT INTO retention_policy (tenant_id, signal, days, rows_window) VALUES ('shop', 'logs', 90, '2 hours')")
	require.NoError(t, err)
	told, err := s.policies.reload(ctx, s.clock.Now())
	require.NoError(t, err)
	used, err := s.policies.load(ctx, s.clock.Now())
	require.NoError(t, err)
	require.Same(t, told, used)
	require.Equal(t, telemetry.RetentionPolicy{Days: 90, Rows: 2 * time.Hour}, used.retention.Of("shop", telemetry.Logs))
	require.Equal(t, epoch.Add(-2*time.Hour).UnixNano(), used.rowsSince("shop", telemetry.Logs, epoch))
	require.Equal(t, epoch.Add(-24*time.Hour).UnixNano(), used.rowsSince("other", telemetry.Logs, epoch), "as default has")
}

func TestHostileTimesAreRefusedAlone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	td := testbed.NewShop(1, epoch).Traces(1)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetStartTimestamp(math.MaxUint64)
	out, err := s.store(testbed.Context(t), newBuild(telemetry.Traces), []*held{batch("default", telemetry.Traces, testbed.TracesPayload(td), 1)})
	require.NoError(t, err)
	require.Len(t, out.refused, 1)
	require.Equal(t, "writer.time", fault.From(out.refused[0].err).Code)
}

func TestOperationsAreThoseOfTheRows(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	shop := testbed.NewShop(3, epoch)
	for range 3 {
		s.put(telemetry.Traces, batch("default", telemetry.Traces, testbed.TracesPayload(shop.Traces(2000)), 2000))
	}
	require.Greater(t, s.count("SELECT count(*) FROM operation_dim"), int64(50))
	require.Zero(t, s.count(`SELECT count(*) FROM operation_dim o FULL JOIN (SELECT DISTINCT operation_id, service_id, kind FROM spans_fact) f
		USING (operation_id, service_id, kind) WHERE o.last_seen_day IS NULL OR f.operation_id IS NULL`))
}

func TestStatementsNameTheColumnsOfTheirTables(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	columns := regexp.MustCompile(`(?s)COPY public\.(\w+) \((.*?)\) FROM STDIN \(FORMAT binary\)`)
	sql, err := newStatements()
	require.NoError(t, err)
	for statement, n := range map[string]int{
		sql.copyFacts[telemetry.Traces]: spanColumns, sql.copyFacts[telemetry.Logs]: logColumns, sql.copyFacts[telemetry.Metrics]: pointColumns,
	} {
		m := columns.FindStringSubmatch(statement)
		require.NotNil(t, m, statement)
		got := slices.Collect(strings.SplitSeq(strings.Join(strings.Fields(m[2]), ""), ","))
		rows, err := db.Pool.Query(testbed.Context(t), `SELECT attname::text FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, m[1])
		require.NoError(t, err)
		want, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Equal(t, want, got, m[1])
		require.Len(t, got, n, m[1])
	}
}

// Two flushes that move the same entries on a new day must not wait for each other: what one moves, the other leaves alone.
func TestAFlushDoesNotWaitForOneThatMovesTheSameEntries(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.put(telemetry.Traces, shopSpans(1, epoch, 300))
	s.put(telemetry.Metrics, sample(telemetry.Metrics, epoch))
	s.clock.Advance(24 * time.Hour)
	tx, err := s.db.Pool.Begin(testbed.Context(t))
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	for _, table := range []string{"service_dim", "operation_dim", "resource_dim", "scope_dim", "series_dim"} {
		_, err := tx.Exec(testbed.Context(t), "UPDATE "+table+" SET last_seen_day = $1", s.clock.Now())
		require.NoError(t, err)
	}
	ctx, cancel := context.WithTimeout(testbed.Context(t), testbed.Patience) // the other never ends
	defer cancel()
	for signal, b := range map[telemetry.Signal]*held{
		telemetry.Traces: shopSpans(1, s.clock.Now(), 300), telemetry.Metrics: sample(telemetry.Metrics, s.clock.Now()),
	} {
		_, err = s.store(ctx, newBuild(signal), []*held{b})
		require.NoError(t, err)
	}
}

func TestAFaultOfTheWholeDatabaseIsNotTheBatches(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, err := s.db.Pool.Exec(testbed.Context(t), `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'permission denied' USING ERRCODE = '42501'; END $$;
		CREATE TRIGGER refuse BEFORE INSERT ON service_dim FOR EACH ROW EXECUTE FUNCTION refuse()`)
	require.NoError(t, err)
	_, err = s.store(testbed.Context(t), newBuild(telemetry.Traces), []*held{shopSpans(1, epoch, 10)})
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "%v", err)
	require.Equal(t, errRefused.Code, fault.From(err).Code)
}

// A control flush is taken by a database in order, goes to all tables, and leaves nothing behind.
func TestAControlFlushLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rows := func(signal telemetry.Signal) (n int64) {
		for _, table := range []string{
			"ingest_batch", "tenant_dim", "service_dim", "operation_dim", "resource_dim", "scope_dim", "series_dim", segmentTable(signal), freshTable(signal), factTable(signal),
		} {
			n += s.count("SELECT count(*) FROM " + table)
		}
		return n
	}
	for _, signal := range telemetry.Signals() {
		like := sample(signal, epoch)
		before := rows(signal)
		require.NoError(t, s.control(testbed.Context(t), newBuild(signal), like, nil), signal)
		require.Equal(t, before, rows(signal), signal)
		tables := []string{"ingest_batch", "tenant_dim", "resource_dim", segmentTable(signal), freshTable(signal), factTable(signal)}
		if signal == telemetry.Traces {
			tables = append(tables, "operation_dim")
		}
		if signal == telemetry.Metrics {
			tables = append(tables, "series_dim")
		}
		for _, table := range tables {
			_, err := s.db.Pool.Exec(testbed.Context(t), "ALTER TABLE "+table+" ADD CONSTRAINT never CHECK (tenant_id = '') NOT VALID")
			require.NoError(t, err)
			require.Equal(t, "postgres.data", fault.From(s.control(testbed.Context(t), newBuild(signal), like, nil)).Code, "%s: %s", signal, table)
			_, err = s.db.Pool.Exec(testbed.Context(t), "ALTER TABLE "+table+" DROP CONSTRAINT never")
			require.NoError(t, err)
		}
	}
}
