// Command small measures what small requests cost: see package bench.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ollyscale/ollyscale/e2e/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := bench.SmallMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
