// Command store measures the whole store at several sizes, beside another revision: see package bench.
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
	code := bench.StoreMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
