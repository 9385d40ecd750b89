package query

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/saved"
)

// save posts a wish, or puts it in the place of one.
func (f *fixture) save(status int, method, path, body string, header ...string) (q api.SavedQuery) {
	f.t.Helper()
	got, answer := f.call(method, path, body, header...)
	require.Equal(f.t, status, got, "%s", answer)
	decode(f.t, answer, &q)
	return q
}

// wish is a query under a name.
func wish(name, page, document string) string {
	return fmt.Sprintf(`{"kind":"query","name":%q,"page":%q,"document":%s}`, name, page, document)
}

func namesOf(list api.SavedQueryList) (out []string) {
	for _, q := range list.SavedQueries {
		out = append(out, q.Name)
	}
	return out
}

func TestAQueryIsKeptUnderAName(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	ada, adaID := f.newKey("red", "query", "edit")
	bob, bobID := f.newKey("red", "admin", "query")
	reads, _ := f.newKey("red", "query")
	blue, _ := f.newKey("blue", "query", "edit")
	by := func(key string) []string { return []string{"X-Api-Key", key} }
	const path = "/api/saved-queries"
	const document = `{"last":"6h","filters":[{"field":"attributes.n","operator":"eq","value":{"intValue":"9007199254740993"}}],"sort":{"by":"duration","order":"desc"},` +
		`"columns":["service","attributes.n"],"chart":{"by":"service","é":"\u0000"}}`
	made := f.save(http.StatusCreated, http.MethodPost, path, `{"kind":"query","page":"spans","name":" Slow carts ","description":"two\nlines","document": `+document+` }`, by(ada)...)
	require.Equal(t, "Slow carts", made.Name)
	require.Equal(t, api.SavedDocument(document), made.Document, "as it was sent, to the last digit")
	require.Equal(t, []any{int64(1), adaID, adaID, "two\nlines", api.SavedPageSpans}, []any{made.Version, made.CreatedBy, made.UpdatedBy, made.Description, made.Page})
	var got api.SavedQuery
	f.get(path+"/"+made.ID, &got, by(reads)...)
	require.Equal(t, made, got)

	// Who replaces it says what he has seen; the second of two who have seen the same is told.
	change := func(version int) string {
		return strings.Replace(wish("slow carts", "spans", `{"time_range":{"start_time":"2026-11-23T10:00:00Z","end_time":1795431600000000000}}`), "{", fmt.Sprintf(`{"version":%d,`, version), 1)
	}
	changed := f.save(http.StatusOK, http.MethodPut, path+"/"+made.ID, change(1), by(bob)...)
	require.Equal(t, []any{int64(2), adaID, bobID, "", true}, []any{changed.Version, changed.CreatedBy, changed.UpdatedBy, changed.Description, changed.UpdatedAt.After(changed.CreatedAt)})
	p := f.problem(http.StatusConflict, http.MethodPut, path+"/"+made.ID, change(1), by(ada)...)
	require.Equal(t, "saved.changed", p.Code)
	require.Contains(t, p.Detail, "it has version 2")
	require.Equal(t, "saved.changed", f.problem(http.StatusConflict, http.MethodDelete, path+"/"+made.ID+"?version=1", "", by(ada)...).Code)
	require.Equal(t, "saved.version", f.problem(http.StatusBadRequest, http.MethodPut, path+"/"+made.ID, change(0), by(ada)...).Code)
	require.Equal(t, "saved.version", f.problem(http.StatusBadRequest, http.MethodDelete, path+"/"+made.ID+"?version=-1", "", by(ada)...).Code)

	board := f.save(http.StatusCreated, http.MethodPost, path, `{"kind":"dashboard","name":"Board","document":{"tiles":[{}]}}`, by(ada)...)
	f.save(http.StatusCreated, http.MethodPost, path, wish("errors", "logs", `{}`), by(ada)...)
	f.save(http.StatusCreated, http.MethodPost, path, wish("blue's", "logs", `{}`), by(blue)...)
	for query, want := range map[string][]string{
		"": {"Board", "errors", "slow carts"}, "?kind=dashboard": {"Board"}, "?page=logs": {"errors"}, "?kind=query&page=spans": {"slow carts"}, "?page=traces": nil,
	} {
		var list api.SavedQueryList
		f.get(path+query, &list, by(reads)...)
		require.Equal(t, want, namesOf(list), query)
		for _, q := range list.SavedQueries {
			require.Empty(t, q.Document, "lists are short")
		}
	}

	// Who may only read, or is of another tenant, changes nothing.
	for _, key := range []string{reads, blue} {
		for method, body := range map[string]string{http.MethodPut: change(2), http.MethodDelete: ""} {
			status := map[string]int{reads: http.StatusForbidden, blue: http.StatusNotFound}[key]
			f.problem(status, method, path+"/"+made.ID, body, by(key)...)
		}
	}
	f.problem(http.StatusForbidden, http.MethodPost, path, wish("mine", "logs", `{}`), by(reads)...)
	require.Equal(t, "saved.not_found", f.problem(http.StatusNotFound, http.MethodGet, path+"/"+made.ID, "", by(blue)...).Code)
	got = api.SavedQuery{}
	f.get(path+"/"+made.ID, &got, by(reads)...)
	require.Equal(t, changed, got)

	for _, one := range []string{made.ID + "?version=2", board.ID} {
		status, body := f.call(http.MethodDelete, path+"/"+one, "", by(ada)...)
		require.Equal(t, http.StatusNoContent, status, "%s", body)
	}
	f.problem(http.StatusNotFound, http.MethodDelete, path+"/"+made.ID, "", by(ada)...)
	f.problem(http.StatusNotFound, http.MethodPut, path+"/"+made.ID, change(2), by(ada)...)
	for _, none := range []string{"%00", "%ff", made.ID + "%00", strings.Repeat("x", 5000)} {
		for method, body := range map[string]string{http.MethodGet: "", http.MethodPut: change(2), http.MethodDelete: ""} {
			require.Equal(t, "saved.not_found", f.problem(http.StatusNotFound, method, path+"/"+none, body, by(ada)...).Code, "%s %.20s", method, none)
		}
	}

	var records []string
	rows, err := f.db.Pool.Query(testbed.Context(t), `SELECT concat_ws(' ', details->>'did', details->>'name', details->>'version', details->>'by' = $1) FROM janitor_audit
		WHERE tenant_id = 'red' AND action = 'saved' AND target = 'saved_query' ORDER BY audit_id`, adaID)
	require.NoError(t, err)
	records, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"create Slow carts 1 t", "replace slow carts 2 f", "create Board 1 t", "create errors 1 t", "delete slow carts 2 t", "delete Board 1 t"}, records)
}

// What is kept can be asked: a document is held against what a search of its list takes, and the message says what is wrong where.
func TestWhatCannotBeAskedIsNotKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	deep := strings.Repeat(`{"a":`, 70) + `1` + strings.Repeat(`}`, 70)
	long := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", saved.MaxDocument))
	for body, want := range map[string]string{
		wish("a", "traces", `{"filters":[{"field":"nothing","operator":"eq","value":1}]}`):                                      "400 filter.unknown_field document: ",
		wish("a", "logs", `{"filters":[{"relation":"root","filters":[]}]}`):                                                     "400 filter.",
		wish("a", "logs", `{"sort":{"by":"duration"}}`):                                                                         "400 request.sort document: ",
		wish("a", "logs", `{"scope":"trace"}`):                                                                                  "400 request.scope document: ",
		wish("a", "logs", `{"time_range":{"start_time":"2026-11-23T10:00:00Z","end_time":"2026-11-23T09:00:00Z"}}`):             "400 time_range.",
		wish("a", "logs", `{"time_range":{"start_time":"2026-11-23T10:00:00Z","end_time":"2026-11-23T11:00:00Z"},"last":"1h"}`): "400 saved.malformed document: time_range and last",
		wish("a", "logs", `{"last":"an hour"}`):                                                                                 "400 saved.malformed document.last: ",
		wish("a", "logs", `{"columns":[""]}`):                                                                                   "400 saved.malformed document.columns: ",
		wish("a", "logs", `{"chart":[]}`):                                                                                       "400 saved.malformed document.chart: ",
		wish("a", "logs", `{"filter":[]}`):                                                                                      `400 saved.malformed document: it is not a query: there is no member "filter"`,
		wish("a", "logs", `[]`):                                                                                                 "400 saved.malformed document: want a JSON object",
		wish("a", "logs", `null`):                                                                                               "400 saved.malformed document: want a JSON object",
		wish("a", "profiles", `{}`):                                                                                             "400 saved.malformed page: ",
		wish("", "logs", `{}`):                                                                                                  "400 saved.malformed name: ",
		wish(strings.Repeat("n", 101), "logs", `{}`):                                                                            "400 saved.malformed name: ",
		wish("a", "logs", deep):                                                                                                 "413 saved.too_large document: ",
		wish("a", "logs", long):                                                                                                 "413 saved.too_large document: ",
		`{"kind":"query","name":"a","page":"logs"}`:                                                                             "400 saved.malformed document: want a JSON object",
		`{"kind":"view","name":"a","document":{}}`:                                                                              "400 saved.malformed kind: ",
		`{"kind":"query","name":"a","document":{}}`:                                                                             "400 saved.malformed page: ",
		`{"kind":"dashboard","name":"a","page":"logs","document":{}}`:                                                           "400 saved.malformed page: ",
		`{"kind":"dashboard","name":"a\nb","document":{}}`:                                                                      "400 saved.malformed name: ",
		`{"kind":"dashboard","name":"a","document":{"a":"` + "\xff" + `"}}`:                                                     "400 saved.malformed document: ",
		`{"kind":"dashboard","name":"a","description":"` + strings.Repeat("d", 1001) + `","document":{}}`:                       "400 saved.malformed description: ",
		`{"kind":"dashboard","name":"a","description":"\u0000","document":{}}`:                                                  "400 saved.malformed description: ",
		`{"kind":"dashboard","name":"a","document":{},"tenant":"blue"}`:                                                         `400 request.malformed the body is not a query to save: there is no member "tenant"`,
	} {
		status, answer := f.call(http.MethodPost, "/api/saved-queries", body)
		var p api.Problem
		decode(t, answer, &p)
		require.Contains(t, fmt.Sprintf("%d %s %s", status, p.Code, p.Detail), want, "%.300s", body)
		require.Less(t, len(p.Detail), 500)
	}
	require.Equal(t, "saved.malformed", f.problem(http.StatusBadRequest, http.MethodGet, "/api/saved-queries?kind=view", "").Code)
	require.Equal(t, "saved.malformed", f.problem(http.StatusBadRequest, http.MethodGet, "/api/saved-queries?page=profiles", "").Code)
	var list api.SavedQueryList
	f.get("/api/saved-queries", &list)
	require.Empty(t, list.SavedQueries)
	most := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", saved.MaxDocument-11))
	require.Len(t, f.save(http.StatusCreated, http.MethodPost, "/api/saved-queries", `{"kind":"dashboard","name":"a","document":`+most+`}`).Document, saved.MaxDocument)
}

func TestATenantKeepsAsManyQueriesAsItMay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.db.Pool.Exec(testbed.Context(t), `INSERT INTO saved_query (tenant_id, saved_id, kind, name, document)
		SELECT 'default', translate(lpad(n::text, 16, '0'), '0189', 'abcd'), 'dashboard', n::text, '{}' FROM generate_series(1, $1 - 3) AS n`, saved.MaxKept)
	require.NoError(t, err)
	var made sync.WaitGroup
	answers := make([]int, 12)
	for i := range answers { // who save at once count each other's
		made.Go(func() { answers[i], _ = f.call(http.MethodPost, "/api/saved-queries", wish("one more", "logs", `{}`)) })
	}
	made.Wait()
	count := map[int]int{}
	for _, status := range answers {
		count[status]++
	}
	require.Equal(t, map[int]int{http.StatusCreated: 3, http.StatusBadRequest: 9}, count)
	require.Equal(t, "saved.too_many", f.problem(http.StatusBadRequest, http.MethodPost, "/api/saved-queries", wish("a", "logs", `{}`)).Code)
	f.save(http.StatusCreated, http.MethodPost, "/api/saved-queries", wish("a", "logs", `{}`), "X-Scope-OrgID", "shop")
	var list api.SavedQueryList
	f.get("/api/saved-queries", &list)
	require.Len(t, list.SavedQueries, saved.MaxKept)
}

// A query service on a replica lists what is kept, and says why nothing can be.
func TestAReplicaKeepsNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	kept := f.save(http.StatusCreated, http.MethodPost, "/api/saved-queries", wish("a", "logs", `{}`))
	conn, err := f.db.Pool.Acquire(testbed.Context(t))
	require.NoError(t, err)
	_, err = conn.Exec(testbed.Context(t), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	require.NoError(t, err)
	conn.Release()
	replica := f.with()
	for method, body := range map[string]string{http.MethodPost: wish("a", "logs", `{}`), http.MethodPut: `{"version":1,` + wish("a", "logs", `{}`)[1:], http.MethodDelete: ""} {
		path := "/api/saved-queries"
		if method != http.MethodPost {
			path += "/" + kept.ID
		}
		require.Equal(t, "postgres.read_only", replica.problem(http.StatusServiceUnavailable, method, path, body).Code, method)
	}
	var got api.SavedQuery
	replica.get("/api/saved-queries/"+kept.ID, &got)
	require.Equal(t, kept, got)
}

// keep puts a query of a tenant into the table under an id that tests know.
func (f *fixture) keep(ctx context.Context, tenant, id string) {
	f.t.Helper()
	_, err := f.db.Pool.Exec(ctx, `INSERT INTO saved_query (tenant_id, saved_id, kind, page, name, document) VALUES ($1, $2, 'query', 'logs', 'kept', '{}')`, tenant, id)
	require.NoError(f.t, err)
}
