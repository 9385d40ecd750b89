// Command search measures every kind of question over a day of each signal: see package bench.
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
	code := bench.SearchMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
