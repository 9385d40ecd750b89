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
	ErrTooManyKeys = fault.Kind{
		Class: fault.Invalid, Code: "auth.too_many_keys",
		Meaning: "The tenant has as many good keys as it may have: those of all tenants travel to ingest in one message.",
		Advice:  "Revoke keys that nobody uses; several senders may share one.",
	}
	ErrStale = fault.Kind{
		Class: fault.Unavailable, Code: "auth.stale",
		Meaning: "The keys have not been read from the database for more than ten seconds, so that one that was revoked since may still open something.",
		Advice:  "See the database and the log. Requests are answered meanwhile, by the keys that were known.",
	}
	ErrUnpublished = fault.Kind{
		Class: fault.Unavailable, Code: "auth.unpublished",
		Meaning: "The list of keys does not go over the bus, so that ingest goes on with the one before.",
		Advice:  "The message says why. A list that is too large gets smaller when keys are revoked, or is let through by a larger max_payload of NATS.",
	}
	ErrNotReady = fault.Kind{
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
