package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// OpsConfig is the operations listener: health and metrics of a role that has no HTTP port of its own, and for every role the doors
// for the engineer on call, which are never on a port that others use.
type OpsConfig struct {
	Address string `mapstructure:"address" usual:"true" doc:"Where /livez, /health, /health/db, /metrics, /debug/pprof/ and /loglevel are served; empty for no listener of its own."`
	Debug   bool   `mapstructure:"debug" doc:"Serve /debug/pprof/ and /loglevel to everybody, and not only on a loopback address to who names it (localhost, 127.0.0.1): whoever reaches them can then read the memory of the process."`
}

// Route is one operations endpoint.
type Route struct {
	Path    string
	Handler http.Handler
}

// OpsRoutes are the endpoints that every service has (GET and HEAD), for mounting on a role's own HTTP server:
//
//	/livez      200 while the process runs
//	/health     200 or 503 with a Report
//	/health/db  200 or 503 with connection and schema version; 404 in a role without a database
//	/metrics    Prometheus text format
func OpsRoutes(env Env) []Route {
	health := env.Health
	if health == nil {
		health = NewHealth()
	}
	metrics := env.Metrics
	if metrics == nil {
		metrics = http.NotFoundHandler()
	}
	return []Route{
		{"/livez", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, map[string]string{"status": StatusOK, "service": env.Service, "version": Version()})
		})},
		{"/health", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			report := health.Run(r.Context())
			report.Service, report.Version = env.Service, Version()
			writeJSON(w, statusCode(report.Status == StatusOK), report)
		})},
		{"/health/db", http.HandlerFunc(health.serveDatabase)},
		{"/metrics", metrics},
	}
}

func (h *Health) serveDatabase(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	state := h.database
	h.mu.Unlock()
	if state == nil {
		http.Error(w, "this service has no database", http.StatusNotFound)
		return
	}
	type schema struct {
		Expected string  `json:"expected"`
		Current  *string `json:"current"`
	}
	type answer struct {
		Status        string `json:"status"`
		Connected     bool   `json:"connected"`
		ServerVersion string `json:"server_version,omitempty"`
		Schema        schema `json:"schema"`
		Message       string `json:"message,omitempty"`
	}
	s, err := within(r.Context(), state)
	if err == nil {
		err = s.Err
	}
	a := answer{Status: StatusOK, Connected: s.Connected, ServerVersion: s.ServerVersion, Schema: schema{Expected: s.Expected}}
	if s.Current != "" {
		a.Schema.Current = &s.Current
	}
	if err != nil {
		a.Status, a.Message = StatusFail, message(err)
	}
	writeJSON(w, statusCode(err == nil), a)
}

func statusCode(ok bool) int {
	if ok {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody to tell
}

// Port is what a listener is for.
type Port struct {
	What    string // its purpose, as an error names it: "OTLP/HTTP"
	Address string // host:port
	Setting string // the key that moves it: "http.address (OLLY_HTTP_ADDRESS)"
	// Authenticated says that every request for data proves who sends it; Encrypted, that nobody on the way reads by what.
	Authenticated, Encrypted bool
}

// Listen opens a TCP listener. When the port is taken, or may not be opened, the error says so in words and names the setting to change.
// Where nothing authenticates what comes in, an address that other machines reach is refused, unless the process was told that this
// is meant (the setting insecure): whoever reaches the port may then write and read as any tenant. Where keys come in from other machines
// in clear text, the log warns: that may be meant, behind a proxy that speaks TLS.
func (e Env) Listen(ctx context.Context, port Port) (net.Listener, error) {
	l, err := e.listen(ctx, port)
	if err == nil && port.Authenticated && !port.Encrypted && !onThisMachineOnly(l) {
		e.Log.LogAttrs(ctx, slog.LevelWarn, "keys and logins come in without TLS from other machines: who is on the way reads them; set tls_cert_file and tls_key_file, unless a proxy in front speaks TLS",
			slog.String("purpose", port.What), slog.String("address", port.Address))
	}
	return l, err
}

// MayListen says whether Listen would succeed, and leaves the port free.
func (e Env) MayListen(ctx context.Context, port Port) error {
	l, err := e.listen(ctx, port)
	if err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return fmt.Errorf("%s: %w", port.What, err)
	}
	return nil
}

func (e Env) listen(ctx context.Context, port Port) (net.Listener, error) {
	what, address, setting := port.What, port.Address, port.Setting
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil && !port.Authenticated && !e.insecure && !onThisMachineOnly(l):
		_ = l.Close() // it has accepted nothing
		return nil, errExposed.Newf("%s: %s is reached from other machines, and nothing there asks who sends a request; "+
			"listen on 127.0.0.1 (%s), demand keys (auth.mode), or say that the network may be trusted with --insecure (OLLY_INSECURE=true)", what, address, setting)
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, errInUse.Newf(
			"%s: %s is taken by another process; stop it, or choose another address with %s", what, address, setting)
	case errors.Is(err, syscall.EACCES):
		return nil, errDenied.Newf(
			"%s: no permission to listen on %s; choose a port above 1023 with %s", what, address, setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, errNoAddress.Newf(
			"%s: this machine has no address %s; choose another one with %s", what, address, setting)
	}
	return nil, errListen.Wrap(err, what+": cannot listen on "+address+" (set "+setting+")")
}

// serveOps serves the operations endpoints until ctx ends; the debug endpoints only to who asks this machine by its own name, unless debug opens them to all.
func serveOps(ctx context.Context, l net.Listener, env Env, debug bool) error {
	mux := http.NewServeMux()
	for _, r := range OpsRoutes(env) {
		mux.Handle("GET "+r.Path, r.Handler)
	}
	doors := http.NewServeMux()
	debugRoutes(doors, env)
	switch {
	case debug:
		mux.Handle("/debug/pprof/", doors)
		mux.Handle("/loglevel", doors)
	case onThisMachineOnly(l):
		mux.Handle("/debug/pprof/", fromThisMachine(doors))
		mux.Handle("/loglevel", fromThisMachine(doors))
	}
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // pprof adds the length of a profile
		IdleTimeout:       time.Minute,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(drain) != nil {
		_ = server.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
