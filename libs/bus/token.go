package bus

import (
	"encoding/hex"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// A tenant is one token of a subject, whatever it is called: a dot would make two of it, and a wildcard others' too. Invariants: token is one to
// one, so that no tenant has a name whose token is another's; a name of letters, digits, hyphens and underscores is its own token.

// escape begins a byte of a name that may not stand in a token: "=2E" is a dot. No tenant's name has it.
const escape = '='

// plain reports whether a byte stands in a token as it is. The exclamation mark is for names that are no tenants' (probeTenant, strayTenant).
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '!'
}

// token is a tenant's name as one token of a subject: other bytes than plain ones in hexadecimal.
func token(tenant telemetry.Tenant) string {
	var b []byte
	for i := range len(tenant) {
		switch c := tenant[i]; {
		case plain(c) && b == nil:
		case plain(c):
			b = append(b, c)
		default:
			if b == nil {
				b = append(make([]byte, 0, len(tenant)+8), tenant[:i]...)
			}
			b = append(b, escape, upper[c>>4], upper[c&15])
		}
	}
	if b == nil {
		return string(tenant)
	}
	return string(b)
}

const upper = "0123456789ABCDEF"

// tenantOf is the inverse of token. What token does not write is nobody's, strayTenant: another could have the name that it would give.
func tenantOf(subject string) telemetry.Tenant {
	name := make([]byte, 0, len(subject))
	for rest := subject; rest != ""; {
		if rest[0] != escape {
			name, rest = append(name, rest[0]), rest[1:]
			continue
		}
		b, err := hex.DecodeString(rest[1:min(3, len(rest))])
		if err != nil || len(b) != 1 {
			return strayTenant
		}
		name, rest = append(name, b[0]), rest[3:]
	}
	if tenant := telemetry.Tenant(name); token(tenant) == subject {
		return tenant
	}
	return strayTenant
}
