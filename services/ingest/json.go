package ingest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// fromJSON turns OTLP JSON (an Export…ServiceRequest, field names in camelCase or snake_case) into OTLP protobuf. Unknown fields are
// ignored, as OTLP asks. An error is fault.Invalid and says where.
func fromJSON(signal telemetry.Signal, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return nil, errJSON.New("the body is empty: want a JSON object")
	}
	// pdata's parser is lenient about what follows the object and recurses without a bound: encoding/json is strict about both.
	if !json.Valid(body) {
		var raw json.RawMessage
		err := json.Unmarshal(body, &raw)
		message := "not valid JSON"
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			message = fmt.Sprintf("not valid JSON: %s (byte %d)", syntax.Error(), syntax.Offset)
		}
		return nil, errJSON.Wrap(err, message)
	}
	if body[firstByte(body)] != '{' {
		return nil, errJSON.New("not an OTLP request: want a JSON object with resource" + container(signal))
	}
	out, err := convert(signal, body)
	if err != nil {
		problem := idProblem(body)
		if problem == "" {
			problem = jsonProblem(err)
		}
		return nil, errJSON.Wrap(err, "not an OTLP request: "+problem)
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
// of ...|excerpt|..., bigger context ...|longer excerpt|...", and begins with the name of one of its functions.
func jsonProblem(err error) string {
	message, _, _ := strings.Cut(err.Error(), ", bigger context ")
	for {
		function, rest, found := strings.Cut(message, ": ")
		if !found || strings.ContainsAny(function, " ,|") {
			break
		}
		message = rest
	}
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

// idProblem names the first trace or span id that is not hex digits of its length; "" where all are. For JSON that the parser refused: it
// does not say which field it was at. body is valid JSON.
func idProblem(body []byte) string {
	var path jsonPath
	tokens := json.NewDecoder(bytes.NewReader(body))
	for {
		token, err := tokens.Token()
		if err != nil {
			return ""
		}
		switch value := token.(type) {
		case json.Delim:
			if value == '{' || value == '[' {
				path = append(path, jsonLevel{list: value == '['})
				continue
			}
			path = path[:len(path)-1]
		case string:
			at := &path[len(path)-1]
			if !at.list && !at.inField {
				at.field, at.inField = value, true
				continue
			}
			digits := idDigits(at.field)
			if _, err := hex.DecodeString(value); digits > 0 && value != "" && (err != nil || len(value) != digits) {
				return fmt.Sprintf("%s: want %d hex digits, got %s", path, digits, printable(value))
			}
		}
		if n := len(path); n > 0 { // a value has ended
			path[n-1].index++
			path[n-1].inField = false
		}
	}
}

// jsonPath is where in a JSON text a value stands, from the outside in.
type jsonPath []jsonLevel

// jsonLevel is an object or a list.
type jsonLevel struct {
	list    bool
	index   int    // the current element of a list
	field   string // the current field of an object; "" in a list
	inField bool   // the field's name has been read, its value not
}

// String is the path as a reader would write it: resourceSpans[0].scopeSpans[1].
func (p jsonPath) String() string {
	var b strings.Builder
	for i, l := range p {
		switch {
		case l.list:
			fmt.Fprintf(&b, "[%d]", l.index)
		case i > 0:
			b.WriteString("." + l.field)
		default:
			b.WriteString(l.field)
		}
	}
	return b.String()
}

// idDigits is the length of a JSON field that is an id; 0 for other fields.
func idDigits(field string) int {
	switch field {
	case "traceId", "trace_id":
		return 32
	case "spanId", "span_id", "parentSpanId", "parent_span_id":
		return 16
	}
	return 0
}
