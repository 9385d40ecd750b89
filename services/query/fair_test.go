package query

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// While one tenant has as many heavy questions as it may, and fifty more, these are told to come again by the code of its own limit, and another's are answered.
func TestAFloodOfOneTenantDoesNotKeepOthersFromBeingServed(t *testing.T) {
	t.Parallel()
	own, err := service.NewTelemetry("test")
	require.NoError(t, err)
	env := own.Env("test", testbed.NewLog(t))
	f := newFixture(t).withEnv(env, func(c *Config) { c.MaxQueries, c.QueueTimeout = 4, 0 })
	metrics := func() string {
		answer := httptest.NewRecorder()
		env.Metrics.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		return answer.Body.String()
	}
	f.store("blue", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(5)), 5)
	var hold func(n int, inside func()) error
	hold = func(n int, inside func()) error {
		return f.svc.engine.Ask(testbed.Context(t), "red", time.Hour, func(context.Context, *engine.Snapshot) error {
			if n > 1 {
				return hold(n-1, inside)
			}
			inside()
			return nil
		})
	}
	require.NoError(t, hold(3, func() { // three quarters of them
		for i := range 50 {
			p := f.problem(http.StatusTooManyRequests, http.MethodGet, "/api/services"+hour(), "", "X-Scope-OrgID", "red")
			require.Equal(t, "query.tenant_busy", p.Code)
			require.Contains(t, p.Detail, "of this tenant")
			if i%10 > 0 {
				continue
			}
			var list api.ServiceList
			f.get("/api/services"+hour(), &list, "X-Scope-OrgID", "blue")
			require.NotEmpty(t, list.Services)
		}
		r, err := http.NewRequestWithContext(testbed.Context(t), http.MethodGet, f.url+"/api/services"+hour(), http.NoBody)
		require.NoError(t, err)
		r.Header.Set("X-Scope-OrgID", "red")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.NotEmpty(t, response.Header.Get("Retry-After"))
		require.Regexp(t, `(?m)^olly_query_turns\{.*\} 3$`, metrics())
	}))
	told := metrics()
	require.Regexp(t, `(?m)^olly_query_refused_total\{limit="tenant_turns",.*\} 51$`, told)
	for line := range strings.SplitSeq(told, "\n") {
		if strings.HasPrefix(line, "olly_query") {
			require.NotContains(t, line, "red")
		}
	}
	var list api.ServiceList
	f.get("/api/services"+hour(), &list, "X-Scope-OrgID", "red")
	require.Empty(t, list.Services, "its turn has come")
}
