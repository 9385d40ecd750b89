package testbed

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/bus"
)

// NATS starts a NATS server with JetStream inside the test's process, without a socket, and returns a configuration that connects to
// it. It stops, and its data goes, with the test.
func NATS(t testing.TB) bus.Config {
	t.Helper()
	return NATSServer(t).Config()
}

// Server is a NATS server in the test's process that a test can stop and start again, with its data.
type Server struct {
	t        testing.TB
	dir      string
	mu       sync.Mutex
	srv      *server.Server
	settings []func(*server.Options)
}

// NATSServer is NATS for tests that need the server itself; settings change its options.
func NATSServer(t testing.TB, settings ...func(*server.Options)) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), settings: settings}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Config connects to this server, also after it was stopped and started again.
func (s *Server) Config() bus.Config {
	cfg := bus.DefaultConfig()
	cfg.InProcess = s
	cfg.MaxBytes = 256 << 20
	cfg.DeadMaxBytes = 64 << 20
	cfg.ParkedMaxBytes = 64 << 20
	return cfg
}

// Start starts the server and waits until it accepts connections.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	opts := &server.Options{
		ServerName: "testbed",
		DontListen: true,
		JetStream:  true,
		StoreDir:   s.dir,
		MaxPayload: 8 << 20,
		NoSigs:     true,
		NoLog:      true,
		// Streams reserve what they may come to. Of itself a server takes for its limit three quarters of what the disk has free, and a test would fail for
		// want of gigabytes of which it needs a few megabytes.
		JetStreamMaxStore:  64 << 30,
		JetStreamMaxMemory: 1 << 30,
	}
	for _, set := range s.settings {
		set(opts)
	}
	srv, err := server.NewServer(opts)
	require.NoError(s.t, err)
	srv.Start()
	require.True(s.t, srv.ReadyForConnections(10*time.Second), "the NATS server does not start")
	s.srv = srv
}

// Wipe stops the server and starts it again without its data.
func (s *Server) Wipe() {
	s.t.Helper()
	s.Stop()
	require.NoError(s.t, os.RemoveAll(filepath.Join(s.dir, "jetstream")))
	s.Start()
}

// Stop stops the server; its data stays until the test ends.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srv == nil {
		return
	}
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
	s.srv = nil
}

// InProcessConn makes a connection; it fails while the server is stopped.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srv == nil {
		return nil, errors.New("the NATS server is stopped")
	}
	return s.srv.InProcessConn() //nolint:wrapcheck // a test double of the server itself
}
