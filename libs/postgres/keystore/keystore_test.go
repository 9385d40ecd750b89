package keystore_test

import (
	"context"
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

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
	go func() {
		ended <- s.Keep(ctx, own.Keys(), connect().Snapshots(auth.SnapshotName, seal), testbed.NewLog(t))
	}()
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
	require.Eventually(t, everybody(true), 10*time.Second, 20*time.Millisecond, "made")
	begin := time.Now()
	require.NoError(t, s.Revoke(ctx, "shop", e.ID))
	require.Eventually(t, everybody(false), 10*time.Second, 20*time.Millisecond, "revoked")
	t.Logf("revoked everywhere after %s", time.Since(begin))
	require.Error(t, stranger.Healthy(ctx), "what is signed with another secret is nothing")
}
