package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// probeTimeout is below every orchestrator's own default, so that the answer is this program's and not a kill.
const probeTimeout = 4 * time.Second

// probe asks the health endpoint of a running service and copies its answer to out: an image without a shell has no other
// program that its container's health check could run. It returns ExitOK only for a 200.
func probe(ctx context.Context, url string, out io.Writer) int {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		_, _ = fmt.Fprintln(out, err)
		return ExitUsage
	}
	answer, err := http.DefaultTransport.RoundTrip(request) // no redirects, no cookies
	if err != nil {
		_, _ = fmt.Fprintln(out, err)
		return ExitFailed
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(out, io.LimitReader(answer.Body, 64<<10)); err != nil || answer.StatusCode != http.StatusOK {
		return ExitFailed
	}
	return ExitOK
}
