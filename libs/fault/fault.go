// Package fault gives an error its meaning where it is first understood, so that every edge (HTTP status, gRPC code,
// ack or nak of a bus message) decides by class and never by text.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Class says what an error means to the one who has to react to it.
type Class uint8

// The six classes. Internal is the zero value, so that an error nobody classified is never taken for the client's.
const (
	// Internal: a defect or an unknown failure; retrying may help, the client did nothing wrong.
	Internal Class = iota
	// Invalid: the input is wrong and will be wrong the next time; never retry.
	Invalid
	// TooLarge: the input exceeds a stated limit; never retry unchanged.
	TooLarge
	// NotFound: the thing named does not exist.
	NotFound
	// Overloaded: the service is full (a full stream, a spent budget); retry later.
	Overloaded
	// Unavailable: something the service needs is down or not ready; retry.
	Unavailable
)

// String is the class's stable name, used in logs and metrics.
func (c Class) String() string {
	switch c {
	case Internal:
		return "internal"
	case Invalid:
		return "invalid"
	case TooLarge:
		return "too_large"
	case NotFound:
		return "not_found"
	case Overloaded:
		return "overloaded"
	case Unavailable:
		return "unavailable"
	}
	return "internal"
}

// Retryable reports whether the same request may succeed later without a change.
func (c Class) Retryable() bool { return c == Internal || c == Overloaded || c == Unavailable }

// Error is a classified error. Message is for the client: it names what is wrong and where, and holds no driver text.
// Err, the cause, is for the log only.
type Error struct {
	Class   Class
	Code    string // stable, dotted, lower case: "otlp.bad_id_length"
	Message string
	Err     error
}

// Error joins message and cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a classified error; message must be fit for a client.
func New(class Class, code, message string) *Error {
	return &Error{Class: class, Code: code, Message: message}
}

// Newf is New with a format.
func Newf(class Class, code, format string, args ...any) *Error {
	return New(class, code, fmt.Sprintf(format, args...))
}

// Wrap classifies err; message must be fit for a client, err is only logged.
func Wrap(err error, class Class, code, message string) *Error {
	return &Error{Class: class, Code: code, Message: message, Err: err}
}

// From returns the classified error inside err. A deadline or cancellation that nobody classified is Unavailable; anything else is
// Internal with the code "internal" and a message that tells the client nothing of the inside.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Wrap(err, Unavailable, "timeout", "the request ran out of time")
	}
	return Wrap(err, Internal, "internal", "internal error")
}

// ClassOf is From(err).Class.
func ClassOf(err error) Class { return From(err).Class }
