package query

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestADamagedSegmentEndsOneQuery: whichever byte is wrong, the answer is an error with its code, and the next query of sound data works.
func TestADamagedSegmentEndsOneQuery(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	for i := range 40 {
		s.span(byte(i+1), "cart", "GET", ptrace.SpanKindClient, none(), with("k", fmt.Sprint(i%3)), with("peer.service", "pay"), starting(time.Duration(i)*time.Second))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 40)
	f.store("sound", telemetry.Traces, testbed.TracesPayload(s.td), 40)
	var length int
	ctx := testbed.Context(t)
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT octet_length(body) FROM spans_body WHERE tenant_id = 'default'`).Scan(&length))
	for at := 0; at < length; at += max(length/60, 1) {
		_, err := f.db.Pool.Exec(ctx, `UPDATE spans_body SET body = set_byte(body, $1, get_byte(body, $1) # 255) WHERE tenant_id = 'default'`, at)
		require.NoError(t, err)
		for _, path := range []string{
			"/api/attributes/service.name/values" + hour() + "&scope=resource", "/api/attributes/k/values" + hour(), "/api/service-map" + hour(), "/api/services" + hour(),
			"/api/spans/search" + hour() + "&filters=" + url.QueryEscape(`[{"or":[{"field":"attributes.k","operator":"eq","value":"1"},{"field":"resource.service.name","operator":"eq","value":"x"}]}]`),
		} {
			status, body := f.call(http.MethodGet, path, "")
			if status != http.StatusOK {
				require.Equal(t, http.StatusInternalServerError, status, "%s: %s", path, body)
			}
		}
		var out api.AttributeValues
		f.get("/api/attributes/k/values"+hour(), &out, "X-Scope-OrgID", "sound")
		require.Len(t, out.Values, 3)
		_, err = f.db.Pool.Exec(ctx, `UPDATE spans_body SET body = set_byte(body, $1, get_byte(body, $1) # 255) WHERE tenant_id = 'default'`, at)
		require.NoError(t, err)
	}
}

// So does one of points, whatever is asked of metrics.
func TestDamagedPointsEndOneQuery(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(newDice(4).metrics(60)), 60)
	ctx := testbed.Context(t)
	table := schema.TablesOf(telemetry.Metrics.String()).Body
	var length int
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT octet_length(body) FROM `+table).Scan(&length))
	var all api.MetricCatalogue
	f.get("/api/metrics"+hour()+"&last=true", &all)
	require.NotEmpty(t, all.Metrics)
	name := all.Metrics[0].Metric.Name
	failed := 0
	for at := 0; at < length; at += max(length/60, 1) {
		damage := func() {
			_, err := f.db.Pool.Exec(ctx, `UPDATE `+table+` SET body = set_byte(body, $1, get_byte(body, $1) # 255)`, at)
			require.NoError(t, err)
		}
		damage()
		for _, path := range []string{"/api/metrics" + hour() + "&last=true", "/api/metrics/" + name + hour(), "/api/metrics/" + name + "/labels" + hour(), "/api/cardinality" + hour()} {
			status, body := f.call(http.MethodGet, path, "")
			if status != http.StatusOK {
				failed++
				require.Contains(t, []int{http.StatusInternalServerError, http.StatusNotFound}, status, "%s: %s", path, body) // a name may be another now
			}
		}
		damage()
	}
	require.Positive(t, failed)
}

// What an answer would have lacked is not told of an error in its place.
func TestAnErrorIsNoPartOfATrace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var s scene
	for i := range 40 {
		s.span(1, "cart", "GET", ptrace.SpanKindClient, none(), with("k", fmt.Sprint(i)))
	}
	f.store("default", telemetry.Traces, testbed.TracesPayload(s.td), 40)
	var length int
	ctx := testbed.Context(t)
	require.NoError(t, f.db.Pool.QueryRow(ctx, `SELECT octet_length(body) FROM spans_body`).Scan(&length))
	failed := 0
	for at := 0; at < length; at += max(length/60, 1) {
		_, err := f.db.Pool.Exec(ctx, `UPDATE spans_body SET body = set_byte(body, $1, get_byte(body, $1) # 255)`, at)
		require.NoError(t, err)
		got := serve(f.svc.server.Echo, newRequest("/api/traces/"+strings.Repeat("0", 31)+"1?format=otlp_proto&limit=3"))
		if got.status != http.StatusOK {
			failed++
			require.Empty(t, got.header.Get("X-Olly-Next-Cursor"), got.body)
		}
		_, err = f.db.Pool.Exec(ctx, `UPDATE spans_body SET body = set_byte(body, $1, get_byte(body, $1) # 255)`, at)
		require.NoError(t, err)
	}
	require.Positive(t, failed)
}
