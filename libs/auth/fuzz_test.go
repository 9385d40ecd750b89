package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// FuzzSnapshot: a list of keys from the bus is taken whole or not at all, what is taken is keys that could have been made, and nothing is good
// but by a text of which the list has the hash.
func FuzzSnapshot(f *testing.F) {
	text, key := NewKey()
	key.Tenant, key.Scopes = "shop", Of(Ingest, Admin)
	_, other := NewKey()
	other.Tenant, other.Scopes, other.Expires = "bank", Of(Query), time.Date(2030, 1, 1, 0, 0, 0, 1, time.UTC)
	for _, list := range [][]Key{nil, {key}, {key, other}, {other, other}} {
		data, err := EncodeKeys(list)
		require.NoError(f, err)
		f.Add(data)
	}
	for _, seed := range []string{
		``, `null`, `{}`, `[null]`, `[{}]`, `[{"id":"","tenant":"shop","scopes":["admin"],"hash":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}]`,
		`[{"id":"aaaaaaaaaaaaaaaa","tenant":"shop","hash":null}]`, `[{"id":"aaaaaaaaaaaaaaaa","tenant":"a b","hash":"AAAA"}]`,
		`[{"ID":"aaaaaaaaaaaaaaaa","tenant":"shop","scopes":["root"],"hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","expires":-9223372036854775808}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a := authenticator(t, key)
		before := *a.keys.byID.Load()
		if err := a.keys.Apply(bus.Snapshot{Data: data}); err != nil {
			require.Equal(t, before, *a.keys.byID.Load(), "what cannot be read changes nothing")
			return
		}
		taken := slices.Collect(maps.Values(*a.keys.byID.Load()))
		for _, k := range taken {
			require.Len(t, k.ID, idChars)
			require.Equal(t, k.ID, keyID(keyPrefix+k.ID+"_"+strings.Repeat("a", secretChars)), "an id by which a key can be found")
			_, err := telemetry.ParseTenant(string(k.Tenant))
			require.NoError(t, err)
			require.Zero(t, k.Scopes&^Of(Ingest, Query, Edit, Admin))
		}
		again, err := EncodeKeys(taken)
		require.NoError(t, err)
		require.NoError(t, a.keys.Apply(bus.Snapshot{Data: again}))
		for _, k := range taken {
			got, ok := (*a.keys.byID.Load())[k.ID]
			require.True(t, ok)
			require.Equal(t, k.Expires.IsZero(), got.Expires.IsZero(), "a key that expires does so after a journey")
			got.Expires = k.Expires
			require.Equal(t, k, got)
		}
		if _, there := (*a.keys.byID.Load())[key.ID]; !there {
			_, err := a.ByKey(text)
			require.Equal(t, 401, fault.From(err).Status)
		}
		for _, guess := range []string{"test", "x", "", key.ID, keyPrefix, string(data)} {
			_, err := a.ByKey(guess)
			require.Error(t, err, "no text without the form of a key opens anything")
		}
	})
}

func authenticator(t testing.TB, keys ...Key) *Authenticator {
	t.Helper()
	a, err := New(Config{Mode: ModeKeys, DefaultTenant: "default", SnapshotKey: settings.NewSecret()}, time.Now)
	require.NoError(t, err)
	a.keys.Set(keys)
	return a
}

// FuzzPresented: whatever a request brings, it is who has the key that it brings, and nobody else; an error tells nothing of it.
func FuzzPresented(f *testing.F) {
	text, key := "olly_abcdefghijklmnop_"+strings.Repeat("b", secretChars), Key{ID: "abcdefghijklmnop", Tenant: "shop", Scopes: Of(Query)}
	key.Hash = sha256.Sum256([]byte(text))
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	for _, authorization := range []string{
		"", "Bearer", "Bearer ", "Bearer " + text, "bearer\t" + text, "BEARER   " + text + " ", text, "Basic", "Basic ???", basic(""), basic(":"), basic(text), basic(text + ":"),
		basic("any:" + text), basic(":" + text), basic("a:b:" + text), basic("any:" + text + "\n"), "Digest username=x", "Bearer " + text + ", Bearer " + text, "Bearer " + text[:73],
		basic("any:" + text)[:40], "Basic " + base64.RawURLEncoding.EncodeToString([]byte("any:"+text)),
	} {
		f.Add(authorization, "", "")
		f.Add(authorization, text, "shop")
	}
	f.Add("", strings.ToUpper(text), "SHOP")
	f.Add("", text+", "+text, "shop, shop")
	f.Add("", "olly_abcdefghijklmnop_", "\x00")
	f.Fuzz(func(t *testing.T, authorization, apiKey, tenant string) {
		a := authenticator(t, key)
		header := func(name string) string {
			return map[string]string{"Authorization": authorization, KeyHeader: apiKey, TenantHeader: tenant}[name]
		}
		presented := Presented(header)
		id, err := a.Identify(t.Context(), header, Query)
		if good := presented == text && (tenant == "" || tenant == "shop"); good {
			require.NoError(t, err)
			require.Equal(t, Identity{Tenant: "shop", Connection: key.ID, Scopes: Of(Query)}, id)
			require.True(t, strings.Contains(authorization, text) || apiKey == text || strings.HasPrefix(strings.ToLower(authorization), "basic"))
			return
		}
		require.Contains(t, []int{401, 403}, fault.From(err).Status)
		require.Zero(t, id)
		require.Equal(t, presented == text, fault.From(err).Status == 403, "who is not known is told nothing of tenants")
		message, marshalling := json.Marshal(fault.From(err).Message)
		require.NoError(t, marshalling)
		for _, secret := range []string{presented, authorization, apiKey} {
			if len(secret) > 16 {
				require.NotContains(t, string(message), secret)
			}
		}
	})
}
