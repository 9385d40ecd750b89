package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// links are the ways between roles and servers, each through a proxy that can be cut, reset and stalled. A role that runs twice shares its way.
type links struct {
	t      *testing.T
	server *toxiproxy.ApiServer

	mu  sync.Mutex
	all map[string]*toxiproxy.Proxy // by role and server, as in "writer-bus"
}

func newLinks(t *testing.T) *links {
	t.Helper()
	l := &links{t: t, server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), all: map[string]*toxiproxy.Proxy{}}
	t.Cleanup(func() {
		for _, proxy := range l.all {
			proxy.Stop()
		}
	})
	return l
}

// through is the address by which a role reaches a server.
func (l *links) through(role, server, upstream string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := role + "-" + server
	proxy := l.all[name]
	if proxy == nil {
		proxy = toxiproxy.NewProxy(l.server, name, testbed.Address(l.t), upstream)
		require.NoError(l.t, proxy.Start(), name)
		l.all[name] = proxy
	}
	return proxy.Listen
}

func (l *links) link(name string) *toxiproxy.Proxy {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Contains(l.t, l.all, name)
	return l.all[name]
}

// cut closes a link's connections and lets nobody in.
func (l *links) cut(name string) { l.link(name).Stop() }

func (l *links) mend(name string) {
	l.t.Helper()
	require.NoError(l.t, l.link(name).Start(), name)
}

// reset ends the connections of a link as a router does that lost its table; new ones can be made at once.
func (l *links) reset(name string) {
	l.t.Helper()
	l.cut(name)
	l.mend(name)
}

// stall lets nothing through in either direction, without a word to anyone.
func (l *links) stall(name string) {
	l.t.Helper()
	for _, direction := range []string{"upstream", "downstream"} {
		toxic, err := json.Marshal(map[string]any{"type": "timeout", "name": direction, "stream": direction, "attributes": map[string]int{"timeout": 0}})
		require.NoError(l.t, err)
		_, err = l.link(name).Toxics.AddToxicJson(strings.NewReader(string(toxic)))
		require.NoError(l.t, err, name)
	}
}

func (l *links) flow(name string) {
	l.link(name).Toxics.ResetToxics(context.WithoutCancel(l.t.Context()))
}
