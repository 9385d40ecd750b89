package e2e

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(hangingUp{m}) }

// hangingUp closes the connections that http.DefaultClient keeps for later; their goroutines are no leak.
type hangingUp struct{ *testing.M }

func (h hangingUp) Run() int {
	defer http.DefaultClient.CloseIdleConnections()
	return h.M.Run()
}
