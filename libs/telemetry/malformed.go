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
}

func malformed(offset int, what string) *wireError { return &wireError{offset: offset, what: what} }

func broken(offset int, p otlp.Problem) *wireError { return malformed(offset, p.String()) }

func wrongType(offset int, tag otlp.Tag) *wireError {
	return malformed(offset, "field "+strconv.Itoa(int(tag.Number()))+" has the wrong wire type "+strconv.Itoa(int(tag.Wire())))
}

// in puts the name of the enclosing message before the path, on the way up.
func (e *wireError) in(name string) *wireError {
	if e.path == "" {
		e.path = name
	} else {
		e.path = name + "." + e.path
	}
	return e
}

func (e *wireError) inNth(name string, n int) *wireError {
	return e.in(name + "[" + strconv.Itoa(n) + "]")
}

func (e *wireError) fault() error {
	where := e.path
	if where == "" {
		where = "request"
	}
	return ErrMalformed.Newf("not a valid OTLP request: %s: %s (byte %d)", where, e.what, e.offset)
}
