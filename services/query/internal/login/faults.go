package login

import (
	"net/http"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errCrossSite = fault.Kind{
		Class: fault.Invalid, Code: "login.cross_site", Status: http.StatusForbidden,
		Meaning: "A request that may change something came with a login, and not from a page of this ollyScale.",
		Advice:  "Use the web interface; a program presents a key instead. A proxy in front must pass Host on, or Sec-Fetch-Site.",
	}
	errRequest = fault.Kind{
		Class: fault.Invalid, Code: "login.request",
		Meaning: "What was sent to log in cannot be read.",
		Advice:  "Correct it as docs/api.yaml has it.",
	}
	errIssuer = fault.Kind{
		Class: fault.Unavailable, Code: "login.issuer",
		Meaning: "The identity provider (login.oidc.issuer) cannot be reached, or does not answer as one.",
		Advice:  "The log of query says why. It is asked again after five seconds; until then, keys and logins that have begun work.",
	}
	errFlow = fault.Kind{
		Class: fault.Invalid, Code: "login.flow", Status: http.StatusUnauthorized,
		Meaning: "A way back from the identity provider is none of a login that this browser began, or the provider refused it.",
		Advice:  "Log in again, in one window and within ten minutes. If it goes on, see client_id, client_secret and public_url (login.oidc).",
	}
	errToken = fault.Kind{
		Class: fault.Invalid, Code: "login.token", Status: http.StatusUnauthorized,
		Meaning: "A token is not one that the identity provider signed for this ollyScale, or has expired.",
		Advice:  "Get a new one, for an audience that is login.oidc.client_id or among login.oidc.audiences.",
	}
	errNothing = fault.Kind{
		Class: fault.Invalid, Code: "login.no_role", Status: http.StatusForbidden,
		Meaning: "The identity provider knows the person, but its claims give no role or no tenant here.",
		Advice:  "Give one, by the claims that login.oidc.roles_claim and tenants_claim name.",
	}
	errTooMany = fault.Kind{
		Class: fault.Invalid, Code: "login.too_many_tenants", Status: http.StatusForbidden,
		Meaning: "The identity provider gives a person more tenants than fit a login, which a browser keeps in four kilobytes.",
		Advice:  "Give fewer, or map groups to tenants by login.oidc.tenants.",
	}
)
