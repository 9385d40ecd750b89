package native

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"
	openapi "github.com/oapi-codegen/runtime/types"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// Usage knows what was stored of tenants; quotastore.Store is one.
type Usage interface {
	Usage(ctx context.Context, q quotastore.UsageQuery) (days []quotastore.Day, more bool, err error)
}

// maxUsageDays bounds an answer: some megabytes.
const maxUsageDays = 10_000

// tenantsAsked are the tenants of which a sender may be told what they have: his own, or with all those that he may choose from. nil is every tenant that there
// is, where nothing is authenticated, and no proxy before it names one.
func (h handlers) tenantsAsked(c echo.Context, who auth.Identity, all bool) ([]telemetry.Tenant, error) {
	own := []telemetry.Tenant{who.Tenant}
	if !all {
		return own, nil
	}
	switch {
	case len(who.Tenants) > 0:
		own = who.Tenants
	case h.set.Keys == nil && c.Request().Header.Get(auth.TenantHeader) == "":
		own = nil
	}
	return own, who.May(auth.Admin)
}

func (h handlers) GetUsage(c echo.Context, p api.GetUsageParams) error {
	who, err := h.who(c)
	if err != nil {
		return err
	}
	tenants, err := h.tenantsAsked(c, who, p.AllTenants)
	if err != nil {
		return err
	}
	q := quotastore.UsageQuery{Tenants: tenants, Limit: maxUsageDays}
	from, to, err := timeRange(otlpjson.Time(p.StartTime), otlpjson.Time(p.EndTime))
	if err != nil {
		return err
	}
	q.From, q.To = time.Unix(0, from), time.Unix(0, to-1)
	days, more, err := h.set.Usage.Usage(c.Request().Context(), q)
	list := api.Usage{Usage: make([]api.UsageDay, len(days))}
	for i, d := range days {
		list.Usage[i] = api.UsageDay{
			Tenant: string(d.Tenant), Day: openapi.Date{Time: d.Day}, Signal: api.SignalName(d.Signal.String()), Items: d.Items, Bytes: d.Bytes, Series: d.Series,
		}
	}
	if more {
		list.Incomplete = limited("the answer ends after %d days of a tenant and signal: ask for a shorter range", maxUsageDays)
	}
	return answer(c, list, err)
}
