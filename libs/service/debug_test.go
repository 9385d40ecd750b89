package service

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// serving runs the operations endpoints on address and returns their base URL and the process's log.
func serving(t *testing.T, address string, debug bool) (string, *lockedBuffer) {
	t.Helper()
	log := &lockedBuffer{}
	env := NewEnv("writer", nil)
	env.insecure = true
	l, err := env.Listen(t.Context(), Port{What: "test", Address: address, Setting: "none"})
	require.NoError(t, err)
	env.Log, env.level = newLogger(LogConfig{Level: "info", Format: "text"}, log)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serveOps(ctx, l, env, debug) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return "http://127.0.0.1:" + port, log
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Close = true // no connection stays for later
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

func TestDebugIsForThisMachineUnlessItIsOpened(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		address string
		debug   bool
		want    int
	}{
		"loopback":           {"127.0.0.1:0", false, http.StatusOK},
		"all addresses":      {"0.0.0.0:0", false, http.StatusNotFound},
		"no host":            {":0", false, http.StatusNotFound},
		"all, and opened":    {"0.0.0.0:0", true, http.StatusOK},
		"loopback by a name": {"localhost:0", false, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := serving(t, tc.address, tc.debug)
			for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/symbol", "/loglevel"} {
				status, _ := ask(t, http.MethodGet, url+path, "")
				require.Equal(t, tc.want, status, path)
			}
			// A process is traced once at a time, so this one is refused when another test of it runs.
			status, _ := ask(t, http.MethodGet, url+"/debug/pprof/trace?seconds=0.01", "")
			require.Equal(t, tc.want == http.StatusNotFound, status == http.StatusNotFound)
			status, _ = ask(t, http.MethodPut, url+"/loglevel", "debug")
			require.Equal(t, tc.want, status)
			status, _ = ask(t, http.MethodGet, url+"/debug/pprof/cmdline", "")
			require.Equal(t, http.StatusNotFound, status, "the command line may hold a password")
			status, _ = ask(t, http.MethodGet, url+"/livez", "")
			require.Equal(t, http.StatusOK, status)
		})
	}
}

// TestDebugIsForWhoNamesThisMachine: a page in a browser reaches a loopback address by a name of its own, and so does a proxy.
func TestDebugIsForWhoNamesThisMachine(t *testing.T) {
	t.Parallel()
	for host, reached := range map[string]bool{
		"localhost": true, "localhost:8081": true, "127.0.0.1": true, "[::1]:8081": true, "[::1]": true,
		"evil.example": false, "evil.example:8081": false, "10.0.0.1:8081": false, "localhost.evil.example": false,
	} {
		for _, debug := range []bool{false, true} {
			url, _ := serving(t, "127.0.0.1:0", debug)
			for path, always := range map[string]bool{"/debug/pprof/": false, "/debug/pprof/heap": false, "/loglevel": false, "/livez": true} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, http.NoBody)
				require.NoError(t, err)
				r.Host, r.Close = host, true
				answer, err := http.DefaultClient.Do(r)
				require.NoError(t, err)
				require.NoError(t, answer.Body.Close())
				require.Equal(t, reached || debug || always, answer.StatusCode == http.StatusOK, "%s of %s", path, host)
			}
		}
	}
}

func TestLogLevelChangesWhileTheProcessRuns(t *testing.T) {
	t.Parallel()
	url, log := serving(t, "127.0.0.1:0", false)
	status, text := ask(t, http.MethodGet, url+"/loglevel", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "info\n", text)

	status, text = ask(t, http.MethodPut, url+"/loglevel", "loud")
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, text, `"loud" is none of debug, info, warn, error`)
	require.Empty(t, log.String())

	status, text = ask(t, http.MethodPut, url+"/loglevel", "ERROR\n")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "error\n", text)
	require.Contains(t, log.String(), "from=info to=error", "who made the log silent is its last line")
	status, _ = ask(t, http.MethodPost, url+"/loglevel", "debug")
	require.Equal(t, http.StatusMethodNotAllowed, status)
}

func TestLogLevelReachesTheLoggersOfAllRoles(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, level := newLogger(LogConfig{Level: "warn", Format: "json"}, &out)
	own, err := NewTelemetry("demo")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, own.Close(context.WithoutCancel(t.Context()))) })
	role := own.Env("demo", log).Role("writer")
	role.Log.InfoContext(t.Context(), "before")
	level.Set(-4)
	role.Log.DebugContext(t.Context(), "after")
	require.NotContains(t, out.String(), "before")
	require.Contains(t, out.String(), `"msg":"after","role":"writer"`)
}
