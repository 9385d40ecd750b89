// Package contract holds the answers of a service against what docs/api.yaml promises of them.
package contract

import (
	"bytes"
	"context"
	"errors"
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

// To the contract a stream of events is a text, and OTLP's protobuf are bytes.
func init() { //nolint:gochecknoinits // the validator has one table of decoders
	for _, plain := range []string{"text/event-stream", "application/x-protobuf"} {
		openapi3filter.RegisterBodyDecoder(plain, openapi3filter.PlainBodyDecoder)
	}
}

// promised routes requests to what docs/api.yaml says of them; read once, because it takes as long as many a test. Its examples have tests of their own.
var promised struct { //nolint:gochecknoglobals // of one file, which no test changes
	once   sync.Once
	router routers.Router
	err    error
}

func read(path string) (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
}

// Check fails a test whose answer to a request is not one that is promised: known path, status, headers, content type, body.
type Check func(t testing.TB, r *http.Request, status int, header http.Header, body []byte)

// New is a check of answers. Requests are not checked: tests send wrong ones. Under the race detector, which finds nothing here, it checks the first
// answer of each operation and status and then a share of them; without it, as against the oldest PostgreSQL, every one.
func New(t testing.TB) Check {
	t.Helper()
	path := filepath.Join(testbed.Root(t), "docs", "api.yaml")
	promised.once.Do(func() { promised.router, promised.err = read(path) })
	require.NoError(t, promised.err)
	router := promised.router
	var mu sync.Mutex
	answers := map[string]int{}
	return func(t testing.TB, r *http.Request, status int, header http.Header, body []byte) {
		t.Helper()
		local := r.Clone(r.Context())
		local.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		route, params, err := router.FindRoute(local)
		switch {
		case errors.Is(err, routers.ErrPathNotFound):
			require.Equal(t, http.StatusNotFound, status, "%s is not in docs/api.yaml", r.URL.Path)
			return
		case errors.Is(err, routers.ErrMethodNotAllowed) && r.Method == http.MethodOptions: // what a browser asks of any path before it sends
			require.Contains(t, []int{http.StatusNoContent, http.StatusMethodNotAllowed}, status, "OPTIONS %s", r.URL.Path)
			return
		case errors.Is(err, routers.ErrMethodNotAllowed):
			require.Equal(t, http.StatusMethodNotAllowed, status, "%s %s is not in docs/api.yaml", r.Method, r.URL.Path)
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
