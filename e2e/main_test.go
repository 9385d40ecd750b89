package e2e

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// A proxy that is closed while a link has a toxic leaves, now and then, a part of that link waiting for another that is gone: the end that
// reads a connection, a toxic, the end that writes. They are toxiproxy's, not ours.
func TestMain(m *testing.M) {
	const toxiproxy = "github.com/Shopify/toxiproxy/v2"
	goleak.VerifyTestMain(hangingUp{m}, goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).read"),
		goleak.IgnoreAnyFunction(toxiproxy+"/toxics.(*ToxicStub).Run"), goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).write"))
}

// hangingUp closes the connections that http.DefaultClient keeps for later; their goroutines are no leak.
type hangingUp struct{ *testing.M }

func (h hangingUp) Run() int {
	defer http.DefaultClient.CloseIdleConnections()
	return h.M.Run()
}
