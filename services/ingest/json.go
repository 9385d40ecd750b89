package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// fromJSON turns OTLP JSON (an Export…ServiceRequest, field names in camelCase or snake_case) into OTLP protobuf. Unknown fields are
// ignored, as OTLP asks. An error is fault.Invalid and says where.
func fromJSON(signal telemetry.Signal, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return nil, fault.New(fault.Invalid, "otlp.bad_json", "the body is empty: want a JSON object")
	}
	// pdata's parser is lenient about what follows the object and recurses without a bound: encoding/json is strict about both.
	if !json.Valid(body) {
		var raw json.RawMessage
		err := json.Unmarshal(body, &raw)
		message := "not valid JSON"
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			message = fmt.Sprintf("not valid JSON: %s (byte %d)", syntax.Error(), syntax.Offset)
		}
		return nil, fault.Wrap(err, fault.Invalid, "otlp.bad_json", message)
	}
	if body[firstByte(body)] != '{' {
		return nil, fault.New(fault.Invalid, "otlp.bad_json", "not an OTLP request: want a JSON object with resource"+container(signal))
	}
	out, err := convert(signal, body)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "otlp.bad_json", "not an OTLP request: "+jsonProblem(err))
	}
	return out, nil
}

func convert(signal telemetry.Signal, body []byte) ([]byte, error) {
	switch signal {
	case telemetry.Traces:
		r := ptraceotlp.NewExportRequest()
		if err := r.UnmarshalJSON(body); err != nil {
			return nil, err
		}
		return r.MarshalProto()
	case telemetry.Logs:
		r := plogotlp.NewExportRequest()
		if err := r.UnmarshalJSON(body); err != nil {
			return nil, err
		}
		return r.MarshalProto()
	case telemetry.Metrics:
		r := pmetricotlp.NewExportRequest()
		if err := r.UnmarshalJSON(body); err != nil {
			return nil, err
		}
		return r.MarshalProto()
	}
	return nil, fmt.Errorf("unknown signal %d", signal)
}

// firstByte is the index of the first byte that is not white space; body is valid JSON.
func firstByte(body []byte) int {
	for i, c := range body {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return i
		}
	}
	return 0
}

// jsonProblem shortens the parser's error, which ends with a long excerpt: "ReadUint64: unsupported value type, error found in #10 byte
// of ...|excerpt|..., bigger context ...|longer excerpt|...".
func jsonProblem(err error) string {
	message, _, _ := strings.Cut(err.Error(), ", bigger context ")
	what, excerpt, found := strings.Cut(message, ", error found in #")
	if !found {
		return message
	}
	if _, around, ok := strings.Cut(excerpt, " byte of ...|"); ok {
		return what + ", near " + strings.TrimSuffix(around, "|...")
	}
	return what
}

// container is the last part of the outermost field's name: Spans of resourceSpans.
func container(signal telemetry.Signal) string {
	switch signal {
	case telemetry.Traces:
		return "Spans"
	case telemetry.Logs:
		return "Logs"
	case telemetry.Metrics:
		return "Metrics"
	}
	return ""
}
