package query

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/rollup/series"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/libs/testbed/contract"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// base is when the tests' telemetry happened.
func base() time.Time { return time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC) }

// fixture is a query service on a database of its own, with segments put there as a writer would.
type fixture struct {
	t        testing.TB
	db       *testbed.DB
	cfg      Config
	svc      *Service
	url      string
	position int64
	groups   int      // that store has made
	rolled   int      // payloads of which it has written rollups
	keys     []string // with which payloads are sent, in turn; none without any
	check    contract.Check
}

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	db := testbed.Database(t)
	cfg := DefaultConfig()
	cfg.Postgres = db.Config()
	cfg.Bus = testbed.NATS(t)
	cfg.Timeout, cfg.QueueTimeout = testbed.Patience, testbed.Patience // however slow the machine is
	f := &fixture{t: t, db: db, cfg: cfg, check: contract.New(t)}
	return f.with(change...)
}

// with is the fixture with a service of its own, configured otherwise, on the same database.
func (f *fixture) with(change ...func(*Config)) *fixture {
	f.t.Helper()
	return f.withEnv(testbed.Env(f.t), change...)
}

func (f *fixture) withEnv(env service.Env, change ...func(*Config)) *fixture {
	f.t.Helper()
	other := *f
	for _, c := range change {
		c(&other.cfg)
	}
	svc, err := New(other.cfg, env)
	require.NoError(f.t, err)
	f.t.Cleanup(svc.close)
	server := httptest.NewServer(svc.server.Echo)
	f.t.Cleanup(server.Close)
	other.svc, other.url = svc, server.URL
	return &other
}

// budget is a service that looks at so many items.
func (f *fixture) budget(items int64) *fixture {
	f.t.Helper()
	return f.with(func(c *Config) { c.ScanBudget = items })
}

// budgets are services that look at 1, 2, 4 to 512 items: counts that sums and heads answer cost little, so that few questions end early by a budget of
// hundreds. They are made once for all questions of a test, because each holds connections.
func (f *fixture) budgets() []*fixture {
	f.t.Helper()
	list := make([]*fixture, 10)
	for i := range list {
		list[i] = f.budget(1 << i)
	}
	return list
}

// of is the fixture for a part of its test.
func (f *fixture) of(t *testing.T) *fixture {
	t.Helper()
	other := *f
	other.t = t
	return &other
}

// store writes one payload as segments of at most size items, and their services, in one transaction each time. Every second payload
// is stored as the janitor leaves it: of level 2 and, where an hour has several segments, with their filters in a group.
func (f *fixture) store(tenant telemetry.Tenant, signal telemetry.Signal, payload []byte, size int) {
	f.t.Helper()
	one := sent{payload: payload}
	if len(f.keys) > 0 {
		one.key = f.keys[int(f.position)%len(f.keys)]
	}
	f.storeSent(tenant, signal, size, one)
}

// sent is a payload with the key that it was sent with.
type sent struct {
	payload []byte
	key     string
}

// storeSent is store for payloads that shared a message.
func (f *fixture) storeSent(tenant telemetry.Tenant, signal telemetry.Signal, size int, list ...sent) {
	f.t.Helper()
	f.position++
	table := segment.NewTable(tenant, signal)
	for _, one := range list {
		_, err := table.AppendFrom(one.payload, segment.Origin{Position: f.position, Ordinal: int64(table.N), Connection: one.key})
		require.NoError(f.t, err)
	}
	ctx := testbed.Context(f.t)
	tx, err := f.db.Pool.Begin(ctx)
	require.NoError(f.t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	f.nameServices(ctx, tx, table)
	level := int(f.position%2) * 2
	common, apart := table.Slices(size), [][]uint32(nil)
	if level == segmentrow.LevelSettled {
		common, apart = table.SlicesApart(size)
	}
	hours, settled := map[int64][]*segment.Segment{}, map[int64][]*segment.Segment{}
	for _, rows := range common {
		s, err := table.Encode(rows, level)
		require.NoError(f.t, err)
		hour := s.MinTime / time.Hour.Nanoseconds()
		hours[hour] = append(hours[hour], s)
		settled[hour] = append(settled[hour], s)
	}
	for _, list := range hours {
		f.insert(ctx, tx, signal, list, level == segmentrow.LevelSettled && len(list) > 1)
	}
	for _, rows := range apart {
		s, err := table.Encode(rows, level)
		require.NoError(f.t, err)
		f.insert(ctx, tx, signal, []*segment.Segment{s}, false)
		hour := s.MinTime / time.Hour.Nanoseconds()
		settled[hour] = append(settled[hour], s)
	}
	if level == segmentrow.LevelSettled {
		f.roll(ctx, tx, table, settled, func(*rollup.Kind) bool { return true })
	}
	require.NoError(f.t, tx.Commit(ctx))
}

// nameServices writes the services of a table.
func (f *fixture) nameServices(ctx context.Context, tx pgx.Tx, table *segment.Table) {
	f.t.Helper()
	for _, r := range table.Resources {
		_, err := tx.Exec(ctx, `INSERT INTO service_dim (tenant_id, service_id, name, namespace) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			string(table.Tenant), r.ServiceID, schema.Name(r.ServiceName), schema.Name(r.ServiceNamespace))
		require.NoError(f.t, err)
	}
}

// roll writes rollups of a table, and of its segments by hour, of every second as hours.
func (f *fixture) roll(ctx context.Context, tx pgx.Tx, table *segment.Table, settled map[int64][]*segment.Segment, wanted func(*rollup.Kind) bool) {
	f.t.Helper()
	hours := map[int64][]uint32{}
	for row, at := range table.Ints[segment.ColTime] {
		start := telemetry.Grain(at, time.Hour)
		hours[start] = append(hours[start], uint32(row))
	}
	f.rolled++
	for _, kind := range append([]rollup.Kind{red.Kind(), edges.Kind(), series.Kind()}, counts.Kinds()...) {
		if kind.Signal != table.Signal || !wanted(&kind) {
			continue
		}
		for start, rows := range hours {
			var contents []rollup.Content
			var err error
			if kind.Collect != nil {
				contents, err = kind.Collect(table, start, rows)
			} else {
				contents, err = kind.Settle(settled[start/time.Hour.Nanoseconds()])
			}
			require.NoError(f.t, err)
			made := rollups(table.Tenant, kind, rollup.Part, start, contents)
			if f.rolled%2 == 0 {
				contents, err = kind.Fold(rollup.Hour, start, true, func(yield func(*rollup.Row, error) bool) {
					for i := range made {
						if !yield(&made[i], nil) {
							return
						}
					}
				})
				require.NoError(f.t, err)
				made = rollups(table.Tenant, kind, rollup.Hour, start, contents)
			}
			_, err = tx.Exec(ctx, "SELECT ensure_partition($1, $2)", schema.Rollup, start)
			require.NoError(f.t, err)
			require.NoError(f.t, rolluprow.Copy(ctx, tx, made))
		}
	}
}

func rollups(tenant telemetry.Tenant, kind rollup.Kind, grain rollup.Grain, start int64, contents []rollup.Content) (out []rollup.Row) {
	for _, c := range contents {
		out = append(out, rollup.Row{Tenant: tenant, Kind: kind.ID, Grain: grain, Start: start, ID: uuid.New(), Content: c, Placement: tenant.Placement(0, 1)})
	}
	return out
}

func (f *fixture) insert(ctx context.Context, tx pgx.Tx, signal telemetry.Signal, list []*segment.Segment, grouped bool) (ids []uuid.UUID) {
	f.t.Helper()
	tables := schema.TablesOf(signal.String())
	for _, table := range []string{tables.Segment, tables.Group, tables.Body} {
		_, err := tx.Exec(ctx, "SELECT ensure_partition($1, $2)", table, list[0].MinTime)
		require.NoError(f.t, err)
	}
	rows := make([]segmentrow.Row, len(list))
	for i, s := range list {
		rows[i] = segmentrow.New(s, s.Tenant.Placement(0, 1), base())
		ids = append(ids, rows[i].ID)
	}
	var group *segmentrow.Group
	if grouped {
		group = segmentrow.NewGroup(rows)
		f.groups++
	}
	require.NoError(f.t, segmentrow.Copy(ctx, tx, signal, rows, group))
	return ids
}

// call sends a request and checks the answer against docs/api.yaml.
func (f *fixture) call(method, path, body string, header ...string) (int, []byte) {
	f.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(testbed.Context(f.t), method, f.url+path, reader)
	require.NoError(f.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(f.t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	if body != "" {
		r.Body = io.NopCloser(strings.NewReader(body))
	}
	f.check(f.t, r, response.StatusCode, response.Header, answer)
	return response.StatusCode, answer
}

// get decodes the answer of a GET into out; it must be a 200 that has no member that out lacks.
func (f *fixture) get(path string, out any, header ...string) {
	f.t.Helper()
	status, body := f.call(http.MethodGet, path, "", header...)
	require.Equal(f.t, http.StatusOK, status, "%s: %s", path, body)
	decode(f.t, body, out)
}

func decode(t testing.TB, body []byte, out any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(out), "%s", body)
}

// search posts a search over the hour around base, unless from and to are given.
type searchBody struct {
	from, to time.Time
	filters  string // a JSON array
	limit    int
	cursor   string
	sort     string // a JSON object
	total    bool
	fields   []string
	scope    string
}

func (s searchBody) json(t testing.TB) string {
	t.Helper()
	if s.from.IsZero() {
		s.from, s.to = base().Add(-time.Hour), base().Add(time.Hour)
	}
	if s.filters == "" {
		s.filters = "[]"
	}
	page := map[string]any{}
	if s.limit > 0 {
		page["limit"] = s.limit
	}
	if s.cursor != "" {
		page["cursor"] = s.cursor
	}
	whole := map[string]any{
		"time_range": map[string]any{"start_time": s.from.Format(time.RFC3339Nano), "end_time": s.to.UnixNano()},
		"filters":    json.RawMessage(s.filters), "pagination": page,
	}
	if s.sort != "" {
		whole["sort"] = json.RawMessage(s.sort)
	}
	if s.total {
		whole["total"] = true
	}
	if s.scope != "" {
		whole["scope"] = s.scope
	}
	if s.fields != nil {
		whole["fields"] = s.fields
	}
	b, err := json.Marshal(whole)
	require.NoError(t, err)
	return string(b)
}

func (f *fixture) search(list string, s searchBody, out any, header ...string) {
	f.t.Helper()
	status, body := f.call(http.MethodPost, "/api/"+list+"/search", s.json(f.t), header...)
	require.Equal(f.t, http.StatusOK, status, "%s %s: %s", list, s.filters, body)
	decode(f.t, body, out)
}

// problem posts a search that must be refused, and returns the code.
func (f *fixture) problem(status int, method, path, body string, header ...string) api.Problem {
	f.t.Helper()
	got, answer := f.call(method, path, body, header...)
	require.Equal(f.t, status, got, "%s", answer)
	var p api.Problem
	decode(f.t, answer, &p)
	return p
}

// hour is the query string of the two hours around base.
func hour() string {
	return "?" + url.Values{
		"start_time": {base().Add(-time.Hour).Format(time.RFC3339)}, "end_time": {base().Add(time.Hour).Format(time.RFC3339)},
	}.Encode()
}

func newRequest(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

// served is an answer without a connection.
type served struct {
	status int
	header http.Header
	body   string
}

func serve(h http.Handler, r *http.Request) served {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return served{w.Code, w.Header(), w.Body.String()}
}
