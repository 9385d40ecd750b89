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

// Kind is an error code: what an error of it means to a program and to a person. A kind is declared once, as a variable of the package that
// makes such errors, in its faults.go; docs/errors.md is made from these. Nothing else makes an Error.
type Kind struct {
	Class Class
	Code  string // stable, dotted, lower case: "otlp.bad_id_length"
	// Status is the HTTP status where it is finer than that of the class, else 0.
	Status int
	// Meaning and Advice are for docs/errors.md: what has happened, and what to do about it.
	Meaning, Advice string
}

// New makes an error; message must be fit for a client.
func (k Kind) New(message string) *Error { return &Error{Kind: k, Message: message} }

// Newf is New with a format.
func (k Kind) Newf(format string, args ...any) *Error { return k.New(fmt.Sprintf(format, args...)) }

// Wrap classifies err; message must be fit for a client, err is only logged.
func (k Kind) Wrap(err error, message string) *Error {
	return &Error{Kind: k, Message: message, Err: err}
}

// Matches reports whether err is of this kind. It is not named Is, because an Error has the methods of its kind, and errors.Is would ask it.
func (k Kind) Matches(err error) bool { return From(err).Code == k.Code }

// Error is a classified error. Message is for the client: it names what is wrong and where, and holds no driver text.
// Err, the cause, is for the log only.
type Error struct {
	Kind
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

// The kinds of errors that nobody classified.
var (
	ErrInternal = Kind{
		Class: Internal, Code: "internal",
		Meaning: "A defect, or a failure that nobody foresaw; what it was is in the log only.",
		Advice:  "Retry once; look for the request id in the log of the service.",
	}
	ErrTimeout = Kind{
		Class: Unavailable, Code: "timeout",
		Meaning: "The request ran out of time, or its sender left.",
		Advice:  "Retry; ask for less.",
	}
)

// From returns the classified error inside err. A deadline or cancellation that nobody classified is Unavailable; anything else is
// Internal with the code "internal" and a message that tells the client nothing of the inside.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return ErrTimeout.Wrap(err, "the request ran out of time")
	}
	return ErrInternal.Wrap(err, "internal error")
}

// ClassOf is From(err).Class.
func ClassOf(err error) Class { return From(err).Class }
