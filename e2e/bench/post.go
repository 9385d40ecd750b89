package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// senders is how many requests are on their way at once.
const senders = 8

// body is a request as it is sent.
type body struct {
	bytes    []byte
	encoding string // "" for none
}

// bodies are the requests of batches, compressed at gzip's usual level if asked for.
func bodies(batches []telemetry.Batch, zip bool) ([]body, error) {
	out := make([]body, len(batches))
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	for i, b := range batches {
		if !zip {
			out[i] = body{bytes: b.Payload}
			continue
		}
		buf.Reset()
		w.Reset(&buf)
		if _, err := w.Write(b.Payload); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		out[i] = body{bytes.Clone(buf.Bytes()), "gzip"}
	}
	return out, nil
}

// post sends requests by OTLP/HTTP, several at once.
func post(ctx context.Context, client *http.Client, url string, requests []body) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan body)
	done := make(chan struct{})
	for range senders {
		go func() {
			defer func() { done <- struct{}{} }()
			for b := range queue {
				if err := postOne(ctx, client, url, b); err != nil {
					cancel(err)
				}
			}
		}()
	}
	for _, b := range requests {
		select {
		case queue <- b:
		case <-ctx.Done():
		}
	}
	close(queue)
	for range senders {
		<-done
	}
	return context.Cause(ctx)
}

func postOne(ctx context.Context, client *http.Client, url string, b body) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b.bytes))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if b.encoding != "" {
		req.Header.Set("Content-Encoding", b.encoding)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %q", url, resp.Status, answer)
	}
	return nil
}

func untilReady(ctx context.Context, client *http.Client, url string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", url, ctx.Err())
		case <-tick.C:
		}
	}
}
