package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// OIDC says which identity provider people log in at, and what its claims give them.
type OIDC struct {
	Issuer       string   `mapstructure:"issuer" doc:"URL of the identity provider, as it calls itself in its discovery document (auth.mode oidc)."`
	ClientID     string   `mapstructure:"client_id" doc:"What ollyScale is called at the identity provider."`
	ClientSecret string   `mapstructure:"client_secret" secret:"true" doc:"Its secret there; empty for a public client, which PKCE protects alone."`
	PublicURL    string   `mapstructure:"public_url" doc:"URL at which browsers reach the web interface. The identity provider leads back to /auth/callback below it, and has to know that address."`
	Scopes       []string `mapstructure:"scopes" doc:"What the identity provider is asked for; openid is among it."`
	Audiences    []string `mapstructure:"audiences" doc:"Audiences, besides client_id, of tokens that programs may present as bearer tokens."`
	RolesClaim   string   `mapstructure:"roles_claim" doc:"Claim of the ID token that gives roles: a string or a list; a dot leads into an object (realm_access.roles)."`
	Roles        []string `mapstructure:"roles" doc:"Which value of that claim gives which role, each value=viewer, editor or admin; * is everybody whom the identity provider lets in."`
	TenantsClaim string   `mapstructure:"tenants_claim" doc:"Claim that gives the tenants that a person may choose from, as roles_claim does; empty: everybody has auth.default_tenant."`
	Tenants      []string `mapstructure:"tenants" doc:"Which value of that claim gives which tenant, each value=tenant; * is everybody. Empty: the values are the names of tenants."`
	EndWithToken bool     `mapstructure:"end_with_token" doc:"End a login with its ID token, where that is sooner than login.session_life. It lasts minutes at some providers."`
	EndSession   bool     `mapstructure:"end_session" doc:"Log out at the identity provider, too, where it offers that."`
}

// Enabled says whether an identity provider is named.
func (c OIDC) Enabled() bool { return c.Issuer != "" }

// Validate names the keys that are wrong, relative to the section. Where no issuer is named, the rest is not looked at.
func (c OIDC) Validate() error {
	var p settings.Problems
	if !c.Enabled() {
		return nil
	}
	if u, err := url.Parse(c.Issuer); err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		p.Refuse("issuer", "want an https URL without query (http on this machine only): who is on the way could give himself any role")
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		p.Refuse("public_url", "want the http or https URL at which browsers reach the web interface")
	} else if strings.Trim(u.Path, "/") != "" {
		p.Refuse("public_url", "has a path, and the web interface is served at the root of its host")
	}
	if c.ClientID == "" {
		p.Refuse("client_id", "is missing")
	}
	if !slices.Contains(c.Scopes, oidc.ScopeOpenID) {
		p.Refuse("scopes", "lacks openid, without which there is no ID token")
	}
	if len(c.Roles) == 0 {
		p.Refuse("roles", "gives nobody a role: name at least one value=role, or *=viewer for everybody")
	}
	if _, err := c.roles(); err != nil {
		p.Refuse("roles", "%s", err.Error())
	}
	if _, err := c.tenants(); err != nil {
		p.Refuse("tenants", "%s", err.Error())
	}
	if c.TenantsClaim == "" && slices.ContainsFunc(c.Tenants, func(pair string) bool { return !strings.HasPrefix(pair, everybody+"=") }) {
		p.Refuse("tenants", "maps the values of a claim, and tenants_claim names none")
	}
	return p.Err()
}

func (c OIDC) roles() (mapping, error) {
	return parseMapping(c.Roles, func(role string) error {
		if scopesOf(role) == 0 {
			return fmt.Errorf("%.100q is not %s", role, strings.Join(roleNames(), ", "))
		}
		return nil
	})
}

func (c OIDC) tenants() (mapping, error) {
	return parseMapping(c.Tenants, func(tenant string) error {
		if _, err := telemetry.ParseTenant(tenant); err != nil {
			return fmt.Errorf("%.100q is no name of a tenant", tenant)
		}
		return nil
	})
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

const (
	askTimeout = 5 * time.Second // of the issuer, for one answer
	askAgain   = 5 * time.Second // until an issuer that did not answer is asked again, and until its keys are
	discovered = time.Hour       // how long what it said of itself holds
)

// issuer is the identity provider. It is asked about itself when it is first needed, and again until it answers: a service starts, and
// keys open it, while the provider is away.
type issuer struct {
	cfg             OIDC
	roles, tenants  mapping
	fallback        telemetry.Tenant // of everybody where no claim gives any
	client          *http.Client
	now             func() time.Time
	log             *slog.Logger
	publicURL, self string // without the slash at the end; self is where the issuer leads back to

	mu    sync.Mutex
	known *discovery
	asked time.Time // last, in vain or not
}

// discovery is what the issuer said of itself.
type discovery struct {
	provider   *oidc.Provider
	keys       oidc.KeySet
	algorithms []string
	endSession string
	endpoint   oauth2.Endpoint
}

func newIssuer(cfg OIDC, fallback telemetry.Tenant, now func() time.Time, log *slog.Logger) (*issuer, error) {
	i := &issuer{cfg: cfg, fallback: fallback, client: &http.Client{Timeout: askTimeout}, now: now, log: log}
	var err error
	if i.roles, err = cfg.roles(); err != nil {
		return nil, err
	}
	if i.tenants, err = cfg.tenants(); err != nil {
		return nil, err
	}
	i.publicURL = strings.TrimRight(cfg.PublicURL, "/")
	i.self = i.publicURL + Prefix + "callback"
	return i, nil
}

func (i *issuer) away() error {
	return errIssuer.New("the identity provider does not answer, or not as one: the log of this service says why; keys work")
}

// discover is what the issuer says of itself, an hour old at most if it answers. Its error is errIssuer.
func (i *issuer) discover(ctx context.Context) (*discovery, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	age := i.now().Sub(i.asked)
	if i.known != nil && age < discovered {
		return i.known, nil
	}
	if i.known == nil && age < askAgain {
		return nil, i.away()
	}
	i.asked = i.now()
	d, err := i.ask(context.WithoutCancel(ctx)) // who asked first may go
	i.asked = i.now()                           // who waited meanwhile does not wait for an answer of his own
	if err != nil {
		i.log.WarnContext(ctx, "the identity provider does not answer", "issuer", i.cfg.Issuer, "error", err)
		if i.known == nil {
			return nil, i.away()
		}
		return i.known, nil // as it was
	}
	i.known = d
	return d, nil
}

func (i *issuer) ask(ctx context.Context) (*discovery, error) {
	ctx = oidc.ClientContext(ctx, i.client)
	provider, err := oidc.NewProvider(ctx, i.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	var says struct {
		Keys       string   `json:"jwks_uri"`
		EndSession string   `json:"end_session_endpoint"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&says); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	d := &discovery{provider: provider, endSession: says.EndSession, endpoint: provider.Endpoint()}
	// Known, and not tried one after the other: a code is good for one try.
	d.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if i.cfg.ClientSecret == "" || len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		d.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	for _, a := range says.Algorithms {
		if slices.Contains(asymmetric, a) {
			d.algorithms = append(d.algorithms, a)
		}
	}
	if len(d.algorithms) == 0 {
		d.algorithms = []string{oidc.RS256} // what every provider has to have
	}
	keys := &http.Client{Timeout: askTimeout, Transport: &remembered{now: i.now, next: http.DefaultTransport}}
	d.keys = oidc.NewRemoteKeySet(oidc.ClientContext(ctx, keys), says.Keys)
	return d, nil
}

// asymmetric are the signatures that are taken: never none, and none by a secret that both sides know.
var asymmetric = []string{ //nolint:gochecknoglobals // a table
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// remembered answers a request for the issuer's keys with the answer before it where that is young: anybody can present a token whose
// key is not known, and each would be a request to the issuer.
type remembered struct {
	now  func() time.Time
	next http.RoundTripper

	mu   sync.Mutex
	at   time.Time
	last *http.Response
	body []byte
}

const maxKeys = 1 << 20 // bytes of a list of keys

// RoundTrip asks the issuer, or answers as it did.
func (m *remembered) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil || m.now().Sub(m.at) >= askAgain {
		answer, err := m.next.RoundTrip(r)
		if err != nil {
			return nil, err //nolint:wrapcheck // a transport adds nothing
		}
		body, err := io.ReadAll(io.LimitReader(answer.Body, maxKeys))
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return nil, err
		}
		m.at, m.last, m.body = m.now(), answer, body
	}
	again := *m.last
	again.Header = m.last.Header.Clone()
	again.Body, again.Request = io.NopCloser(bytes.NewReader(m.body)), r
	return &again, nil
}

// fetching tells keys that could not be had from a signature that is wrong, which the verifier does not.
type fetching struct {
	oidc.KeySet
	err error
}

// VerifySignature keeps the error of a request for keys.
func (f *fetching) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := f.KeySet.VerifySignature(ctx, jwt)
	if err != nil && strings.Contains(err.Error(), "fetching keys") {
		f.err = err
	}
	return payload, err //nolint:wrapcheck // it stands for the set
}

// verify reads a token that the issuer signed for one of the audiences and that is good now. Its errors are 401, or errIssuer; none holds
// anything of the token.
func (i *issuer) verify(ctx context.Context, raw string, audiences ...string) (*oidc.IDToken, error) {
	d, err := i.discover(ctx)
	if err != nil {
		return nil, err
	}
	keys := &fetching{KeySet: d.keys}
	v := oidc.NewVerifier(i.cfg.Issuer, keys, &oidc.Config{SkipClientIDCheck: true, Now: i.now, SupportedSigningAlgs: d.algorithms})
	token, err := v.Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case keys.err != nil:
		i.log.WarnContext(ctx, "the keys of the identity provider cannot be had", "issuer", i.cfg.Issuer, "error", keys.err)
		return nil, i.away()
	case errors.As(err, &expired):
		return nil, errToken.New("the token has expired")
	case err != nil:
		return nil, errToken.New("the token is not one that the identity provider signed")
	case !slices.ContainsFunc(token.Audience, func(a string) bool { return slices.Contains(audiences, a) }):
		return nil, errToken.New("the token is for another audience")
	case token.Subject == "":
		return nil, errToken.New("the token is about nobody")
	}
	return token, nil
}

// person is whom a token is about, with the role and the tenants that its claims give.
func (i *issuer) person(token *oidc.IDToken) (session, error) {
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return session{}, errToken.New("the claims of the token cannot be read")
	}
	s := session{Person: name(claims, token.Subject), Role: highest(i.roles.of(claim(claims, i.cfg.RolesClaim)))}
	names := []string{string(i.fallback)}
	if i.cfg.TenantsClaim != "" || len(i.tenants) > 0 {
		names = claim(claims, i.cfg.TenantsClaim)
		if len(i.tenants) > 0 {
			names = i.tenants.of(names)
		}
	}
	for _, name := range names {
		if t, err := telemetry.ParseTenant(name); err == nil && !slices.Contains(s.Tenants, t) {
			s.Tenants = append(s.Tenants, t)
		}
	}
	switch {
	case s.Role == "":
		return session{}, errNothing.Newf("the identity provider gives %s no role here", s.Person)
	case len(s.Tenants) == 0:
		return session{}, errNothing.Newf("the identity provider gives %s no tenant here", s.Person)
	}
	s.Tenant = s.Tenants[0]
	return s, nil
}

const maxName = 100 // characters of a person's name

// name is how a person is called: by an address that the issuer does not doubt, by what he is called there, or by the number he has there.
// It stands in logs and tables, so that it holds nothing that moves a terminal's cursor.
func name(claims map[string]any, subject string) string {
	if verified, said := claims["email_verified"].(bool); said && !verified {
		delete(claims, "email")
	}
	for _, key := range []string{"email", "preferred_username", "name"} {
		if text, _ := claims[key].(string); printable(text) != "" {
			return printable(text)
		}
	}
	return printable(subject)
}

func printable(text string) string {
	clean := []rune(strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)))
	return string(clean[:min(len(clean), maxName)])
}

// claim is the strings of a claim; a dot leads into an object, unless the name has dots of its own, as URLs do.
func claim(claims map[string]any, path string) (list []string) {
	value, ok := claims[path]
	for rest := path; !ok && rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, ".")
		if rest == "" {
			value = claims[name]
			break
		}
		claims, _ = claims[name].(map[string]any)
	}
	switch v := value.(type) {
	case string:
		if v != "" {
			list = []string{v}
		}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok && s != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

// endSession is where the issuer ends its own session, and leads back to the login from; "" where that is not wanted, not offered, or
// not known now.
func (i *issuer) endSession(ctx context.Context) string {
	if !i.cfg.EndSession {
		return ""
	}
	d, err := i.discover(ctx)
	if err != nil || d.endSession == "" {
		return ""
	}
	u, err := url.Parse(d.endSession)
	if err != nil || u.Scheme != "https" && !loopback(u.Hostname()) {
		return ""
	}
	q := u.Query()
	q.Set("client_id", i.cfg.ClientID)
	q.Set("post_logout_redirect_uri", i.publicURL+loginPage)
	u.RawQuery = q.Encode()
	return u.String()
}

// byToken is whom a bearer token is about.
func (i *issuer) byToken(ctx context.Context, raw string) (auth.Identity, error) {
	token, err := i.verify(ctx, raw, append([]string{i.cfg.ClientID}, i.cfg.Audiences...)...)
	if err != nil {
		return auth.Identity{}, err
	}
	s, err := i.person(token)
	if err != nil {
		return auth.Identity{}, err
	}
	s.Until = token.Expiry.Unix()
	return s.person(), nil
}
