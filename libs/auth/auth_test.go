package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheTenantComesFromTheHeader(t *testing.T) {
	t.Parallel()
	a, err := auth.New(auth.Config{Mode: auth.ModeNone, DefaultTenant: "house"})
	require.NoError(t, err)
	for header, want := range map[string]telemetry.Tenant{"": "house", "shop-1": "shop-1"} {
		id, err := a.Identify(t.Context(), func(name string) string {
			require.Equal(t, "X-Scope-OrgID", name)
			return header
		}, auth.Ingest)
		require.NoError(t, err)
		require.Equal(t, auth.Identity{Tenant: want}, id)
	}
	for _, bad := range []string{"a.b", "a b", "*", ">", string(make([]byte, 65))} {
		_, err = a.Identify(t.Context(), func(string) string { return bad }, auth.Query)
		require.Equal(t, fault.Invalid, fault.ClassOf(err), bad)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	require.Error(t, auth.Config{}.Validate())
	require.NoError(t, auth.DefaultConfig().Validate())
	require.ErrorContains(t, auth.Config{Mode: "keys"}.Validate(), `mode: "keys" is not none`)
	require.ErrorContains(t, auth.Config{DefaultTenant: "a.b"}.Validate(), "default_tenant")
}
