package query

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// browser is somebody who keeps cookies and says, as browsers do, which page asks. It follows no redirect unless told to.
type browser struct {
	f      *fixture
	client *http.Client
	origin string // of the page that asks
}

func (f *fixture) browser() *browser {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(f.t, err)
	return &browser{f: f, origin: f.url, client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is an answer, but for its body.
type reply struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
}

// ask sends a request to the service, and checks the answer against docs/api.yaml.
func (b *browser) ask(method, path, body string, header ...string) (reply, []byte) {
	t := b.f.t
	t.Helper()
	r, err := http.NewRequestWithContext(testbed.Context(t), method, b.f.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if b.origin != "" && method != http.MethodGet {
		r.Header.Set("Origin", b.origin)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := b.client.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	b.f.check(t, r, response.StatusCode, response.Header, answer)
	return reply{response.StatusCode, response.Header, response.Cookies()}, answer
}

// raw is the status of a GET of what docs/api.yaml need not have.
func (f *fixture) raw(path string) int {
	f.t.Helper()
	r, err := http.NewRequestWithContext(testbed.Context(f.t), http.MethodGet, f.url+path, http.NoBody)
	require.NoError(f.t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(f.t, err)
	require.NoError(f.t, response.Body.Close())
	return response.StatusCode
}

// refused asks, and gives the code of the answer.
func (b *browser) refused(status int, method, path, body string, header ...string) string {
	b.f.t.Helper()
	response, answer := b.ask(method, path, body, header...)
	require.Equal(b.f.t, status, response.status, "%s %s: %s", method, path, answer)
	var p api.Problem
	decode(b.f.t, answer, &p)
	return p.Code
}

func (b *browser) me(header ...string) (me api.Me) {
	b.f.t.Helper()
	response, answer := b.ask(http.MethodGet, "/api/me", "", header...)
	require.Equal(b.f.t, http.StatusOK, response.status, "%s", answer)
	decode(b.f.t, answer, &me)
	return me
}

// withKey logs in by a key.
func (b *browser) withKey(key string) *http.Cookie {
	b.f.t.Helper()
	response, answer := b.ask(http.MethodPost, "/auth/key", fmt.Sprintf(`{"key":%q}`, key))
	require.Equal(b.f.t, http.StatusNoContent, response.status, "%s", answer)
	require.Len(b.f.t, response.cookies, 1)
	return response.cookies[0]
}

// cookies replaces what the browser keeps.
func (b *browser) cookies(list ...*http.Cookie) {
	b.f.t.Helper()
	u, err := url.Parse(b.f.url)
	require.NoError(b.f.t, err)
	b.client.Jar.SetCookies(u, list)
}

// later is the fixture with a service whose clock runs ahead by as much as is added.
func (f *fixture) later(ahead *atomic.Int64, change ...func(*Config)) *fixture {
	return f.at(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, change...)
}

// at is the fixture with a service that has this clock.
func (f *fixture) at(now func() time.Time, change ...func(*Config)) *fixture {
	env := testbed.Env(f.t)
	env.Now = now
	return f.withEnv(env, change...)
}

func TestAKeyIsExchangedForALogin(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	f := newFixture(t, demandKeys).later(&ahead)
	f.store("red", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(50)), 20)
	key, id := f.newKey("red", "query")
	b := f.browser()
	require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", ""))
	response, answer := b.ask(http.MethodGet, "/auth/methods", "")
	require.Equal(t, http.StatusOK, response.status)
	var methods api.LoginMethods
	decode(t, answer, &methods)
	require.True(t, methods.Key)

	c := b.withKey(key)
	require.True(t, c.HttpOnly)
	require.False(t, c.Secure, "it came by http, and would not come back")
	require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	require.Equal(t, "/", c.Path)
	require.InDelta(t, 12*60*60, c.MaxAge, 60)
	for _, secret := range []string{key, key[22:], id, "red"} {
		require.NotContains(t, c.Value, secret)
	}
	me := b.me()
	require.Equal(t, api.Me{Name: id, Tenant: "red", Tenants: []string{"red"}, Scopes: []api.KeyScope{"query"}, SessionUntil: me.SessionUntil}, me)
	require.WithinDuration(t, time.Now().Add(12*time.Hour), *me.SessionUntil, time.Minute)
	response, answer = b.ask(http.MethodPost, "/api/spans/search", searchBody{limit: 100}.json(t))
	require.Equal(t, http.StatusOK, response.status, "%s", answer)
	var page api.SpanPage
	decode(t, answer, &page)
	require.Len(t, page.Spans, 50)
	require.Equal(t, "auth.tenant", b.refused(http.StatusForbidden, http.MethodGet, "/api/me", "", "X-Scope-OrgID", "blue"))
	require.Equal(t, "auth.scope", b.refused(http.StatusForbidden, http.MethodGet, "/api/keys", ""))

	ahead.Store(int64(12*time.Hour + time.Second))
	require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", ""), "its life is bounded, whatever the browser keeps")
	ahead.Store(0)
	b.me()
	response, _ = b.ask(http.MethodPost, "/auth/logout", "")
	require.Equal(t, http.StatusOK, response.status)
	b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", "")
}

func TestOnlyAKeyThatMayQueryLogsIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	sends, _ := f.newKey("red", "ingest")
	strange, _ := auth.NewKey()
	b := f.browser()
	require.Equal(t, "auth.scope", b.refused(http.StatusForbidden, http.MethodPost, "/auth/key", fmt.Sprintf(`{"key":%q}`, sends)))
	require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodPost, "/auth/key", fmt.Sprintf(`{"key":%q}`, strange)))
	require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodPost, "/auth/key", `{"key":""}`))
	for _, body := range []string{``, `[]`, `{"kee":"x"}`, `{"key":"` + strings.Repeat("x", 5000) + `"}`} {
		require.Equal(t, "login.request", b.refused(http.StatusBadRequest, http.MethodPost, "/auth/key", body))
	}
}

func TestALoginEndsWithItsKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	key, id := f.newKey("red", "query", "admin")
	b := f.browser()
	b.withKey(key)
	response, answer := b.ask(http.MethodDelete, "/api/keys/"+id, "")
	require.Equal(t, http.StatusNoContent, response.status, "%s", answer)
	f.refreshKeys()
	require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", ""))
}

func TestACookieThatWasNotMadeHereOpensNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	key, _ := f.newKey("red", "query")
	good := f.browser().withKey(key)
	b := f.browser()
	letters := []byte(good.Value)
	for i := range letters {
		changed := append([]byte(nil), letters...)
		if changed[i]++; letters[i] == 'z' || letters[i] == 'Z' || letters[i] == '9' {
			changed[i] = 'A'
		}
		if i == len(letters)-1 {
			continue // its last bits may hold nothing
		}
		b.cookies(&http.Cookie{Name: good.Name, Value: string(changed), Path: "/"})
		require.Equal(t, "auth.unauthenticated", b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", ""), i)
	}
	for _, value := range []string{"", "x", good.Value[:20], good.Value + good.Value, key} {
		b.cookies(&http.Cookie{Name: good.Name, Value: value, Path: "/"})
		b.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", "")
	}
	other := f.with() // a replica with a key of its own
	o := other.browser()
	other.refreshKeys()
	o.cookies(&http.Cookie{Name: good.Name, Value: good.Value, Path: "/"})
	o.refused(http.StatusUnauthorized, http.MethodGet, "/api/me", "")

	same := func(c *Config) { c.Login.SessionKey = c.Auth.SnapshotKey }
	first, second := f.with(same), f.with(same)
	first.refreshKeys()
	second.refreshKeys()
	s := second.browser()
	s.cookies(first.browser().withKey(key))
	require.Equal(t, "red", s.me().Tenant, "replicas with the same key know one another's logins")
}

func TestALoginIsUsedByPagesOfThisServerAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	key, _ := f.newKey("red", "query", "admin")
	b := f.browser()
	b.withKey(key)
	body := `{"name":"made","scopes":["query"]}`
	forged := []struct {
		origin string
		header []string
	}{
		{"https://evil.example", nil},
		{"null", nil},
		{"", nil},
		{"", []string{"Sec-Fetch-Site", "cross-site"}},
		{"", []string{"Sec-Fetch-Site", "same-site"}},
		{f.url, []string{"Sec-Fetch-Site", "cross-site"}},
	}
	login := fmt.Sprintf(`{"key":%q}`, key)
	for _, from := range forged {
		b.origin = from.origin
		for _, o := range operations(t, oldestOfLine, "x") {
			if o.method == http.MethodGet {
				continue
			}
			require.Equal(t, "login.cross_site", b.refused(http.StatusForbidden, o.method, o.path, o.body, from.header...), "%s from %+v", o.id, from)
		}
		require.Equal(t, "login.cross_site", b.refused(http.StatusForbidden, http.MethodPost, "/auth/key", login, from.header...))
		require.Equal(t, "login.cross_site", b.refused(http.StatusForbidden, http.MethodPost, "/auth/logout", "", from.header...))
		response, answer := b.ask(http.MethodPost, "/api/keys", body, append(from.header, "X-Api-Key", key)...)
		require.Equal(t, http.StatusCreated, response.status, "who brings a key needs no page: %s", answer)
	}
	b.origin = ""
	response, answer := b.ask(http.MethodPost, "/api/keys", body, "Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusCreated, response.status, "%s", answer)
}

func TestACookieOfHTTPSStaysThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	key, _ := f.newKey("red", "query")
	login := fmt.Sprintf(`{"key":%q}`, key)
	for proto, secure := range map[string]bool{"https": true, "HTTPS": true, "https, http": true, " https ,http": true, "http": false, "http, https": false, "httpsx": false} {
		response, _ := f.browser().ask(http.MethodPost, "/auth/key", login, "X-Forwarded-Proto", proto)
		require.Len(t, response.cookies, 1)
		c := response.cookies[0]
		require.Equal(t, []any{secure, "/"}, []any{c.Secure, c.Path}, proto)
		require.Equal(t, secure, strings.HasPrefix(c.Name, "__Host-"), "by https a browser takes it from this host alone: %s", proto)
		asks := func(header ...string) int {
			response, _ := f.browser().ask(http.MethodGet, "/api/me", "", header...)
			return response.status
		}
		name, value := c.Name, c.Value
		require.Equal(t, http.StatusOK, asks("Cookie", name+"="+value, "X-Forwarded-Proto", proto))
		require.Equal(t, http.StatusUnauthorized, asks("Cookie", "olly_session="+value, "X-Forwarded-Proto", "https"), "nor does one of the other kind open anything")
		require.Equal(t, http.StatusUnauthorized, asks("Cookie", "__Host-olly_session="+value))
	}
}

func TestALoginEndsWhenItsKeyDoes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	text, _, err := f.svc.keys.Create(testbed.Context(t), keystore.Wish{Tenant: "red", Name: "short", Scopes: []string{"query"}, Expires: &until}, time.Now())
	require.NoError(t, err)
	f.refreshKeys()
	b := f.browser()
	require.InDelta(t, 60*60, b.withKey(text).MaxAge, 60)
	require.WithinDuration(t, until, *b.me().SessionUntil, time.Second)
	require.WithinDuration(t, until, *f.browser().me("X-Api-Key", text).SessionUntil, time.Second)
}

func TestWithoutAuthenticationNobodyLogsIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := f.browser()
	require.Equal(t, api.Me{Tenant: "default", Tenants: []string{"default"}, Scopes: []api.KeyScope{"ingest", "query", "admin"}}, b.me())
	require.Equal(t, http.StatusNotFound, f.raw("/auth/methods"), "and no page is there, either")
}

func TestLoginSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]func(*Config){
		"login.session_key":  func(c *Config) { c.Login.SessionKey = "c2hvcnQ=" },
		"login.session_life": func(c *Config) { c.Login.SessionLife = time.Second },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), key)
	}
}
