package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestTheTenantIsAField: a condition on it holds for all that the tenant has or for nothing, which is told without a look at a segment; it is grouped by, shown, and
// never another's.
func TestTheTenantIsAField(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shop := testbed.NewShop(3, base())
	sizes := map[string]int{"default": 60, "other": 30}
	for tenant, n := range sizes {
		for range 2 {
			for _, signal := range telemetry.Signals() {
				f.store(telemetry.Tenant(tenant), signal, shop.Payload(signal, n), 25)
			}
		}
	}
	for signal, list := range map[telemetry.Signal]string{telemetry.Traces: "spans", telemetry.Logs: "logs", telemetry.Metrics: "metrics"} {
		for tenant := range sizes {
			header := []string{"X-Scope-OrgID", tenant}
			count := func(filters ...string) api.Aggregate {
				return f.aggregate(&aggregateBody{
					signal: signal, from: base().Add(-time.Hour).UnixNano(), to: base().Add(time.Hour).UnixNano(), filters: filters, measures: []api.Measure{{Measure: "count"}}, groups: []string{"tenant"},
				}, header...)
			}
			whole := *count().Total.Figures[0]
			require.Positive(t, whole)
			for condition, all := range map[string]bool{
				fmt.Sprintf(`"operator":"eq","value":%q`, tenant):        true,
				`"operator":"in","value":["default","other"]`:            true,
				`"operator":"exists"`:                                    true,
				fmt.Sprintf(`"operator":"ne","value":%q`, tenant):        false,
				`"operator":"eq","value":"nobody"`:                       false,
				`"operator":"exists","value":false`:                      false,
				`"operator":"not_in","value":["default","other"]`:        false,
				fmt.Sprintf(`"operator":"regex","value":"^%s$"`, tenant): true,
			} {
				one := `{"field":"tenant",` + condition + `}`
				for _, filter := range []string{one, `{"not":[{"not":[` + one + `]}]}`, `{"or":[{"field":"service","operator":"eq","value":"no service"},` + one + `]}`} {
					got := count(filter)
					if !all {
						require.Zero(t, *got.Total.Figures[0], filter)
						require.Empty(t, got.Groups, filter)
						if filter == one {
							require.Zero(t, got.Stats.SegmentsRead)
						}
						continue
					}
					require.InDelta(t, whole, *got.Total.Figures[0], 0, filter)
					require.Len(t, got.Groups, 1)
					require.JSONEq(t, fmt.Sprintf(`[{"stringValue":%q}]`, tenant), string(must(json.Marshal(got.Groups[0].Values))))
				}
				status, body := f.call(http.MethodPost, "/api/"+list+"/search", searchBody{filters: "[" + one + "]", limit: 1}.json(t), header...)
				require.Equal(t, http.StatusOK, status, "%s", body)
			}
		}
	}
}
