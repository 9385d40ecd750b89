package query

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/testissuer"
)

const publicURL = "http://olly.test"

// provider is an identity provider, and a change of the configuration by which people log in there.
func provider(t *testing.T, now func() time.Time) (*testissuer.Issuer, func(*Config)) {
	t.Helper()
	i := &testissuer.Issuer{
		ClientID: "ollyscale", Secret: "s3cret/of:client", Redirect: publicURL + "/auth/callback", Logout: publicURL + "/login", Now: now,
		People: map[string]testissuer.Claims{
			"ada":   {"email": "ada@shop.example", "roles": []string{"viewer"}, "tenants": []string{"red", "blue"}},
			"eve":   {"email": "eve@shop.example", "email_verified": false, "preferred_username": "eve\x1b[2J", "roles": "editor", "tenants": "red"},
			"grace": {"name": "Grace", "roles": []string{"staff", "viewer", "admin"}, "tenants": []string{"red", "not a tenant", "red"}},
			"sub":   {"roles": []string{"viewer"}, "tenants": []string{"red"}},
			"guest": {"email": "guest@shop.example", "roles": []string{"staff"}, "tenants": []string{"red"}},
			"ida":   {"email": "ida@shop.example", "email_verified": "false", "preferred_username": "ida", "roles": "viewer", "tenants": "red"},
			"ole":   {"email": "ole@shop.example", "email_verified": "true", "preferred_username": "ole", "roles": "viewer", "tenants": "red"},
			"lost":  {"email": "lost@shop.example", "roles": []string{"viewer"}, "tenants": []string{"a b", "", "*"}},
		},
	}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i, func(c *Config) {
		demandKeys(c)
		c.Auth.Mode = auth.ModeOIDC
		o := &c.Login.OIDC
		o.Issuer, o.ClientID, o.ClientSecret, o.PublicURL, o.TenantsClaim = i.URL, i.ClientID, i.Secret, publicURL, "tenants"
	}
}

// oidcFixture is a service whose people log in at an issuer. The clock of both stands still, but for what is added to it: how long a busy machine
// takes changes nothing.
func oidcFixture(t *testing.T, change ...func(*Config)) (*fixture, *testissuer.Issuer, *atomic.Int64) {
	t.Helper()
	ahead := new(atomic.Int64)
	began := time.Now()
	i, demand := provider(t, func() time.Time { return began.Add(time.Duration(ahead.Load())) })
	f := newFixture(t).at(i.Now, append([]func(*Config){demand}, change...)...)
	f.refreshKeys()
	return f, i, ahead
}

// toIssuer presses the button; what comes back is where the issuer leads the browser to, as it is asked here.
func (b *browser) toIssuer(i *testissuer.Issuer, person, from string) string {
	t := b.f.t
	t.Helper()
	i.Change(func(is *testissuer.Behaviour) { is.LogIn = person })
	response, answer := b.ask(http.MethodGet, "/auth/login?return="+url.QueryEscape(from), "")
	require.Equal(t, http.StatusFound, response.status, "%s", answer)
	require.Equal(t, "no-store", response.header.Get("Cache-Control"))
	r, err := http.NewRequestWithContext(testbed.Context(t), http.MethodGet, response.header.Get("Location"), http.NoBody)
	require.NoError(t, err)
	back, err := b.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, back.Body.Close())
	require.Equal(t, http.StatusFound, back.StatusCode)
	path, ok := strings.CutPrefix(back.Header.Get("Location"), publicURL)
	require.True(t, ok)
	return path
}

// logIn logs in as a person, and says where that led to.
func (b *browser) logIn(i *testissuer.Issuer, person, from string) (to string, cookies []*http.Cookie) {
	b.f.t.Helper()
	response, answer := b.ask(http.MethodGet, b.toIssuer(i, person, from), "")
	require.Equal(b.f.t, http.StatusSeeOther, response.status, "%s", answer)
	return response.header.Get("Location"), response.cookies
}

func TestAPersonLogsInAtTheIdentityProvider(t *testing.T) {
	t.Parallel()
	f, i, ahead := oidcFixture(t)
	f.store("red", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(50)), 20)
	f.store("blue", telemetry.Traces, testbed.TracesPayload(newDice(2).traces(30)), 20)
	b := f.browser()
	_, answer := b.ask(http.MethodGet, "/auth/methods", "")
	require.JSONEq(t, `{"key":true,"oidc":true}`, string(answer))
	to, cookies := b.logIn(i, "ada", "/logs?range=1h")
	require.Equal(t, "/logs?range=1h", to)
	require.Len(t, cookies, 2, "the login, and the end of what had begun")
	for _, c := range cookies {
		require.True(t, c.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, c.SameSite)
		require.NotContains(t, c.Value, "ada")
	}
	me := b.me()
	require.Equal(t, api.Me{Name: "ada@shop.example", Tenant: "red", Tenants: []string{"red", "blue"}, Scopes: []api.KeyScope{"query"}, SessionUntil: me.SessionUntil}, me)
	require.WithinDuration(t, i.Now().Add(12*time.Hour), *me.SessionUntil, time.Minute)
	spans := func(header ...string) int {
		response, answer := b.ask(http.MethodPost, "/api/spans/search", searchBody{limit: 100}.json(t), header...)
		require.Equal(t, http.StatusOK, response.status, "%s", answer)
		var page api.SpanPage
		decode(t, answer, &page)
		return len(page.Spans)
	}
	require.Equal(t, 50, spans())
	require.Equal(t, 30, spans("X-Scope-OrgID", "blue"))

	// Another tenant, until another is chosen; never one outside the claim.
	for _, denied := range []string{"green", "", "RED", "a b"} {
		require.Equal(t, "auth.tenant", b.refused(http.StatusForbidden, http.MethodPost, "/auth/tenant", fmt.Sprintf(`{"tenant":%q}`, denied)), denied)
	}
	require.Equal(t, "auth.tenant", b.refused(http.StatusForbidden, http.MethodGet, "/api/me", "", "X-Scope-OrgID", "green"))
	require.Equal(t, "login.request", b.refused(http.StatusBadRequest, http.MethodPost, "/auth/tenant", `{"tenants":["blue"]}`))
	response, answer := b.ask(http.MethodPost, "/auth/tenant", `{"tenant":"blue"}`)
	require.Equal(t, http.StatusNoContent, response.status, "%s", answer)
	require.Equal(t, "blue", b.me().Tenant)
	require.Equal(t, 30, spans())
	require.True(t, me.SessionUntil.Equal(*b.me().SessionUntil), "to choose does not lengthen a login")
	require.Equal(t, "auth.unauthenticated", f.browser().refused(http.StatusUnauthorized, http.MethodPost, "/auth/tenant", `{"tenant":"blue"}`))

	ahead.Store(int64(12*time.Hour + time.Second))
	require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", ""))
	ahead.Store(0)
	response, answer = b.ask(http.MethodPost, "/auth/logout", "")
	require.Equal(t, http.StatusOK, response.status)
	require.JSONEq(t, `{"next":"/login"}`, string(answer))
	require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", ""))
}

func TestAKeyWorksBesideTheIdentityProvider(t *testing.T) {
	t.Parallel()
	f, i, _ := oidcFixture(t)
	key, id := f.newKey("red", "query")
	b := f.browser()
	require.Equal(t, id, b.me("X-Api-Key", key).Name)
	b.withKey(key)
	require.Equal(t, id, b.me().Name)
	require.Equal(t, "auth.tenant", b.refused(http.StatusForbidden, http.MethodPost, "/auth/tenant", `{"tenant":"blue"}`))
	response, _ := b.ask(http.MethodPost, "/auth/tenant", `{"tenant":"red"}`)
	require.Equal(t, http.StatusNoContent, response.status)
	require.Zero(t, i.Requests("/.well-known/openid-configuration"), "nobody asked for it")
}

func TestClaimsGiveRolesAndTenants(t *testing.T) {
	t.Parallel()
	f, i, _ := oidcFixture(t)
	for person, want := range map[string]api.Me{
		"eve":   {Name: "eve[2J", Tenant: "red", Tenants: []string{"red"}, Scopes: []api.KeyScope{"query", "edit"}},
		"grace": {Name: "Grace", Tenant: "red", Tenants: []string{"red"}, Scopes: []api.KeyScope{"query", "admin", "edit"}},
		"ida":   {Name: "ida", Tenant: "red", Tenants: []string{"red"}, Scopes: []api.KeyScope{"query"}},
		"ole":   {Name: "ole@shop.example", Tenant: "red", Tenants: []string{"red"}, Scopes: []api.KeyScope{"query"}},
		"sub":   {Name: "sub-sub", Tenant: "red", Tenants: []string{"red"}, Scopes: []api.KeyScope{"query"}},
	} {
		b := f.browser()
		b.logIn(i, person, "/")
		me := b.me()
		me.SessionUntil = nil
		require.Equal(t, want, me)
	}
	for _, person := range []string{"guest", "lost"} {
		b := f.browser()
		require.Equal(t, "login.no_role", b.refused(http.StatusForbidden, http.MethodGet, b.toIssuer(i, person, "/"), ""), person)
	}

	// Groups, as an enterprise's directory has them.
	f, i, _ = oidcFixture(t, func(c *Config) {
		o := &c.Login.OIDC
		o.RolesClaim, o.Roles = "realm_access.groups", []string{"cn=ops,dc=shop=admin", "*=viewer"}
		o.TenantsClaim, o.Tenants = "https://shop.example/teams", []string{"web=red", "pay=blue", "*=green", "site=red"}
	})
	claims := func(groups, teams any) testissuer.Claims {
		return testissuer.Claims{"sub": "1", "realm_access": map[string]any{"groups": groups}, "https://shop.example/teams": teams}
	}
	for _, test := range []struct {
		groups, teams any
		scopes        []api.KeyScope
		tenants       []string
	}{
		{[]any{"cn=ops,dc=shop", 7}, []string{"pay", "site", "web"}, []api.KeyScope{"query", "admin", "edit"}, []string{"red", "blue", "green"}},
		{nil, nil, []api.KeyScope{"query"}, []string{"green"}},
		{"cn=ops,dc=sho", "red", []api.KeyScope{"query"}, []string{"green"}},
	} {
		me := f.browser().me("Authorization", "Bearer "+i.Sign(claims(test.groups, test.teams)))
		require.Equal(t, test.scopes, me.Scopes)
		require.Equal(t, test.tenants, me.Tenants)
	}
	f, i, _ = oidcFixture(t, func(c *Config) { c.Login.OIDC.TenantsClaim, c.Auth.DefaultTenant = "", "house" })
	require.Equal(t, []string{"house"}, f.browser().me("Authorization", "Bearer "+i.Sign(testissuer.Claims{"sub": "1", "roles": "viewer", "tenants": "red"})).Tenants)
}

// What each role may do is what its scopes open of docs/api.yaml, in the tenants of the claim.
func TestEachRoleMayWhatItsScopesOpen(t *testing.T) {
	t.Parallel()
	f, i, _ := oidcFixture(t)
	require.NoError(t, f.svc.bus.EnsureStreams(testbed.Context(t)))
	may := map[string]map[string]bool{
		"viewer": {"query": true, "any": true},
		"editor": {"query": true, "any": true, "edit": true},
		"admin":  {"query": true, "any": true, "edit": true, "admin": true},
	}
	for role, scopes := range may {
		token := "Bearer " + i.Sign(testissuer.Claims{"sub": role, "roles": []string{role}, "tenants": []string{"red", "blue"}})
		for _, o := range operations(t, oldestOfLine, "nothing") {
			status, body := f.call(o.method, o.path, o.body, "Authorization", token, "X-Scope-OrgID", "blue")
			require.Equal(t, !scopes[o.scope], status == http.StatusForbidden, "%s as %s: %d %s", o.id, role, status, body)
			status, body = f.call(o.method, o.path, o.body, "Authorization", token, "X-Scope-OrgID", "green")
			require.Equal(t, http.StatusForbidden, status, "%s as %s: %s", o.id, role, body)
			require.Contains(t, string(body), `"auth.tenant"`)
		}
	}
}

func TestATokenIsTakenOfTheIssuerForThisAudienceAndInItsTime(t *testing.T) {
	t.Parallel()
	f, i, ahead := oidcFixture(t, func(c *Config) { c.Login.OIDC.Audiences = []string{"api"} })
	b := f.browser()
	viewer := func(more testissuer.Claims) string {
		claims := testissuer.Claims{"sub": "1", "roles": "viewer", "tenants": []string{"red", "blue"}}
		maps.Copy(claims, more)
		return i.Sign(claims)
	}
	good := viewer(nil)
	asks := func(token string) (int, string) {
		response, answer := b.ask(http.MethodGet, "/api/me", "", "Authorization", "Bearer "+token)
		if response.status == http.StatusOK {
			return response.status, ""
		}
		for part := range strings.SplitSeq(token, ".") {
			require.False(t, len(part) > 20 && strings.Contains(string(answer), part))
		}
		var p api.Problem
		decode(t, answer, &p)
		return response.status, p.Code
	}
	ok := func(token, why string) {
		t.Helper()
		status, code := asks(token)
		require.Equal(t, http.StatusOK, status, "%s: %s", why, code)
	}
	bad := func(token, why string) {
		t.Helper()
		status, code := asks(token)
		require.Equal(t, []any{http.StatusUnauthorized, "login.token"}, []any{status, code}, why)
	}
	ok(good, "an ID token")
	ok(viewer(testissuer.Claims{"aud": []string{"other", "api"}}), "an access token")
	require.WithinDuration(t, i.Now().Add(5*time.Minute), *b.me("Authorization", "Bearer "+good).SessionUntil, time.Minute)

	now := i.Now().Unix()
	bad(viewer(testissuer.Claims{"aud": "other"}), "wrong audience")
	bad(viewer(testissuer.Claims{"aud": nil}), "no audience")
	ok(viewer(testissuer.Claims{"azp": "ollyscale"}), "an ID token that says for whom")
	ok(viewer(testissuer.Claims{"aud": "api", "azp": "script"}), "an access token of a program")
	ok(viewer(testissuer.Claims{"aud": []string{"ollyscale", "api"}, "azp": "script"}), "the same, with more audiences")
	bad(viewer(testissuer.Claims{"aud": []string{"other", "ollyscale"}, "azp": "other"}), "what another client was given for itself")
	bad(viewer(testissuer.Claims{"azp": "other"}), "the same")
	bad(viewer(testissuer.Claims{"exp": now - 1}), "expired")
	bad(viewer(testissuer.Claims{"exp": 0}), "without an end")
	bad(viewer(testissuer.Claims{"nbf": now + 3600}), "not yet")
	bad(viewer(testissuer.Claims{"iss": "https://evil.example"}), "another issuer")
	bad(viewer(testissuer.Claims{"sub": ""}), "about nobody")
	parts := strings.Split(good, ".")
	header := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	bad(header(`{"alg":"none"}`)+"."+parts[1]+".", "alg none")
	bad(header(`{"alg":"none"}`)+"."+parts[1]+"."+parts[2], "alg none with a signature")
	bad(parts[0]+"."+header(`{"iss":"`+i.URL+`","sub":"1","aud":"ollyscale","exp":9999999999,"roles":"admin","tenants":"red"}`)+"."+parts[2], "other claims under a signature")
	bad(parts[0]+"."+parts[1]+"."+strings.Repeat("A", len(parts[2])), "no signature")
	secret, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("s", 32))}, nil)
	require.NoError(t, err)
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	signed, err := secret.Sign(payload)
	require.NoError(t, err)
	text, err := signed.CompactSerialize()
	require.NoError(t, err)
	bad(text, "signed by a secret")
	bad("ey.x.y", "no token")
	ok(good, "and the good one is good")
	status, code := asks("opaque")
	require.Equal(t, []any{http.StatusUnauthorized, "auth.unauthenticated"}, []any{status, code}, "what is no token is a key that nobody knows")

	// A cookie does not help a token that is bad, and a token needs no page that made the request.
	b.logIn(i, "ada", "/")
	bad(viewer(testissuer.Claims{"aud": "other"}), "beside a login")
	stranger := f.browser()
	stranger.origin = "https://evil.example"
	response, answer := stranger.ask(http.MethodPost, "/api/spans/search", searchBody{limit: 1}.json(t), "Authorization", "Bearer "+good)
	require.Equal(t, http.StatusOK, response.status, "%s", answer)
	require.Equal(t, "auth.tenant", b.refused(http.StatusForbidden, http.MethodGet, "/api/me", "", "Authorization", "Bearer "+good, "X-Scope-OrgID", "green"))

	// New keys are asked for when a token names one, not more often than every five seconds, and old ones are good no more.
	before := i.Requests("/keys")
	i.Rotate(jose.ES256)
	rotated := viewer(nil)
	for range 20 {
		bad(rotated, "the keys are too young to be asked for again")
	}
	require.Equal(t, before, i.Requests("/keys"))
	ahead.Store(int64(6 * time.Second))
	ok(rotated, "an elliptic key")
	require.Equal(t, before+1, i.Requests("/keys"))
	bad(good, "a key that the issuer shows no more")
	ahead.Store(int64(12 * time.Second))
	i.Forget()
	i.Rotate(jose.RS256)
	i.Forget()
	bad(viewer(nil), "unknown kid")
	ahead.Store(int64(18 * time.Second))
	i.Rotate(jose.RS256)
	i.Change(func(is *testissuer.Behaviour) { is.KeysAway = true })
	status, code = asks(viewer(nil))
	require.Equal(t, []any{http.StatusServiceUnavailable, "login.issuer"}, []any{status, code}, "that the keys are away is nobody's fault")
	ahead.Store(int64(24 * time.Second))
	i.Change(func(is *testissuer.Behaviour) { is.KeysAway = false })
	ok(viewer(nil), "they are back")
}

// A key that the issuer has withdrawn opens nothing, though nobody brings a token by a new one; while its keys cannot be had, the old ones are good.
func TestAKeyThatIsWithdrawnIsGoodForMinutes(t *testing.T) {
	t.Parallel()
	f, i, ahead := oidcFixture(t)
	b := f.browser()
	token := func() string {
		return i.Sign(testissuer.Claims{"sub": "1", "roles": "viewer", "tenants": "red", "exp": i.Now().Add(time.Hour).Unix()})
	}
	old := token()
	require.Equal(t, "red", b.me("Authorization", "Bearer "+old).Tenant)
	i.Forget()
	i.Change(func(is *testissuer.Behaviour) { is.KeysAway = true })
	ahead.Store(int64(6 * time.Minute))
	require.Equal(t, "red", b.me("Authorization", "Bearer "+old).Tenant)
	i.Change(func(is *testissuer.Behaviour) { is.KeysAway = false })
	ahead.Store(int64(12 * time.Minute))
	for _, withdrawn := range []string{old, token()} {
		require.Equal(t, "login.token", b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", "", "Authorization", "Bearer "+withdrawn))
	}
	require.Equal(t, 3, i.Requests("/keys"))
}

// Whoever brings something that looks like a token makes neither requests to an issuer that is away, nor lines in the log, as many as he likes.
func TestAnIssuerThatIsAwayIsAskedAndToldOfSeldom(t *testing.T) {
	t.Parallel()
	f, i, ahead := oidcFixture(t)
	var log bytes.Buffer
	env := testbed.Env(t)
	env.Now, env.Log = i.Now, slog.New(slog.NewTextHandler(&log, nil))
	b := f.withEnv(env).browser()
	token := "Bearer " + i.Sign(testissuer.Claims{"sub": "1", "roles": "viewer", "tenants": "red"})
	i.Change(func(is *testissuer.Behaviour) { is.KeysAway = true })
	path := b.toIssuer(i, "ada", "/")
	for range 20 {
		require.Equal(t, "login.issuer", b.refused(http.StatusServiceUnavailable, http.MethodGet, "/api/me", "", "Authorization", token))
	}
	require.Equal(t, 1, i.Requests("/keys"))
	i.Change(func(is *testissuer.Behaviour) { is.KeysAway, is.HangUp = false, true })
	ahead.Store(int64(6 * time.Second))
	for range 20 {
		require.Equal(t, "login.issuer", b.refused(http.StatusServiceUnavailable, http.MethodGet, "/api/me", "", "Authorization", token))
	}
	require.Equal(t, 2, i.Requests("/keys"), "that it hung up is an answer, too")
	for range 20 {
		b.ask(http.MethodGet, "/auth/callback?state=x", "", "Accept", "text/html")
	}
	require.Equal(t, "login.issuer", b.refused(http.StatusServiceUnavailable, http.MethodGet, path, ""))
	for message, times := range map[string]int{"the identity provider does not answer": 2, "a login failed": 1} {
		require.Equal(t, times, strings.Count(log.String(), message), "%s\n%s", message, &log)
	}
}

func TestAWayBackIsOfTheLoginThatThisBrowserBegan(t *testing.T) {
	t.Parallel()
	f, i, ahead := oidcFixture(t)
	flow := func(b *browser, path string) {
		t.Helper()
		require.Equal(t, "login.flow", b.refused(http.StatusUnauthorized, http.MethodGet, path, ""))
		require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", ""))
	}
	flow(f.browser(), "/auth/callback")
	flow(f.browser(), "/auth/callback?state=&code=x")

	b := f.browser()
	path := b.toIssuer(i, "ada", "/")
	flow(f.browser(), path) // in another browser: it would be logged in as somebody else
	u, err := url.Parse(path)
	require.NoError(t, err)
	other := f.browser()
	other.toIssuer(i, "grace", "/")
	flow(other, path) // with another login begun
	q := u.Query()
	q.Set("state", q.Get("state")+"x")
	flow(b, u.Path+"?"+q.Encode())
	response, _ := b.ask(http.MethodGet, path, "")
	require.Equal(t, "/", response.header.Get("Location"), "and one that somebody else sent takes nothing away")
	require.Equal(t, "ada@shop.example", b.me().Name)
	response, answer := b.ask(http.MethodPost, "/auth/logout", "")
	require.Equal(t, http.StatusOK, response.status, "%s", answer)
	flow(b, path) // replayed

	b = f.browser()
	path = b.toIssuer(i, "ada", "/")
	u, err = url.Parse(path)
	require.NoError(t, err)
	q = u.Query()
	q.Set("code", "guessed")
	flow(b, u.Path+"?"+q.Encode())
	flow(b, path) // one try

	b = f.browser()
	path = b.toIssuer(i, "ada", "/")
	ahead.Store(int64(11 * time.Minute))
	flow(b, path) // too late
	ahead.Store(0)

	i.Change(func(is *testissuer.Behaviour) { is.Refuse = true })
	b = f.browser()
	flow(b, b.toIssuer(i, "ada", "/"))
	i.Change(func(is *testissuer.Behaviour) { is.Refuse = false })

	for code, change := range map[string]func(testissuer.Claims){
		"login.flow":             func(c testissuer.Claims) { c["nonce"] = "of another login" },
		"login.token":            func(c testissuer.Claims) { c["aud"] = "other" },
		"login.token ":           func(c testissuer.Claims) { c["exp"] = i.Now().Unix() - 60 },
		"login.token  ":          func(c testissuer.Claims) { c["iss"] = "https://evil.example" },
		"login.flow ":            func(c testissuer.Claims) { delete(c, "nonce") },
		"login.too_many_tenants": func(c testissuer.Claims) { c["tenants"] = manyTenants() },
	} {
		i.Change(func(is *testissuer.Behaviour) { is.Change = change })
		b = f.browser()
		path = b.toIssuer(i, "ada", "/")
		status := map[bool]int{true: http.StatusForbidden, false: http.StatusUnauthorized}[code == "login.too_many_tenants"]
		require.Equal(t, strings.TrimSpace(code), b.refused(status, http.MethodGet, path, ""), code)
		b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", "")
	}

	// The issuer checks the verifier: a code that was taken on the way is no use to who has not the browser's cookie. And so is the secret.
	i.Change(func(is *testissuer.Behaviour) { is.Change = nil })
	i.Secret = "changed"
	b = f.browser()
	flow(b, b.toIssuer(i, "ada", "/"))
}

func manyTenants() (list []string) {
	for i := range 100 {
		list = append(list, fmt.Sprintf("tenant-with-a-long-name-%d", i))
	}
	return list
}

func TestALoginLeadsBackToThisServerAlone(t *testing.T) {
	t.Parallel()
	f, i, _ := oidcFixture(t)
	for from, want := range map[string]string{
		"/traces/abc?span=1&x=%2F#y": "/traces/abc?span=1&x=%2F#y", "": "/", "https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/",
		"/\t/evil.example": "/", "\\\\evil.example": "/", "javascript:alert(1)": "/", "evil": "/", "/\r\nSet-Cookie: a=b": "/", "http:/evil": "/",
		"/" + strings.Repeat("x", 5000): "/", "/ /evil": "/",
	} {
		to, _ := f.browser().logIn(i, "ada", from)
		require.Equal(t, want, to, from)
	}
}

func TestAProviderThatIsAwayStopsNobodyElse(t *testing.T) {
	t.Parallel()
	f, i, ahead := oidcFixture(t)
	i.Change(func(is *testissuer.Behaviour) { is.Away = true })
	key, id := f.newKey("red", "query")
	b := f.browser()
	require.Equal(t, id, b.me("X-Api-Key", key).Name)
	require.Equal(t, "login.issuer", b.refused(http.StatusServiceUnavailable, http.MethodGet, "/auth/login", ""))
	require.Equal(t, "login.issuer", b.refused(http.StatusServiceUnavailable, http.MethodGet, "/api/me", "", "Authorization", "Bearer "+i.Sign(testissuer.Claims{})))
	response, _ := b.ask(http.MethodGet, "/auth/login?return=%2Flogs", "", "Accept", "text/html,*/*")
	require.Equal(t, http.StatusSeeOther, response.status)
	require.Equal(t, "/login?problem=login.issuer&return=%2Flogs", response.header.Get("Location"), "people see a page")
	require.Equal(t, 1, i.Requests("/.well-known/openid-configuration"), "it is asked every five seconds")
	i.Change(func(is *testissuer.Behaviour) { is.Away = false })
	ahead.Store(int64(6 * time.Second))
	path := b.toIssuer(i, "ada", "/")
	i.Change(func(is *testissuer.Behaviour) { is.Away = true })
	require.Equal(t, "login.issuer", b.refused(http.StatusServiceUnavailable, http.MethodGet, path, ""))
	i.Change(func(is *testissuer.Behaviour) { is.Away = false })
	b.logIn(i, "ada", "/")

	// What it said of itself holds while it is away, and is asked for again after an hour.
	asked := i.Requests("/.well-known/openid-configuration")
	ahead.Store(int64(2 * time.Hour))
	i.Change(func(is *testissuer.Behaviour) { is.Away = true })
	response, _ = b.ask(http.MethodGet, "/auth/login", "")
	require.Equal(t, http.StatusFound, response.status)
	require.Equal(t, asked+1, i.Requests("/.well-known/openid-configuration"))
	require.Equal(t, "ada@shop.example", b.me().Name, "a login needs it no more")
}

func TestTheSessionKeyIsOneForAllReplicas(t *testing.T) {
	t.Parallel()
	shared := func(c *Config) { c.Login.SessionKey = c.Auth.SnapshotKey }
	f, i, _ := oidcFixture(t, shared)
	second := f.with()
	begun := f.browser()
	path := begun.toIssuer(i, "ada", "/")
	begun.f = second // what one replica began, another ends
	response, answer := begun.ask(http.MethodGet, path, "")
	require.Equal(t, http.StatusSeeOther, response.status, "%s", answer)
	begun.f = f
	require.Equal(t, "ada@shop.example", begun.me().Name)

	keys := f.with(func(c *Config) { c.Auth.Mode, c.Login.OIDC.Issuer = auth.ModeKeys, "" })
	keys.refreshKeys()
	begun.f = keys
	require.Equal(t, "auth.unauthenticated", begun.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", ""), "where no issuer is named any more, its logins are over")
}

func TestALoginMayEndWithItsTokenAndAtTheProvider(t *testing.T) {
	t.Parallel()
	f, i, _ := oidcFixture(t, func(c *Config) { c.Login.OIDC.EndWithToken, c.Login.OIDC.EndSession = true, true })
	i.Change(func(is *testissuer.Behaviour) { is.Life = 7 * time.Minute })
	b := f.browser()
	b.logIn(i, "ada", "/")
	require.WithinDuration(t, i.Now().Add(7*time.Minute), *b.me().SessionUntil, 10*time.Second)
	logout := func() string {
		response, answer := b.ask(http.MethodPost, "/auth/logout", "")
		require.Equal(t, http.StatusOK, response.status)
		var out api.LoggedOut
		decode(t, answer, &out)
		return out.Next
	}
	next := logout()
	r, err := http.NewRequestWithContext(testbed.Context(t), http.MethodGet, next, http.NoBody)
	require.NoError(t, err)
	response, err := b.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, publicURL+"/login", response.Header.Get("Location"), "and from there to the login: %s", next)
	require.Equal(t, "/login", logout(), "nobody is logged in")
	key, _ := f.newKey("red", "query")
	b.withKey(key)
	require.Equal(t, "/login", logout(), "a key is nobody's at the provider")
	i.Change(func(is *testissuer.Behaviour) { is.Life = 24 * time.Hour })
	b.logIn(i, "ada", "/")
	require.WithinDuration(t, i.Now().Add(12*time.Hour), *b.me().SessionUntil, time.Minute)
}

func TestAPublicClientHasNoSecret(t *testing.T) {
	t.Parallel()
	f, i, _ := oidcFixture(t, func(c *Config) { c.Login.OIDC.ClientSecret = "" })
	i.Secret = ""
	b := f.browser()
	b.logIn(i, "ada", "/")
	require.Equal(t, "ada@shop.example", b.me().Name)
}

func TestSettingsOfTheIdentityProviderAreChecked(t *testing.T) {
	t.Parallel()
	good := DefaultConfig()
	demandKeys(&good)
	good.Auth.Mode = auth.ModeOIDC
	o := &good.Login.OIDC
	o.Issuer, o.ClientID, o.PublicURL = "https://id.example/realms/shop", "ollyscale", "https://olly.example/"
	require.NoError(t, good.Validate())
	for key, change := range map[string][]func(*Config){
		"login.oidc.issuer": {
			func(c *Config) { c.Login.OIDC.Issuer = "" },
			func(c *Config) { c.Auth.Mode = auth.ModeKeys },
			func(c *Config) { c.Login.OIDC.Issuer = "http://id.example" },
			func(c *Config) { c.Login.OIDC.Issuer = "id.example" },
			func(c *Config) { c.Login.OIDC.Issuer = "https://id.example?x=1" },
			func(c *Config) { c.Login.OIDC.Issuer = "https://u:hunter2@id.example" },
		},
		"login.oidc.public_url": {
			func(c *Config) { c.Login.OIDC.PublicURL = "" },
			func(c *Config) { c.Login.OIDC.PublicURL = "ftp://olly.example" },
			func(c *Config) { c.Login.OIDC.PublicURL = "https://olly.example/below" },
			func(c *Config) { c.BasePath = "/olly" },
			func(c *Config) { c.BasePath, c.Login.OIDC.PublicURL = "/olly", "https://olly.example/below/" },
		},
		"login.oidc.client_id": {func(c *Config) { c.Login.OIDC.ClientID = "" }},
		"login.oidc.scopes":    {func(c *Config) { c.Login.OIDC.Scopes = []string{"email"} }},
		"login.oidc.roles": {
			func(c *Config) { c.Login.OIDC.Roles = nil },
			func(c *Config) { c.Login.OIDC.Roles = []string{"admin"} },
			func(c *Config) { c.Login.OIDC.Roles = []string{"x=root"} },
			func(c *Config) { c.Login.OIDC.Roles = []string{"=admin"} },
		},
		"login.oidc.tenants": {
			func(c *Config) { c.Login.OIDC.TenantsClaim, c.Login.OIDC.Tenants = "t", []string{"x=a b"} },
			func(c *Config) { c.Login.OIDC.Tenants = []string{"x=a"} },
		},
	} {
		for n, wrong := range change {
			cfg := good
			wrong(&cfg)
			err := cfg.Validate()
			require.ErrorContains(t, err, key, "%d", n)
			require.NotContains(t, err.Error(), "hunter2")
		}
	}
	below := good
	below.BasePath, below.Login.OIDC.PublicURL = "/olly", "https://olly.example/olly/"
	require.NoError(t, below.Validate())
	local := good
	local.Login.OIDC.Issuer = "http://127.0.0.1:8099"
	require.NoError(t, local.Validate())
}
