package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

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

// RetryAfterSeconds is what a client is told to wait before it repeats a request that failed for a reason that passes.
const RetryAfterSeconds = 1

// ProblemOf turns any error into what the client is told. An error of echo keeps its status; a *fault.Error takes the status of
// its class; anything else is 500 and tells nothing of the inside.
func ProblemOf(err error) Problem {
	var (
		f        *fault.Error
		he       *echo.HTTPError
		tooLarge *http.MaxBytesError
		p        Problem
	)
	switch {
	case errors.As(err, &tooLarge):
		p = problemOf(BodyTooLarge(tooLarge.Limit))
	case errors.As(err, &f):
		p = problemOf(f)
	case errors.As(err, &he):
		p = fromEcho(he)
	default:
		p = problemOf(fault.From(err))
	}
	p.Type = "urn:ollyscale:problem:" + p.Code
	p.Title = http.StatusText(p.Status)
	return p
}

func problemOf(f *fault.Error) Problem {
	status := f.Status
	if status == 0 {
		status = Status(f.Class)
	}
	return Problem{Status: status, Code: f.Code, Detail: f.Message}
}

// BodyTooLarge is the error of a body that exceeds limit bytes, wherever that is noticed: by its length, while it is read, or while it is
// decompressed.
func BodyTooLarge(limit int64) *fault.Error {
	return ErrBodyTooLarge.Newf("the request body is larger than %d bytes", limit)
}

// fromEcho puts echo's own errors in our words. Its status stays, also where none of our kinds has it.
func fromEcho(he *echo.HTTPError) Problem {
	kind, detail := errRequest, http.StatusText(he.Code)
	if message, ok := he.Message.(string); ok && he.Code < 500 {
		detail = message
	}
	switch he.Code {
	case http.StatusNotFound:
		kind, detail = errNoPath, "there is nothing at this path"
	case http.StatusMethodNotAllowed:
		kind, detail = errMethod, "this path does not take this method"
	case http.StatusUnsupportedMediaType:
		kind = ErrMediaType
	case http.StatusRequestEntityTooLarge:
		kind = ErrBodyTooLarge
	default:
		if he.Code >= 500 {
			kind = fault.ErrInternal
		}
	}
	return Problem{Status: he.Code, Code: kind.Code, Detail: detail}
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
