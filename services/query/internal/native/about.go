package native

import (
	"net"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// OTLP is where this installation takes telemetry. Query does not take it: it tells who asks how to send.
type OTLP struct {
	HTTPURL string `mapstructure:"http_url" doc:"URL at which senders reach OTLP over HTTP, which the web interface and /api/about tell. Without a host (http://:4318) it is that by which the service was asked."`
	GRPCURL string `mapstructure:"grpc_url" doc:"URL at which senders reach OTLP over gRPC, told likewise."`
}

// DefaultOTLP is the usual ports of the host by which the service was asked.
func DefaultOTLP() OTLP { return OTLP{HTTPURL: "http://:4318", GRPCURL: "http://:4317"} }

// Validate names the keys that are wrong, relative to the section.
func (o OTLP) Validate() error {
	var p settings.Problems
	for key, text := range map[string]string{"http_url": o.HTTPURL, "grpc_url": o.GRPCURL} {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			p.Refuse(key, "want an http or https URL, as http://otlp.example:4318, or as http://:4318 for the host by which the service is asked")
		}
	}
	return p.Err()
}

// at is a URL for who asked by a host, with or without a port.
func at(setting, host string) string {
	u, err := url.Parse(setting)
	if err != nil || u.Hostname() != "" {
		return setting
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	u.Host = net.JoinHostPort(name, u.Port())
	return u.String()
}

// GetAbout tells which build this is, and where to send.
func (h handlers) GetAbout(c echo.Context, _ api.GetAboutParams) error {
	if _, err := h.who(c); err != nil {
		return err
	}
	host := c.Request().Host
	return answer(c, api.About{
		Version: service.Version(),
		Otlp:    api.OTLPEndpoints{HTTP: at(h.set.OTLP.HTTPURL, host), Grpc: at(h.set.OTLP.GRPCURL, host)},
	}, nil)
}
