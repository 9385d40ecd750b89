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
	List(ctx context.Context) ([]policystore.Policy, error)
	Of(ctx context.Context, tenant telemetry.Tenant) ([]policystore.Policy, error)
	Set(ctx context.Context, by string, tenant telemetry.Tenant, signals []telemetry.Signal, c policystore.Change) error
}

func (h handlers) GetRetention(c echo.Context, _ api.GetRetentionParams) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	return h.retentionOf(c, tenant)
}

// SetRetention changes the tenant's own policies. What a policy may be, the store decides, as for `ollyscale retention set`.
func (h handlers) SetRetention(c echo.Context, _ api.SetRetentionParams) error {
	who, err := h.administrator(c)
	if err != nil {
		return err
	}
	wish, err := decodeBody[api.RetentionChange](c, "a change of retention")
	if err != nil {
		return err
	}
	signals := make([]telemetry.Signal, len(wish.Signals))
	for i, name := range wish.Signals {
		if signals[i], err = signalOf(name); err != nil {
			return err
		}
	}
	change := policystore.Change{Days: wish.Days, Hold: wish.Hold}
	if wish.RowsSeconds != nil {
		rows := policystore.Seconds(*wish.RowsSeconds)
		change.Rows = &rows
	}
	if err := h.set.Retention.Set(c.Request().Context(), who.Name(), who.Tenant, signals, change); err != nil {
		return err
	}
	return h.retentionOf(c, who.Tenant)
}

func (h handlers) retentionOf(c echo.Context, tenant telemetry.Tenant) error {
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
