package ingest

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
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
	if r.message == "" {
		return nil
	}
	var partial []byte
	if r.rejected > 0 { // with none, the message is a warning
		partial = otlp.AppendTag(partial, otlp.PartialSuccessRejected)
		partial = otlp.AppendUvarint(partial, uint64(r.rejected))
	}
	partial = otlp.AppendBytes(partial, otlp.PartialSuccessErrorMessage, r.message)
	return otlp.AppendBytes(nil, otlp.ResponsePartialSuccess, partial)
}

// exportResponseJSON is the same in JSON; 64-bit integers are strings there.
func exportResponseJSON(signal telemetry.Signal, r receipt) []byte {
	if r.message == "" {
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
	case fault.NotFound: // nothing here takes that
		return codes.Unimplemented
	case fault.Unavailable:
		return codes.Unavailable
	case fault.Internal:
		return codes.Internal
	}
	return codes.Internal
}

// details are what google.rpc.Status tells a program of an error. What passes by itself comes with RetryInfo, without which an OTLP client
// would not repeat RESOURCE_EXHAUSTED; a request that is bad with BadRequest, which names the field where one is known; each with ErrorInfo, whose
// reason is the error's code of docs/errors.md: of what the router refused, that of the problem.
func details(f *fault.Error, reason string) []protoadapt.MessageV1 {
	var list []protoadapt.MessageV1
	if f.Class == fault.Overloaded || f.Class == fault.Unavailable {
		list = append(list, &errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter(f))})
	}
	if f.Class == fault.Invalid && f.Status == 0 { // bad data: 400
		v, ok := errors.AsType[*telemetry.ViolationError](f)
		if !ok {
			v = &telemetry.ViolationError{Field: "request", Description: f.Message}
		}
		list = append(list, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: v.Field, Description: v.Description}}})
	}
	list = append(list, &errdetails.ErrorInfo{Reason: reason, Domain: "ollyscale"})
	return list
}

// statusBody is google.rpc.Status for an error answer of OTLP/HTTP, in the content type of the request.
func statusBody(contentType string, problem httpserver.Problem, f *fault.Error) ([]byte, error) {
	st := &spb.Status{Code: int32(codeOfStatus(problem.Status, f)), Message: problem.Detail} //nolint:gosec // a small enumeration
	for _, d := range details(f, problem.Code) {
		if detail, err := anypb.New(protoadapt.MessageV2Of(d)); err == nil {
			st.Details = append(st.Details, detail)
		}
	}
	if contentType == typeProtobuf {
		return proto.Marshal(st)
	}
	return protojson.Marshal(st)
}

// codeOfStatus is for the errors that HTTP itself knows (405, 415 …).
func codeOfStatus(status int, f *fault.Error) codes.Code {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return codes.Unimplemented
	case http.StatusUnsupportedMediaType:
		return codes.InvalidArgument
	case http.StatusRequestEntityTooLarge:
		return codes.ResourceExhausted
	}
	return code(f)
}
