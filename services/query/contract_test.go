package query

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// A stream of events is a text to the contract.
func init() { //nolint:gochecknoinits // the validator has one table of decoders
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.PlainBodyDecoder)
}

// contract loads docs/api.yaml and returns a check that an answer is one that it promises: known path, status, content type, body.
// Requests are not checked: tests send wrong ones.
func contract(t testing.TB) func(t testing.TB, r *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(testbed.Root(t), "docs", "api.yaml"))
	require.NoError(t, err)
	require.NoError(t, doc.Validate(testbed.Context(t)))
	router, err := gorillamux.NewRouter(doc)
	require.NoError(t, err)
	return func(t testing.TB, r *http.Request, status int, header http.Header, body []byte) {
		t.Helper()
		local := r.Clone(r.Context())
		local.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		route, params, err := router.FindRoute(local)
		if err == routers.ErrPathNotFound { //nolint:errorlint // a sentinel that is never wrapped
			require.Equal(t, http.StatusNotFound, status, "%s is not in docs/api.yaml", r.URL.Path)
			return
		}
		require.NoError(t, err, "%s %s", r.Method, r.URL.Path)
		input := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: local, PathParams: params, Route: route},
			Status:                 status, Header: header, Body: io.NopCloser(bytes.NewReader(body)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
		}
		require.NoError(t, openapi3filter.ValidateResponse(r.Context(), input), "%s %s answered %d: %s", r.Method, r.URL.Path, status, body)
	}
}
