package native

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// GetContract gives out the contract as it is written.
func (h handlers) GetContract(c echo.Context, _ api.GetContractParams) error {
	if _, err := h.who(c); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.Blob(http.StatusOK, "application/yaml", api.Contract)
}
