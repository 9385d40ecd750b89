package httpserver_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
)

func TestWhatAClientIsTold(t *testing.T) {
	t.Parallel()
	type told struct {
		status       int
		code, detail string
	}
	teapot := fault.Kind{Class: fault.Invalid, Code: "auth.unauthenticated", Status: http.StatusUnauthorized}
	for name, tc := range map[string]struct {
		err  error
		want told
	}{
		"a kind with a status of its own": {teapot.New("who are you"), told{401, "auth.unauthenticated", "who are you"}},
		"a kind with that of its class":   {fault.Kind{Class: fault.Overloaded, Code: "x.full"}.Wrap(errors.New("secret"), "full"), told{429, "x.full", "full"}},
		"a body found too large by net/http": {
			fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 7}), told{413, "http.body_too_large", "the request body is larger than 7 bytes"},
		},
		"a body found too large by us": {httpserver.BodyTooLarge(7), told{413, "http.body_too_large", "the request body is larger than 7 bytes"}},
		"no such path":                 {echo.ErrNotFound, told{404, "http.not_found", "there is nothing at this path"}},
		"no such method":               {echo.ErrMethodNotAllowed, told{405, "http.method_not_allowed", "this path does not take this method"}},
		"echo's media type":            {echo.ErrUnsupportedMediaType, told{415, "http.unsupported_media_type", "Unsupported Media Type"}},
		"echo's large body":            {echo.ErrStatusRequestEntityTooLarge, told{413, "http.body_too_large", "Request Entity Too Large"}},
		"another of echo's":            {echo.NewHTTPError(http.StatusConflict, "twice"), told{409, "http.bad_request", "twice"}},
		"one of echo's that is ours":   {echo.NewHTTPError(http.StatusBadGateway, "secret"), told{502, "internal", "Bad Gateway"}},
		"nobody knows":                 {errors.New("secret"), told{500, "internal", "internal error"}},
	} {
		p := httpserver.ProblemOf(tc.err)
		require.Equal(t, tc.want, told{p.Status, p.Code, p.Detail}, name)
		require.Equal(t, "urn:ollyscale:problem:"+tc.want.code, p.Type, name)
		require.Equal(t, http.StatusText(tc.want.status), p.Title, name)
	}
}
