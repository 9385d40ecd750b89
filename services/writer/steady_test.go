package writer

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// newSteady is a store that writes no rows.
func newSteady(t testing.TB) *store {
	t.Helper()
	s := newStore(t)
	_, err := s.db.Pool.Exec(testbed.Context(t), "UPDATE retention_policy SET rows_window = '0'")
	require.NoError(t, err)
	return s
}

// records are requests of log records, each of a tenant of its own.
func records(seed uint64, tenants, items int) []*held {
	shop := testbed.NewShop(seed, epoch)
	out := make([]*held, tenants)
	for i := range out {
		out[i] = batch(telemetry.Tenant(fmt.Sprintf("t%02d", i)), telemetry.Logs, shop.Payload(telemetry.Logs, items), items)
	}
	return out
}

// all stores batches as a flush does, and says how many items that were, and what was left to be stored alone.
func (s *store) all(b *build, batches ...*held) (items int, left [][]*held) {
	s.t.Helper()
	done, left := s.storeAll(testbed.Context(s.t), b, batches)
	n := 0
	for _, d := range done {
		require.Empty(s.t, d.out.refused)
		items += d.out.items
		n += len(d.batches)
	}
	for _, l := range left {
		n += len(l)
	}
	require.Equal(s.t, len(batches), n, "each is somewhere")
	return items, left
}

// transactions counts those that stored headers: rows of one transaction have one xmin.
func (s *store) transactions(signal telemetry.Signal) int64 {
	return s.count("SELECT count(DISTINCT xmin::text) FROM " + segmentTable(signal))
}

// Many tenants are stored, first those of which nothing is known and then in a run; each in a transaction of its own, all of it there, counted once.
func TestManyTenantsAreATransactionEach(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := newSteady(t)
			b := newBuild(signal)
			shop := testbed.NewShop(7, epoch)
			want := map[telemetry.Tenant][]string{}
			items := 0
			for round := range 3 {
				var flush []*held
				for i := range 12 {
					tenant := telemetry.Tenant(fmt.Sprintf("t%02d", i))
					for range 1 + (i+round)%3 {
						payload := shop.Payload(signal, 20+i)
						flat := flatten(t, signal, payload)
						flush = append(flush, batch(tenant, signal, payload, len(flat)))
						want[tenant] = append(want[tenant], flat...)
						items += len(flat)
					}
				}
				before := s.transactions(signal)
				stored, left := s.all(b, flush...)
				require.Empty(t, left)
				require.Positive(t, stored)
				require.Equal(t, int64(12), s.transactions(signal)-before)
			}
			for tenant := range want {
				var n int64
				require.NoError(t, s.db.Pool.QueryRow(testbed.Context(t), "SELECT sum(items) FROM "+segmentTable(signal)+" WHERE tenant_id = $1", string(tenant)).Scan(&n))
				require.EqualValues(t, len(want[tenant]), n, tenant)
			}
			require.Equal(t, int64(items), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
			require.Equal(t, int64(items), s.count("SELECT sum(items)::bigint FROM tenant_usage"))
			require.Equal(t, int64(1), s.count("SELECT max(n) FROM (SELECT count(*) AS n FROM tenant_usage GROUP BY tenant_id) AS u"), "one flusher has one row")
		})
	}
}

// What is sent in a run is what the slow way stores, item for item.
func TestARunStoresWhatATransactionDoes(t *testing.T) {
	t.Parallel()
	s, slow := newSteady(t), newSteady(t)
	b := newBuild(telemetry.Logs)
	for _, n := range []int{30, 31, 2500} {
		of := records(1, 1, n)
		of[0].Tenant = telemetry.DefaultTenant
		_, left := s.all(b, copies(of)...)
		require.Empty(t, left)
		_, err := slow.store(testbed.Context(t), newBuild(telemetry.Logs), copies(of))
		require.NoError(t, err)
	}
	require.Equal(t, slow.stored(t, telemetry.Logs), s.stored(t, telemetry.Logs))
	for _, compare := range []string{
		`SELECT string_agg(concat_ws(' ', tenant_id, placement, min_time, max_time, min_position, checksum, items, errors, level, format, slot, service_ids, service_items, directory), ',' ORDER BY min_time, items, checksum) FROM logs_segment`,
		`SELECT string_agg(concat_ws(' ', tenant_id, placement, slot, md5(body)), ',' ORDER BY md5(body)) FROM logs_fresh`,
		`SELECT string_agg(concat_ws(' ', day, batch_id, tenant_id, placement, position, signal, items, covered, guard), ',' ORDER BY batch_id, day) FROM ingest_batch`,
		`SELECT string_agg(concat_ws(' ', day, tenant_id, signal), ',') || sum(items) || ',' || sum(bytes) FROM (SELECT day, tenant_id, signal, sum(items) AS items, sum(bytes) AS bytes FROM tenant_usage GROUP BY 1, 2, 3) AS u`,
	} {
		var is, want string
		require.NoError(t, s.db.Pool.QueryRow(testbed.Context(t), compare).Scan(&is))
		require.NoError(t, slow.db.Pool.QueryRow(testbed.Context(t), compare).Scan(&want))
		require.Equal(t, want, is)
	}
}

// What the database refuses of one tenant, and what is there already, costs the others nothing.
func TestWhatIsWrongWithOneTenantCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	s := newSteady(t)
	b := newBuild(telemetry.Logs)
	s.all(b, records(1, 9, 30)...)
	again := records(1, 9, 31)
	_, err := s.store(testbed.Context(t), newBuild(telemetry.Logs), []*held{again[4]}) // somebody has it
	require.NoError(t, err)
	_, err = s.db.Pool.Exec(testbed.Context(t), `ALTER TABLE logs_segment ADD CONSTRAINT refuse CHECK (tenant_id <> 't07') NOT VALID`)
	require.NoError(t, err)
	again[2].attempts = 2 // one that comes again is asked for
	items, left := s.all(b, again...)
	require.Equal(t, 7*31, items)
	require.Len(t, left, 2)
	require.Equal(t, []*held{again[4]}, left[0])
	require.Equal(t, []*held{again[7]}, left[1])
	out, err := s.store(testbed.Context(t), b, left[0])
	require.NoError(t, err)
	require.Equal(t, 1, out.duplicates)
	require.Equal(t, int64(8*31+9*30), s.count("SELECT sum(items) FROM logs_segment"))
	require.Equal(t, int64(8*31+9*30), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
}

// The connection is lost between the transactions of two tenants, at each of them: nothing is taken for stored that may not be on disk, what was
// committed is known when it comes again, and in the end each item is stored once.
func TestABackendThatIsKilledBetweenTwoTenants(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	s := newSteady(t)
	b := newBuild(telemetry.Logs)
	const tenants, each, known = 6, 20, 600
	s.all(b, records(1, tenants, known)...)
	total := int64(tenants * known)
	_, err := s.db.Pool.Exec(ctx, `CREATE TABLE falls (tenant_id text); CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF EXISTS (SELECT FROM falls f WHERE f.tenant_id = NEW.tenant_id) THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
		RETURN NEW; END $$; CREATE TRIGGER fall BEFORE INSERT ON tenant_usage FOR EACH ROW EXECUTE FUNCTION fall()`)
	require.NoError(t, err)
	for n := range tenants {
		flush := records(1, tenants, each+n)
		_, err := s.db.Pool.Exec(ctx, `INSERT INTO falls VALUES ($1)`, fmt.Sprintf("t%02d", n))
		require.NoError(t, err)
		done, left := s.storeAll(ctx, b, flush)
		require.Empty(t, done, "nothing was forced to disk")
		require.Len(t, left, tenants)
		require.Equal(t, total+int64(n*(each+n)), s.count("SELECT sum(items) FROM logs_segment"), "those before it are committed all the same")
		_, err = s.db.Pool.Exec(ctx, `TRUNCATE falls`)
		require.NoError(t, err)
		duplicates := 0
		for _, l := range left {
			out, err := s.store(ctx, b, l)
			require.NoError(t, err)
			duplicates += out.duplicates
		}
		require.Equal(t, n, duplicates)
		total += int64(tenants * (each + n))
		require.Equal(t, total, s.count("SELECT sum(items) FROM logs_segment"))
		require.Equal(t, total, s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
	}
}

// A commit is refused, also the last one, which would have forced all before it to disk: the others count as stored, and are on disk.
func TestACommitThatIsRefused(t *testing.T) {
	t.Parallel()
	for refused, kept := range map[int]int{1: 3, 3: 3} { // the last one is whose commit forces the others to disk
		s := newSteady(t)
		b := newBuild(telemetry.Logs)
		s.all(b, records(1, 4, 600)...)
		_, err := s.db.Pool.Exec(testbed.Context(t), fmt.Sprintf(`CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'too late'; END $$;
			CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON tenant_usage DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.tenant_id = 't%02d') EXECUTE FUNCTION late()`, refused))
		require.NoError(t, err)
		items, left := s.all(b, records(1, 4, 21)...)
		require.Equal(t, kept*21, items)
		require.Len(t, left, 4-kept)
		require.Zero(t, s.count("SELECT count(*) FROM logs_segment WHERE items = 21 AND tenant_id = $1", fmt.Sprintf("t%02d", refused)))
		require.Equal(t, int64(3), s.count("SELECT count(*) FROM logs_segment WHERE items = 21"))
		_, err = s.db.Pool.Exec(testbed.Context(t), "DROP FUNCTION late CASCADE")
		require.NoError(t, err)
		for _, l := range left {
			_, err := s.store(testbed.Context(t), b, l)
			require.NoError(t, err)
		}
		require.Equal(t, int64(4), s.count("SELECT count(*) FROM logs_segment WHERE items = 21"))
		var commit string
		require.NoError(t, s.pool.QueryRow(testbed.Context(t), "SHOW synchronous_commit").Scan(&commit))
		var usual string
		require.NoError(t, s.db.Pool.QueryRow(testbed.Context(t), "SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'").Scan(&usual))
		require.Equal(t, usual, commit, "of a connection that had a run")
	}
}

// Writers that meet in the same requests store each once, and none waits for another for ever.
func TestRunsThatMeet(t *testing.T) {
	t.Parallel()
	s := newSteady(t)
	s.all(newBuild(telemetry.Logs), records(1, 8, 20)...)
	flush := records(2, 8, 21)
	ctx, cancel := context.WithTimeout(testbed.Context(t), time.Minute)
	defer cancel()
	failed := make(chan error, 3)
	for w := range 3 {
		own := openStore(t, s.db, s.clock)
		own.known = s.known
		go func() {
			b := newBuild(telemetry.Logs)
			mine := copies(flush)
			if w == 1 {
				slices.Reverse(mine)
			}
			_, left := own.storeAll(ctx, b, mine)
			var err error
			for _, l := range left {
				if _, e := own.store(ctx, b, l); e != nil {
					err = e
				}
			}
			failed <- err
		}()
	}
	for range 3 {
		require.NoError(t, <-failed)
	}
	require.Equal(t, int64(8*41), s.count("SELECT sum(items) FROM logs_segment"))
	require.Equal(t, int64(8*41), s.count("SELECT sum(items) FROM ingest_batch WHERE NOT guard"))
}

// A tenant that is spread is a transaction for each of its buckets.
func TestASpreadTenantIsATransactionABucket(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	s := newSteady(t)
	_, err := s.db.Pool.Exec(ctx, "INSERT INTO tenant_placement (tenant_id, since, buckets) VALUES ('t00', $1, 3)", epoch.Add(-30*day))
	require.NoError(t, err)
	b := newBuild(telemetry.Logs)
	var flush []*held
	for seed := range uint64(20) {
		flush = append(flush, records(seed+1, 1, 10)...)
	}
	_, left := s.all(b, flush...)
	require.Empty(t, left)
	require.Equal(t, int64(3), s.transactions(telemetry.Logs))
	rows, err := s.db.Pool.Query(ctx, "SELECT DISTINCT placement FROM logs_segment ORDER BY 1")
	require.NoError(t, err)
	placements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"t00/0", "t00/1", "t00/2"}, placements)
	require.Equal(t, int64(len(flush)), s.count(`SELECT count(*) FROM ingest_batch WHERE NOT guard AND placement ~ '^t00/[012]$'`))
}

// Many tenants come while one is refused for what it holds, one for what may pass, and the connection is lost whenever one is written: the others are
// stored meanwhile, each item once, and nothing but what is refused for what it holds becomes a dead letter.
func TestTroubleOfOneTenantAmongMany(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	r := newRig(t)
	exec := func(sql string) {
		t.Helper()
		_, err := r.store.db.Pool.Exec(ctx, sql)
		require.NoError(t, err)
	}
	exec("UPDATE retention_policy SET rows_window = '0'")
	const tenants, rounds, items = 15, 6, 4
	of := func(round int) []*held {
		var out []*held
		for i := range tenants {
			h := shopSpans(uint64(1000*round+i), epoch, items)
			h.Tenant = telemetry.Tenant(fmt.Sprintf("t%02d", i))
			h.Request = telemetry.NewRequestID(h.Tenant, h.Signal, h.Payload)
			out = append(out, h)
		}
		return out
	}
	r.publish(of(0)...)
	_, stop := r.start()
	r.settled(telemetry.Traces)
	exec(`CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		CASE NEW.tenant_id
		WHEN 't02' THEN RAISE EXCEPTION 'what it holds' USING ERRCODE = 'P0001';
		WHEN 't05' THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01';
		WHEN 't09' THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(0);
		ELSE NULL;
		END CASE;
		RETURN NEW; END $$;
		CREATE TRIGGER trouble BEFORE INSERT ON spans_segment FOR EACH ROW EXECUTE FUNCTION trouble()`)
	for round := range rounds {
		r.publish(of(1 + round)...)
	}
	testbed.Eventually(t, "the others are stored", func() bool {
		return r.store.count("SELECT sum(items) FROM spans_segment WHERE tenant_id NOT IN ('t02', 't05', 't09')") == (tenants-3)*(1+rounds)*items
	})
	dead := func() uint64 {
		n, err := r.bus.DeadLetters(ctx)
		require.NoError(t, err)
		return n
	}
	testbed.Eventually(t, "what is refused for what it holds is a dead letter", func() bool { return dead() == rounds })
	exec("DROP FUNCTION trouble CASCADE")
	r.settled(telemetry.Traces)
	require.EqualValues(t, rounds, dead())
	page, err := r.bus.DeadLettersOf(ctx, bus.DeadSelection{Tenant: "t02"}, 100)
	require.NoError(t, err)
	require.Len(t, page.Letters, rounds)
	for _, table := range []string{
		"SELECT tenant_id, sum(items) AS n FROM spans_segment GROUP BY 1",
		"SELECT tenant_id, sum(items) AS n FROM ingest_batch WHERE NOT guard GROUP BY 1",
		"SELECT tenant_id, sum(items) AS n FROM tenant_usage GROUP BY 1",
	} {
		require.Equal(t, int64(tenants), r.store.count("SELECT count(*) FROM ("+table+") AS s WHERE n = CASE tenant_id WHEN 't02' THEN $1::int ELSE $2::int END",
			items, (1+rounds)*items), table)
	}
	stop()
}

// First sight of one tenant reads nothing of what the others have, by plans that were made while the tables were nearly empty.
func TestFirstSightReadsNothingOfOtherTenants(t *testing.T) {
	t.Parallel()
	ctx := testbed.Context(t)
	s := newSteady(t)
	conn, err := s.pool.Acquire(ctx)
	require.NoError(t, err)
	defer conn.Release()
	policy, err := s.policies.load(ctx, s.now())
	require.NoError(t, err)
	p := s.plan(policy, telemetry.Traces)
	b := newBuild(telemetry.Traces)
	const tenants = 12
	for i := range tenants {
		h := shopSpans(uint64(i), epoch, 300)
		h.Tenant = telemetry.Tenant(fmt.Sprintf("t%02d", i))
		out, batches, err := s.build(b, []*held{h}, p)
		require.NoError(t, err)
		_, err = s.transact(ctx, conn, b, batches, p, out)
		require.NoError(t, err)
	}
	_, err = conn.Exec(ctx, "SELECT pg_stat_force_next_flush()")
	require.NoError(t, err)
	for _, table := range []string{"service_dim", "operation_dim", "resource_dim", "scope_dim"} {
		testbed.Eventually(t, "the look-ups are counted", func() bool {
			return s.count("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = $1", table) >= tenants
		})
		require.Zero(t, s.count("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = $1", table), table)
	}
}
