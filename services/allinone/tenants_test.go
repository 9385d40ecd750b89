package allinone

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestTwoTenantsWithTwoKeys is the proof that tenants are apart and that nothing of a key is told, on a whole ollyScale that demands keys. Two
// tenants store data of every kind whose every text and id is known by a word. Then each uses every operation of docs/api.yaml, OTLP/gRPC and
// SQL, with its own key and whatever it may know of the other, and nothing of the other may be in an answer or change. At the end nothing that
// opens anything may stand in the log, the traces, the metrics, the answers, the files, or the arguments of processes.
func TestTwoTenantsWithTwoKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.everyOperation()
	w.overGRPC()
	w.nothingCrossed()
	before := w.stored()
	w.bySQL()
	require.Equal(t, before, w.stored(), "what is stored is as it was")
	w.ownWrites()
	w.nothingTold()
}

// ids are what one may know of a tenant, from an answer that it was shown, or make up.
type ids struct {
	word    string // in every name and text
	trace   string
	key     string // the id of a key
	letter  int64
	saved   string            // the id of a saved query
	cursors map[string]string // of each list, the place where its first page ended
}

// tenant is one of the two.
type tenant struct {
	ids
	name   telemetry.Tenant
	secret string // the text of its key, which may do everything
	cookie *http.Cookie
	spare  string // the id of another key of its own, to be revoked
}

// marks are what no answer to the other tenant may hold. Those of the data come first; the operator's pages, which are open to whoever is let
// to the port, may name a tenant, but nothing that it sent.
func (a *tenant) marks() (data, all []string) {
	raw, _ := hex.DecodeString(a.trace[:16])
	data = []string{a.word, a.trace[:8], string(raw), base64.StdEncoding.EncodeToString(raw)[:10], a.secret[22:]}
	return data, append(slices.Clone(data), string(a.name), a.token(), a.key, a.spare, a.saved)
}

// token is the tenant's name as it stands in subjects of the bus, which a dead letter tells.
func (a *tenant) token() string {
	return strings.TrimPrefix(bus.Subject(telemetry.Logs, a.name), "otlp.logs.")
}

// world is an ollyScale that demands keys, and its two tenants.
type world struct {
	t        *testing.T
	cfg      Config
	svc      *Service
	env      *service.Telemetry
	told     *output // by the log at its lowest level, by traces, and to the person who started it
	answers  *output // to every request, but for those that told a secret
	args     *output // of processes
	spans    atomic.Int64
	pool     *pgxpool.Pool
	client   *http.Client
	tenants  []*tenant
	secrets  map[string]string // what must stand nowhere, by what it is
	start    time.Time
	stop     func()
	operated int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, told: &output{}, answers: &output{}, args: &output{}, secrets: map[string]string{}, start: time.Now().UTC(),
		client: &http.Client{Timeout: testbed.Patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}},
	}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.spans.Add(1)
		_, _ = w.told.Write(body)
	}))
	t.Cleanup(collector.Close)
	c := config(t, tempDir(t))
	c.Output = w.told
	c.Auth.Mode = auth.ModeKeys
	c.Auth.SnapshotKey, c.Query.CursorKey, c.Query.Login.SessionKey = settings.NewSecret(), settings.NewSecret(), settings.NewSecret()
	w.secrets["auth.snapshot_key"], w.secrets["cursor_key"], w.secrets["login.session_key"] = c.Auth.SnapshotKey, c.Query.CursorKey, c.Query.Login.SessionKey
	c.Writer.Flush.PolicyRefresh = 0         // rows are asked for below
	c.Ingest.Admit.MaxAhead = 72 * time.Hour // the writer takes 24: what lies between becomes a dead letter
	w.cfg = c
	log := slog.New(slog.NewJSONHandler(w.told, &slog.HandlerOptions{Level: slog.LevelDebug}))
	own, err := service.NewTelemetry("ollyscale")
	require.NoError(t, err)
	own.Trace(service.TracingConfig{Endpoint: collector.URL, Ratio: 1}, log)
	w.env = own
	w.svc, err = New(c, own.Env("ollyscale", log))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go w.watchArguments(ctx, watched)
	done := make(chan error, 1)
	go func() { done <- w.svc.Run(ctx) }()
	ended := false
	w.stop = func() {
		if ended {
			return
		}
		ended = true
		if w.pool != nil {
			w.pool.Close()
		}
		cancel()
		<-watched
		require.NoError(t, <-done)
		require.NoError(t, own.Close(context.WithoutCancel(t.Context())))
	}
	t.Cleanup(w.stop)
	select {
	case <-w.svc.Ready():
	case <-time.After(testbed.Patience):
		require.Fail(t, "not ready", w.told.String())
	}
	w.pool, err = Database{URL: w.svc.DatabaseURL()}.Open(t.Context(), "test")
	require.NoError(t, err)
	w.secrets["PostgreSQL password"] = passwordOf(t, w.svc.DatabaseURL())
	_, err = w.pool.Exec(t.Context(), "UPDATE retention_policy SET rows_window = '24 hours'")
	require.NoError(t, err)
	return w
}

func passwordOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	password, ok := u.User.Password()
	require.True(t, ok)
	return password
}

// watchArguments keeps the arguments of all processes that have to do with the data directory: initdb lives for a second.
func (w *world) watchArguments(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	seen := map[string]bool{}
	for ctx.Err() == nil {
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range files {
			line, _ := os.ReadFile(file)
			if text := string(line); strings.Contains(text, w.cfg.DataDir) && !seen[text] {
				seen[text] = true
				_, _ = fmt.Fprintln(w.args, text)
			}
		}
		pause := 10 * time.Millisecond
		select {
		case <-w.svc.Ready():
			pause = time.Second // what is started now lives as long as the database
		default:
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// newKey makes a key as `ollyscale keys create` does.
func (w *world) newKey(name telemetry.Tenant, scopes ...string) (text, id string) {
	w.t.Helper()
	store, err := keystore.New(w.pool)
	require.NoError(w.t, err)
	text, e, err := store.Create(w.t.Context(), keystore.Wish{Tenant: name, Name: "of " + string(name), Scopes: scopes}, time.Now())
	require.NoError(w.t, err)
	w.keep("key "+e.ID, text)
	return text, e.ID
}

// keep remembers a key as a secret, in each form in which a request brings it. The id in it is none.
func (w *world) keep(what, key string) {
	w.secrets[what] = key[22:]
	w.secrets[what+" as a password"] = base64.StdEncoding.EncodeToString([]byte("any:" + key))[12:]
}

// request is one to a service; other headers are put to it.
type request struct {
	method, path, body string
	ingest             bool
	ends               bool // with a cursor: refused whoever's it is but the asker's own
}

type reply struct {
	status int
	header http.Header
	body   string
}

// text is all that a reply tells.
func (r reply) text() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		fmt.Fprintln(&b, name, r.header[name])
	}
	return b.String() + r.body
}

func (w *world) ask(q request, header http.Header) reply {
	w.t.Helper()
	address := w.cfg.Query.HTTP.Address
	if q.ingest {
		address = w.cfg.Ingest.HTTP.Address
	}
	r, err := http.NewRequestWithContext(w.t.Context(), q.method, "http://"+address+q.path, strings.NewReader(q.body))
	require.NoError(w.t, err)
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(r.Header, header)
	answer, err := w.client.Do(r)
	require.NoError(w.t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	out := reply{answer.StatusCode, answer.Header, string(body)}
	told := out
	switch q.path {
	case "/api/keys": // tells the text of a new key, once
		var made struct{ Secret string }
		if q.method == http.MethodPost && json.Unmarshal(body, &made) == nil && made.Secret != "" {
			w.keep("key that "+q.path+" made", made.Secret)
			told.body = strings.Replace(told.body, made.Secret, "", 1)
		}
	case "/auth/key": // gives a login to a browser
		for _, c := range answer.Cookies() {
			if c.Value != "" {
				w.secrets["cookie "+strconv.Itoa(len(w.secrets))] = c.Value
			}
		}
		told.header = told.header.Clone()
		told.header.Del("Set-Cookie")
	}
	_, _ = w.answers.Write([]byte(told.text()))
	return out
}

// headers are pairs of a name and a value; a name may stand twice.
func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func (a *tenant) asks(more ...string) http.Header {
	return headers(append([]string{auth.KeyHeader, a.secret}, more...)...)
}

// items is how much of each signal a tenant has.
const items = 12

// fill makes the tenants and what they have.
func (w *world) fill() {
	w.t.Helper()
	for _, a := range []*tenant{
		{name: "crimson.shop.example", ids: ids{word: "zinnober", trace: "c0ffee01" + strings.Repeat("a", 24)}},
		{name: "azure.shop.example", ids: ids{word: "kobalt", trace: "b1eebee5" + strings.Repeat("3", 24)}},
	} {
		a.secret, a.key = w.newKey(a.name, "ingest", "query", "admin")
		_, a.spare = w.newKey(a.name, "query")
		w.tenants = append(w.tenants, a)
	}
	revoked, id := w.newKey("crimson.shop.example", "ingest", "query", "admin")
	store, err := keystore.New(w.pool)
	require.NoError(w.t, err)
	require.NoError(w.t, store.Revoke(w.t.Context(), "crimson.shop.example", id))
	for _, a := range w.tenants {
		for _, signal := range telemetry.Signals() {
			export := request{http.MethodPost, "/v1/" + signal.String(), a.payload(signal, w.start, items), true, false}
			testbed.Eventually(w.t, "ingest has been told of the key", func() bool { return w.ask(export, a.asks()).status == http.StatusOK })
			require.Equal(w.t, http.StatusUnauthorized, w.ask(export, headers(auth.KeyHeader, revoked)).status)
		}
		for i := range 4 {
			poison := request{http.MethodPost, "/v1/logs", a.payload(telemetry.Logs, w.start.Add(time.Duration(48*60+i)*time.Minute), 1), true, false}
			require.Equal(w.t, http.StatusOK, w.ask(poison, a.asks()).status)
		}
	}
	for _, a := range w.tenants {
		for _, list := range []string{"spans", "logs", "metrics"} {
			testbed.Eventually(w.t, string(a.name)+" finds its "+list, func() bool {
				r := w.ask(w.search(list, a.ids, 1000, "[]"), a.asks())
				return r.status == http.StatusOK && strings.Count(r.body, a.word+"-item") == items
			})
			require.Equal(w.t, items, strings.Count(w.ask(w.search(list, a.ids, 1000, fmt.Sprintf(`[{"field":"connection","operator":"eq","value":%q}]`, a.key)), a.asks()).body,
				fmt.Sprintf(`"connection":%q`, a.key)), "%s of %s have the key that they were sent with", list, a.name)
		}
		testbed.Eventually(w.t, "its poison is dead", func() bool { return len(w.letters(a)) == 4 })
		a.letter = w.letters(a)[0]
		var kept struct{ ID string }
		r := w.ask(request{method: http.MethodPost, path: "/api/saved-queries", body: fmt.Sprintf(`{"kind":"query","page":"logs","name":"%s-kept","document":{}}`, a.word)}, a.asks())
		require.Equal(w.t, http.StatusCreated, r.status, r.body)
		require.NoError(w.t, json.Unmarshal([]byte(r.body), &kept))
		a.saved = kept.ID
		a.cursors = map[string]string{}
		for _, list := range []string{"traces", "spans", "logs", "metrics"} {
			var page struct {
				Pagination struct {
					Next string `json:"next_cursor"`
				}
			}
			r := w.ask(w.search(list, ids{}, 1, "[]"), a.asks())
			require.NoError(w.t, json.Unmarshal([]byte(r.body), &page))
			require.NotEmpty(w.t, page.Pagination.Next, list)
			a.cursors[list] = page.Pagination.Next
		}
		login := w.ask(request{method: http.MethodPost, path: "/auth/key", body: fmt.Sprintf(`{"key":%q}`, a.secret)}, headers("Sec-Fetch-Site", "same-origin"))
		require.Equal(w.t, http.StatusNoContent, login.status, login.body)
		cookies := (&http.Response{Header: login.header}).Cookies()
		require.Len(w.t, cookies, 1)
		a.cookie = cookies[0]
	}
}

// payload is OTLP/JSON of n items, whose every text has the tenant's word in it and whose ids begin as its trace does.
func (a *tenant) payload(signal telemetry.Signal, at time.Time, n int) string {
	text := func(key, value string) string {
		return fmt.Sprintf(`{"key":%q,"value":{"stringValue":%q}}`, key, value)
	}
	attributes := `"attributes":[` + text(a.word+".attribute", a.word+"-value") + `]`
	resource := `"resource":{"attributes":[` + text("service.name", a.word+"-cart") + `,` + text("service.version", a.word+"-1") + `,` + text(a.word+".zone", a.word+"-zone") + `]}`
	scope := fmt.Sprintf(`"scope":{"name":"%s-lib",%s}`, a.word, attributes)
	var list []string
	for i := range n {
		nano := at.Add(time.Duration(i) * time.Millisecond).UnixNano()
		trace := a.trace
		if i >= n/2 {
			trace = a.trace[:28] + fmt.Sprintf("%04d", i)
		}
		span := a.trace[:8] + fmt.Sprintf("%08d", i+1)
		name := fmt.Sprintf("%s-item %d", a.word, i)
		switch signal {
		case telemetry.Traces:
			parent := ""
			if i > 0 && i < n/2 {
				parent = a.trace[:8] + fmt.Sprintf("%08d", 1)
			}
			list = append(list, fmt.Sprintf(`{"traceId":%q,"spanId":%q,"parentSpanId":%q,"name":%q,"kind":%d,"startTimeUnixNano":"%d","endTimeUnixNano":"%d",%s,`+
				`"events":[{"timeUnixNano":"%d","name":"%s-event"}],"status":{"code":2,"message":"%s-status"}}`,
				trace, span, parent, name, 2+i%2, nano, nano+1e6, strings.Replace(attributes, "[", "["+text("peer.service", a.word+"-peer")+",", 1), nano, a.word, a.word))
		case telemetry.Logs:
			list = append(list, fmt.Sprintf(`{"traceId":%q,"spanId":%q,"timeUnixNano":"%d","severityText":"%s","body":{"stringValue":%q},%s}`, trace, span, nano, a.word, name, attributes))
		case telemetry.Metrics:
			list = append(list, fmt.Sprintf(`{"name":"%s.metric","description":"%s-about","gauge":{"dataPoints":[{"timeUnixNano":"%d","asInt":"%d",%s}]}}`,
				a.word, a.word, nano, i, strings.Replace(attributes, "[", "["+text("n", name)+",", 1)))
		}
	}
	all := strings.Join(list, ",")
	if signal == telemetry.Traces {
		return `{"resourceSpans":[{` + resource + `,"scopeSpans":[{` + scope + `,"spans":[` + all + `]}]}]}`
	}
	if signal == telemetry.Logs {
		return `{"resourceLogs":[{` + resource + `,"scopeLogs":[{` + scope + `,"logRecords":[` + all + `]}]}]}`
	}
	return `{"resourceMetrics":[{` + resource + `,"scopeMetrics":[{` + scope + `,"metrics":[` + all + `]}]}]}`
}

func (w *world) span() (from, to string) {
	return w.start.Add(-time.Hour).Format(time.RFC3339), w.start.Add(time.Hour).Format(time.RFC3339)
}

func (w *world) within() string {
	from, to := w.span()
	return url.Values{"start_time": {from}, "end_time": {to}}.Encode()
}

// search is one over POST, with the cursor of the ids where they have one.
func (w *world) search(list string, of ids, limit int, filters string) request {
	from, to := w.span()
	cursor := ""
	if of.cursors != nil && limit == 1 {
		cursor = fmt.Sprintf(`,"cursor":%q`, of.cursors[list])
	}
	return request{method: http.MethodPost, path: "/api/" + list + "/search", ends: cursor != "", body: fmt.Sprintf(
		`{"time_range":{"start_time":%q,"end_time":%q},"filters":%s,"pagination":{"limit":%d%s}}`, from, to, filters, limit, cursor)}
}

// letters are the sequences of a tenant's dead letters.
func (w *world) letters(a *tenant) (list []int64) {
	w.t.Helper()
	var page struct {
		Letters []struct{ Sequence int64 }
	}
	r := w.ask(request{method: http.MethodGet, path: "/api/dead-letters"}, a.asks())
	require.Equal(w.t, http.StatusOK, r.status, r.body)
	require.NoError(w.t, json.Unmarshal([]byte(r.body), &page))
	for _, l := range page.Letters {
		list = append(list, l.Sequence)
	}
	return list
}

// stored is all that each tenant has in PostgreSQL, but for segments and rollups, which the janitor makes and puts on record when a minute is over, and its
// dead letters.
func (w *world) stored() map[telemetry.Tenant]map[string]string {
	w.t.Helper()
	out := map[telemetry.Tenant]map[string]string{}
	for _, a := range w.tenants {
		out[a.name] = map[string]string{"dead letters": fmt.Sprint(w.letters(a))}
		for _, table := range w.column(tablesOfTenants + ` AND c.relname !~ '(_segment|_group|_fresh|_body|^rollup|^reader)$'`) {
			sum := w.column(`SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM `+table+` t WHERE tenant_id = $1
				AND coalesce(to_jsonb(t) ->> 'action', '') <> 'merge'`, string(a.name))
			out[a.name][table] = sum[0]
		}
	}
	return out
}

func (w *world) column(sql string, args ...any) (list []string) {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), sql, args...)
	require.NoError(w.t, err, sql)
	defer rows.Close()
	for rows.Next() {
		var text string
		require.NoError(w.t, rows.Scan(&text), sql)
		list = append(list, text)
	}
	require.NoError(w.t, rows.Err(), sql)
	return list
}

// operation is how an operation of the contract is used with what one knows of a tenant.
type operation struct {
	requests func(w *world, of ids) []request
	open     bool // asks for no key
	sees     bool // who asks for what is his own is shown it
	writes   bool // changes what belongs to the ids
	// anew makes something new of the asker's each time, so that no two answers are alike.
	anew bool
}

func one(method, path string) func(*world, ids) []request {
	return func(*world, ids) []request { return []request{{method: method, path: path}} }
}

func searching(list string, fields ...string) operation {
	return operation{sees: true, requests: func(w *world, of ids) []request {
		all := []request{w.search(list, ids{}, 100, "[]"), w.search(list, of, 1, "[]")}
		for _, filter := range searchFilters(of, fields) {
			all = append(all, w.search(list, ids{}, 100, filter))
		}
		return all
	}}
}

// posting asks about the time of the test, and what more is said.
func (w *world) posting(path, more string) request {
	return request{method: http.MethodPost, path: path, body: fmt.Sprintf(`{"time_range":{"start_time":%d,"end_time":%d},%s}`, w.start.Add(-time.Hour).UnixNano(), w.start.Add(time.Hour).UnixNano(), more)}
}

func searchFilters(of ids, fields []string) (filters []string) {
	values := map[string]string{"service": of.word + "-cart", "trace_id": of.trace, "connection": of.key}
	for _, f := range fields {
		filters = append(filters, fmt.Sprintf(`[{"field":%q,"operator":"eq","value":%q}]`, f, values[f]))
	}
	return filters
}

func searchingByQuery(list string, fields ...string) operation {
	return operation{sees: true, requests: func(w *world, of ids) []request {
		path := "/api/" + list + "/search?" + w.within() + "&limit="
		all := []request{{method: http.MethodGet, path: path + "100"}}
		if of.cursors != nil {
			all = append(all, request{method: http.MethodGet, path: path + "1&cursor=" + of.cursors[list], ends: true})
		}
		for _, filter := range searchFilters(of, fields) {
			all = append(all, request{method: http.MethodGet, path: path + "100&filters=" + url.QueryEscape(filter)})
		}
		return all
	}}
}

func sending(path string, signal telemetry.Signal) operation {
	return operation{anew: true, requests: func(w *world, of ids) []request {
		a := tenant{ids: of}
		w.operated++ // other bytes each time: the same would be a retry
		return []request{{http.MethodPost, path, a.payload(signal, w.start.Add(time.Duration(w.operated)*time.Microsecond), 1), true, false}}
	}}
}

func selecting(action string) operation {
	return operation{writes: true, requests: func(_ *world, of ids) []request {
		return []request{{method: http.MethodPost, path: "/api/dead-letters/" + action, body: fmt.Sprintf(`{"after":%d,"through":%d}`, of.letter-1, of.letter)}}
	}}
}

func onLetter(method, suffix string) operation {
	return operation{writes: method != http.MethodGet, sees: method == http.MethodGet, requests: func(_ *world, of ids) []request {
		return []request{{method: method, path: fmt.Sprintf("/api/dead-letters/%d%s", of.letter, suffix)}}
	}}
}

func reading(path func(of ids) string) operation {
	return operation{sees: true, requests: func(w *world, of ids) []request {
		p := path(of)
		join := "?"
		if strings.Contains(p, "?") {
			join = "&"
		}
		return []request{{method: http.MethodGet, path: p + join + w.within()}}
	}}
}

// theOperations has one for each operationId of docs/api.yaml. A new one is driven here, too.
func theOperations() map[string]operation {
	return map[string]operation{
		"exportTraces":  sending("/v1/traces", telemetry.Traces),
		"exportLogs":    sending("/v1/logs", telemetry.Logs),
		"exportMetrics": sending("/v1/metrics", telemetry.Metrics),
		"sendTraces":    sending("/api/traces", telemetry.Traces),
		"sendLogs":      sending("/api/logs", telemetry.Logs),
		"sendMetrics":   sending("/api/metrics", telemetry.Metrics),

		"searchTraces":         searching("traces", "service", "trace_id", "connection"),
		"searchSpans":          searching("spans", "service", "trace_id", "connection"),
		"searchLogs":           searching("logs", "service", "trace_id", "connection"),
		"searchMetrics":        searching("metrics", "service", "connection"),
		"searchTracesByQuery":  searchingByQuery("traces", "service", "trace_id", "connection"),
		"searchSpansByQuery":   searchingByQuery("spans", "service", "trace_id", "connection"),
		"searchLogsByQuery":    searchingByQuery("logs", "service", "trace_id", "connection"),
		"searchMetricsByQuery": searchingByQuery("metrics", "service", "connection"),

		"getTrace": {sees: true, requests: func(_ *world, of ids) (all []request) {
			for _, format := range []string{"", "?format=otlp", "?format=otlp_proto"} {
				all = append(all, request{method: http.MethodGet, path: "/api/traces/" + of.trace + format})
			}
			return all
		}},
		"getTraceAnalysis": {sees: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodGet, path: "/api/traces/" + of.trace + "/analysis"}}
		}},
		"compareTraces": {sees: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodGet, path: "/api/traces/" + of.trace + "/compare?with=" + of.trace}}
		}},
		"getTraceExemplars": {requests: func(w *world, of ids) []request {
			return []request{{method: http.MethodGet, path: "/api/traces/" + of.trace + "/exemplars"}, {method: http.MethodGet, path: "/api/traces/" + of.trace + "/exemplars?" + w.within()}}
		}},
		"getTraceLogs": {sees: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodGet, path: "/api/traces/" + of.trace + "/logs"}}
		}},
		"getLogContext": {requests: func(*world, ids) (all []request) {
			for position := 1; position <= 4; position++ {
				all = append(all, request{method: http.MethodGet, path: fmt.Sprintf("/api/logs/%d.0/context", position)})
			}
			return all
		}},
		"tailLogs":    {sees: true, requests: one(http.MethodGet, "/api/logs/tail?after=1.0&seconds=1")},
		"listMetrics": reading(func(ids) string { return "/api/metrics" }),
		"getMetric":   reading(func(of ids) string { return "/api/metrics/" + of.word + ".metric" }),
		"queryMetric": {sees: true, requests: func(w *world, of ids) (all []request) {
			for _, more := range []string{``, `,"over_series":"sum","group_by":["service","resource.` + of.word + `.zone"]`} {
				all = append(all, w.posting("/api/metrics/query", `"metric":"`+of.word+`.metric"`+more))
			}
			return all
		}},
		"logPatterns": {sees: true, requests: func(w *world, _ ids) []request {
			return []request{w.posting("/api/logs/patterns", `"limit":1000`)}
		}},
		"listMetricLabels": reading(func(of ids) string { return "/api/metrics/" + of.word + ".metric/labels" }),
		"listMetricLabelValues": {sees: true, requests: func(w *world, of ids) []request {
			return []request{{method: http.MethodGet, path: "/api/metrics/" + of.word + ".metric/labels/" + of.word + ".zone/values?scope=resource&" + w.within()}}
		}},
		"getCardinality":   reading(func(of ids) string { return "/api/cardinality?name=" + of.word + ".metric" }),
		"listServices":     reading(func(ids) string { return "/api/services" }),
		"listOperations":   reading(func(of ids) string { return "/api/services/" + of.word + "-cart/operations" }),
		"listInstances":    reading(func(of ids) string { return "/api/services/" + of.word + "-cart/instances" }),
		"getServiceMap":    reading(func(ids) string { return "/api/service-map" }),
		"listDependencies": reading(func(of ids) string { return "/api/services/" + of.word + "-cart/dependencies" }),
		"listAttributeValues": {sees: true, requests: func(w *world, of ids) (all []request) {
			for _, what := range []string{".attribute/values?signal=traces", ".attribute/values?signal=logs", ".zone/values?scope=resource", ".zone/values?signal=logs&scope=resource"} {
				all = append(all, request{method: http.MethodGet, path: "/api/attributes/" + of.word + what + "&" + w.within()})
			}
			return all
		}},
		"listAttributes": {sees: true, requests: func(w *world, of ids) (all []request) {
			for _, more := range []string{"signal=traces", "signal=logs", "signal=metrics", "signal=metrics&sample=1000", "prefix=" + of.word, "filters=" + url.QueryEscape(`[{"field":"service","operator":"exists"}]`)} {
				all = append(all, request{method: http.MethodGet, path: "/api/attributes?" + more + "&" + w.within()})
			}
			return all
		}},
		"facets": {sees: true, requests: func(w *world, of ids) (all []request) {
			for _, more := range []string{``, `,"filters":[{"field":"time","operator":"exists"}]`} {
				all = append(all, w.posting("/api/facets", `"signal":"traces","fields":["service","resource.`+of.word+`.zone","attributes.`+of.word+`.attribute"]`+more))
			}
			return all
		}},
		"listFields": {requests: one(http.MethodGet, "/api/fields")},
		"compare": {requests: func(w *world, _ ids) []request {
			return []request{w.posting("/api/compare", `"signal":"traces","selected":[{"field":"time","operator":"exists"}]`), w.posting("/api/compare",
				`"signal":"logs","selected":[{"field":"service","operator":"exists"}]`)}
		}},
		"aggregate": {sees: true, requests: func(w *world, of ids) (all []request) {
			for _, groups := range []string{`["service"]`, `["service","resource.` + of.word + `.zone","trace_id"]`, `["attributes.` + of.word + `.attribute"]`} {
				for _, signal := range telemetry.Signals() {
					if signal == telemetry.Metrics && groups != `["service"]` {
						continue
					}
					all = append(all, w.posting("/api/aggregate", fmt.Sprintf(`"signal":%q,"measures":[{"measure":"count"},{"measure":"count_distinct","field":"service"}],"group_by":%s`, signal, groups)))
				}
			}
			return append(all, w.posting("/api/aggregate", `"signal":"traces","of":"traces","measures":[{"measure":"count"},{"measure":"avg","field":"span_count"}],"group_by":["service","trace_id"]`))
		}},

		"listSavedQueries": {sees: true, requests: one(http.MethodGet, "/api/saved-queries")},
		"getSavedQuery": {sees: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodGet, path: "/api/saved-queries/" + of.saved}}
		}},
		"createSavedQuery": {anew: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodPost, path: "/api/saved-queries", body: fmt.Sprintf(`{"kind":"dashboard","name":"%s-board","document":{}}`, of.word)}}
		}},
		"replaceSavedQuery": {writes: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodPut, path: "/api/saved-queries/" + of.saved, body: `{"version":1,"kind":"dashboard","name":"mine","document":{}}`}}
		}},
		"deleteSavedQuery": {writes: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodDelete, path: "/api/saved-queries/" + of.saved}}
		}},

		"listKeys": {sees: true, requests: one(http.MethodGet, "/api/keys")},
		"createKey": {anew: true, requests: func(*world, ids) []request {
			return []request{{method: http.MethodPost, path: "/api/keys", body: `{"name":"made","scopes":["query"]}`}}
		}},
		"revokeKey": {writes: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodDelete, path: "/api/keys/" + of.key}}
		}},
		"getContract": {requests: one(http.MethodGet, "/api/openapi.yaml")},
		"getAbout":    {requests: one(http.MethodGet, "/api/about")},
		"getMe":       {sees: true, requests: one(http.MethodGet, "/api/me")},
		"getUsage": {sees: true, requests: func(w *world, _ ids) []request {
			return []request{
				{method: http.MethodGet, path: "/api/usage?" + w.within()},
				{method: http.MethodGet, path: "/api/usage?all_tenants=true&" + w.within()},
			}
		}},
		"getStats": {anew: true, sees: true, requests: func(*world, ids) []request { // anew: the janitor merges meanwhile
			return []request{{method: http.MethodGet, path: "/api/stats"}, {method: http.MethodGet, path: "/api/stats?all_tenants=true&installation=true"}}
		}},
		"getRetention": {requests: one(http.MethodGet, "/api/retention")},
		"setRetention": {anew: true, requests: func(*world, ids) []request {
			return []request{{method: http.MethodPut, path: "/api/retention", body: `{"signals":["traces"],"days":400}`}}
		}},

		"listDeadLetters":   {sees: true, requests: one(http.MethodGet, "/api/dead-letters")},
		"getDeadLetter":     onLetter(http.MethodGet, ""),
		"dropDeadLetter":    onLetter(http.MethodDelete, ""),
		"replayDeadLetter":  onLetter(http.MethodPost, "/replay"),
		"replayDeadLetters": selecting("replay"),
		"dropDeadLetters":   selecting("drop"),

		"getLoginMethods": {open: true, requests: one(http.MethodGet, "/auth/methods")},
		"loginByKey": {open: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodPost, path: "/auth/key", body: fmt.Sprintf(`{"key":"olly_%s_%s"}`, of.key, strings.Repeat("a", 52))}}
		}},
		"beginLogin":  {open: true, requests: one(http.MethodGet, "/auth/login")},
		"finishLogin": {open: true, requests: one(http.MethodGet, "/auth/callback?state=a&code=b")},
		"chooseTenant": {open: true, requests: func(_ *world, of ids) []request {
			return []request{{method: http.MethodPost, path: "/auth/tenant", body: fmt.Sprintf(`{"tenant":%q}`, of.word+".shop.example")}}
		}},
		"logout":            {open: true, requests: one(http.MethodPost, "/auth/logout")},
		"getLiveness":       {open: true, requests: one(http.MethodGet, "/livez")},
		"getHealth":         {open: true, requests: one(http.MethodGet, "/health")},
		"getDatabaseHealth": {open: true, requests: one(http.MethodGet, "/health/db")},
		"getOwnMetrics":     {open: true, requests: one(http.MethodGet, "/metrics")},
	}
}

// contractOperations are those of docs/api.yaml.
func contractOperations(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testbed.Root(t), "docs", "api.yaml"))
	require.NoError(t, err)
	var doc struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	require.NoError(t, yaml.Unmarshal(text, &doc))
	for path, item := range doc.Paths {
		for method, node := range item {
			var op struct {
				ID string `yaml:"operationId"`
			}
			require.NoError(t, node.Decode(&op), path)
			require.NotEmpty(t, op.ID, "%s %s", method, path)
			list = append(list, op.ID)
		}
	}
	slices.Sort(list)
	return list
}

// everyOperation has each tenant ask for what is the other's.
func (w *world) everyOperation() {
	w.t.Helper()
	all := theOperations()
	require.Equal(w.t, contractOperations(w.t), slices.Sorted(maps.Keys(all)), "an operation of docs/api.yaml is not driven here, or is no more")
	for _, anew := range []bool{false, true} { // what is new would come into lists that are compared
		before := w.stored()
		for i, a := range w.tenants {
			for _, name := range slices.Sorted(maps.Keys(all)) {
				if all[name].anew == anew {
					w.cross(name, all[name], a, w.tenants[1-i])
				}
			}
		}
		if !anew {
			require.Equal(w.t, before, w.stored(), "what is stored is as it was")
		}
	}
	for i, a := range w.tenants { // and nothing of the other has come to what is shown to each
		_, marks := w.tenants[1-i].marks()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if op := all[name]; op.sees {
				for _, q := range op.requests(w, a.ids) {
					r := w.ask(q, a.asks())
					require.Equal(w.t, http.StatusOK, r.status, "%s: %s", name, r.body)
					require.True(w.t, strings.Contains(r.text(), a.word) || strings.Contains(r.text(), a.key) || strings.Contains(r.text(), string(a.name)) || strings.Contains(r.text(), a.token()), "%s shows its own: %s", name, r.body)
					w.without(marks, r.text(), name)
				}
			}
		}
	}
}

// nothingCrossed looks at every row, when all that was taken is written: it came with a key of its tenant, and is of that tenant.
func (w *world) nothingCrossed() {
	w.t.Helper()
	now := time.Now()
	for _, list := range []string{"spans", "logs", "metrics"} {
		testbed.Eventually(w.t, "all that was taken is written", func() bool {
			var page struct{ Completeness struct{ Watermark time.Time } }
			r := w.ask(w.search(list, ids{}, 1, "[]"), w.tenants[0].asks())
			return json.Unmarshal([]byte(r.body), &page) == nil && page.Completeness.Watermark.After(now)
		})
	}
	for i, a := range w.tenants {
		b := w.tenants[1-i]
		for _, table := range w.column(tablesOfTenants) {
			require.Equal(w.t, []string{"0"}, w.column(`SELECT count(*)::text FROM `+table+` t WHERE tenant_id = $1 AND (t::text LIKE '%' || $2 || '%' OR t::text LIKE '%' || $3 || '%')`,
				string(a.name), b.word, b.key), "%s: what %s sent is with %s", table, b.name, a.name)
		}
		for _, table := range []string{"spans_fact", "logs_fact", "metrics_fact"} {
			require.Equal(w.t, []string{a.key}, w.column(`SELECT DISTINCT connection_id FROM `+table+` WHERE tenant_id = $1`, string(a.name)), table)
		}
		require.Equal(w.t, []string{"", a.key}, w.column(`SELECT DISTINCT created_by FROM api_key WHERE tenant_id = $1 ORDER BY 1`, string(a.name)))
	}
	require.Equal(w.t, []string{"azure.shop.example", "crimson.shop.example"}, w.column(`SELECT DISTINCT tenant_id FROM (SELECT tenant_id FROM logs_fact UNION SELECT tenant_id FROM spans_fact
		UNION SELECT tenant_id FROM metrics_fact UNION SELECT tenant_id FROM api_key UNION SELECT tenant_id FROM service_dim) t ORDER BY 1`))
}

// tablesOfTenants are those whose rows belong to a tenant.
const tablesOfTenants = `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
	WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition`

// without fails where one of the marks is in a text.
func (w *world) without(marks []string, text, what string) {
	w.t.Helper()
	for _, mark := range marks {
		if at := strings.Index(text, mark); at >= 0 {
			require.Fail(w.t, "the other tenant is in the answer", "%s tells %q: %.200q", what, mark, text[max(0, at-100):])
		}
	}
}

// cross has a ask for what is b's, in every way that it has.
func (w *world) cross(name string, op operation, a, b *tenant) {
	w.t.Helper()
	data, marks := b.marks()
	if op.open {
		marks = data
	}
	nobody := ids{word: "niemand", trace: "0dd0dd01" + strings.Repeat("7", 24), key: strings.Repeat("q", 16), saved: strings.Repeat("w", 16), letter: 987_654_321, cursors: b.cursors}
	echo := strings.NewReplacer(b.trace, "", b.word+".metric", "", b.word+"-cart", "", b.word+".attribute", "", b.word+".zone", "", b.key, "", b.saved, "", string(b.name), "")
	ofB, ofNobody := op.requests(w, b.ids), op.requests(w, nobody)
	if op.anew { // it is about what the asker brings
		ofB = op.requests(w, ids{word: a.word, trace: a.trace})
	}
	for i, q := range ofB {
		check := func(r reply, how string) reply {
			text := r.text()
			if said := q.path + q.body; strings.Contains(said, b.word) || strings.Contains(said, b.trace) || strings.Contains(said, b.key) || strings.Contains(said, b.saved) {
				text = echo.Replace(text) // what the request says itself is no news to who sent it
			}
			w.without(marks, text, name+", "+how)
			return r
		}
		refused := func(wanted int, how string, header http.Header) {
			r := check(w.ask(q, header), how)
			if !op.open {
				require.Equal(w.t, wanted, r.status, "%s with %s: %s", name, how, r.body)
			}
		}
		// By its own key: what is another's is as what is nobody's.
		got := check(w.ask(q, a.asks("Sec-Fetch-Site", "same-origin")), "its own key")
		switch {
		case q.ends:
			require.Equal(w.t, http.StatusBadRequest, got.status, "%s with the cursor of another: %s", name, got.body)
		case op.anew:
			require.Less(w.t, got.status, 300, "%s: %s", name, got.body)
		default:
			want := w.ask(ofNobody[i], a.asks("Sec-Fetch-Site", "same-origin"))
			require.Equal(w.t, want.status, got.status, "%s: %s", name, got.body)
			if !op.open {
				swap := strings.NewReplacer(nobody.word, b.word, nobody.trace, b.trace, nobody.key, b.key, nobody.saved, b.saved, strconv.FormatInt(nobody.letter, 10), strconv.FormatInt(b.letter, 10))
				require.Equal(w.t, steady(swap.Replace(want.body)), steady(got.body), "%s: another's is told apart from nobody's", name)
			}
		}
		check(w.ask(q, headers("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(string(b.name)+":"+a.secret)), "Sec-Fetch-Site", "same-origin")), "the other's name as the user")
		check(w.ask(q, headers("Authorization", "Bearer "+a.secret, auth.KeyHeader, "olly_"+b.key+"_"+a.secret[22:], "Sec-Fetch-Site", "same-origin")), "a key beside")
		check(w.ask(q, a.asks("X-Tenant", string(b.name), "X-Olly-Tenant", string(b.name), "Tenant", string(b.name), "X-Forwarded-User", string(b.name),
			"Forwarded", "for="+string(b.name), "X-Original-URL", "/api/keys", "X-Scope-Org-Id", string(b.name), "X_Scope_OrgID", string(b.name))), "other headers")
		if !strings.Contains(q.path, "cursor=") {
			join := "?"
			if strings.Contains(q.path, "?") {
				join = "&"
			}
			more := q
			more.path += join + url.Values{"tenant": {string(b.name)}, "tenant_id": {string(b.name)}, "X-Scope-OrgID": {string(b.name)}}.Encode()
			w.without(marks, echo.Replace(w.ask(more, a.asks("Sec-Fetch-Site", "same-origin")).text()), name+" with the tenant as a parameter")
		}
		// By a header that names the other, alone, twice, or beside the own.
		for how, tenants := range map[string][]string{
			"the other's name": {string(b.name)}, "both names": {string(a.name), string(b.name)}, "both names the other way": {string(b.name), string(a.name)},
			"both in one": {string(a.name) + "," + string(b.name)}, "both as Loki has it": {string(a.name) + "|" + string(b.name)}, "its own twice": {string(a.name), string(a.name)},
		} {
			h := a.asks("Sec-Fetch-Site", "same-origin")
			h["X-Scope-Orgid"] = tenants
			refused(http.StatusForbidden, how, h)
			if !q.ingest {
				h = headers("Cookie", a.cookie.Name+"="+a.cookie.Value, "Sec-Fetch-Site", "same-origin")
				h["X-Scope-Orgid"] = tenants
				refused(http.StatusForbidden, how+" and a login", h)
			}
		}
		// Without a key of one's own, by what one knows of the other.
		for how, h := range map[string]http.Header{
			"the other's name alone":        headers(auth.TenantHeader, string(b.name)),
			"the id of a key":               headers(auth.KeyHeader, b.key),
			"an id with another's secret":   headers(auth.KeyHeader, "olly_"+b.key+"_"+a.secret[22:]),
			"the same as a token":           headers("Authorization", "Bearer olly_"+b.key+"_"+a.secret[22:]),
			"two keys in one header":        headers(auth.KeyHeader, a.secret, auth.KeyHeader, b.key),
			"two tokens":                    headers("Authorization", "Bearer "+a.secret, "Authorization", "Bearer "+b.key),
			"its own key as the user":       headers("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(a.secret+":"))),
			"the name of the other as user": headers("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(string(b.name)+":"+b.key))),
		} {
			h.Set("Sec-Fetch-Site", "same-origin")
			refused(http.StatusUnauthorized, how, h)
		}
		if op.sees { // nothing above was refused because it was asked wrongly
			r := w.ask(q, b.asks())
			require.Equal(w.t, http.StatusOK, r.status, "%s: %s", name, r.body)
		}
	}
}

// steady is JSON without what differs from call to call.
func steady(body string) any {
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return body
	}
	var clean func(v any) any
	clean = func(v any) any {
		switch x := v.(type) {
		case map[string]any:
			for _, k := range []string{"stats", "completeness", "request_id", "rate", "covered"} { // a rate is over the time until now
				delete(x, k)
			}
			for k := range x {
				x[k] = clean(x[k])
			}
		case []any:
			for i := range x {
				x[i] = clean(x[i])
			}
		}
		return v
	}
	return clean(v)
}

// overGRPC has each tenant send as the other.
func (w *world) overGRPC() {
	w.t.Helper()
	conn, err := grpc.NewClient(w.cfg.Ingest.GRPC.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, conn.Close()) }()
	client := plogotlp.NewGRPCClient(conn)
	for i, a := range w.tenants {
		b := w.tenants[1-i]
		request := plogotlp.NewExportRequest()
		require.NoError(w.t, request.UnmarshalJSON([]byte(a.payload(telemetry.Logs, w.start.Add(time.Second), 1))))
		for _, test := range []struct {
			code codes.Code
			md   []string
		}{
			{codes.OK, []string{"x-api-key", a.secret}},
			{codes.OK, []string{"authorization", "Bearer " + a.secret, "x-tenant", string(b.name)}},
			{codes.OK, []string{"authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(string(b.name)+":"+a.secret))}},
			{codes.PermissionDenied, []string{"x-api-key", a.secret, "x-scope-orgid", string(b.name)}},
			{codes.PermissionDenied, []string{"x-api-key", a.secret, "x-scope-orgid", string(a.name), "x-scope-orgid", string(b.name)}},
			{codes.PermissionDenied, []string{"x-api-key", a.secret, "x-scope-orgid", string(b.name), "x-scope-orgid", string(a.name)}},
			{codes.Unauthenticated, []string{"x-scope-orgid", string(b.name)}},
			{codes.Unauthenticated, []string{"x-api-key", b.key, "x-scope-orgid", string(b.name)}},
			{codes.Unauthenticated, []string{"x-api-key", "olly_" + b.key + "_" + a.secret[22:]}},
			{codes.Unauthenticated, []string{"x-api-key", a.secret, "x-api-key", b.key}},
		} {
			var header, trailer metadata.MD
			_, err := client.Export(metadata.NewOutgoingContext(w.t.Context(), metadata.Pairs(test.md...)), request, grpc.Header(&header), grpc.Trailer(&trailer))
			require.Equal(w.t, test.code, status.Code(err), "%v", err)
			text := fmt.Sprintln(err, header, trailer)
			_, marks := b.marks()
			w.without(marks, text, "OTLP/gRPC")
			_, _ = w.answers.Write([]byte(text))
		}
	}
}

// ownWrites shows that what was refused above is what works for whom it belongs to.
func (w *world) ownWrites() {
	w.t.Helper()
	all := theOperations()
	for _, a := range w.tenants {
		letters := w.letters(a)
		for i, step := range []struct {
			name string
			of   ids
		}{
			{"dropDeadLetter", ids{letter: letters[0]}},
			{"replayDeadLetter", ids{letter: letters[1]}},
			{"replayDeadLetters", ids{letter: letters[2]}},
			{"dropDeadLetters", ids{letter: letters[3]}},
			{"replaceSavedQuery", ids{saved: a.saved}},
			{"deleteSavedQuery", ids{saved: a.saved}},
			{"revokeKey", ids{key: a.spare}},
		} {
			require.True(w.t, all[step.name].writes)
			for _, q := range all[step.name].requests(w, step.of) {
				r := w.ask(q, a.asks())
				require.Less(w.t, r.status, 300, "%d: %s", i, r.body)
				if strings.HasSuffix(step.name, "Letters") {
					require.Contains(w.t, r.body, `"done":1`, step.name)
				}
			}
		}
	}
}

// nothingTold looks for what opens anything wherever something is told.
func (w *world) nothingTold() {
	w.t.Helper()
	for _, a := range w.tenants {
		w.secrets["login of "+string(a.name)] = a.cookie.Value
	}
	for _, path := range []string{"/livez", "/health", "/health/db", "/metrics"} {
		for _, ingest := range []bool{true, false} {
			w.ask(request{method: http.MethodGet, path: path, ingest: ingest}, nil)
		}
	}
	w.stop()
	require.Positive(w.t, w.spans.Load(), "there were traces to look into")
	for _, word := range []string{`"msg":"request"`, `"level":"DEBUG"`, "ollyScale is ready"} {
		require.Contains(w.t, w.told.String(), word)
	}
	require.Contains(w.t, w.args.String(), "initdb")
	require.Contains(w.t, w.args.String(), "postgres\x00-D")
	require.Greater(w.t, len(w.secrets), 10)
	password := filepath.Join(w.cfg.DataDir, psqlFile)
	info, err := os.Stat(password)
	require.NoError(w.t, err)
	require.Equal(w.t, os.FileMode(0o600), info.Mode().Perm())
	files := map[string][]byte{}
	require.NoError(w.t, filepath.WalkDir(w.cfg.DataDir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && path != password {
			files[path], err = os.ReadFile(path)
		}
		return err
	}))
	for what, secret := range w.secrets {
		require.GreaterOrEqual(w.t, len(secret), 20, what)
		for place, text := range map[string]string{"the log or a trace": w.told.String(), "an answer": w.answers.String(), "the arguments of a process": w.args.String()} {
			if at := strings.Index(text, secret); at >= 0 {
				require.Fail(w.t, "a secret is told", "%s tells the %s: …%q", place, what, text[max(0, at-200):at])
			}
		}
		for path, content := range files {
			require.False(w.t, bytes.Contains(content, []byte(secret)), "the file %s holds the %s", path, what)
		}
	}
}
