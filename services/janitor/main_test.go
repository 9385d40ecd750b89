package janitor

import (
	"context"
	"os"
	"testing"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// contextWithStop ends when it is stopped, or with the test.
func contextWithStop(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(testbed.Context(t))
}
