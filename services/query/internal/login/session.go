package login

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// session is a login as its cookie holds it: of a key, or of a person. Of a key it holds the id alone: what the key may, and whether it is
// still good, is looked up at each request, so that a revoked key ends its logins, too. What a person may is as it was at login.
type session struct {
	Key     string             `json:"key,omitempty"`
	Person  string             `json:"person,omitempty"`
	Role    string             `json:"role,omitempty"`
	Tenant  telemetry.Tenant   `json:"tenant,omitempty"` // the chosen one
	Tenants []telemetry.Tenant `json:"tenants,omitempty"`
	Until   int64              `json:"until"` // Unix seconds
}

// person is who is logged in by no key.
func (s session) person() auth.Identity {
	return auth.Identity{Tenant: s.Tenant, Tenants: s.Tenants, Person: s.Person, Scopes: scopesOf(s.Role), Until: time.Unix(s.Until, 0)}
}

// maxCookie is what browsers keep of a cookie, with some room for its attributes.
const maxCookie = 3900

// What the browser keeps. A cookie whose name begins with __Host- it takes from this very host by https alone, so that neither a neighbour
// below the same domain, nor who is in the middle of a request by http, can put another in its place. Such a cookie goes to all of the host;
// below a path, where the rest of the host is somebody else's, it is kept from him, and from http by a name with __Secure-.
const (
	sessionCookie = "olly_session"
	hostPrefix    = "__Host-"
	securePrefix  = "__Secure-"
)

// cookieName is that of a cookie of somebody who comes as r does.
func (l *Login) cookieName(r *http.Request, name string) string {
	switch {
	case !l.secure(r):
		return name
	case l.base != "":
		return securePrefix + name
	}
	return hostPrefix + name
}

// sealer encrypts and authenticates what browsers keep (AES-256-GCM). What was sealed under one name does not open under another.
type sealer struct{ aead cipher.AEAD }

func newSealer(secret []byte) (sealer, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "ollyscale login", 32)
	if err != nil {
		return sealer{}, fmt.Errorf("key of logins: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("cipher of logins: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("cipher of logins: %w", err)
	}
	return sealer{aead}, nil
}

func (s sealer) seal(name string, value any) (string, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("cookie %s: %w", name, err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(name))), nil //nolint:gosec // it makes a random nonce itself
}

// open says whether text was sealed here under this name.
func (s sealer) open(name, text string, into any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := s.aead.Open(nil, nil, sealed, []byte(name))
	return err == nil && json.Unmarshal(plain, into) == nil
}

// cookie keeps a value in the browser until then, out of reach of scripts, and away from requests that other sites make, but for links
// to here. The zero time takes it away.
func (l *Login) cookie(r *http.Request, name, value string, until time.Time) *http.Cookie {
	c := &http.Cookie{Name: l.cookieName(r, name), Path: cmp.Or(l.base, "/"), Value: value, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: l.secure(r), MaxAge: -1} //nolint:gosec // Secure, where it would come back
	if !until.IsZero() {
		c.MaxAge = max(1, int(until.Sub(l.now()).Seconds()))
	}
	return c
}

// secure says whether the browser came by https, itself or to a proxy in front. Who lies about it only loses his own cookie.
func (l *Login) secure(r *http.Request) bool {
	first, _, _ := strings.Cut(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",") // of several proxies, the one that the browser met
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(first), "https") || strings.HasPrefix(l.cfg.OIDC.PublicURL, "https:")
}

// start gives the browser a login from now on. It ends after its life, or with the key.
func (l *Login) start(s session, ends time.Time, w http.ResponseWriter, r *http.Request) error {
	until := l.now().Add(l.cfg.SessionLife)
	if !ends.IsZero() && ends.Before(until) {
		until = ends
	}
	s.Until = until.Unix()
	return l.keep(s, w, r)
}

// keep gives the browser a login as it is now.
func (l *Login) keep(s session, w http.ResponseWriter, r *http.Request) error {
	text, err := l.sealer.seal(l.cookieName(r, sessionCookie), s)
	if err != nil {
		return err
	}
	if len(text) > maxCookie {
		return errTooMany.Newf("the identity provider gives %d tenants, and a browser keeps no login so large", len(s.Tenants))
	}
	http.SetCookie(w, l.cookie(r, sessionCookie, text, time.Unix(s.Until, 0)))
	return nil
}

// session is the login that a request came with. Every error of it says 401 but one: 403 where the request may change something and did
// not come from a page of this server.
func (l *Login) session(r *http.Request) (session, error) {
	var s session
	name := l.cookieName(r, sessionCookie)
	c, err := r.Cookie(name)
	if err != nil || !l.sealer.open(name, c.Value, &s) || l.now().Unix() >= s.Until || s.Key == "" && (s.Person == "" || l.issuer == nil) {
		return session{}, auth.ErrUnauthenticated.New("the login has ended: log in again")
	}
	return s, l.sameOrigin(r)
}

// identity is who is logged in.
func (l *Login) identity(s session) (auth.Identity, error) {
	if s.Key == "" {
		return s.person(), nil
	}
	id, err := l.auth.ByKeyID(s.Key)
	if err != nil {
		return auth.Identity{}, err
	}
	id.Until = time.Unix(s.Until, 0)
	return id, nil
}

// sameOrigin refuses a request that may change something, unless the browser says that a page of this server made it. Browsers do, by one
// of two headers; what says neither is no browser, and has no business with cookies.
func (l *Login) sameOrigin(r *http.Request) error {
	safe := slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method)
	if !safe && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		return errCrossSite.New("a request that came with a login says not which page made it")
	}
	if err := l.origins.Check(r); err != nil {
		return errCrossSite.New("a page of another site made this request")
	}
	return nil
}
