package service

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProbeAnswersWithTheStateOfAnotherProcess(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "the report")
	}))
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)

	var out strings.Builder
	require.Equal(t, ExitOK, probe(t.Context(), server.URL, &out))
	require.Equal(t, "the report", out.String())

	status = http.StatusServiceUnavailable
	require.Equal(t, ExitFailed, probe(t.Context(), server.URL, io.Discard))

	server.Close()
	require.Equal(t, ExitFailed, probe(t.Context(), server.URL, io.Discard))
	require.Equal(t, ExitUsage, probe(t.Context(), "no url\n", io.Discard))
}
