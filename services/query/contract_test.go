package query

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
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

// promised routes requests to what docs/api.yaml says of them; read once, because it takes as long as many a test. Its examples have tests of their own.
var promised = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join("..", "..", "docs", "api.yaml"))
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// contract returns a check that an answer is one that it promises: known path, status, content type, body.
// Requests are not checked: tests send wrong ones. Under the race detector, which finds nothing here, it checks the first answer of each operation and
// status and then a share of them; without it, as against the oldest PostgreSQL, every one.
func contract(t testing.TB) func(t testing.TB, r *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	router, err := promised()
	require.NoError(t, err)
	var mu sync.Mutex
	answers := map[string]int{}
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
		of := route.Operation.OperationID + http.StatusText(status)
		mu.Lock()
		nth := answers[of]
		answers[of]++
		mu.Unlock()
		if nth%testbed.Slowdown != 0 {
			return
		}
		input := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: local, PathParams: params, Route: route},
			Status:                 status, Header: header, Body: io.NopCloser(bytes.NewReader(body)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
		}
		require.NoError(t, openapi3filter.ValidateResponse(r.Context(), input), "%s %s answered %d: %s", r.Method, r.URL.Path, status, body)
	}
}
