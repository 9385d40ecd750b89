package query

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/services/query/internal/login"
)

// open are the routes that ask nobody who he is: they hold nobody's data, or are how one says who one is. Whatever else is registered needs auth.Query, or what scopesOf
// says, so that a route that nobody thought of is closed.
func open(route string) bool {
	switch route {
	case "/livez", "/health", "/health/db", "/metrics", "/*", "":
		return true
	}
	return strings.HasPrefix(route, login.Prefix)
}

// scopes are what a sender must be allowed to do for the routes below a path, none where it is enough to be known: a key of any scope may
// ask whether it is good, and for what. Every other route needs auth.Query. docs/api.yaml says the same as x-scope.
var scopes = []struct { //nolint:gochecknoglobals // a table
	method, below string // "" is every method
	need          []auth.Scope
}{
	{"", "/api/me", nil},
	{"", "/api/about", nil},
	{"", "/api/openapi.yaml", nil},
	{"", "/api/keys", []auth.Scope{auth.Admin}},
	{"", "/api/dead-letters", []auth.Scope{auth.Edit}},
	{http.MethodPost, "/api/saved-queries", []auth.Scope{auth.Edit}},
	{http.MethodPut, "/api/saved-queries", []auth.Scope{auth.Edit}},
	{http.MethodDelete, "/api/saved-queries", []auth.Scope{auth.Edit}},
	{http.MethodPut, "/api/retention", []auth.Scope{auth.Admin}},
}

func scopesOf(method, route string) []auth.Scope {
	for _, s := range scopes {
		if (s.method == "" || s.method == method) && (route == s.below || strings.HasPrefix(route, s.below+"/")) {
			return s.need
		}
	}
	return []auth.Scope{auth.Query}
}

const identityKey = "ollyscale.identity"

// identify is the one place where a request gets the tenant whose data it may read and change.
func (s *Service) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if open(c.Path()) {
			return next(c)
		}
		who, err := s.who(c.Request(), scopesOf(c.Request().Method, c.Path())...)
		if err != nil {
			return err
		}
		c.Set(identityKey, who)
		return next(c)
	}
}

// who asks for a login or a token of the identity provider first, then for a key.
func (s *Service) who(r *http.Request, scopes ...auth.Scope) (auth.Identity, error) {
	header := auth.Header(r.Header)
	if s.login != nil {
		if id, known, err := s.login.Identify(r); err != nil {
			return auth.Identity{}, err
		} else if known {
			return id.For(header(auth.TenantHeader), scopes...)
		}
	}
	return s.auth.Identify(r.Context(), header, scopes...)
}

// again is who sends a request that goes on, found out anew: the key may be withdrawn by now.
func (s *Service) again(c echo.Context) (auth.Identity, error) {
	return s.who(c.Request(), scopesOf(c.Request().Method, c.Path())...)
}

// sender is who sent a request, as identify found.
func sender(c echo.Context) (auth.Identity, error) {
	who, ok := c.Get(identityKey).(auth.Identity)
	if !ok {
		return auth.Identity{}, fault.ErrInternal.New("internal error") // a route that identify takes for open
	}
	return who, nil
}
