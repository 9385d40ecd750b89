package httpserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/service"
)

// RequestID is the request's id: the client's X-Request-Id if it is decent, else one made here. It is in the answer's header, in
// every problem and in the log.
func RequestID(c echo.Context) string {
	return c.Response().Header().Get(echo.HeaderXRequestID)
}

func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !decentID(id) {
			id = rand.Text()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

// decentID keeps what a client sends out of the log unless it is an id.
func decentID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// recoverPanic turns a panic into a 500; the stack goes to the log only.
func recoverPanic(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				p := recover()
				if p == nil {
					return
				}
				if cause, ok := p.(error); ok && errors.Is(cause, http.ErrAbortHandler) {
					panic(p) // net/http's own way to cut a connection
				}
				log.ErrorContext(c.Request().Context(), "panic", "panic", fmt.Sprint(p), "request_id", RequestID(c),
					"method", c.Request().Method, "path", c.Request().URL.Path, "stack", string(debug.Stack()))
				err = fault.ErrInternal.Wrap(fmt.Errorf("panic: %v", p), "internal error")
			}()
			return next(c)
		}
	}
}

// contentPolicy lets a page load only what this server serves; styles may be inline because the component library sets them.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; " +
	"worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

func securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", contentPolicy)
		return next(c)
	}
}

func limitBody(limit int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength > limit {
				return &http.MaxBytesError{Limit: limit}
			}
			if r.Body != nil && r.Body != http.NoBody {
				r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, limit)
			}
			return next(c)
		}
	}
}

// cors answers preflights and names the origin. Credentials are allowed only where that is set: the pages then act as whoever looks at them.
func cors(cfg Config) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			origin := c.Request().Header.Get(echo.HeaderOrigin)
			h := c.Response().Header()
			h.Add(echo.HeaderVary, echo.HeaderOrigin)
			if !cfg.Allows(origin) {
				return next(c)
			}
			h.Set(echo.HeaderAccessControlAllowOrigin, origin)
			if cfg.CORSCredentials {
				h.Set(echo.HeaderAccessControlAllowCredentials, "true")
			}
			h.Set(echo.HeaderAccessControlExposeHeaders, "X-Request-Id, Retry-After")
			if c.Request().Method != http.MethodOptions || c.Request().Header.Get(echo.HeaderAccessControlRequestMethod) == "" {
				return next(c)
			}
			h.Set(echo.HeaderAccessControlAllowMethods, "GET, HEAD, POST, PUT, DELETE")
			if headers := c.Request().Header.Get(echo.HeaderAccessControlRequestHeaders); headers != "" {
				h.Set(echo.HeaderAccessControlAllowHeaders, headers)
			}
			h.Set(echo.HeaderAccessControlMaxAge, "3600")
			return c.NoContent(http.StatusNoContent)
		}
	}
}

// instruments are a server's metrics.
type instruments struct {
	Duration metric.Float64Histogram   `metric:"http.server.request.duration" unit:"s" labels:"http.request.method, http.route, http.response.status_code" doc:"Duration of HTTP requests."`
	Active   metric.Int64UpDownCounter `metric:"http.server.active_requests" unit:"{request}" doc:"HTTP requests in flight."`
}

// observe measures, traces and logs every request, and is where its error becomes an answer, so that the status is known.
func observe(env service.Env, metrics *instruments) echo.MiddlewareFunc {
	propagator := propagation.TraceContext{}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			start := env.Now()
			ctx := propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
			ctx, span := env.Tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
			defer span.End()
			c.SetRequest(r.WithContext(ctx))
			metrics.Active.Add(ctx, 1)
			defer metrics.Active.Add(ctx, -1)

			if err := next(c); err != nil {
				c.Error(err)
			}

			status, route := c.Response().Status, c.Path()
			if route == "" {
				route = "unmatched" // never the raw path: anybody could make as many series as he likes
			}
			attributes := attribute.NewSet(
				attribute.String("http.request.method", method(r.Method)),
				attribute.String("http.route", route),
				attribute.Int("http.response.status_code", status))
			elapsed := env.Now().Sub(start)
			metrics.Duration.Record(ctx, elapsed.Seconds(), metric.WithAttributeSet(attributes))
			span.SetName(method(r.Method) + " " + route)
			span.SetAttributes(attributes.ToSlice()...)
			if status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, "")
			}
			env.Log.DebugContext(ctx, "request", "method", r.Method, "path", r.URL.Path, "status", status,
				"duration", elapsed, "bytes", c.Response().Size, "request_id", RequestID(c))
			return nil
		}
	}
}

// method bounds the values of the metric's label.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "_OTHER"
}
