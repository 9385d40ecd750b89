package ingest

import (
	"encoding/json"
	"net/http"
	"strconv"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Content types of OTLP/HTTP.
const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

// positionHeader tells a sender (HTTP header, gRPC metadata) where its data is in the signal's stream; a query with min_position
// waits until that is readable.
const positionHeader = "X-Olly-Position"

// exportResponse is Export…ServiceResponse in protobuf: empty, or with its partial success.
func exportResponse(r receipt) []byte {
	if r.rejected == 0 {
		return nil
	}
	partial := otlp.AppendTag(nil, otlp.PartialSuccessRejected)
	partial = otlp.AppendUvarint(partial, uint64(r.rejected)) //nolint:gosec // not negative
	partial = otlp.AppendBytes(partial, otlp.PartialSuccessErrorMessage, r.message)
	return otlp.AppendBytes(nil, otlp.ResponsePartialSuccess, partial)
}

// exportResponseJSON is the same in JSON; 64-bit integers are strings there.
func exportResponseJSON(signal telemetry.Signal, r receipt) []byte {
	if r.rejected == 0 {
		return []byte("{}")
	}
	field := "rejectedSpans"
	switch signal {
	case telemetry.Traces:
	case telemetry.Logs:
		field = "rejectedLogRecords"
	case telemetry.Metrics:
		field = "rejectedDataPoints"
	}
	message, _ := json.Marshal(r.message) // a string cannot fail
	return []byte(`{"partialSuccess":{"` + field + `":"` + strconv.Itoa(r.rejected) + `","errorMessage":` + string(message) + `}}`)
}

// code is the one table from fault class to gRPC code. OTLP clients repeat UNAVAILABLE, and RESOURCE_EXHAUSTED when it comes with
// RetryInfo; they give up on the others.
func code(f *fault.Error) codes.Code {
	switch f.Status {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	}
	switch f.Class {
	case fault.Invalid:
		return codes.InvalidArgument
	case fault.TooLarge, fault.Overloaded:
		return codes.ResourceExhausted
	case fault.NotFound:
		return codes.NotFound
	case fault.Unavailable:
		return codes.Unavailable
	case fault.Internal:
		return codes.Internal
	}
	return codes.Internal
}

// statusBody is google.rpc.Status for an error answer of OTLP/HTTP, in the content type of the request.
func statusBody(contentType string, c codes.Code, message string) ([]byte, error) {
	if contentType == typeProtobuf {
		return proto.Marshal(&spb.Status{Code: int32(c), Message: message}) //nolint:gosec // a small enumeration
	}
	return json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{int(c), message})
}

// codeOfStatus is for the errors that HTTP itself knows (405, 415 …).
func codeOfStatus(status int, f *fault.Error) codes.Code {
	switch status {
	case http.StatusNotFound:
		return codes.NotFound
	case http.StatusMethodNotAllowed:
		return codes.Unimplemented
	case http.StatusUnsupportedMediaType:
		return codes.InvalidArgument
	case http.StatusRequestEntityTooLarge:
		return codes.ResourceExhausted
	}
	return code(f)
}
