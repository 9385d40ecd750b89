package native

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/postgres/policystore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// Retention knows how long data of tenants is kept; policystore.Store is one.
type Retention interface {
	Of(ctx context.Context, tenant telemetry.Tenant) ([]policystore.Policy, error)
}

func (h handlers) GetRetention(c echo.Context, _ api.GetRetentionParams) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	policies, err := h.set.Retention.Of(c.Request().Context(), tenant)
	out := api.Retention{Policies: make([]api.RetentionPolicy, len(policies))}
	for i, p := range policies {
		out.Policies[i] = api.RetentionPolicy{Signal: api.SignalName(p.Signal.String()), Days: p.Days, Hold: p.Hold, RowsSeconds: int64(p.Rows / time.Second)}
		if !p.RowsSince.IsZero() {
			since := p.RowsSince.UTC()
			out.Policies[i].RowsSince = &since
		}
	}
	return answer(c, out, err)
}
