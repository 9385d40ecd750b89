// Package httpserver builds echo one way for every role that speaks HTTP: limits, request id, recovery, metrics, tracing,
// security headers, fault class to problem+json, graceful drain.
//
//	server, err := httpserver.New(cfg.HTTP, env, httpserver.Purpose{Name: "HTTP API", Setting: "http.address (OLLY_HTTP_ADDRESS)"})
//	server.Echo.GET("/api/traces/:id", s.getTrace)
//	…
//	return server.Run(ctx)
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/netutil"

	"github.com/ollyscale/ollyscale/libs/instrument"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
)

// Config holds a server's address and limits.
type Config struct {
	Address        string        `mapstructure:"address" usual:"true" doc:"Address to listen on, host:port."`
	MaxBodyBytes   int64         `mapstructure:"max_body_bytes" doc:"Largest request body as sent (compressed or not)."`
	MaxHeaderBytes int           `mapstructure:"max_header_bytes" doc:"Largest request header."`
	ReadTimeout    time.Duration `mapstructure:"read_timeout" doc:"Time to read one request, its header within 10s of it; 0 for no limit beyond the header."`
	WriteTimeout   time.Duration `mapstructure:"write_timeout" doc:"Time to handle one request and write its answer, 0 for no limit; streams are exempt."`
	IdleTimeout    time.Duration `mapstructure:"idle_timeout" doc:"Time that an idle connection is kept."`
	Connections    int           `mapstructure:"max_connections" doc:"Connections served at once; others wait to be accepted."`
	DrainTimeout   time.Duration `mapstructure:"drain_timeout" doc:"Time that requests in flight have to end when the service stops; 0 cuts them at once."`
	CORSOrigins    []string      `mapstructure:"cors_origins" doc:"Origins whose pages may call this server from a browser; * for any. Empty: none."`
	// CORSCredentials is for pages that send with credentials, as navigator.sendBeacon always does.
	CORSCredentials bool   `mapstructure:"cors_credentials" doc:"Let pages of cors_origins send with credentials, as navigator.sendBeacon does with JSON; the origins must be named."`
	TLSCertFile     string `mapstructure:"tls_cert_file" doc:"Certificate chain, PEM; empty for plain HTTP."`
	TLSKeyFile      string `mapstructure:"tls_key_file" doc:"Private key of the certificate, PEM."`
}

// DefaultConnections is how many connections a server takes: an idle one costs about 10 KB.
const DefaultConnections = 16384

// DefaultConfig is a server for small requests on address.
func DefaultConfig(address string) Config {
	return Config{
		Address:        address,
		MaxBodyBytes:   4 << 20,
		MaxHeaderBytes: 64 << 10,
		ReadTimeout:    30 * time.Second,
		WriteTimeout:   60 * time.Second,
		IdleTimeout:    2 * time.Minute,
		Connections:    DefaultConnections,
		DrainTimeout:   10 * time.Second,
	}
}

// Validate names the keys that are wrong, relative to the server's own section.
func (c Config) Validate() error {
	var p settings.Problems
	p.Address("address", c.Address)
	settings.AtLeast(&p, "max_body_bytes", c.MaxBodyBytes, 1)
	settings.AtLeast(&p, "max_header_bytes", c.MaxHeaderBytes, 1)
	settings.NotNegative(&p, "read_timeout", c.ReadTimeout)
	settings.NotNegative(&p, "write_timeout", c.WriteTimeout)
	settings.Positive(&p, "idle_timeout", c.IdleTimeout)
	settings.Positive(&p, "max_connections", c.Connections)
	settings.NotNegative(&p, "drain_timeout", c.DrainTimeout)
	if c.CORSCredentials && (len(c.CORSOrigins) == 0 || slices.Contains(c.CORSOrigins, "*")) {
		p.Refuse("cors_credentials", "name the pages in cors_origins, without *: any other could act as whoever looks at it")
	}
	p.Together("tls_cert_file", c.TLSCertFile, "tls_key_file", c.TLSKeyFile)
	return p.Err()
}

// Allows reports whether pages of an origin may call the server from a browser.
func (c Config) Allows(origin string) bool {
	return origin != "" && (slices.Contains(c.CORSOrigins, "*") || slices.Contains(c.CORSOrigins, origin))
}

// Purpose names a server in the errors of its listener.
type Purpose struct {
	Name    string // "OTLP/HTTP"
	Setting string // the key that moves it: "http.address (OLLY_HTTP_ADDRESS)"
	// Authenticated says that every request for data proves who sends it; without, only this machine is listened to (service.Env.Listen).
	Authenticated bool
	// Watch, where set, wraps the listener, to know what becomes of its connections.
	Watch func(net.Listener) net.Listener
}

// Server is an echo with its listener. Routes are added to Echo before Run.
type Server struct {
	Echo *echo.Echo

	cfg      Config
	env      service.Env
	log      *slog.Logger
	purpose  Purpose
	draining chan struct{}

	mu       sync.Mutex
	listener net.Listener
}

// New builds the server with the operations endpoints (service.OpsRoutes) mounted; it opens nothing.
func New(cfg Config, env service.Env, purpose Purpose) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", purpose.Name, err)
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(slogWriter{env.Log})

	s := &Server{Echo: e, cfg: cfg, env: env, log: env.Log, purpose: purpose, draining: make(chan struct{})}
	metrics := new(instruments)
	if err := instrument.Make(env.Meter, metrics); err != nil {
		return nil, fmt.Errorf("%s: make metrics: %w", purpose.Name, err)
	}
	e.HTTPErrorHandler = func(err error, c echo.Context) { WriteProblem(c, env.Log, err) }
	// Outermost first: what observe sees is what the client gets, panics and refusals included.
	e.Pre(requestID, observe(env, metrics), recoverPanic(env.Log), securityHeaders)
	if len(cfg.CORSOrigins) > 0 {
		e.Pre(cors(cfg))
	}
	e.Pre(limitBody(cfg.MaxBodyBytes))
	for _, r := range service.OpsRoutes(env) {
		e.Match([]string{http.MethodGet, http.MethodHead}, r.Path, echo.WrapHandler(r.Handler))
	}
	return s, nil
}

// Draining is closed when the server begins to stop; a handler that streams ends then.
func (s *Server) Draining() <-chan struct{} { return s.draining }

// Listen binds the address, so that a taken port is known before anything else starts; Run does it if nobody did.
func (s *Server) Listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	l, err := s.env.Listen(ctx, service.Port{
		What: s.purpose.Name, Address: s.cfg.Address, Setting: s.purpose.Setting,
		Authenticated: s.purpose.Authenticated, Encrypted: s.cfg.TLSCertFile != "",
	})
	if err != nil {
		return err
	}
	if s.purpose.Watch != nil {
		l = s.purpose.Watch(l)
	}
	s.listener = netutil.LimitListener(l, s.cfg.Connections)
	return nil
}

// Addr is the bound address, nil before Listen; it tells the port that ":0" got.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Run serves until ctx ends, lets the requests in flight end within DrainTimeout, and closes the rest.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.Echo,
		ReadHeaderTimeout: headerTimeout(s.cfg.ReadTimeout),
		ReadTimeout:       s.cfg.ReadTimeout,
		WriteTimeout:      s.cfg.WriteTimeout,
		IdleTimeout:       s.cfg.IdleTimeout,
		MaxHeaderBytes:    s.cfg.MaxHeaderBytes,
		Protocols:         protocols(),
		HTTP2:             &http.HTTP2Config{MaxReceiveBufferPerStream: StreamWindow, MaxReceiveBufferPerConnection: connectionWindow},
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() {
		if s.cfg.TLSCertFile != "" {
			served <- server.ServeTLS(s.listener, s.cfg.TLSCertFile, s.cfg.TLSKeyFile)
			return
		}
		served <- server.Serve(s.listener)
	}()
	s.log.InfoContext(ctx, "listening", "purpose", s.purpose.Name, "address", s.Addr().String())
	select {
	case err := <-served:
		_ = s.listener.Close()
		return fmt.Errorf("%s: serve: %w", s.purpose.Name, err)
	case <-ctx.Done():
	}
	close(s.draining)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		_ = server.Close()
		err = fmt.Errorf("%s: requests still ran after %s and were cut", s.purpose.Name, s.cfg.DrainTimeout)
	}
	if ended := <-served; err == nil && !errors.Is(ended, http.ErrServerClosed) {
		err = fmt.Errorf("%s: serve: %w", s.purpose.Name, ended)
	}
	return err
}

// StreamWindow is how many bytes of a body a sender may have on its way by HTTP/2 before somebody reads it. They wait in memory that nobody has
// accounted for yet. gRPC beside this server has the same.
const StreamWindow = 64 << 10

// connectionWindow is the same for all streams of a connection together.
const connectionWindow = 256 << 10

// protocols are HTTP/1.1, HTTP/2 with TLS, and HTTP/2 without from clients that know beforehand (h2c), which proxies and service meshes
// send to a port that is said to speak it. An Upgrade to it is not followed: RFC 9113 has done away with it, and clients go on without.
func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// headerTimeout is what bounds a client that sends its header byte by byte, also where the request as a whole may take for ever.
func headerTimeout(read time.Duration) time.Duration {
	const most = 10 * time.Second
	if read == 0 {
		return most
	}
	return min(read, most)
}

// slogWriter takes echo's own messages, which are rare and never about a request.
type slogWriter struct{ log *slog.Logger }

func (w slogWriter) Write(p []byte) (int, error) {
	w.log.Debug("echo", "message", string(p))
	return len(p), nil
}
