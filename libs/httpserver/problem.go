package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// ProblemType is the content type of an error body.
const ProblemType = "application/problem+json"

// statusClientGone is what the access log shows for a client that left before the answer; nobody receives it.
const statusClientGone = 499

// Problem is the body of every error answer (RFC 9457).
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Instance  string `json:"instance,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// Status is the one table from fault class to HTTP status.
func Status(class fault.Class) int {
	switch class {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Overloaded:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// codeStatus overrides the table for the codes whose HTTP status is finer than their class.
func codeStatus(code string) (int, bool) {
	switch code {
	case "auth.unauthenticated":
		return http.StatusUnauthorized, true
	case "auth.forbidden":
		return http.StatusForbidden, true
	case "http.method_not_allowed":
		return http.StatusMethodNotAllowed, true
	case "http.unsupported_media_type":
		return http.StatusUnsupportedMediaType, true
	}
	return 0, false
}

// RetryAfterSeconds is what a client is told to wait before it repeats a request that failed for a reason that passes.
const RetryAfterSeconds = 1

// ProblemOf turns any error into what the client is told. An error of echo keeps its status; a *fault.Error takes the status of
// its class; anything else is 500 and tells nothing of the inside.
func ProblemOf(err error) Problem {
	var (
		f         *fault.Error
		he        *echo.HTTPError
		tooLarge  *http.MaxBytesError
		p         Problem
		isFault   = errors.As(err, &f)
		isEcho    = errors.As(err, &he)
		isMaxBody = errors.As(err, &tooLarge)
	)
	switch {
	case isMaxBody:
		p = Problem{
			Status: http.StatusRequestEntityTooLarge, Code: "http.body_too_large",
			Detail: "the request body is larger than " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes",
		}
	case isFault:
		p = Problem{Status: Status(f.Class), Code: f.Code, Detail: f.Message}
		if status, ok := codeStatus(f.Code); ok {
			p.Status = status
		}
	case isEcho:
		p = fromEcho(he)
	default:
		f = fault.From(err)
		p = Problem{Status: Status(f.Class), Code: f.Code, Detail: f.Message}
	}
	p.Type = "urn:ollyscale:problem:" + p.Code
	p.Title = http.StatusText(p.Status)
	return p
}

func fromEcho(he *echo.HTTPError) Problem {
	p := Problem{Status: he.Code}
	switch he.Code {
	case http.StatusNotFound:
		p.Code, p.Detail = "http.not_found", "there is nothing at this path"
	case http.StatusMethodNotAllowed:
		p.Code, p.Detail = "http.method_not_allowed", "this path does not take this method"
	default:
		p.Code = "http." + strings.ReplaceAll(strings.ToLower(http.StatusText(he.Code)), " ", "_")
		if message, ok := he.Message.(string); ok && he.Code < 500 {
			p.Detail = message
		} else {
			p.Detail = http.StatusText(he.Code)
		}
	}
	return p
}

// WriteProblem answers a request with err and logs it: a defect with its cause at error, the rest at debug. It is the error
// handler of every server; a role that must answer in another form (OTLP) uses ProblemOf and LogProblem.
func WriteProblem(c echo.Context, log *slog.Logger, err error) {
	p := ProblemOf(err)
	if errors.Is(c.Request().Context().Err(), context.Canceled) {
		p.Status = statusClientGone
	}
	LogProblem(c, log, p, err)
	if c.Response().Committed {
		return
	}
	p.Instance, p.RequestID = c.Request().URL.Path, RequestID(c)
	switch p.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if c.Response().Header().Get(echo.HeaderRetryAfter) == "" {
			c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(RetryAfterSeconds))
		}
	case http.StatusUnauthorized:
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="ollyscale"`)
	}
	c.Response().Header().Set(echo.HeaderContentType, ProblemType)
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	c.Response().WriteHeader(p.Status)
	if c.Request().Method != http.MethodHead {
		_ = json.NewEncoder(c.Response()).Encode(p) // the client is gone: nobody to tell
	}
}

// LogProblem writes the log line of a failed request.
func LogProblem(c echo.Context, log *slog.Logger, p Problem, err error) {
	level := slog.LevelDebug
	if p.Status == http.StatusInternalServerError {
		level = slog.LevelError
	}
	log.Log(c.Request().Context(), level, "request failed",
		"method", c.Request().Method, "path", c.Request().URL.Path, "status", p.Status, "code", p.Code,
		"request_id", RequestID(c), "error", err.Error())
}
