package query

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// used enters what writers would for a day, in two parts.
func (f *fixture) used(tenant, day string, signal, items int) {
	f.t.Helper()
	_, err := f.db.Pool.Exec(testbed.Context(f.t), `INSERT INTO tenant_usage (day, tenant_id, signal, part, items, bytes, series)
		SELECT $1::text::date, $2, $3::int, part, $4::int, $4::int * 100, CASE $3::int WHEN 2 THEN 3 ELSE 0 END FROM generate_series(1, 2) AS part`, day, tenant, signal, items)
	require.NoError(f.t, err)
}

// rows are the tenants, days and signals of an answer.
func (f *fixture) usage(query string, header ...string) (rows []string, all api.Usage) {
	f.t.Helper()
	f.get("/api/usage?"+query, &all, header...)
	rows = []string{}
	for _, d := range all.Usage {
		rows = append(rows, d.Tenant+" "+d.Day.String()+" "+string(d.Signal))
	}
	return rows, all
}

const inMay = "start_time=2026-05-01T00:00:00Z&end_time=2026-06-01T00:00:00Z"

func TestUsageIsToldByDayAndSignal(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, day := range []string{"2026-04-30", "2026-05-01", "2026-05-31", "2026-06-01"} {
		f.used("default", day, 0, 7)
		f.used("shop", day, 2, 11)
	}
	f.used("default", "2026-05-01", 1, 5)
	rows, all := f.usage(inMay)
	require.Equal(t, []string{"default 2026-05-01 traces", "default 2026-05-01 logs", "default 2026-05-31 traces"}, rows)
	require.Equal(t, []int64{10, 1000, 0}, []int64{all.Usage[1].Items, all.Usage[1].Bytes, all.Usage[1].Series})
	require.Nil(t, all.Incomplete)
	rows, all = f.usage("start_time=2026-05-31T23:59:59Z&end_time=2026-06-01T00:00:00.000000001Z", "X-Scope-OrgID", "shop")
	require.Equal(t, []string{"shop 2026-05-31 metrics", "shop 2026-06-01 metrics"}, rows, "days that the range touches")
	require.Equal(t, []int64{22, 2200, 6}, []int64{all.Usage[0].Items, all.Usage[0].Bytes, all.Usage[0].Series})
	rows, _ = f.usage(inMay + "&all_tenants=true")
	require.Equal(t, []string{
		"default 2026-05-01 traces", "default 2026-05-01 logs", "default 2026-05-31 traces", "shop 2026-05-01 metrics", "shop 2026-05-31 metrics",
	}, rows)
	rows, _ = f.usage(inMay+"&all_tenants=true", "X-Scope-OrgID", "shop")
	require.Equal(t, []string{"shop 2026-05-01 metrics", "shop 2026-05-31 metrics"}, rows, "whoever sets the header, as a proxy that authenticates, bounds the answer")
	rows, _ = f.usage(inMay, "X-Scope-OrgID", "nobody")
	require.Empty(t, rows)

	for query, code := range map[string]string{
		"": "", "start_time=2026-05-01T00:00:00Z": "", "start_time=2026-05-01&end_time=2026-06-01T00:00:00Z": "time_range.invalid",
		"start_time=9&end_time=9": "time_range.empty", "start_time=null&end_time=9": "time_range.required", inMay + "&all_tenants=perhaps": "",
	} {
		problem := f.problem(http.StatusBadRequest, http.MethodGet, "/api/usage?"+query, "")
		if code != "" {
			require.Equal(t, code, problem.Code, query)
		}
	}

	_, err := f.db.Pool.Exec(testbed.Context(t), `INSERT INTO tenant_usage (day, tenant_id, signal, part, items, bytes)
		SELECT '2000-01-01'::date + d, 'long', s, 1, 1, 1 FROM generate_series(1, 3500) AS d, generate_series(0, 2) AS s`)
	require.NoError(t, err)
	rows, all = f.usage("start_time=1990-01-01T00:00:00Z&end_time=2026-06-01T00:00:00Z", "X-Scope-OrgID", "long")
	require.Len(t, rows, 10_000)
	require.Equal(t, api.IncompleteReasonLimit, all.Incomplete.Reason)
}

func TestUsageOfAllTenantsIsOfThoseThatOneMayChoose(t *testing.T) {
	t.Parallel()
	f, i, _ := oidcFixture(t)
	i.People["ann"] = map[string]any{"roles": []string{"admin"}, "tenants": []string{"red", "blue"}}
	for _, tenant := range []string{"blue", "green", "red"} {
		f.used(tenant, "2026-05-02", 0, 7)
	}
	reads, _ := f.newKey("red", "query")
	manages, _ := f.newKey("red", "query", "admin")
	of := func(b *browser, query string, header ...string) (tenants []string) {
		t.Helper()
		var all api.Usage
		response, body := b.ask(http.MethodGet, "/api/usage?"+inMay+query, "", header...)
		require.Equal(t, http.StatusOK, response.status, "%s", body)
		decode(t, body, &all)
		for _, d := range all.Usage {
			tenants = append(tenants, d.Tenant)
		}
		return tenants
	}
	b := f.browser()
	require.Equal(t, []string{"red"}, of(b, "", "X-Api-Key", reads))
	require.Equal(t, "auth.scope", b.refused(http.StatusForbidden, http.MethodGet, "/api/usage?"+inMay+"&all_tenants=true", "", "X-Api-Key", reads))
	require.Equal(t, []string{"red"}, of(b, "&all_tenants=true", "X-Api-Key", manages), "a key has one tenant, whatever its scopes")
	b.logIn(i, "ann", "/")
	require.Equal(t, []string{"red"}, of(b, ""))
	require.Equal(t, []string{"blue"}, of(b, "", "X-Scope-OrgID", "blue"))
	require.Equal(t, []string{"blue", "red"}, of(b, "&all_tenants=true"))
	b.logIn(i, "ada", "/")
	require.Equal(t, "auth.scope", b.refused(http.StatusForbidden, http.MethodGet, "/api/usage?"+inMay+"&all_tenants=true", ""))
}
