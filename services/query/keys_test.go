package query

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// demandKeys is a change of the configuration.
func demandKeys(c *Config) {
	c.Auth.Mode = auth.ModeKeys
	c.Auth.SnapshotKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("q", 32)))
}

// newKey makes a key in the database and lets the service know of it, as Run would within two seconds.
func (f *fixture) newKey(tenant telemetry.Tenant, scopes ...string) (text, id string) {
	f.t.Helper()
	text, entry, err := f.svc.keys.Create(testbed.Context(f.t), keystore.Wish{Tenant: tenant, Name: "test", Scopes: scopes}, time.Now())
	require.NoError(f.t, err)
	f.refreshKeys()
	return text, entry.ID
}

func (f *fixture) refreshKeys() {
	f.t.Helper()
	keys, _, err := f.svc.keys.Good(testbed.Context(f.t))
	require.NoError(f.t, err)
	f.svc.auth.Keys().Set(keys)
}

// operation is one of docs/api.yaml that this service serves, as a request that would be answered.
type operation struct {
	id, method, path, body string
	scope                  string // what its x-scope says
	busy                   bool   // the contract says that it may be told to come again
	request                string // its example of a request, of which body is the wide form
	answer, answerName     string // its example of an answer, and of which operation that was recorded
}

// keptID is that of a saved query, where a test keeps one.
const keptID = "aaaabbbbccccdddd"

// operations enumerates the contract, so that one that is added is in every test here.
func operations(t *testing.T, trace string, key string) (list []operation) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(testbed.Root(t), "docs", "api.yaml"))
	require.NoError(t, err)
	fill := map[string]string{"trace_id": trace, "log_id": "2.1", "id": key, "name": "cart", "key": "http.method", "sequence": "1", "saved_id": keptID}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Tags[0] == "ingest" || op.Tags[0] == "login" || op.Tags[0] == "operations" {
				continue
			}
			o := operation{id: op.OperationID, method: method, path: path, scope: "query"}
			if scope, ok := op.Extensions["x-scope"].(string); ok {
				o.scope = scope
			}
			if answer := op.Responses.Value("429"); answer != nil {
				o.busy = answer.Ref == "#/components/responses/Busy"
			}
			for _, p := range op.Parameters {
				if p.Value.In == "path" {
					value, ok := fill[p.Value.Name]
					require.True(t, ok, "%s: what may stand for {%s}?", o.id, p.Value.Name)
					o.path = strings.ReplaceAll(o.path, "{"+p.Value.Name+"}", value)
				}
				if p.Value.In == "query" && p.Value.Name == "start_time" {
					o.path += hour()
				}
			}
			switch o.id {
			case "compareTraces":
				o.path += "&with=" + trace
			case "tailLogs": // of which it has some already, and which ends
				o.path += "?after=1.0&seconds=1"
			}
			if op.RequestBody != nil {
				o.request, _ = exampleOf(t, op.RequestBody.Value.Content["application/json"])
				require.NotEmpty(t, o.request, "%s has no example of a request in docs/api.yaml", o.id)
				o.body = widened(t, o.request)
			}
			for status, answer := range op.Responses.Map() {
				if media := answer.Value.Content["application/json"]; media != nil && status < "3" {
					o.answer, o.answerName = exampleOf(t, media)
				}
			}
			list = append(list, o)
		}
	}
	require.Greater(t, len(list), 15)
	return list
}

func TestNoOperationCrossesTenants(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	f.store("red", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(50)), 20)
	f.store("red", telemetry.Logs, testbed.LogsPayload(newDice(1).logs(50)), 20)
	f.store("red", telemetry.Metrics, testbed.MetricsPayload(newDice(1).metrics(50)), 20)
	f.bury("red", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(5)), "test.refused")
	f.keep(testbed.Context(t), "red", keptID)
	red, redID := f.newKey("red", "query", "admin")
	blue, blueID := f.newKey("blue", "query", "admin")
	reads, _ := f.newKey("red", "query")
	sends, _ := f.newKey("red", "ingest")
	manages, _ := f.newKey("red", "admin")
	strange, _ := auth.NewKey()
	var page api.SpanPage
	f.search("spans", searchBody{limit: 1}, &page, "X-Api-Key", red)
	trace := page.Spans[0].TraceID

	// What the blue tenant is told of everything is what it would be told of nothing.
	empty := newFixture(t, demandKeys)
	require.NoError(t, empty.svc.bus.EnsureStreams(testbed.Context(t)))
	for _, of := range []*fixture{f, empty} {
		of.looked(telemetry.Logs, 0)
	}
	nobody, nobodyID := empty.newKey("blue", "query", "admin")
	for _, o := range operations(t, trace, redID) {
		refused := func(status int, header ...string) {
			t.Helper()
			got, body := f.call(o.method, o.path, o.body, header...)
			require.Equal(t, status, got, "%s with %d headers: %s", o.id, len(header), body)
			for _, secret := range []string{red, blue, strange} {
				require.NotContains(t, string(body), secret[22:])
			}
		}
		refused(http.StatusUnauthorized)
		refused(http.StatusUnauthorized, "X-Scope-OrgID", "red")
		refused(http.StatusUnauthorized, "X-Api-Key", strange)
		refused(http.StatusUnauthorized, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:admin")))
		refused(http.StatusForbidden, "X-Api-Key", blue, "X-Scope-OrgID", "red")
		switch o.scope {
		case "any":
			for _, key := range []string{sends, reads, manages} {
				status, body := f.call(o.method, o.path, o.body, "X-Api-Key", key)
				require.Equal(t, http.StatusOK, status, "%s: %s", o.id, body)
			}
		case "admin", "edit":
			refused(http.StatusForbidden, "X-Api-Key", sends)
			refused(http.StatusForbidden, "X-Api-Key", reads)
		default:
			refused(http.StatusForbidden, "X-Api-Key", sends)
			refused(http.StatusForbidden, "X-Api-Key", manages)
		}
		if o.id == "createKey" || o.id == "createSavedQuery" {
			continue // below
		}
		status, got := f.call(o.method, o.path, o.body, "Authorization", "Bearer "+blue)
		wantStatus, want := empty.call(o.method, o.path, o.body, "Authorization", "Bearer "+nobody)
		require.Equal(t, wantStatus, status, "%s: %s", o.id, got)
		require.Equal(t, shape(want), shape(bytes.ReplaceAll(got, []byte(blueID), []byte(nobodyID))), o.id)
	}
	f.refreshKeys()
	require.Len(t, f.deadLetters("", "X-Api-Key", manages).Letters, 1, "and so is its dead letter")
	var kept api.SavedQuery
	f.get("/api/saved-queries/"+keptID, &kept, "X-Api-Key", red)
	require.Equal(t, int64(1), kept.Version, "and what it keeps")
	for _, o := range operations(t, trace, "nothing") { // the red one may, and its key is still there
		once := strings.HasPrefix(o.path, "/api/dead-letters/1") || strings.HasSuffix(o.path, keptID) // one of them takes it from the others
		if status, body := f.call(o.method, o.path, o.body, "X-Api-Key", red); o.id != "revokeKey" && o.id != "getMetric" && !once {
			require.Less(t, status, 300, "%s: %s", o.id, body)
		}
	}
}

// While every turn is taken, an operation that waits for one says so as the contract promises, and only such a one.
func TestTheContractSaysWhatMayBeToldToComeAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.MaxQueries, c.QueueTimeout, c.TenantShare = 2, 0, 0 })
	require.NoError(t, f.svc.bus.EnsureStreams(testbed.Context(t)))
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(newDice(1).metrics(5)), 5)
	f.looked(telemetry.Logs, 0)
	waiting := 0
	hold := func(inside func()) error {
		return f.svc.engine.Ask(testbed.Context(t), "default", time.Hour, func(context.Context, *engine.Snapshot) error { inside(); return nil })
	}
	require.NoError(t, hold(func() {
		require.NoError(t, hold(func() { // two are the least there are
			for _, o := range operations(t, strings.Repeat("1", 32), "nothing") {
				status, body := f.call(o.method, o.path, o.body)
				require.Equal(t, o.busy, status == http.StatusTooManyRequests, "%s answered %d: %s", o.id, status, body)
				if o.busy {
					require.Contains(t, string(body), `"query.busy"`, o.id)
					waiting++
				}
			}
		}))
	}))
	require.Greater(t, waiting, 10)
}

// shape is an answer without what differs from call to call: times, ids and figures of how it was made.
func shape(body []byte) string {
	text := string(body)
	for _, member := range []string{"stats", "completeness", "request_id", "instance", "created_at", "id"} {
		text = cutMember(text, member)
	}
	return text
}

// cutMember takes the value of a member out of JSON.
func cutMember(text, member string) string {
	for from := 0; ; {
		i := strings.Index(text[from:], `"`+member+`":`)
		if i < 0 {
			return text
		}
		i += from + len(member) + 3
		depth, end := 0, i
		for ; end < len(text); end++ {
			if c := text[end]; c == '{' || c == '[' {
				depth++
			} else if c == '}' || c == ']' {
				if depth == 0 {
					break
				}
				depth--
			} else if c == ',' && depth == 0 {
				break
			}
		}
		text, from = text[:i]+text[end:], i
	}
}

func TestKeysAreManagedByTheAPI(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	boss, bossID := f.newKey("red", "admin")
	other, _ := f.newKey("blue", "admin")
	ask := []string{"X-Api-Key", boss}
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	status, body := f.call(http.MethodPost, "/api/keys", fmt.Sprintf(`{"name":"Grafana","scopes":["query"],"expires_at":%q}`, until.Format(time.RFC3339)), ask...)
	require.Equal(t, http.StatusCreated, status, "%s", body)
	var made api.NewKey
	decode(t, body, &made)
	require.Equal(t, bossID, made.Key.CreatedBy)
	require.Equal(t, "red", made.Key.Tenant)
	require.True(t, until.Equal(*made.Key.ExpiresAt))
	f.refreshKeys()
	var services api.ServiceList
	f.get("/api/services"+hour(), &services, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("grafana:"+made.Secret)))
	var list api.KeyList
	f.get("/api/keys", &list, ask...)
	require.Len(t, list.Keys, 2)
	f.get("/api/keys", &list, "X-Api-Key", other)
	require.Len(t, list.Keys, 1)
	f.problem(http.StatusNotFound, http.MethodDelete, "/api/keys/"+made.Key.ID, "", "X-Api-Key", other)
	status, body = f.call(http.MethodDelete, "/api/keys/"+made.Key.ID, "", ask...)
	require.Equal(t, http.StatusNoContent, status, "%s", body)
	f.refreshKeys()
	f.problem(http.StatusUnauthorized, http.MethodGet, "/api/services"+hour(), "", "X-Api-Key", made.Secret)
	for _, wrong := range []string{
		``, `[]`, `{"name":"x","scopes":[]}`, `{"name":"x","scopes":["root"]}`, `{"name":"","scopes":["query"]}`, `{"name":"x","scopes":["query"],"tenant":"blue"}`,
		`{"name":"x","scopes":["query"],"expires_at":"2020-01-01T00:00:00Z"}`,
	} {
		status, _ := f.call(http.MethodPost, "/api/keys", wrong, ask...)
		require.Equal(t, http.StatusBadRequest, status, wrong)
	}
}

func TestWithoutAuthenticationNobodyMakesKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, o := range operations(t, oldestOfLine, "x") {
		if strings.HasPrefix(o.path, "/api/keys") {
			require.Equal(t, "auth.keys_off", f.problem(http.StatusForbidden, o.method, o.path, o.body).Code)
		}
	}
}

func TestEveryRouteIsClosedUnlessItIsSaidToBeOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	f.newKey("red", "query")
	for _, r := range f.svc.server.Echo.Routes() {
		if r.Path == "/livez" || r.Path == "/health" || r.Path == "/health/db" || r.Path == "/metrics" || r.Path == "/*" || strings.HasPrefix(r.Path, "/auth/") {
			continue
		}
		request, err := http.NewRequestWithContext(testbed.Context(t), r.Method, f.url+strings.NewReplacer(":", "x").Replace(r.Path), http.NoBody)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusUnauthorized, response.StatusCode, "%s %s", r.Method, r.Path)
	}
}

func TestUntilKeysAreKnownNobodyIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	text, _ := auth.NewKey()
	require.Equal(t, "auth.not_ready", f.problem(http.StatusServiceUnavailable, http.MethodGet, "/api/services"+hour(), "", "X-Api-Key", text).Code)
	status, body := f.call(http.MethodGet, "/health", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, string(body), "which keys are good is not known yet")
	ctx, cancel := context.WithCancel(testbed.Context(t))
	ended := make(chan error, 1)
	go func() { ended <- f.svc.keeper.Run(ctx) }()
	testbed.Eventually(t, "keys are known", func() bool {
		status, _ := f.call(http.MethodGet, "/health", "")
		return status == http.StatusOK
	})
	cancel()
	require.NoError(t, <-ended)
	f.problem(http.StatusUnauthorized, http.MethodGet, "/api/services"+hour(), "", "X-Api-Key", text)
}
