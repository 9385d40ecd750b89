package telemetry

import (
	"strconv"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// wireError says what is wrong with a request and where. It is made only when something is wrong: the walk itself allocates nothing.
type wireError struct {
	offset int
	path   string
	what   string
	reason Reason
}

func malformed(offset int, what string) *wireError {
	return &wireError{offset: offset, what: what, reason: Malformed}
}

func broken(offset int, p otlp.Problem) *wireError { return malformed(offset, p.String()) }

func wrongType(offset int, tag otlp.Tag) *wireError {
	return malformed(offset, "field "+strconv.Itoa(int(tag.Number()))+" has the wrong wire type "+strconv.Itoa(int(tag.Wire())))
}

// in puts the name of the enclosing message before the path, on the way up.
func (e *wireError) in(name string) *wireError {
	if len(e.path) > 400 {
		e.path = e.path[:200] + "…" // of a path that nobody reads to its end, the beginning is kept
	}
	switch {
	case name == "":
	case e.path == "":
		e.path = name
	default:
		e.path = name + "." + e.path
	}
	return e
}

func (e *wireError) inNth(name string, n int) *wireError {
	return e.in(name + "[" + strconv.Itoa(n) + "]")
}

// where is the path, for a sender.
func (e *wireError) where() string {
	if e.path == "" {
		return "request"
	}
	if len(e.path) > 200 {
		return e.path[:200] + "…"
	}
	return e.path
}

func (e *wireError) fault() error {
	v := &ViolationError{Field: e.where(), Description: e.what + " (byte " + strconv.Itoa(e.offset) + ")"}
	return ErrMalformed.Wrap(v, "not a valid OTLP request: "+v.Field+": "+v.Description)
}

// ViolationError says which field of a request is wrong, and how: a FieldViolation of google.rpc.BadRequest.
type ViolationError struct {
	Field       string // resource_spans[0].scope_spans[1].spans[17].trace_id, or "request"
	Description string
}

// Error joins both.
func (v *ViolationError) Error() string { return v.Field + ": " + v.Description }
