// Command shapes measures what telemetry of several shapes takes in segments, beside zstd over the same requests: see package bench.
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
	code := bench.ShapesMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
