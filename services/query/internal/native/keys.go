package native

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// Keys is where keys are kept; keystore.Store is one.
type Keys interface {
	Create(ctx context.Context, w keystore.Wish, now time.Time) (text string, e keystore.Entry, err error)
	List(ctx context.Context, tenant telemetry.Tenant) ([]keystore.Entry, error)
	Revoke(ctx context.Context, tenant telemetry.Tenant, id string) error
}

// administrator is who sent a request that only an administrator's may be. That it has the scope was seen to before; here it is asked again, because a
// route that was forgotten there would give everything away.
func (h handlers) administrator(c echo.Context) (auth.Identity, error) {
	who, err := h.who(c)
	if err != nil {
		return who, err
	}
	return who, who.May(auth.Admin)
}

// locksmith is an administrator of keys.
func (h handlers) locksmith(c echo.Context) (auth.Identity, error) {
	if h.set.Keys == nil {
		return auth.Identity{}, auth.ErrKeysOff.New("keys are managed here only where they are demanded (auth.mode); until then, by `ollyscale keys`")
	}
	return h.administrator(c)
}

func (h handlers) ListKeys(c echo.Context, _ api.ListKeysParams) error {
	who, err := h.locksmith(c)
	if err != nil {
		return err
	}
	entries, err := h.set.Keys.List(c.Request().Context(), who.Tenant)
	list := api.KeyList{Keys: make([]api.Key, len(entries))}
	for i, e := range entries {
		list.Keys[i] = keyOf(e)
	}
	return answer(c, list, err)
}

func (h handlers) CreateKey(c echo.Context, _ api.CreateKeyParams) error {
	who, err := h.locksmith(c)
	if err != nil {
		return err
	}
	request, err := decodeBody[api.KeyRequest](c, "a request for a key")
	if err != nil {
		return err
	}
	w := keystore.Wish{Tenant: who.Tenant, Name: request.Name, Expires: request.ExpiresAt, By: who.Name()}
	for _, scope := range request.Scopes {
		w.Scopes = append(w.Scopes, string(scope))
	}
	text, entry, err := h.set.Keys.Create(c.Request().Context(), w, h.now())
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusCreated, api.NewKey{Key: keyOf(entry), Secret: text})
}

func (h handlers) RevokeKey(c echo.Context, id string, _ api.RevokeKeyParams) error {
	who, err := h.locksmith(c)
	if err != nil {
		return err
	}
	if err := h.set.Keys.Revoke(c.Request().Context(), who.Tenant, id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// GetMe tells a sender of himself.
func (h handlers) GetMe(c echo.Context, _ api.GetMeParams) error {
	who, err := h.who(c)
	if err != nil {
		return err
	}
	me := api.Me{Name: who.Name(), Tenant: string(who.Tenant), Tenants: []string{string(who.Tenant)}, Scopes: []api.KeyScope{}}
	if len(who.Tenants) > 0 {
		me.Tenants = me.Tenants[:0]
		for _, tenant := range who.Tenants {
			me.Tenants = append(me.Tenants, string(tenant))
		}
	}
	for _, scope := range who.Scopes.Names() {
		me.Scopes = append(me.Scopes, api.KeyScope(scope))
	}
	if !who.Until.IsZero() {
		until := who.Until.UTC()
		me.SessionUntil = &until
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, me)
}

func keyOf(e keystore.Entry) api.Key {
	out := api.Key{
		ID: e.ID, Tenant: string(e.Tenant), Name: e.Name, CreatedAt: e.CreatedAt.UTC(), CreatedBy: e.CreatedBy, ExpiresAt: e.ExpiresAt, RevokedAt: e.RevokedAt,
	}
	for _, scope := range e.Scopes {
		out.Scopes = append(out.Scopes, api.KeyScope(scope))
	}
	return out
}
