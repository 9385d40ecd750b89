package e2e

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// A proxy that is closed while a link has a toxic leaves, now and then, one that passes bytes on waiting for a reader: toxiproxy's, not ours.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(hangingUp{m}, goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"))
}

// hangingUp closes the connections that http.DefaultClient keeps for later; their goroutines are no leak.
type hangingUp struct{ *testing.M }

func (h hangingUp) Run() int {
	defer http.DefaultClient.CloseIdleConnections()
	return h.M.Run()
}
