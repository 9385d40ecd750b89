// Package login is how people come in: the login that their browser keeps, and what one logs in with.
//
//	session.go  a login as an encrypted cookie; which requests may use it
//	login.go    the routes below /auth, and who sent a request
package login

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/settings"
)

// Prefix is that of the routes which serve somebody who is not known yet.
const Prefix = "/auth/"

// Config is what an operator can set.
type Config struct {
	SessionKey  string        `mapstructure:"session_key" secret:"true" doc:"Base64 of at least 32 random bytes by which the logins that browsers keep are encrypted; every replica needs the same. A new one ends all logins. Empty: a random one, so that logins end with the process."`
	SessionLife time.Duration `mapstructure:"session_life" doc:"Time after which somebody who logged in has to do it again."`
}

// DefaultConfig lets people work for a day.
func DefaultConfig() Config { return Config{SessionLife: 12 * time.Hour} }

// Validate names the keys that are wrong, relative to the section.
func (c Config) Validate() error {
	var p settings.Problems
	p.Secret("session_key", c.SessionKey, "for every replica")
	settings.Between(&p, "session_life", c.SessionLife, time.Minute, 30*24*time.Hour)
	return p.Err()
}

// Login serves and recognises logins. Safe for concurrent use.
type Login struct {
	cfg     Config
	auth    *auth.Authenticator
	now     func() time.Time
	sealer  sealer
	origins *http.CrossOriginProtection
}

// New makes a Login for people who have keys that a knows.
func New(cfg Config, a *auth.Authenticator, now func() time.Time, log *slog.Logger) (*Login, error) {
	if cfg.SessionKey == "" {
		cfg.SessionKey = settings.NewSecret()
		log.WarnContext(context.Background(), "login.session_key is not set: logins end with this process, and of several replicas none knows those of another")
	}
	l := &Login{cfg: cfg, auth: a, now: now, origins: http.NewCrossOriginProtection()}
	var err error
	l.sealer, err = newSealer(settings.SecretBytes(cfg.SessionKey))
	return l, err
}

// Register adds the routes below Prefix.
func (l *Login) Register(e *echo.Echo) {
	e.GET(Prefix+"methods", l.methods)
	e.POST(Prefix+"key", l.byKey)
	e.POST(Prefix+"logout", l.logout)
}

// Identify says who sent a request by a login. known is false where it came with none, or with a key, which goes before.
func (l *Login) Identify(r *http.Request) (id auth.Identity, known bool, err error) {
	if auth.IsKey(auth.Presented(r.Header.Get)) {
		return auth.Identity{}, false, nil
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

// methods tells the login page what to offer.
func (*Login) methods(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]bool{"key": true})
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
	http.SetCookie(c.Response(), l.cookie(c.Request(), sessionCookie, "", time.Time{}))
	return c.NoContent(http.StatusNoContent)
}
