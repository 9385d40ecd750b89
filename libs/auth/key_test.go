package auth_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func snapshotKey(letter string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

// demanding is an authenticator that demands keys, at an hour that stands still, and the keys that it knows.
func demanding(t *testing.T, keys ...auth.Key) (*auth.Authenticator, time.Time) {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a, err := auth.New(auth.Config{Mode: auth.ModeKeys, DefaultTenant: "default", SnapshotKey: snapshotKey("k")}, func() time.Time { return now })
	require.NoError(t, err)
	if keys != nil {
		a.Keys().Set(keys)
	}
	return a, now
}

func made(tenant telemetry.Tenant, scopes ...auth.Scope) (string, auth.Key) {
	text, k := auth.NewKey()
	k.Tenant, k.Scopes = tenant, auth.Of(scopes...)
	return text, k
}

func headers(pairs ...string) func(string) string {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h.Get
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestAKeyIsTakenAsTokenAsHeaderAndAsPassword(t *testing.T) {
	t.Parallel()
	text, k := made("shop", auth.Ingest)
	a, _ := demanding(t, k)
	want := auth.Identity{Tenant: "shop", Connection: k.ID, Scopes: auth.Of(auth.Ingest)}
	for _, header := range [][]string{
		{"Authorization", "Bearer " + text},
		{"Authorization", "bearer  " + text},
		{"X-Api-Key", text},
		{"Authorization", basic("", text)},
		{"Authorization", basic("anybody", text)},
		{"Authorization", "Bearer " + text, "X-Scope-OrgID", "shop"},
		{"Authorization", "Digest x", "X-Api-Key", text},
	} {
		got, err := a.Identify(t.Context(), headers(header...), auth.Ingest)
		require.NoError(t, err, header)
		require.Equal(t, want, got)
	}
}

func TestWhoHasNoGoodKeyIsToldSoAndNothingOfTheKey(t *testing.T) {
	t.Parallel()
	text, k := made("shop", auth.Query)
	old, expired := made("shop", auth.Query)
	a, now := demanding(t)
	expired.Expires = now
	strange, _ := auth.NewKey()
	swapped := text[:22] + strange[22:] // the id of a good key with another secret
	refused := func(status int, code string, scope auth.Scope, header ...string) {
		_, err := a.Identify(t.Context(), headers(header...), scope)
		f := fault.From(err)
		require.Equal(t, []any{status, code}, []any{f.Status, f.Code}, "%v", header)
		for _, secret := range []string{text[22:], old[22:], strange[22:], k.ID} {
			require.NotContains(t, err.Error(), secret)
		}
	}
	_, err := a.Identify(t.Context(), headers("X-Api-Key", text), auth.Query)
	require.Equal(t, fault.Unavailable, fault.ClassOf(err), "keys that are not known yet are nobody's fault: %v", err)
	require.Error(t, a.Healthy(t.Context()))
	a.Keys().Set([]auth.Key{k, expired})
	require.NoError(t, a.Healthy(t.Context()))
	for _, header := range [][]string{
		{},
		{"Authorization", ""},
		{"Authorization", "Bearer"},
		{"Authorization", "Basic ???"},
		{"Authorization", basic(text, "")},
		{"X-Api-Key", old},
		{"X-Api-Key", strange},
		{"X-Api-Key", swapped},
		{"X-Api-Key", text[:len(text)-1]},
		{"X-Api-Key", text + "a"},
		{"X-Api-Key", strings.ToUpper(text)},
		{"X-Api-Key", "olly_"},
		{"X-Api-Key", strings.Repeat("a", 74)},
		{"X-Scope-OrgID", "shop"},
		{"Authorization", "Bearer " + strange, "X-Api-Key", text},
	} {
		refused(http.StatusUnauthorized, "auth.unauthenticated", auth.Query, header...)
	}
	refused(http.StatusForbidden, "auth.scope", auth.Ingest, "X-Api-Key", text)
	refused(http.StatusForbidden, "auth.scope", auth.Admin, "X-Api-Key", text)
	for _, other := range []string{"default", "SHOP", "a.b", "shop "} {
		_, err = a.Identify(t.Context(), func(name string) string {
			return map[string]string{"X-Api-Key": text, "X-Scope-OrgID": other}[name]
		}, auth.Query)
		require.Equal(t, http.StatusForbidden, fault.From(err).Status, other)
	}
	a.Keys().Set(nil)
	refused(http.StatusUnauthorized, "auth.unauthenticated", auth.Query, "X-Api-Key", text)
}

func TestKeysAreOfTheirForm(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		text, k := auth.NewKey()
		require.Regexp(t, `^olly_[a-z2-7]{16}_[a-z2-7]{52}$`, text)
		require.Equal(t, text[5:21], k.ID)
		require.True(t, auth.IsKey(text))
		require.False(t, seen[k.ID] || seen[text[22:]])
		seen[k.ID], seen[text[22:]] = true, true
	}
}

func TestASnapshotOfKeysIsWhatWasKnown(t *testing.T) {
	t.Parallel()
	first, a := made("shop", auth.Ingest, auth.Admin)
	second, b := made("bank", auth.Query)
	asks, now := demanding(t)
	b.Expires = now.Add(time.Hour)
	data, err := auth.EncodeKeys([]auth.Key{a, b})
	require.NoError(t, err)
	again, err := auth.EncodeKeys([]auth.Key{b, a})
	require.NoError(t, err)
	require.Equal(t, data, again, "whatever their order")
	require.NotContains(t, string(data), first[22:])
	require.NoError(t, asks.Keys().Apply(bus.Snapshot{Data: data}))
	for text, want := range map[string]auth.Key{first: a, second: b} {
		got, err := asks.Identify(t.Context(), headers("X-Api-Key", text), map[string]auth.Scope{first: auth.Admin, second: auth.Query}[text])
		require.NoError(t, err)
		require.True(t, want.Expires.Equal(got.Until))
		got.Until = time.Time{}
		require.Equal(t, auth.Identity{Tenant: want.Tenant, Connection: want.ID, Scopes: want.Scopes}, got)
	}
	for _, bad := range []string{
		``, `{}`, `[{"id":"x","tenant":"a b","hash":""}]`, `[{"id":"x","tenant":"a","hash":"AAAA"}]`,
		strings.Replace(string(data), `"hash":"`, `"hash":"AAAA`, 1),
	} {
		require.Error(t, asks.Keys().Apply(bus.Snapshot{Data: []byte(bad)}), bad)
	}
	_, err = asks.Identify(t.Context(), headers("X-Api-Key", first), auth.Ingest)
	require.NoError(t, err, "what cannot be read changes nothing")
	later := strings.Replace(string(data), `["ingest","admin"]`, `["ingest","dashboards"]`, 1)
	require.NoError(t, asks.Keys().Apply(bus.Snapshot{Data: []byte(later)}))
	_, err = asks.Identify(t.Context(), headers("X-Api-Key", first), auth.Admin)
	require.Equal(t, "auth.scope", fault.From(err).Code, "what a later version allows opens nothing else here")
}

func TestASealIsThatOfTheSameSecret(t *testing.T) {
	t.Parallel()
	mine, theirs := auth.Config{SnapshotKey: snapshotKey("a")}.Seal(), auth.Config{SnapshotKey: snapshotKey("b")}.Seal()
	signature, err := mine.Sign([]byte("keys"))
	require.NoError(t, err)
	require.NoError(t, mine.Verify([]byte("keys"), signature))
	require.Error(t, mine.Verify([]byte("keyz"), signature))
	require.Error(t, theirs.Verify([]byte("keys"), signature))
	require.Error(t, mine.Verify([]byte("keys"), nil))
}

func TestScopesHaveNames(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"ingest"}, {"query", "admin"}, {"admin", "edit"}, {"ingest", "query", "admin"}} {
		s, err := auth.ParseScopes(names)
		require.NoError(t, err)
		require.Equal(t, names, s.Names())
	}
	for _, names := range [][]string{nil, {}, {"all"}, {"ingest", ""}, {"Query"}} {
		_, err := auth.ParseScopes(names)
		require.Equal(t, "auth.key_wanted", fault.From(err).Code)
	}
}
