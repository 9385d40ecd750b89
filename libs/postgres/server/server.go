// Package server starts and stops a local PostgreSQL server from a directory of binaries: for all-in-one, which brings its own
// database, and for tests. It knows processes and files only; it links no driver.
package server

import (
	"context"
	"io"
)

// Config says which server to start and where. BinDir and DataDir are required.
type Config struct {
	// BinDir holds initdb and postgres.
	BinDir string
	// DataDir is the database cluster; it is initialised when it holds none. Its parent must exist.
	DataDir string
	// Port on 127.0.0.1; 0 chooses a free one.
	Port int
	// User is the operating system user to run as when the caller is root (PostgreSQL refuses root); "" means nobody. It is ignored for other callers.
	User string
	// Settings are configuration parameters that override the defaults, as in postgresql.conf.
	Settings map[string]string
	// Log receives the output of initdb and postgres; nil discards it.
	Log io.Writer
}

// Server is a running PostgreSQL server.
type Server struct{}

// Start initialises the cluster if there is none, starts the server and returns when it accepts connections.
func Start(ctx context.Context, cfg Config) (*Server, error) { return nil, nil }

// URL is the connection string of a database of the server, for its superuser "postgres".
func (s *Server) URL(db string) string { return "" }

// Stop ends the server by a fast shutdown (open transactions are rolled back) and waits for it.
func (s *Server) Stop(ctx context.Context) error { return nil }

// Done is closed when the server has ended, by Stop or on its own; Err then says why.
func (s *Server) Done() <-chan struct{} { return nil }

// Err is nil while the server runs and after Stop; else it says how the server ended.
func (s *Server) Err() error { return nil }
