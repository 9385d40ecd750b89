// Command sustained measures what a steady load takes, by process: see package bench.
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
	code := bench.SustainedMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
