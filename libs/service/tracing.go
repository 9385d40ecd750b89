package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ollyscale/ollyscale/libs/settings"
)

// TracingConfig says where a process's own spans go.
type TracingConfig struct {
	Endpoint string  `mapstructure:"endpoint" doc:"OTLP/HTTP URL that takes this service's own traces, such as http://ingest:4318; empty for none."`
	Ratio    float64 `mapstructure:"ratio" doc:"Share of traces that is recorded when the caller has not decided, from 0 (none) to 1."`
}

// Validate names the keys that are wrong.
func (c TracingConfig) Validate() error {
	var p settings.Problems
	if u, err := url.Parse(c.Endpoint); c.Endpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		p.Refuse("endpoint", "%q is not an http(s) URL", c.Endpoint)
	}
	settings.Between(&p, "ratio", c.Ratio, 0, 1)
	return p.Err()
}

// spanExporter sends spans as OTLP JSON: a few a second need neither protobuf nor gRPC, which half of the services would link for
// nothing else. A batch that is not taken is lost, as telemetry about a service must not burden it.
type spanExporter struct {
	log    *slog.Logger
	url    string
	client *http.Client
}

func newSpanExporter(endpoint string, log *slog.Logger) *spanExporter {
	return &spanExporter{log: log, url: strings.TrimSuffix(endpoint, "/") + "/v1/traces", client: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute},
	}}
}

// Shutdown closes the connections.
func (e *spanExporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// ExportSpans sends one request. It logs its failure: the SDK would hand an error to a global handler.
func (e *spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.send(ctx, spans); err != nil {
		e.log.WarnContext(ctx, "own traces are lost", "spans", len(spans), "error", err.Error())
	}
	return nil
}

func (e *spanExporter) send(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	body, err := json.Marshal(otlpSpans(spans))
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := e.client.Do(request)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection is used again
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", e.url, answer.Status)
	}
	return nil
}

// The parts of OTLP JSON that own spans have.
type (
	otlpValue struct {
		String *string     `json:"stringValue,omitempty"`
		Bool   *bool       `json:"boolValue,omitempty"`
		Int    *string     `json:"intValue,omitempty"`
		Double *float64    `json:"doubleValue,omitempty"`
		Array  *otlpValues `json:"arrayValue,omitempty"`
	}
	otlpValues struct {
		Values []otlpValue `json:"values"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpEvent struct {
		Time       string          `json:"timeUnixNano"`
		Name       string          `json:"name"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
	}
	otlpLink struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}
	otlpStatus struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
	otlpSpan struct {
		TraceID    string          `json:"traceId"`
		SpanID     string          `json:"spanId"`
		ParentID   string          `json:"parentSpanId,omitempty"`
		Name       string          `json:"name"`
		Kind       int             `json:"kind"`
		Start      string          `json:"startTimeUnixNano"`
		End        string          `json:"endTimeUnixNano"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Events     []otlpEvent     `json:"events,omitempty"`
		Links      []otlpLink      `json:"links,omitempty"`
		Status     otlpStatus      `json:"status"`
	}
	otlpScope struct {
		Name string `json:"name"`
	}
	otlpScopeSpans struct {
		Scope otlpScope  `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpResource struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpResourceSpans struct {
		Resource   otlpResource      `json:"resource"`
		ScopeSpans []*otlpScopeSpans `json:"scopeSpans"`
	}
	otlpRequest struct {
		ResourceSpans []otlpResourceSpans `json:"resourceSpans"`
	}
)

// otlpSpans groups spans by scope; all are of this process, so that they have one resource.
func otlpSpans(spans []sdktrace.ReadOnlySpan) otlpRequest {
	if len(spans) == 0 {
		return otlpRequest{}
	}
	resource := otlpResourceSpans{Resource: otlpResource{otlpAttributes(spans[0].Resource().Attributes())}}
	scopes := map[string]*otlpScopeSpans{}
	for _, s := range spans {
		name := s.InstrumentationScope().Name
		if scopes[name] == nil {
			scopes[name] = &otlpScopeSpans{Scope: otlpScope{name}}
			resource.ScopeSpans = append(resource.ScopeSpans, scopes[name])
		}
		out := otlpSpan{
			TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), Name: s.Name(),
			Kind: int(s.SpanKind()), Start: nanoseconds(s.StartTime()), End: nanoseconds(s.EndTime()),
			Attributes: otlpAttributes(s.Attributes()), Status: otlpStatus{Message: s.Status().Description},
		}
		switch s.Status().Code { // OTLP and the API number them in another order
		case codes.Error:
			out.Status.Code = 2
		case codes.Ok:
			out.Status.Code = 1
		case codes.Unset:
		}
		if s.Parent().HasSpanID() {
			out.ParentID = s.Parent().SpanID().String()
		}
		for _, e := range s.Events() {
			out.Events = append(out.Events, otlpEvent{nanoseconds(e.Time), e.Name, otlpAttributes(e.Attributes)})
		}
		for _, l := range s.Links() {
			out.Links = append(out.Links, otlpLink{l.SpanContext.TraceID().String(), l.SpanContext.SpanID().String()})
		}
		scopes[name].Spans = append(scopes[name].Spans, out)
	}
	return otlpRequest{[]otlpResourceSpans{resource}}
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func otlpAttributes(list []attribute.KeyValue) []otlpAttribute {
	out := make([]otlpAttribute, len(list))
	for i, kv := range list {
		out[i] = otlpAttribute{string(kv.Key), otlpAny(kv.Value.AsInterface())}
	}
	return out
}

func otlpAny(v any) otlpValue {
	list := func(n int, at func(int) any) otlpValue {
		values := otlpValues{make([]otlpValue, n)}
		for i := range n {
			values.Values[i] = otlpAny(at(i))
		}
		return otlpValue{Array: &values}
	}
	switch x := v.(type) {
	case string:
		return otlpValue{String: &x}
	case bool:
		return otlpValue{Bool: &x}
	case int64:
		text := strconv.FormatInt(x, 10)
		return otlpValue{Int: &text}
	case float64:
		return otlpValue{Double: &x}
	case []string:
		return list(len(x), func(i int) any { return x[i] })
	case []bool:
		return list(len(x), func(i int) any { return x[i] })
	case []int64:
		return list(len(x), func(i int) any { return x[i] })
	case []float64:
		return list(len(x), func(i int) any { return x[i] })
	}
	text := fmt.Sprint(v)
	return otlpValue{String: &text}
}
