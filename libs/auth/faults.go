package auth

import (
	"net/http"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	ErrUnauthenticated = fault.Kind{
		Class: fault.Invalid, Code: "auth.unauthenticated", Status: http.StatusUnauthorized,
		Meaning: "The request brings no key, or one that is not known, revoked or expired, or its login has ended.",
		Advice:  "Send a key that `ollyscale keys create` made, as a bearer token, in X-Api-Key, or as the password of any user; log in again.",
	}
	errScope = fault.Kind{
		Class: fault.Invalid, Code: "auth.scope", Status: http.StatusForbidden,
		Meaning: "The sender is known, and may not do this.",
		Advice:  "Use a key with the scope in the message.",
	}
	ErrTenantDenied = fault.Kind{
		Class: fault.Invalid, Code: "auth.tenant", Status: http.StatusForbidden,
		Meaning: "The request names a tenant that its sender has no access to.",
		Advice:  "Leave X-Scope-OrgID out: the tenant is that of the key, or the one chosen after login.",
	}
	ErrKeyWanted = fault.Kind{
		Class: fault.Invalid, Code: "auth.key_wanted",
		Meaning: "A key that is to be made cannot be: the message says what is wrong with its name, scopes, tenant or expiry.",
		Advice:  "Correct it.",
	}
	ErrKeysOff = fault.Kind{
		Class: fault.Invalid, Code: "auth.keys_off", Status: http.StatusForbidden,
		Meaning: "Nothing is authenticated, so that anybody could make keys for the day on which it is.",
		Advice:  "Set auth.mode, or make keys with `ollyscale keys`.",
	}
	ErrNoKey = fault.Kind{
		Class: fault.NotFound, Code: "auth.no_key",
		Meaning: "The tenant has no key with this id.",
		Advice:  "List the keys.",
	}
	errNotReady = fault.Kind{
		Class: fault.Unavailable, Code: "auth.not_ready",
		Meaning: "The service has not been told yet which keys are good: query publishes them on the bus.",
		Advice:  "Retry. If it goes on, see that query runs, with the same auth.snapshot_key.",
	}
	errSeal = fault.Kind{
		Class: fault.Invalid, Code: "auth.seal",
		Meaning: "What the bus holds as the list of keys was not signed with auth.snapshot_key.",
		Advice:  "Give every service the same auth.snapshot_key; if they have it, see who else writes to the bus.",
	}
)
