package testbed

import (
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

// Ports that are handed out lie below those that systems choose by themselves (Linux from 32,768, macOS from 49,152): a port that a
// test has asked for, but does not listen on yet, is not given to somebody's connection or to a listener on port 0 meanwhile.
const (
	firstPort = 10_240
	ports     = 20_000
)

// reserved counts the ports that this process has tried, so that parallel tests never get the same.
var reserved struct { //nolint:gochecknoglobals // ports belong to the process
	sync.Mutex
	tried int
}

// Port is a port of 127.0.0.1 on which nobody listens, and which this process gets once.
func Port(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatalf("no free port: %v", err)
	}
	return port
}

// Address is Port with its host: 127.0.0.1:PORT.
func Address(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t)))
}

func freePort() (port int, err error) {
	reserved.Lock()
	defer reserved.Unlock()
	for range 100 {
		// Processes that run side by side have neighbouring ids: they begin far apart.
		port = firstPort + (os.Getpid()*997+reserved.tried)%ports
		reserved.tried++
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil { //nolint:noctx // no I/O: it binds and is closed
			return port, l.Close()
		}
	}
	return 0, err
}
