//go:build !amd64

package e2e

import (
	"testing"
	"time"
)

// clockJumps says that this machine's processes can be given another clock: nobody has written the few instructions for this processor yet.
const clockJumps = false

func jump(*testing.T, time.Duration, ...int) {}

func setClock(int, time.Duration) error { return nil }
