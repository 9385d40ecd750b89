package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheTenantComesFromTheHeader(t *testing.T) {
	t.Parallel()
	a, err := auth.New(auth.Config{Mode: auth.ModeNone, DefaultTenant: "house"}, time.Now)
	require.NoError(t, err)
	for header, want := range map[string]telemetry.Tenant{"": "house", "shop-1": "shop-1", "shop.example.com": "shop.example.com"} {
		id, err := a.Identify(t.Context(), func(name string) string {
			require.Equal(t, "X-Scope-OrgID", name)
			return header
		}, auth.Ingest)
		require.NoError(t, err)
		require.Equal(t, auth.Identity{Tenant: want, Scopes: auth.Of(auth.Ingest, auth.Query, auth.Admin)}, id)
	}
	for _, bad := range []string{"..", "a b", "*", ">", "a.*", "a=2Eb", strings.Repeat("a", 129)} {
		_, err = a.Identify(t.Context(), func(string) string { return bad }, auth.Query)
		require.Equal(t, fault.Invalid, fault.ClassOf(err), bad)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.Error(t, auth.Config{}.Validate())
	require.NoError(t, auth.DefaultConfig().Validate())
	require.ErrorContains(t, auth.Config{Mode: "basic"}.Validate(), `mode: "basic" is not none, keys or oidc`)
	require.ErrorContains(t, auth.Config{Mode: "keys", DefaultTenant: "a"}.Validate(), "snapshot_key: is missing, and keys are demanded")
	require.ErrorContains(t, auth.Config{Mode: "none", DefaultTenant: "a", SnapshotKey: "c2hvcnQ="}.Validate(), "snapshot_key")
	require.ErrorContains(t, auth.Config{DefaultTenant: "a b"}.Validate(), "default_tenant")
}
