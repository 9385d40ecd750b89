package login

import (
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/labstack/echo/v4"
	"golang.org/x/oauth2"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

const (
	flowCookie = "olly_login"
	flowLife   = 10 * time.Minute // from the button to the way back
	loginPage  = "/login"         // of the web interface
)

// flow is a login that has begun, as the browser keeps it.
type flow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Return   string `json:"return"`
	Until    int64  `json:"until"`
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// localPage is a page of this server, by its path below that of browsers, else the first one: where a login leads back to is what a link said that anybody may have made.
func localPage(wanted string) string {
	u, err := url.Parse(wanted)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(wanted, "/") || strings.HasPrefix(wanted, "//") ||
		len(wanted) > maxReturn || strings.ContainsFunc(wanted, func(r rune) bool { return r == '\\' || r <= ' ' || r == 0x7f }) {
		return "/"
	}
	return wanted
}

const maxReturn = 2000

// begin leads to the issuer.
func (l *Login) begin(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	back := localPage(c.QueryParam("return"))
	d, err := l.issuer.discover(c.Request().Context())
	if err != nil {
		return l.told(c, err, back)
	}
	until := l.now().Add(flowLife)
	f := flow{
		State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(),
		Return: back, Until: until.Unix(),
	}
	text, err := l.sealer.seal(l.cookieName(c.Request(), flowCookie), f)
	if err != nil {
		return err
	}
	http.SetCookie(c.Response(), l.cookie(c.Request(), flowCookie, text, until))
	return c.Redirect(http.StatusFound, l.oauth(d).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)))
}

func (l *Login) oauth(d *discovery) *oauth2.Config {
	cfg := l.issuer.cfg
	return &oauth2.Config{ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, Endpoint: d.endpoint, Scopes: cfg.Scopes, RedirectURL: l.issuer.self}
}

// callback is where the issuer leads back to.
func (l *Login) callback(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	var f flow
	name := l.cookieName(c.Request(), flowCookie)
	kept, err := c.Cookie(name)
	begun := err == nil && l.sealer.open(name, kept.Value, &f) && l.now().Unix() < f.Until && same(f.State, c.QueryParam("state"))
	if begun { // once; a way back that somebody else made takes nothing away
		http.SetCookie(c.Response(), l.cookie(c.Request(), flowCookie, "", time.Time{}))
		err = l.finish(c, f)
	} else {
		err = errFlow.New("this login was not begun in this browser, is over, or was too long ago")
	}
	if err != nil {
		return l.told(c, err, f.Return)
	}
	return c.Redirect(http.StatusSeeOther, l.base+f.Return)
}

func (l *Login) finish(c echo.Context, f flow) error {
	code := c.QueryParam("code")
	if code == "" {
		return errFlow.Newf("the identity provider did not let this login through (%.60q)", c.QueryParam("error"))
	}
	ctx := c.Request().Context()
	d, err := l.issuer.discover(ctx)
	if err != nil {
		return err
	}
	tokens, err := l.oauth(d).Exchange(oidc.ClientContext(ctx, l.issuer.client), code, oauth2.VerifierOption(f.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response.StatusCode < http.StatusInternalServerError {
		l.log.Note(ctx, slog.LevelWarn, "the identity provider refused to complete a login", http.StatusText(refused.Response.StatusCode),
			slog.String("issuer", l.issuer.cfg.Issuer), slog.String("code", refused.ErrorCode))
		return errFlow.New("the identity provider refused to complete this login: the log of this service says why")
	}
	if err != nil {
		return l.issuer.silent(ctx, "token", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := l.issuer.verify(ctx, raw, l.issuer.cfg.ClientID)
	if err != nil {
		return err
	}
	if !same(token.Nonce, f.Nonce) {
		return errFlow.New("the identity provider answered another login")
	}
	s, err := l.issuer.person(token)
	if err != nil {
		return err
	}
	var ends time.Time
	if l.issuer.cfg.EndWithToken {
		ends = token.Expiry
	}
	return l.start(s, ends, c.Response(), c.Request())
}

// told answers a problem on the way to the identity provider: a browser with the page that says so, a program as everywhere.
func (l *Login) told(c echo.Context, err error, back string) error {
	if !strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/html") {
		return err
	}
	q := url.Values{"problem": {fault.From(err).Code}}
	if back != "" && back != "/" {
		q.Set("return", back)
	}
	l.log.Note(c.Request().Context(), slog.LevelWarn, "a login failed", fault.From(err).Code, slog.String("because", fault.From(err).Message))
	return c.Redirect(http.StatusSeeOther, l.base+loginPage+"?"+q.Encode())
}

// switchTenant changes which of his tenants somebody who is logged in sees.
func (l *Login) switchTenant(c echo.Context) error {
	s, err := l.session(c.Request())
	if err != nil {
		return err
	}
	body, err := request[struct {
		Tenant telemetry.Tenant `json:"tenant"`
	}](c)
	if err != nil {
		return err
	}
	id, err := l.identity(s)
	if err != nil {
		return err
	}
	if body.Tenant != id.Tenant && !slices.Contains(id.Tenants, body.Tenant) {
		return auth.ErrTenantDenied.New("this login has no access to that tenant")
	}
	if s.Key == "" { // of a key there is no other
		s.Tenant = body.Tenant
		if err := l.keep(s, c.Response(), c.Request()); err != nil {
			return err
		}
	}
	return c.NoContent(http.StatusNoContent)
}
