package demo

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/settings"
)

// refusal is what a receiver did not take of a request that it answered with success.
type refusal struct {
	items   int64
	message string
}

// retryable is an error after which the same request may succeed; wait is the receiver's wish, 0 if it has none.
type retryable struct {
	err  error
	wait time.Duration
}

func (r *retryable) Error() string { return r.err.Error() }
func (r *retryable) Unwrap() error { return r.err }

// exporter sends one request and reports what was refused of it.
type exporter interface {
	traces(ctx context.Context, r ptraceotlp.ExportRequest) (refusal, error)
	logs(ctx context.Context, r plogotlp.ExportRequest) (refusal, error)
	metrics(ctx context.Context, r pmetricotlp.ExportRequest) (refusal, error)
	close() error
}

// newExporter speaks to an endpoint: host:port or a URL. Without a protocol it is HTTP for port 4318 and for a URL with a path.
func newExporter(cfg Config) (exporter, error) {
	endpoint := cfg.Endpoint
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errEndpoint.Newf("endpoint: %q is neither host:port nor an http(s) URL", settings.Redact(cfg.Endpoint))
	}
	protocol := cfg.Protocol
	if protocol == "" {
		protocol = "grpc"
		if u.Port() == "4318" || strings.Trim(u.Path, "/") != "" {
			protocol = "http"
		}
	}
	if protocol == "http" {
		return &httpExporter{
			base:    strings.TrimSuffix(u.String(), "/"),
			headers: cfg.Headers,
			client:  &http.Client{Timeout: cfg.Timeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4}},
		}, nil
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "4317")
	}
	transport := insecure.NewCredentials()
	if u.Scheme == "https" {
		transport = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	conn, err := grpc.NewClient(host, grpc.WithTransportCredentials(transport), grpc.WithUserAgent("ollyscale-demo"),
		grpc.WithDefaultCallOptions(grpc.UseCompressor(grpcgzip.Name)))
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", cfg.Endpoint, err)
	}
	return &grpcExporter{
		conn: conn, headers: metadata.New(cfg.Headers), timeout: cfg.Timeout,
		trace: ptraceotlp.NewGRPCClient(conn), log: plogotlp.NewGRPCClient(conn), metric: pmetricotlp.NewGRPCClient(conn),
	}, nil
}

type grpcExporter struct {
	conn    *grpc.ClientConn
	headers metadata.MD
	timeout time.Duration
	trace   ptraceotlp.GRPCClient
	log     plogotlp.GRPCClient
	metric  pmetricotlp.GRPCClient
}

func (e *grpcExporter) context(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(metadata.NewOutgoingContext(ctx, e.headers), e.timeout)
}

func (e *grpcExporter) traces(ctx context.Context, r ptraceotlp.ExportRequest) (refusal, error) {
	ctx, cancel := e.context(ctx)
	defer cancel()
	answer, err := e.trace.Export(ctx, r)
	if err != nil {
		return refusal{}, grpcFailure(err)
	}
	return refusal{answer.PartialSuccess().RejectedSpans(), answer.PartialSuccess().ErrorMessage()}, nil
}

func (e *grpcExporter) logs(ctx context.Context, r plogotlp.ExportRequest) (refusal, error) {
	ctx, cancel := e.context(ctx)
	defer cancel()
	answer, err := e.log.Export(ctx, r)
	if err != nil {
		return refusal{}, grpcFailure(err)
	}
	return refusal{answer.PartialSuccess().RejectedLogRecords(), answer.PartialSuccess().ErrorMessage()}, nil
}

func (e *grpcExporter) metrics(ctx context.Context, r pmetricotlp.ExportRequest) (refusal, error) {
	ctx, cancel := e.context(ctx)
	defer cancel()
	answer, err := e.metric.Export(ctx, r)
	if err != nil {
		return refusal{}, grpcFailure(err)
	}
	return refusal{answer.PartialSuccess().RejectedDataPoints(), answer.PartialSuccess().ErrorMessage()}, nil
}

func (e *grpcExporter) close() error { return e.conn.Close() }

// grpcFailure follows OTLP's table of retryable codes: RESOURCE_EXHAUSTED only where the receiver says when to come back.
func grpcFailure(err error) error {
	s := status.Convert(err)
	var wait time.Duration
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			wait = info.GetRetryDelay().AsDuration()
		}
	}
	switch s.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return &retryable{err, wait}
	case codes.ResourceExhausted:
		if wait > 0 {
			return &retryable{err, wait}
		}
	}
	return err
}

type httpExporter struct {
	base    string
	headers map[string]string
	client  *http.Client
}

func (e *httpExporter) traces(ctx context.Context, r ptraceotlp.ExportRequest) (refusal, error) {
	answer := ptraceotlp.NewExportResponse()
	if err := e.post(ctx, "/v1/traces", r.MarshalProto, answer.UnmarshalProto); err != nil {
		return refusal{}, err
	}
	return refusal{answer.PartialSuccess().RejectedSpans(), answer.PartialSuccess().ErrorMessage()}, nil
}

func (e *httpExporter) logs(ctx context.Context, r plogotlp.ExportRequest) (refusal, error) {
	answer := plogotlp.NewExportResponse()
	if err := e.post(ctx, "/v1/logs", r.MarshalProto, answer.UnmarshalProto); err != nil {
		return refusal{}, err
	}
	return refusal{answer.PartialSuccess().RejectedLogRecords(), answer.PartialSuccess().ErrorMessage()}, nil
}

func (e *httpExporter) metrics(ctx context.Context, r pmetricotlp.ExportRequest) (refusal, error) {
	answer := pmetricotlp.NewExportResponse()
	if err := e.post(ctx, "/v1/metrics", r.MarshalProto, answer.UnmarshalProto); err != nil {
		return refusal{}, err
	}
	return refusal{answer.PartialSuccess().RejectedDataPoints(), answer.PartialSuccess().ErrorMessage()}, nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

func (e *httpExporter) post(ctx context.Context, path string, marshal func() ([]byte, error), unmarshal func([]byte) error) error {
	payload, err := marshal()
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	_, err = zip.Write(payload)
	if err = errors.Join(err, zip.Close()); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.base+path, &body)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("Content-Encoding", "gzip")
	r.Header.Set("User-Agent", "ollyscale-demo")
	for name, value := range e.headers {
		r.Header.Set(name, value)
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return &retryable{err: err}
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return &retryable{err: err}
	}
	switch answer.StatusCode {
	case http.StatusOK:
		if err := unmarshal(text); err != nil {
			return fmt.Errorf("answer of %s: %w", path, err)
		}
		return nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return &retryable{fmt.Errorf("%s answers %s", path, answer.Status), time.Duration(seconds) * time.Second}
	}
	return fmt.Errorf("%s answers %s: %s", path, answer.Status, printable(text))
}

func (e *httpExporter) close() error {
	e.client.CloseIdleConnections()
	return nil
}

// printable keeps what a person can read of an answer, which may be protobuf.
func printable(text []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, string(text[:min(len(text), 300)])))
}
