// Package login is how people come in: the login that their browser keeps, and what one logs in with.
//
//	session.go  a login as an encrypted cookie; which requests may use it
//	roles.go    what people may do, by the role that they have
//	kept.go     what the identity provider says, kept while it is young
//	issuer.go   an identity provider (OpenID Connect): what it says of itself, its tokens and their claims
//	oidc.go     login at it, by the authorization code flow
//	login.go    the routes below /auth, and who sent a request
package login

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/seldom"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Prefix is that of the routes which serve somebody who is not known yet.
const Prefix = "/auth/"

// Config is what an operator can set.
type Config struct {
	SessionKey  string        `mapstructure:"session_key" secret:"true" doc:"Base64 of at least 32 random bytes by which the logins that browsers keep are encrypted; every replica needs the same. A new one ends all logins. Empty: a random one, so that logins end with the process."`
	SessionLife time.Duration `mapstructure:"session_life" doc:"Time after which somebody who logged in has to do it again."`
	OIDC        OIDC          `mapstructure:"oidc"`
}

// DefaultConfig lets people work for a day.
func DefaultConfig() Config {
	return Config{SessionLife: 12 * time.Hour, OIDC: OIDC{
		Scopes:     []string{"openid", "profile", "email"},
		RolesClaim: "roles", Roles: []string{"viewer=viewer", "editor=editor", "admin=admin"},
	}}
}

// Validate names the keys that are wrong, relative to the section.
func (c Config) Validate() error {
	var p settings.Problems
	p.Secret("session_key", c.SessionKey, "for every replica")
	settings.Between(&p, "session_life", c.SessionLife, time.Minute, 30*24*time.Hour)
	p.Section("oidc", c.OIDC.Validate())
	return p.Err()
}

// Login serves and recognises logins. Safe for concurrent use.
type Login struct {
	cfg     Config
	base    string      // path below which browsers are here, "" at the root
	log     *seldom.Log // anybody can fail to log in, and make the issuer be asked
	issuer  *issuer     // nil where people have keys only
	auth    *auth.Authenticator
	now     func() time.Time
	sealer  sealer
	origins *http.CrossOriginProtection
}

// New makes a Login for people who have keys that a knows, or whom the identity provider knows that cfg names; those have the tenant fallback
// where no claim gives one. Browsers reach it below the path base.
func New(cfg Config, base string, a *auth.Authenticator, fallback telemetry.Tenant, now func() time.Time, log *slog.Logger) (*Login, error) {
	if cfg.SessionKey == "" {
		cfg.SessionKey = settings.NewSecret()
		log.WarnContext(context.Background(), "login.session_key is not set: logins end with this process, and of several replicas none knows those of another")
	}
	l := &Login{cfg: cfg, base: base, log: seldom.New(log, now), auth: a, now: now, origins: http.NewCrossOriginProtection()}
	var err error
	if cfg.OIDC.Enabled() {
		if l.issuer, err = newIssuer(cfg.OIDC, fallback, now, l.log); err != nil {
			return nil, err
		}
	}
	l.sealer, err = newSealer(settings.SecretBytes(cfg.SessionKey))
	return l, err
}

// Register adds the routes below Prefix.
func (l *Login) Register(e *echo.Echo) {
	e.GET(Prefix+"methods", l.methods)
	e.POST(Prefix+"key", l.byKey)
	e.POST(Prefix+"tenant", l.switchTenant)
	e.POST(Prefix+"logout", l.logout)
	if l.issuer != nil {
		e.GET(Prefix+"login", l.begin)
		e.GET(Prefix+"callback", l.callback)
	}
}

// Identify says who sent a request by a login, or by a token of the identity provider. known is false where it came with neither, or with
// a key, which goes before.
func (l *Login) Identify(r *http.Request) (id auth.Identity, known bool, err error) {
	presented := auth.Presented(auth.Header(r.Header))
	switch {
	case auth.IsKey(presented):
		return auth.Identity{}, false, nil
	case l.issuer != nil && isToken(presented):
		id, err = l.issuer.byToken(r.Context(), presented)
		return id, true, err
	}
	if _, err := r.Cookie(l.cookieName(r, sessionCookie)); err != nil {
		return auth.Identity{}, false, nil //nolint:nilerr // no cookie is no fault
	}
	s, err := l.session(r)
	if err != nil {
		return auth.Identity{}, true, err
	}
	id, err = l.identity(s)
	return id, true, err
}

// isToken says whether a secret has the form of a signed token: three parts, of which the first is a JSON object.
func isToken(text string) bool { return strings.HasPrefix(text, "ey") && strings.Count(text, ".") == 2 }

// methods tells the login page what to offer.
func (l *Login) methods(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]bool{"key": true, "oidc": l.issuer != nil})
}

const maxRequest = 4 << 10

// request reads a small JSON body.
func request[T any](c echo.Context) (body T, err error) {
	d := json.NewDecoder(io.LimitReader(c.Request().Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return body, errRequest.New("the body is not the JSON that is wanted")
	}
	return body, nil
}

// byKey exchanges a key that may query for a login.
func (l *Login) byKey(c echo.Context) error {
	if err := l.sameOrigin(c.Request()); err != nil { // or another site could log somebody in as somebody else
		return err
	}
	body, err := request[struct {
		Key string `json:"key"`
	}](c)
	if err != nil {
		return err
	}
	id, err := l.auth.ByKey(body.Key)
	if err != nil {
		return err
	}
	if err := id.May(auth.Query); err != nil {
		return err
	}
	if err := l.start(session{Key: id.Connection}, id.Until, c.Response(), c.Request()); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// logout takes the login away from the browser.
func (l *Login) logout(c echo.Context) error {
	if err := l.sameOrigin(c.Request()); err != nil {
		return err
	}
	next := loginPage
	if s, err := l.session(c.Request()); err == nil && s.Person != "" {
		if end := l.issuer.endSession(c.Request().Context()); end != "" {
			next = end
		}
	}
	http.SetCookie(c.Response(), l.cookie(c.Request(), sessionCookie, "", time.Time{}))
	return c.JSON(http.StatusOK, map[string]string{"next": next})
}
