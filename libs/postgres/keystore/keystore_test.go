package keystore_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

func store(t *testing.T) (*keystore.Store, *testbed.DB) {
	t.Helper()
	db := testbed.Database(t)
	s, err := keystore.New(db.Pool)
	require.NoError(t, err)
	return s, db
}

func TestAKeyIsToldOnceAndListedWithoutItsSecret(t *testing.T) {
	t.Parallel()
	s, db := store(t)
	ctx, now := testbed.Context(t), time.Now()
	soon := now.Add(time.Hour).UTC().Truncate(time.Microsecond)
	text, first, err := s.Create(ctx, keystore.Wish{Tenant: "shop", Name: "  collector ", Scopes: []string{"query", "ingest"}, By: "me"}, now)
	require.NoError(t, err)
	_, second, err := s.Create(ctx, keystore.Wish{Tenant: "bank", Name: "Grafana, Käse", Scopes: []string{"query"}, Expires: &soon}, now)
	require.NoError(t, err)
	all, err := s.List(ctx, "")
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, first, all[0])
	require.Equal(t, []any{"collector", []string{"ingest", "query"}, "me"}, []any{all[0].Name, all[0].Scopes, all[0].CreatedBy})
	require.True(t, soon.Equal(*all[1].ExpiresAt))
	mine, err := s.List(ctx, "shop")
	require.NoError(t, err)
	require.Len(t, mine, 1)
	var stored string
	require.NoError(t, db.Pool.QueryRow(ctx, `SELECT string_agg(k::text, ' ') FROM api_key k`).Scan(&stored))
	require.NotContains(t, stored, text[22:])

	good, _, err := s.Good(ctx)
	require.NoError(t, err)
	require.Len(t, good, 2)
	require.ErrorContains(t, s.Revoke(ctx, "bank", first.ID), "no key with this id")
	require.Equal(t, fault.NotFound, fault.ClassOf(s.Revoke(ctx, "", "nothing")))
	require.NoError(t, s.Revoke(ctx, "shop", first.ID))
	require.NoError(t, s.Revoke(ctx, "", first.ID), "again")
	good, _, err = s.Good(ctx)
	require.NoError(t, err)
	require.Len(t, good, 1)
	require.Equal(t, second.ID, good[0].ID)
	all, err = s.List(ctx, "shop")
	require.NoError(t, err)
	require.NotNil(t, all[0].RevokedAt)
	_, err = db.Pool.Exec(ctx, `UPDATE api_key SET expires_at = now() - interval '1 second'`)
	require.NoError(t, err)
	good, _, err = s.Good(ctx)
	require.NoError(t, err)
	require.Empty(t, good)
}

func TestAWishThatCannotBe(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	now := time.Now()
	for text, w := range map[string]keystore.Wish{
		"name":   {Tenant: "a", Scopes: []string{"query"}},
		"line":   {Tenant: "a", Name: "a\nb", Scopes: []string{"query"}},
		"print":  {Tenant: "a", Name: "good\u009b2Jbad", Scopes: []string{"query"}}, // CSI in one character
		"on one": {Tenant: "a", Name: "a\x1b[8mb", Scopes: []string{"query"}},
		"1 to":   {Tenant: "a", Name: "deploy\u202eyek", Scopes: []string{"query"}}, // right to left from here on
		"people": {Tenant: "a", Name: "a\x7fb", Scopes: []string{"query"}},
		"100":    {Tenant: "a", Name: strings.Repeat("n", 101), Scopes: []string{"query"}},
		"scope":  {Tenant: "a", Name: "n"},
		"root":   {Tenant: "a", Name: "n", Scopes: []string{"root"}},
		"tenant": {Tenant: "a b", Name: "n", Scopes: []string{"query"}},
		"expiry": {Tenant: "a", Name: "n", Scopes: []string{"query"}, Expires: &now},
	} {
		_, _, err := s.Create(testbed.Context(t), w, now)
		require.Equal(t, fault.Invalid, fault.ClassOf(err), text)
		require.ErrorContains(t, err, text)
	}
}

// TestAScopeOfALaterVersionTakesNobodyElseOut has a key in the table as a later version writes it, in the middle of an upgrade.
func TestAScopeOfALaterVersionTakesNobodyElseOut(t *testing.T) {
	t.Parallel()
	s, db := store(t)
	ctx := testbed.Context(t)
	for _, name := range []string{"old", "mixed", "later"} {
		_, _, err := s.Create(ctx, keystore.Wish{Tenant: "shop", Name: name, Scopes: []string{"query"}}, time.Now())
		require.NoError(t, err)
	}
	_, err := db.Pool.Exec(ctx, `ALTER TABLE api_key DROP CONSTRAINT api_key_scopes_check`) // as the migration of that version would
	require.NoError(t, err)
	_, err = db.Pool.Exec(ctx, `UPDATE api_key SET scopes = CASE name WHEN 'mixed' THEN '{teleport,query}'::text[] ELSE '{teleport}' END WHERE name <> 'old'`)
	require.NoError(t, err)
	good, _, err := s.Good(ctx)
	require.NoError(t, err)
	require.Len(t, good, 3)
	byScopes := map[auth.Scopes]int{}
	for _, k := range good {
		byScopes[k.Scopes]++
	}
	require.Equal(t, map[auth.Scopes]int{auth.Of(auth.Query): 2, 0: 1}, byScopes)
}

func TestATenantHasABoundedNumberOfGoodKeys(t *testing.T) {
	t.Parallel()
	s, db := store(t)
	ctx, now := testbed.Context(t), time.Now()
	w := keystore.Wish{Tenant: "shop", Name: "n", Scopes: []string{"query"}}
	_, err := db.Pool.Exec(ctx, `INSERT INTO api_key (tenant_id, key_id, name, scopes, hash, revoked_at, expires_at)
		SELECT 'shop', translate(lpad(to_hex(i), 16, 'q'), '0123456789', 'ghijklmnop'), 'n', '{query}', sha256(i::text::bytea),
			CASE WHEN i > 600 THEN now() END, CASE WHEN i > 495 AND i <= 600 THEN now() - interval '1 day' END
		FROM generate_series(1, 1000) i`) // 495 good ones
	require.NoError(t, err)
	outcomes := make(chan error)
	for range 20 {
		go func() {
			_, _, err := s.Create(ctx, w, now)
			outcomes <- err
		}()
	}
	made := 0
	for range 20 {
		if err := <-outcomes; err == nil {
			made++
		} else {
			require.True(t, auth.ErrTooManyKeys.Matches(err), "%v", err)
			require.ErrorContains(t, err, "tenant shop has 500 good keys")
		}
	}
	require.Equal(t, 5, made, "those who ask at once count each other's")
	_, _, err = s.Create(ctx, keystore.Wish{Tenant: "bank", Name: "n", Scopes: []string{"query"}}, now)
	require.NoError(t, err, "another tenant has its own")
	entries, err := s.List(ctx, "shop")
	require.NoError(t, err)
	require.NoError(t, s.Revoke(ctx, "shop", entries[0].ID))
	_, _, err = s.Create(ctx, w, now)
	require.NoError(t, err, "one is revoked, and makes room")
}

func TestATenantHasABoundedNumberOfEndedKeys(t *testing.T) {
	t.Parallel()
	s, db := store(t)
	ctx, now := testbed.Context(t), time.Now()
	_, err := db.Pool.Exec(ctx, `INSERT INTO api_key (tenant_id, key_id, name, scopes, hash, revoked_at, expires_at)
		SELECT tenant, translate(lpad(to_hex(i), 16, 'q'), '0123456789', 'ghijklmnop'), i::text, '{query}', sha256(i::text::bytea),
			CASE WHEN i % 2 = 0 THEN now() - i * interval '1 minute' END, CASE WHEN i % 2 = 1 THEN now() - i * interval '1 minute' WHEN i = 1100 THEN now() + interval '1 day' END
		FROM generate_series(1, 1100) i, (VALUES ('shop'), ('bank'), ('court')) v (tenant)`)
	require.NoError(t, err)
	_, err = db.Pool.Exec(ctx, `INSERT INTO retention_policy (tenant_id, signal, days, legal_hold) VALUES ('court', 'logs', 1, true), ('shop', 'logs', 1, false)`)
	require.NoError(t, err)
	_, kept, err := s.Create(ctx, keystore.Wish{Tenant: "shop", Name: "good", Scopes: []string{"query"}}, now)
	require.NoError(t, err)
	entries, err := s.List(ctx, "shop")
	require.NoError(t, err)
	require.Len(t, entries, keystore.MaxEnded+1)
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name] = true
	}
	require.True(t, names["1"] && names["1000"] && names[kept.Name], "the newest ones")
	require.False(t, names["1001"] || names["1100"])
	others, err := s.List(ctx, "bank")
	require.NoError(t, err)
	require.Len(t, others, 1100, "another tenant makes room of its own")
	_, _, err = s.Create(ctx, keystore.Wish{Tenant: "court", Name: "good", Scopes: []string{"query"}}, now)
	require.NoError(t, err)
	held, err := s.List(ctx, "court")
	require.NoError(t, err)
	require.Len(t, held, 1101, "nothing goes under legal hold")
}

// keeper is one with a clock that runs ahead by as much as is added, and what it says.
func keeper(t *testing.T, s *keystore.Store, c bus.Config) (k *keystore.Keeper, ahead *atomic.Int64, said *lockedBuffer) {
	t.Helper()
	b, err := bus.Connect(testbed.Context(t), c, nil, nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	ahead, said = &atomic.Int64{}, &lockedBuffer{}
	env := testbed.Env(t)
	env.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	env.Log = slog.New(slog.NewTextHandler(said, nil))
	k, err = s.Keeper(&auth.Keyring{}, b.Snapshots(auth.SnapshotName, bus.Seal{}), env)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(testbed.Context(t))
	ended := make(chan error, 1)
	require.ErrorContains(t, k.Healthy(ctx), "not known yet")
	go func() { ended <- k.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	testbed.Eventually(t, "keys are known", func() bool { return k.Healthy(ctx) == nil })
	return k, ahead, said
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestAHungDatabaseIsTold has a read that never ends: a lock on the table keeps it waiting.
func TestAHungDatabaseIsTold(t *testing.T) {
	t.Parallel()
	s, db := store(t)
	ctx := testbed.Context(t)
	k, ahead, said := keeper(t, s, testbed.NATS(t))
	tx, err := db.Pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `LOCK TABLE api_key IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	testbed.Eventually(t, "it gives up and says so", func() bool { return strings.Contains(said.String(), "step=read") })
	require.NoError(t, k.Healthy(ctx), "what is known is not too old yet")
	ahead.Store(int64(11 * time.Second))
	require.True(t, auth.ErrStale.Matches(k.Healthy(ctx)), "%v", k.Healthy(ctx))
	require.NoError(t, tx.Rollback(ctx))
	testbed.Eventually(t, "it reads again", func() bool { return k.Healthy(ctx) == nil })
}

// TestAListThatTheBusDoesNotTakeIsTold has keys of so many tenants that they fit no message.
func TestAListThatTheBusDoesNotTakeIsTold(t *testing.T) {
	t.Parallel()
	s, db := store(t)
	ctx := testbed.Context(t)
	small := testbed.NATSServer(t, func(o *server.Options) { o.MaxPayload = 64 << 10 })
	k, _, _ := keeper(t, s, small.Config())
	_, err := db.Pool.Exec(ctx, `INSERT INTO api_key (tenant_id, key_id, name, scopes, hash)
		SELECT 't' || i, translate(lpad(to_hex(i), 16, 'q'), '0123456789', 'ghijklmnop'), 'n', '{query}', sha256(i::text::bytea)
		FROM generate_series(1, 2000) i`)
	require.NoError(t, err)
	testbed.Eventually(t, "it says so", func() bool { return auth.ErrUnpublished.Matches(k.Healthy(ctx)) })
	require.ErrorContains(t, k.Healthy(ctx), "the bus takes")
	_, err = db.Pool.Exec(ctx, `UPDATE api_key SET revoked_at = now() WHERE tenant_id <> 't1'`)
	require.NoError(t, err)
	testbed.Eventually(t, "it is told", func() bool { return k.Healthy(ctx) == nil })
}

// TestEveryReplicaKnowsWithinTenSeconds has keys made and revoked in the database, and two who have none and listen to the bus.
func TestEveryReplicaKnowsWithinTenSeconds(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	nats := testbed.NATS(t)
	ctx, cancel := context.WithCancel(testbed.Context(t))
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	cfg := auth.Config{Mode: auth.ModeKeys, DefaultTenant: "default", SnapshotKey: secret}
	connect := func() *bus.Bus {
		b, err := bus.Connect(ctx, nats, nil, nil)
		require.NoError(t, err)
		t.Cleanup(b.Close)
		return b
	}
	seal := cfg.Seal()
	own, err := auth.New(cfg, time.Now)
	require.NoError(t, err)
	all := []*auth.Authenticator{own}
	ended := make(chan error, 4)
	keeper, err := s.Keeper(own.Keys(), connect().Snapshots(auth.SnapshotName, seal), testbed.Env(t))
	require.NoError(t, err)
	go func() { ended <- keeper.Run(ctx) }()
	for range 2 {
		a, err := auth.New(cfg, time.Now)
		require.NoError(t, err)
		all = append(all, a)
		go func() { ended <- connect().Snapshots(auth.SnapshotName, seal).Follow(ctx, a.Keys().Apply) }()
	}
	cfg.SnapshotKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 32)))
	stranger, err := auth.New(cfg, time.Now)
	require.NoError(t, err)
	otherSeal := cfg.Seal()
	go func() { ended <- connect().Snapshots(auth.SnapshotName, otherSeal).Follow(ctx, stranger.Keys().Apply) }()
	t.Cleanup(func() {
		cancel()
		for range cap(ended) {
			require.NoError(t, <-ended)
		}
	})

	text, e, err := s.Create(ctx, keystore.Wish{Tenant: "shop", Name: "n", Scopes: []string{"ingest"}}, time.Now())
	require.NoError(t, err)
	everybody := func(good bool) func() bool {
		return func() bool {
			for _, a := range all {
				_, err := a.Identify(ctx, func(name string) string { return map[string]string{auth.KeyHeader: text}[name] }, auth.Ingest)
				if (err == nil) != good || err != nil && fault.From(err).Status != 401 {
					return false
				}
			}
			return true
		}
	}
	testbed.Eventually(t, "made", everybody(true))
	begin := time.Now()
	require.NoError(t, s.Revoke(ctx, "shop", e.ID))
	testbed.Eventually(t, "revoked", everybody(false))
	t.Logf("revoked everywhere after %s", time.Since(begin))
	require.Error(t, stranger.Healthy(ctx), "what is signed with another secret is nothing")
}
