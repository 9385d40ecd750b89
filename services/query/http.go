package query

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
	"github.com/ollyscale/ollyscale/services/query/web"
)

// compressFrom is the answer's size from which compressing it pays.
const compressFrom = 1400

func (s *Service) routes() error {
	e := s.server.Echo
	e.Use(middleware.GzipWithConfig(middleware.GzipConfig{Level: 1, MinLength: compressFrom}))
	api.RegisterHandlers(e, handlers{s})
	pages, err := newPages(web.Files())
	if err != nil {
		return err
	}
	e.GET("/*", pages.serve)
	e.HEAD("/*", pages.serve)
	return nil
}

// handlers is the generated interface: each method turns parameters into a request, and a result or an error into an answer.
type handlers struct{ *Service }

var _ api.ServerInterface = handlers{}

// tenant is the one place where a request gets the tenant whose data it may read.
func (s *Service) tenant(c echo.Context) (telemetry.Tenant, error) {
	who, err := s.auth.Identify(c.Request().Context(), c.Request().Header.Get, auth.Query)
	return who.Tenant, err
}

// answer writes a result that no cache may keep: it holds a tenant's data.
func answer[T any](c echo.Context, result T, err error) error {
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, result)
}

func (h handlers) SearchTraces(c echo.Context, _ api.SearchTracesParams) error {
	return list(h, c, func() (api.SearchRequest, error) { return bodyOf(c) }, h.searchTraces)
}

func (h handlers) SearchTracesByQuery(c echo.Context, p api.SearchTracesByQueryParams) error {
	return list(h, c, func() (api.SearchRequest, error) {
		return bodyOfQuery(p.StartTime, p.EndTime, p.Filters, p.Limit, p.Cursor)
	}, h.searchTraces)
}

func (h handlers) SearchSpans(c echo.Context, _ api.SearchSpansParams) error {
	return list(h, c, func() (api.SearchRequest, error) { return bodyOf(c) }, h.searchSpans)
}

func (h handlers) SearchSpansByQuery(c echo.Context, p api.SearchSpansByQueryParams) error {
	return list(h, c, func() (api.SearchRequest, error) {
		return bodyOfQuery(p.StartTime, p.EndTime, p.Filters, p.Limit, p.Cursor)
	}, h.searchSpans)
}

func (h handlers) SearchLogs(c echo.Context, _ api.SearchLogsParams) error {
	return list(h, c, func() (api.SearchRequest, error) { return bodyOf(c) }, h.searchLogs)
}

func (h handlers) SearchLogsByQuery(c echo.Context, p api.SearchLogsByQueryParams) error {
	return list(h, c, func() (api.SearchRequest, error) {
		return bodyOfQuery(p.StartTime, p.EndTime, p.Filters, p.Limit, p.Cursor)
	}, h.searchLogs)
}

func (h handlers) SearchMetrics(c echo.Context, _ api.SearchMetricsParams) error {
	return list(h, c, func() (api.SearchRequest, error) { return bodyOf(c) }, h.searchPoints)
}

func (h handlers) SearchMetricsByQuery(c echo.Context, p api.SearchMetricsByQueryParams) error {
	return list(h, c, func() (api.SearchRequest, error) {
		return bodyOfQuery(p.StartTime, p.EndTime, p.Filters, p.Limit, p.Cursor)
	}, h.searchPoints)
}

// list answers a search. The tenant comes first: who may not ask is told nothing of the question.
func list[T any](h handlers, c echo.Context, parse func() (api.SearchRequest, error), search func(context.Context, telemetry.Tenant, api.SearchRequest) (T, error)) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	r, err := parse()
	if err != nil {
		return err
	}
	result, err := search(c.Request().Context(), tenant, r)
	return answer(c, result, err)
}

// over answers an aggregation over a range.
func over[T any](h handlers, c echo.Context, start, end string, aggregate func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (T, error)) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	from, to, err := timeRange(otlpjson.Time(start), otlpjson.Time(end))
	if err != nil {
		return err
	}
	result, err := aggregate(c.Request().Context(), tenant, from, to)
	return answer(c, result, err)
}

func (h handlers) ListServices(c echo.Context, p api.ListServicesParams) error {
	return over(h, c, p.StartTime, p.EndTime, h.listServices)
}

func (h handlers) ListOperations(c echo.Context, name string, p api.ListOperationsParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.OperationList, error) {
		return h.listOperations(ctx, tenant, name, p.Namespace, from, to)
	})
}

func (h handlers) ListAttributeValues(c echo.Context, key string, p api.ListAttributeValuesParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.AttributeValues, error) {
		return h.attributeValues(ctx, tenant, key, from, to, p)
	})
}

func (h handlers) ListFields(c echo.Context, _ api.ListFieldsParams) error {
	if _, err := h.tenant(c); err != nil {
		return err
	}
	return answer(c, listFields(), nil)
}

func (h handlers) GetServiceMap(c echo.Context, p api.GetServiceMapParams) error {
	return over(h, c, p.StartTime, p.EndTime, h.serviceMap)
}

func (h handlers) ListMetrics(c echo.Context, p api.ListMetricsParams) error {
	return over(h, c, p.StartTime, p.EndTime, h.listMetrics)
}

func (h handlers) GetMetric(c echo.Context, name string, p api.GetMetricParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.MetricSeries, error) {
		filters, err := filterList(p.Filters)
		if err != nil {
			return nil, err
		}
		return h.getMetric(ctx, tenant, name, from, to, filters, p.Limit)
	})
}

// headerIncomplete says that an answer was cut, and why, where its format has no place for it.
const headerIncomplete = "X-Olly-Incomplete"

func (h handlers) GetTrace(c echo.Context, traceID api.TraceID, p api.GetTraceParams) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	id, err := parseTraceID(traceID)
	if err != nil {
		return err
	}
	from, to, err := optionalRange(p.StartTime, p.EndTime)
	if err != nil {
		return err
	}
	switch p.Format {
	case "", api.GetTraceParamsFormatOllyscale:
		result, err := h.getTrace(c.Request().Context(), tenant, id, from, to)
		return answer(c, result, err)
	case api.GetTraceParamsFormatOtlp, api.GetTraceParamsFormatOtlpProto:
	default:
		return fault.Newf(fault.Invalid, "request.format", "format: %.64q is not ollyscale, otlp or otlp_proto", string(p.Format))
	}
	otlp, cut, err := h.getTraceOTLP(c.Request().Context(), tenant, id, from, to)
	if err != nil {
		return err
	}
	if cut != nil {
		c.Response().Header().Set(headerIncomplete, string(cut.Reason))
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	if p.Format == api.GetTraceParamsFormatOtlpProto {
		return c.Blob(http.StatusOK, "application/x-protobuf", otlp)
	}
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(otlp)
	if err != nil {
		return fmt.Errorf("read a trace back: %w", err)
	}
	body, err := (&ptrace.JSONMarshaler{}).MarshalTraces(traces)
	if err != nil {
		return fmt.Errorf("write a trace as JSON: %w", err)
	}
	return c.JSONBlob(http.StatusOK, body)
}

func (h handlers) GetTraceLogs(c echo.Context, traceID api.TraceID, p api.GetTraceLogsParams) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	id, err := parseTraceID(traceID)
	if err != nil {
		return err
	}
	result, err := h.traceLogs(c.Request().Context(), tenant, id, p)
	return answer(c, result, err)
}

// pages serves the web interface: files as they are, and its index for every path that is one of its views.
type pages struct {
	files fs.FS
	index []byte
	etag  string
}

func newPages(files fs.FS) (*pages, error) {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return nil, fmt.Errorf("web interface: %w", err)
	}
	sum := sha256.Sum256(index)
	return &pages{files: files, index: index, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

func (p *pages) serve(c echo.Context) error {
	name := strings.TrimPrefix(path.Clean("/"+c.Request().URL.Path), "/")
	if name == "api" || name == "v1" || strings.HasPrefix(name, "api/") || strings.HasPrefix(name, "v1/") {
		return echo.ErrNotFound // a client of the API must not get a page
	}
	h := c.Response().Header()
	if name != "" && name != "index.html" {
		body, err := fs.ReadFile(p.files, name)
		if err == nil {
			// Names under assets carry a hash of their content.
			if strings.HasPrefix(name, "assets/") {
				h.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
			} else {
				h.Set(echo.HeaderCacheControl, "public, max-age=3600")
			}
			return c.Blob(http.StatusOK, contentType(name), body)
		}
		if path.Ext(name) != "" && !strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/html") {
			return echo.ErrNotFound // a missing script answered with a page would only confuse
		}
	}
	h.Set(echo.HeaderCacheControl, "no-cache")
	h.Set("ETag", p.etag)
	if c.Request().Header.Get("If-None-Match") == p.etag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.HTMLBlob(http.StatusOK, p.index)
}

// contentType does not ask the machine for the types that matter: a container has no table of them.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	case ".map":
		return "application/json"
	case ".ico":
		return "image/x-icon"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
