package bus

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func TestATenantIsOneToken(t *testing.T) {
	t.Parallel()
	for tenant, want := range map[telemetry.Tenant]string{
		"default": "default", "a-b_C9": "a-b_C9", "shop.example.com": "shop=2Eexample=2Ecom", "...": "=2E=2E=2E", strayTenant: "!none", "a=2Eb": "a=3D2Eb", "*": "=2A", "a >": "a=20=3E",
	} {
		require.Equal(t, want, token(tenant))
		require.Equal(t, tenant, tenantOf(want))
		require.Equal(t, "otlp.traces."+want, Subject(telemetry.Traces, tenant))
		require.Equal(t, "dead.logs."+want, DeadSubject(telemetry.Logs, tenant))
	}
	for _, foreign := range []string{"a=2eb", "a=41", "a=", "a=2", "a=zz", "a.b", "*", "a=2E=", ">"} {
		require.Equal(t, strayTenant, tenantOf(foreign), foreign)
	}
}

// Whatever a name is, its token is one, has no wildcard, and is no other name's.
func FuzzToken(f *testing.F) {
	for _, name := range []string{"default", "shop.example.com", "a=2Eb", "", "*", "a.>", "\xff\x00"} {
		f.Add(name, "shop=2Eexample=2Ecom")
	}
	f.Fuzz(func(t *testing.T, name, other string) {
		tok := token(telemetry.Tenant(name))
		require.NotContains(t, tok, ".")
		require.False(t, strings.ContainsAny(tok, "*> \t\r\n\x00"))
		require.Equal(t, telemetry.Tenant(name), tenantOf(tok))
		if name != other {
			require.NotEqual(t, tok, token(telemetry.Tenant(other)))
		}
		if tenant := tenantOf(other); tenant != strayTenant {
			require.Equal(t, other, token(tenant))
		}
		if _, err := telemetry.ParseTenant(name); err == nil && !strings.Contains(name, ".") {
			require.Equal(t, name, tok, "as every build has it")
		}
	})
}
