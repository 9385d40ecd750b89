package telemetry_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func TestNamesOfTenants(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"default", "shop.example.com", "team-a.v2", "...", ".a", "a.", "-", "_", "0", "550e8400-e29b-41d4-a716-446655440000", "A", strings.Repeat("x", 128),
	} {
		tenant, err := telemetry.ParseTenant(name)
		require.NoError(t, err, name)
		require.Equal(t, telemetry.Tenant(name), tenant)
	}
	for _, name := range []string{
		"", ".", "..", strings.Repeat("x", 129), "*", ">", "a.*", "a.>", "a b", "a/b", "a=2Eb", "a%2Eb", "a|b", "a,b", "!none", "ä", "a\x00", "a\n", "\xff",
	} {
		_, err := telemetry.ParseTenant(name)
		require.Error(t, err, name)
	}
}
