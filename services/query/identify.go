package query

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/services/query/internal/login"
)

// open are the routes that ask nobody who he is: they hold nobody's data, or are how one says who one is. Whatever else is registered needs auth.Query, or what scopes
// says, so that a route that nobody thought of is closed.
func open(route string) bool {
	switch route {
	case "/livez", "/health", "/health/db", "/metrics", "/*", "":
		return true
	}
	return strings.HasPrefix(route, login.Prefix)
}

// scopeOf is what a sender must be allowed to do for a route.
func scopeOf(route string) auth.Scope {
	for _, prefix := range []string{"/api/keys", "/api/dead-letters"} {
		if route == prefix || strings.HasPrefix(route, prefix+"/") {
			return auth.Admin
		}
	}
	return auth.Query
}

const identityKey = "ollyscale.identity"

// identify is the one place where a request gets the tenant whose data it may read and change.
func (s *Service) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if open(c.Path()) {
			return next(c)
		}
		who, err := s.who(c.Request(), scopeOf(c.Path()))
		if err != nil {
			return err
		}
		c.Set(identityKey, who)
		return next(c)
	}
}

// who asks for a login first, then for a key.
func (s *Service) who(r *http.Request, scope auth.Scope) (auth.Identity, error) {
	header := auth.Header(r.Header)
	if s.login != nil {
		if id, known, err := s.login.Identify(r); err != nil {
			return auth.Identity{}, err
		} else if known {
			return id.For(header(auth.TenantHeader), scope)
		}
	}
	return s.auth.Identify(r.Context(), header, scope)
}

// sender is who sent a request, as identify found.
func sender(c echo.Context) (auth.Identity, error) {
	who, ok := c.Get(identityKey).(auth.Identity)
	if !ok {
		return auth.Identity{}, fault.ErrInternal.New("internal error") // a route that identify takes for open
	}
	return who, nil
}
