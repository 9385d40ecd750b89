package query

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// FuzzHeaders: whatever the headers of a request say, it is answered for who brings the key, or the login that was made with it, and for nobody
// else; the answer tells nothing of either. No database is asked.
func FuzzHeaders(f *testing.F) {
	cfg := DefaultConfig()
	demandKeys(&cfg)
	cfg.Bus, cfg.Postgres.URL = testbed.NATS(f), "postgres://127.0.0.1:1/none"
	svc, err := New(cfg, service.NewEnv("query", nil))
	require.NoError(f, err)
	f.Cleanup(svc.close)
	text, key := auth.NewKey()
	key.Tenant, key.Scopes = "red", auth.Of(auth.Query)
	svc.auth.Keys().Set([]auth.Key{key})
	login := httptest.NewRequest(http.MethodPost, "/auth/key", strings.NewReader(fmt.Sprintf(`{"key":%q}`, text)))
	login.Header.Set("Sec-Fetch-Site", "same-origin")
	made := httptest.NewRecorder()
	svc.server.Echo.ServeHTTP(made, login)
	require.Equal(f, http.StatusNoContent, made.Code, made.Body.String())
	cookie := made.Result().Cookies()[0]

	// A seed is the same in every process; the key and the login stand in it by words.
	replace := strings.NewReplacer("KEY", text, "NAME", cookie.Name, "LOGIN", cookie.Value)
	for _, seed := range [][7]string{
		{"", "", "KEY", "", "", "", ""},
		{"red", "Bearer KEY", "", "", "", "", ""},
		{"blue", "", "", "NAME=LOGIN", "same-origin", "http://example.com", "https"},
		{"red, blue", "Basic QU5ZOktFWQ==", "KEY", "NAME=LOGIN; NAME=x", "cross-site", "null", "https, http"},
		{"\x00", "Bearer olly_", "", "NAME=\"LOGIN\"", "", "http://example.com:80", "HTTPS"},
		{"", "Bearer x", "", "a=b;;NAME=LOGIN;=", "none", "://", ""},
		{"red", "", "KEY, KEY", "NAME=LOGINLOGIN", "same-site", "\r\n", strings.Repeat("https,", 50)},
	} {
		for which := range 3 {
			f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], seed[6], uint8(which))
		}
	}
	routes := [][2]string{{http.MethodGet, "/api/me"}, {http.MethodPost, "/auth/logout"}, {http.MethodGet, "/api/keys"}}
	f.Fuzz(func(t *testing.T, tenant, authorization, apiKey, cookies, site, origin, proto string, which uint8) {
		route := routes[int(which)%len(routes)]
		request := httptest.NewRequest(route[0], route[1], http.NoBody)
		for name, value := range map[string]string{
			auth.TenantHeader: tenant, "Authorization": authorization, auth.KeyHeader: apiKey, "Cookie": cookies, "Sec-Fetch-Site": site, "Origin": origin, "X-Forwarded-Proto": proto,
		} {
			if value != "" {
				request.Header.Set(name, replace.Replace(value))
			}
		}
		answer := httptest.NewRecorder()
		svc.server.Echo.ServeHTTP(answer, request)
		require.Contains(t, []int{200, 204, 400, 401, 403}, answer.Code, answer.Body.String())
		if route[1] == "/api/me" {
			got := auth.Presented(auth.Header(request.Header)) == text
			for _, c := range request.Cookies() {
				got = got || c.Name == cookie.Name && c.Value == cookie.Value
			}
			if answer.Code == http.StatusOK {
				require.True(t, got, "answered without a key")
				require.True(t, tenant == "" || tenant == "red", "answered for another tenant")
			}
		} else if route[1] == "/api/keys" {
			require.NotEqual(t, http.StatusOK, answer.Code, "the key is no administrator's")
		}
		dump, err := httputil.DumpResponse(answer.Result(), true)
		require.NoError(t, err)
		require.NotContains(t, string(dump), text[22:])
		require.NotContains(t, string(dump), cookie.Value)
		for name, values := range answer.Header() {
			require.False(t, strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00"), "%s: %q", name, values)
		}
	})
}
