package native

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// answerStream writes an answer while it is made, so that none of it is held. Invariant: nothing is sent before the first flush, so that what fails until then is told as any error; an
// answer that fails later ends without its end, by which every client of HTTP sees that it is none.
type answerStream struct {
	echo.Context
	contentType string
	buffer      []byte
	begun       bool
	err         error // the first, after which nothing is written
}

func newAnswerStream(c echo.Context, contentType string) *answerStream {
	return &answerStream{Context: c, contentType: contentType}
}

// run makes the answer by f, which asks the engine.
func (s *answerStream) run(f func() error) error {
	_, err := engine.Again(func() (struct{}, error) {
		s.buffer = s.buffer[:0]
		err := f()
		if err != nil && s.begun {
			panic(http.ErrAbortHandler) // net/http's own way to cut a connection
		}
		return struct{}{}, err
	})
	if err != nil {
		s.lacks(nil, "") // an error is no part of an answer
	}
	if s.begun {
		_ = http.NewResponseController(s.Response()).SetWriteDeadline(time.Time{}) // the next request's is its own
	}
	return err
}

// lacks tells in headers what the answer's format has no place for.
func (s *answerStream) lacks(what *api.Incomplete, next string) {
	reason := ""
	if what != nil {
		reason = string(what.Reason)
	}
	for name, value := range map[string]string{headerIncomplete: reason, headerNext: next} {
		s.Response().Header().Del(name)
		if value != "" {
			s.Response().Header().Set(name, value)
		}
	}
}

// streamBuffer is how much is gathered before it is sent.
const streamBuffer = 64 << 10

// write adds to the answer.
func (s *answerStream) write(before string, data []byte) {
	s.buffer = append(append(s.buffer, before...), data...)
	if s.begun && len(s.buffer) >= streamBuffer {
		s.send()
	}
}

// flush sends what was added, and returns why it could not be sent, if so. ctx is that of the question: who does not take the answer in until its time is over is let go of, since what
// is asked holds a turn, a connection of the database and a snapshot.
func (s *answerStream) flush(ctx context.Context) error {
	if !s.begun {
		s.begun = true
		if at, ok := ctx.Deadline(); ok {
			_ = http.NewResponseController(s.Response()).SetWriteDeadline(at)
		}
		s.Response().Header().Set(echo.HeaderCacheControl, "no-store") // it holds a tenant's data
		s.Response().Header().Set(echo.HeaderContentType, s.contentType)
		s.Response().WriteHeader(http.StatusOK)
	}
	s.send()
	if s.err == nil {
		s.err = http.NewResponseController(s.Response()).Flush()
	}
	return s.err
}

func (s *answerStream) send() {
	if s.err == nil {
		_, s.err = s.Response().Write(s.buffer)
	}
	s.buffer = s.buffer[:0]
}
