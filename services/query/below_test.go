package query

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/testissuer"
)

// gateway has a service below /olly, and something else beside it, which tells what it is sent. Where it rewrites, the service sees no /olly.
func gateway(t *testing.T, service string, rewrites bool) *httptest.Server {
	t.Helper()
	to, err := url.Parse(service)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
		if rewrites { // as URLRewrite with ReplacePrefixMatch does
			out := r.Out.URL
			out.Path, out.RawPath = "/"+strings.TrimPrefix(strings.TrimPrefix(out.Path, "/olly"), "/"), ""
			if raw := r.In.URL.EscapedPath(); raw != r.In.URL.Path {
				out.RawPath = "/" + strings.TrimPrefix(strings.TrimPrefix(raw, "/olly"), "/")
			}
		}
	}}
	mux := http.NewServeMux()
	mux.Handle("/olly", proxy)
	mux.Handle("/olly/", proxy)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, "neighbour: "+r.Header.Get("Cookie"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// visitor is a browser in front of a gateway.
type visitor struct {
	t      *testing.T
	client *http.Client
	host   string
}

func (v *visitor) ask(method, path, body string, header ...string) (reply, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(testbed.Context(v.t), method, v.host+path, strings.NewReader(body))
	require.NoError(v.t, err)
	if method != http.MethodGet {
		r.Header.Set("Origin", v.host)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(v.t, err)
	return reply{response.StatusCode, response.Header, response.Cookies()}, string(answer)
}

func TestBelowAPathOfAGateway(t *testing.T) {
	t.Parallel()
	i, demand := provider(t, testbed.Env(t).Now)
	i.Redirect, i.Logout = publicURL+"/olly/auth/callback", publicURL+"/olly/login"
	f := newFixture(t, demand, func(c *Config) {
		c.BasePath, c.Login.OIDC.PublicURL, c.Login.OIDC.EndSession = "/olly", publicURL+"/olly", true
	})
	f.refreshKeys()
	f.store("red", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(50)), 20)
	key, _ := f.newKey("red", "query")
	for name, rewrites := range map[string]bool{"rewritten": true, "whole": false} {
		t.Run(name, func(t *testing.T) {
			jar, err := cookiejar.New(nil)
			require.NoError(t, err)
			v := &visitor{t: t, host: gateway(t, f.url, rewrites).URL, client: &http.Client{
				Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			}}
			checkPagesBelow(t, v)

			response, _ := v.ask(http.MethodGet, "/olly/api/me", "")
			require.Equal(t, http.StatusUnauthorized, response.status)
			response, answer := v.ask(http.MethodPost, "/olly/auth/key", fmt.Sprintf(`{"key":%q}`, key))
			require.Equal(t, http.StatusNoContent, response.status, answer)
			require.Equal(t, "/olly", response.cookies[0].Path)
			_, answer = v.ask(http.MethodGet, "/beside", "")
			require.Equal(t, "neighbour: ", answer, "who is beside it on the host gets no login")
			response, answer = v.ask(http.MethodGet, "/olly/api/services"+hour(), "")
			require.Equal(t, http.StatusOK, response.status, answer)
			var list api.ServiceList
			decode(t, []byte(answer), &list)
			require.NotEmpty(t, list.Services)
			response, answer = v.ask(http.MethodGet, "/olly/api/services/a%2Fb/operations"+hour(), "")
			require.Equal(t, http.StatusOK, response.status, answer)
			require.Contains(t, answer, `"operations":[]`)
			_, answer = v.ask(http.MethodPost, "/olly/auth/logout", "{}")
			require.JSONEq(t, `{"next":"/login"}`, answer, "by its path below the base path, as all that the API says")
			response, _ = v.ask(http.MethodGet, "/olly/api/me", "")
			require.Equal(t, http.StatusUnauthorized, response.status)

			checkProviderBelow(t, v, i)
		})
	}
	for _, probe := range []string{"/livez", "/olly/livez"} {
		require.Equal(t, http.StatusOK, f.raw(probe), "whoever asks the service itself knows of no gateway: %s", probe)
	}
	require.Equal(t, http.StatusNotFound, f.raw("/ollyscale/api/me.js"))
	require.Equal(t, http.StatusNotFound, f.raw("/%6Flly/api/me"))
}

// checkPagesBelow asks for pages of any depth, and for what they name.
func checkPagesBelow(t *testing.T, v *visitor) {
	t.Helper()
	for _, page := range []string{"/olly", "/olly/", "/olly/traces/0af7651916cd43dd8448eb211c80319c", "/olly/services/a%2Fb", "/olly/docs"} {
		response, answer := v.ask(http.MethodGet, page, "", "Accept", "text/html")
		require.Equal(t, http.StatusOK, response.status, page)
		named := regexp.MustCompile(`\s(?:src|href)="([^"]*)"`).FindAllStringSubmatch(answer, -1)
		require.NotEmpty(t, named)
		for _, n := range named {
			require.True(t, strings.HasPrefix(n[1], "/olly/"), "%s of %s", n[1], page)
			if !strings.HasPrefix(n[1], "/olly/api/") { // the page of a build without the interface names some of those
				response, _ := v.ask(http.MethodGet, n[1], "", "Accept", "*/*")
				if n[1] == "/olly/health" { // so does it this, which says here that there is no queue
					require.Equal(t, http.StatusServiceUnavailable, response.status)
					continue
				}
				require.Equal(t, http.StatusOK, response.status, "%s of %s", n[1], page)
				require.NotContains(t, response.header.Get("Content-Type"), "text/html", "%s of %s", n[1], page)
			}
		}
	}
}

// checkProviderBelow goes to the identity provider and back.
func checkProviderBelow(t *testing.T, v *visitor, i *testissuer.Issuer) {
	t.Helper()
	i.Change(func(is *testissuer.Behaviour) { is.LogIn = "ada" })
	response, _ := v.ask(http.MethodGet, "/olly/auth/login?return=%2Flogs%3Frange%3D1h", "")
	require.Equal(t, http.StatusFound, response.status)
	require.Equal(t, "/olly", response.cookies[0].Path)
	r, err := http.NewRequestWithContext(testbed.Context(t), http.MethodGet, response.header.Get("Location"), http.NoBody)
	require.NoError(t, err)
	back, err := v.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, back.Body.Close())
	path, ok := strings.CutPrefix(back.Header.Get("Location"), publicURL)
	require.True(t, ok)
	response, answer := v.ask(http.MethodGet, path, "")
	require.Equal(t, http.StatusSeeOther, response.status, answer)
	require.Equal(t, "/olly/logs?range=1h", response.header.Get("Location"))
	response, _ = v.ask(http.MethodGet, "/olly/api/me", "")
	require.Equal(t, http.StatusOK, response.status)
	response, _ = v.ask(http.MethodGet, path, "", "Accept", "text/html")
	require.Equal(t, "/olly/login?problem=login.flow", response.header.Get("Location"), "a code is good once")
	_, answer = v.ask(http.MethodPost, "/olly/auth/logout", "{}")
	require.Contains(t, answer, url.QueryEscape(publicURL+"/olly/login"))
}

func TestCookiesBelowAPathByHTTPS(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys, func(c *Config) { c.BasePath = "/a/b" })
	f.refreshKeys()
	key, _ := f.newKey("red", "query")
	response, answer := f.browser().ask(http.MethodPost, "/auth/key", fmt.Sprintf(`{"key":%q}`, key), "X-Forwarded-Proto", "https")
	require.Equal(t, http.StatusNoContent, response.status, "%s", answer)
	c := response.cookies[0]
	require.Equal(t, "__Secure-olly_session", c.Name, "browsers take one with __Host- for a whole host only")
	require.Equal(t, "/a/b", c.Path)
	require.True(t, c.Secure)
}

func TestABasePathIsChecked(t *testing.T) {
	t.Parallel()
	for base, ok := range map[string]bool{
		"": true, "/olly": true, "/a/b-c/d_e.f~g": true, "/apis": true, "/healthy": true, "/traces": true,
		"olly": false, "/": false, "/olly/": false, "//olly": false, "/a//b": false, "/a/../b": false, "/./a": false, "/a b": false, "/a%20b": false, "/é": false,
		`/"><script>`: false, "/a;b": false, "/api": false, "/api/olly": false, "/assets": false, "/health": false, "https://olly.example/olly": false,
	} {
		cfg := DefaultConfig()
		cfg.BasePath = base
		if err := cfg.Validate(); ok {
			require.NoError(t, err, base)
		} else {
			require.ErrorContains(t, err, "base_path", base)
		}
	}
}

func TestAPageNamesItsFilesAsTheBrowserHasToAsk(t *testing.T) {
	t.Parallel()
	page := `<link rel="icon" href="./icon.svg" /><script src="./assets/a.js"></script><a href="https://example.com/./x">x="./y"</a>`
	for base, want := range map[string]string{
		"":      `<link rel="icon" href="/icon.svg" /><script src="/assets/a.js"></script><a href="https://example.com/./x">x="./y"</a>`,
		"/olly": `<link rel="icon" href="/olly/icon.svg" /><script src="/olly/assets/a.js"></script><a href="https://example.com/./x">x="./y"</a>`,
	} {
		p, err := newPages(fstest.MapFS{"index.html": {Data: []byte(page)}}, base)
		require.NoError(t, err)
		require.Equal(t, want, string(p.index.body))
	}
	before, err := newPages(fstest.MapFS{"index.html": {Data: []byte(page)}}, "")
	require.NoError(t, err)
	after, err := newPages(fstest.MapFS{"index.html": {Data: []byte(page)}}, "/olly")
	require.NoError(t, err)
	require.NotEqual(t, before.index.etag, after.index.etag, "one that is kept is asked for anew")
}
