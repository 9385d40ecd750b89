package native

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// handlers is the generated interface: each method turns parameters into a request, and a result or an error into an answer.
type handlers struct{ *API }

var _ api.ServerInterface = handlers{}

// answer writes a result that no cache may keep: it holds a tenant's data.
func answer[T any](c echo.Context, result T, err error) error {
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, result)
}

func (h handlers) SearchTraces(c echo.Context, _ api.SearchTracesParams) error {
	return list(h, c, bodyOf, h.searchTraces)
}

func (h handlers) SearchTracesByQuery(c echo.Context, p api.SearchTracesByQueryParams) error {
	return list(h, c, queryParams(p).body, h.searchTraces)
}

func (h handlers) SearchSpans(c echo.Context, _ api.SearchSpansParams) error {
	return list(h, c, bodyOf, h.searchSpans)
}

func (h handlers) SearchSpansByQuery(c echo.Context, p api.SearchSpansByQueryParams) error {
	return list(h, c, queryParams(p).body, h.searchSpans)
}

func (h handlers) SearchLogs(c echo.Context, _ api.SearchLogsParams) error {
	return list(h, c, bodyOf, h.searchLogs)
}

func (h handlers) SearchLogsByQuery(c echo.Context, p api.SearchLogsByQueryParams) error {
	return list(h, c, queryParams(p).body, h.searchLogs)
}

func (h handlers) SearchMetrics(c echo.Context, _ api.SearchMetricsParams) error {
	return list(h, c, bodyOf, h.searchPoints)
}

func (h handlers) SearchMetricsByQuery(c echo.Context, p api.SearchMetricsByQueryParams) error {
	of := queryParams{StartTime: p.StartTime, EndTime: p.EndTime, Filters: p.Filters, Limit: p.Limit, Cursor: p.Cursor, MinPosition: p.MinPosition, Sort: p.Sort, Order: p.Order, Total: p.Total}
	return list(h, c, of.body, h.searchPoints)
}

// list answers a search. The tenant comes first: who may not ask is told nothing of the question.
func list[T any](h handlers, c echo.Context, parse func(echo.Context) (api.SearchRequest, error), search func(context.Context, telemetry.Tenant, api.SearchRequest) (T, error)) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	r, err := parse(c)
	if err != nil {
		return err
	}
	result, err := engine.Again(func() (T, error) { return search(c.Request().Context(), tenant, r) })
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
	result, err := engine.Again(func() (T, error) { return aggregate(c.Request().Context(), tenant, from, to) })
	return answer(c, result, err)
}

func (h handlers) ListServices(c echo.Context, p api.ListServicesParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.ServiceList, error) {
		return h.listServices(ctx, tenant, from, to, &p)
	})
}

func (h handlers) ListOperations(c echo.Context, name string, p api.ListOperationsParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.OperationList, error) {
		return h.listOperations(ctx, tenant, name, from, to, &p)
	})
}

func (h handlers) ListDependencies(c echo.Context, name string, p api.ListDependenciesParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.DependencyList, error) {
		return h.listDependencies(ctx, tenant, name, from, to, &p)
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
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.ServiceMap, error) {
		return h.serviceMap(ctx, tenant, from, to, &p)
	})
}

func (h handlers) ListMetrics(c echo.Context, p api.ListMetricsParams) error {
	if p.Sort != "" && p.Sort != api.ListMetricsParamsSortName && p.Sort != api.ListMetricsParamsSortSeries {
		return errParameter.Newf("sort: %.64q is neither name nor series", p.Sort)
	}
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.MetricCatalogue, error) {
		return h.listMetrics(ctx, tenant, from, to, &p)
	})
}

func (h handlers) GetCardinality(c echo.Context, p api.GetCardinalityParams) error {
	return over(h, c, p.StartTime, p.EndTime, func(ctx context.Context, tenant telemetry.Tenant, from, to int64) (*api.Cardinality, error) {
		return h.cardinality(ctx, tenant, from, to, &p)
	})
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

// headerNext is the cursor of the page after an answer whose format has no place for it.
const headerNext = "X-Olly-Next-Cursor"

// traceAsked is the trace that a request is about, whose it is, and where in time to look for it.
type traceAsked struct {
	tenant   telemetry.Tenant
	id       [16]byte
	from, to int64
}

func (h handlers) traceAsked(c echo.Context, id api.TraceID, start, end string) (a traceAsked, err error) {
	if a.tenant, err = h.tenant(c); err != nil {
		return a, err
	}
	if a.id, err = parseTraceID(id); err != nil {
		return a, err
	}
	a.from, a.to, err = optionalRange(start, end)
	return a, err
}

func (h handlers) GetTrace(c echo.Context, traceID api.TraceID, p api.GetTraceParams) error {
	of, err := h.traceAsked(c, traceID, p.StartTime, p.EndTime)
	if err != nil {
		return err
	}
	page, err := h.tracePage(of.tenant, of.id, of.from, of.to, p.Limit, p.Cursor)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	switch p.Format {
	case "", api.GetTraceParamsFormatOllyscale:
		w := newAnswerStream(c, echo.MIMEApplicationJSON)
		return w.run(func() error { return h.writeTrace(ctx, page, w) })
	case api.GetTraceParamsFormatOtlp:
		w := newAnswerStream(c, echo.MIMEApplicationJSON)
		return w.run(func() error { return h.writeTraceOTLPJSON(ctx, page, w) })
	case api.GetTraceParamsFormatOtlpProto:
		w := newAnswerStream(c, "application/x-protobuf")
		return w.run(func() error {
			err := h.writeTraceOTLP(ctx, page, w, func(otlp []byte) error {
				w.write("", otlp)
				return nil
			})
			if err != nil {
				return err
			}
			return w.flush(ctx)
		})
	}
	return errFormat.Newf("format: %.64q is not ollyscale, otlp or otlp_proto", string(p.Format))
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
	result, err := engine.Again(func() (*api.LogPage, error) { return h.traceLogs(c.Request().Context(), tenant, id, p) })
	return answer(c, result, err)
}
