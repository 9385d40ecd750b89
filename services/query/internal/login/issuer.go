package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/seldom"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// OIDC says which identity provider people log in at, and what its claims give them.
type OIDC struct {
	Issuer       string   `mapstructure:"issuer" doc:"URL of the identity provider, as it calls itself in its discovery document (auth.mode oidc)."`
	ClientID     string   `mapstructure:"client_id" doc:"What ollyScale is called at the identity provider."`
	ClientSecret string   `mapstructure:"client_secret" secret:"true" doc:"Its secret there; empty for a public client, which PKCE protects alone."`
	PublicURL    string   `mapstructure:"public_url" doc:"URL at which browsers reach the web interface, with its base_path. The identity provider leads back to /auth/callback below it, and has to know that address."`
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

// PublicPath is the path of PublicURL, "" for the root.
func (c OIDC) PublicPath() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}

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

// issuer is the identity provider. It is asked about itself when it is first needed, and again until it answers: a service starts, and
// keys open it, while the provider is away.
type issuer struct {
	cfg             OIDC
	roles, tenants  mapping
	fallback        telemetry.Tenant // of everybody where no claim gives any
	client          *http.Client
	now             func() time.Time
	log             *seldom.Log
	publicURL, self string // without the slash at the end; self is where the issuer leads back to

	says *kept[*discovery]
	keys *kept[*oidc.StaticKeySet]
}

// discovery is what the issuer said of itself.
type discovery struct {
	keysURL    string
	algorithms []string
	endSession string
	endpoint   oauth2.Endpoint
}

func newIssuer(cfg OIDC, fallback telemetry.Tenant, now func() time.Time, log *seldom.Log) (*issuer, error) {
	i := &issuer{cfg: cfg, fallback: fallback, client: &http.Client{Timeout: askTimeout}, now: now, log: log}
	i.says, i.keys = newKept(now, i.askItself), newKept(now, i.askKeys)
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

// silent notes in the log why the issuer could not be asked, once a minute, and answers whoever wanted it.
func (i *issuer) silent(ctx context.Context, doing string, err error) error {
	i.log.Note(ctx, slog.LevelWarn, "the identity provider does not answer", doing, slog.String("issuer", i.cfg.Issuer), slog.Any("error", err))
	return i.away()
}

// discover is what the issuer says of itself, an hour old at most if it answers. Its error is errIssuer, or that of ctx.
func (i *issuer) discover(ctx context.Context) (*discovery, error) {
	d, known, err := i.says.get(ctx, discovered)
	if !known {
		return nil, err
	}
	return d, nil
}

func (i *issuer) askItself(ctx context.Context) (*discovery, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.cfg.Issuer)
	if err != nil {
		return nil, i.silent(ctx, "discovery", err)
	}
	var says struct {
		Keys       string   `json:"jwks_uri"`
		EndSession string   `json:"end_session_endpoint"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&says); err != nil {
		return nil, i.silent(ctx, "discovery", err)
	}
	d := &discovery{keysURL: says.Keys, endSession: says.EndSession, endpoint: provider.Endpoint()}
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
	return d, nil
}

// asymmetric are the signatures that are taken: never none, and none by a secret that both sides know.
var asymmetric = []string{ //nolint:gochecknoglobals // a table
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

const maxKeys = 1 << 20 // bytes of a list of keys

// askKeys fetches the keys by which the issuer signs now.
func (i *issuer) askKeys(ctx context.Context) (*oidc.StaticKeySet, error) {
	d, err := i.discover(ctx)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.keysURL, http.NoBody)
	if err != nil {
		return nil, i.silent(ctx, "keys", err)
	}
	answer, err := i.client.Do(r)
	if err != nil {
		return nil, i.silent(ctx, "keys", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, i.silent(ctx, "keys", fmt.Errorf("status %d", answer.StatusCode))
	}
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxKeys)).Decode(&list); err != nil {
		return nil, i.silent(ctx, "keys", err)
	}
	set := &oidc.StaticKeySet{}
	for _, text := range list.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(text, &key) != nil || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
			continue // of a kind that is not known here, or for something else
		}
		set.PublicKeys = append(set.PublicKeys, key.Key)
	}
	return set, nil
}

// signers is the keys of the issuer as a verifier wants them. They are fetched again when they may have been withdrawn, and for a signature that
// is of none of them.
type signers struct {
	keys *kept[*oidc.StaticKeySet]
	away error // that they could not be had, which the verifier does not tell from a signature that is wrong
}

// VerifySignature is what a token says that one of the keys signed.
func (s *signers) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	set, known, err := s.keys.get(ctx, keysHold)
	if known {
		if payload, err := set.VerifySignature(ctx, jwt); err == nil {
			return payload, nil
		}
		set, _, err = s.keys.get(ctx, askAgain)
	}
	if err != nil {
		s.away = err
		return nil, err
	}
	return set.VerifySignature(ctx, jwt) //nolint:wrapcheck // it stands for the set
}

// verify reads a token that the issuer signed for one of the audiences and that is good now. Its errors are 401, or errIssuer; none holds
// anything of the token.
func (i *issuer) verify(ctx context.Context, raw string, audiences ...string) (*oidc.IDToken, error) {
	d, err := i.discover(ctx)
	if err != nil {
		return nil, err
	}
	keys := &signers{keys: i.keys}
	v := oidc.NewVerifier(i.cfg.Issuer, keys, &oidc.Config{SkipClientIDCheck: true, Now: i.now, SupportedSigningAlgs: d.algorithms})
	token, err := v.Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case keys.away != nil:
		return nil, keys.away
	case errors.As(err, &expired):
		return nil, errToken.New("the token has expired")
	case err != nil:
		return nil, errToken.New("the token is not one that the identity provider signed")
	case !slices.ContainsFunc(token.Audience, func(a string) bool { return slices.Contains(audiences, a) }):
		return nil, errToken.New("the token is for another audience")
	case token.Subject == "":
		return nil, errToken.New("the token is about nobody")
	}
	var claims struct {
		Party string `json:"azp"`
	}
	if err := token.Claims(&claims); err != nil {
		return nil, errToken.New("the claims of the token cannot be read")
	}
	// What another client was given for itself, with this one beside it as an audience, is none of this one's ID tokens; an audience that is
	// meant for programs, each of which is a client of its own, is named in audiences.
	others := slices.DeleteFunc(slices.Clone(audiences), func(a string) bool { return a == i.cfg.ClientID })
	if claims.Party != "" && claims.Party != i.cfg.ClientID && !slices.ContainsFunc(token.Audience, func(a string) bool { return slices.Contains(others, a) }) {
		return nil, errToken.New("the token was given to another client")
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
	switch claims["email_verified"] {
	case false, "false", "False": // some providers have it as a string
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
