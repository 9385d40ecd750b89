package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
)

func TestFromFindsTheClassThroughWrapping(t *testing.T) {
	t.Parallel()
	inner := fault.Kind{Class: fault.Invalid, Code: "otlp.bad_id_length"}.Newf("trace_id has %d bytes, want 16", 3)
	err := fmt.Errorf("read spans: %w", inner)
	got := fault.From(err)
	require.Same(t, inner, got)
	require.Equal(t, fault.Invalid, fault.ClassOf(err))
	require.Equal(t, "trace_id has 3 bytes, want 16", got.Message)
}

func TestFromHidesWhatNobodyClassified(t *testing.T) {
	t.Parallel()
	cause := errors.New("pq: password authentication failed for user x")
	got := fault.From(cause)
	require.Equal(t, fault.Internal, got.Class)
	require.Equal(t, "internal error", got.Message, "a client never sees a driver's text")
	require.ErrorIs(t, got, cause, "the log does")
}

func TestFromTakesADeadlineForUnavailable(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
		got := fault.From(fmt.Errorf("copy spans: %w", cause))
		require.Equal(t, fault.Unavailable, got.Class)
		require.Equal(t, "timeout", got.Code)
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	for class, want := range map[fault.Class]struct {
		name      string
		retryable bool
	}{
		fault.Internal:    {"internal", true},
		fault.Invalid:     {"invalid", false},
		fault.TooLarge:    {"too_large", false},
		fault.NotFound:    {"not_found", false},
		fault.Overloaded:  {"overloaded", true},
		fault.Unavailable: {"unavailable", true},
	} {
		require.Equal(t, want.name, class.String())
		require.Equal(t, want.retryable, class.Retryable(), want.name)
	}
}

func TestErrorJoinsMessageAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused")
	err := fault.Kind{Class: fault.Unavailable, Code: "database.down"}.Wrap(cause, "the database does not answer")
	require.EqualError(t, err, "the database does not answer: connection refused")
	require.EqualError(t, fault.Kind{Class: fault.NotFound, Code: "trace.not_found"}.New("no such trace"), "no such trace")
}

func TestAKindIsFoundThroughWrapping(t *testing.T) {
	t.Parallel()
	full := fault.Kind{Class: fault.Overloaded, Code: "bus.full"}
	err := fmt.Errorf("publish: %w", full.Wrap(errors.New("no space"), "the queue is full"))
	require.True(t, full.Matches(err))
	require.False(t, fault.Kind{Class: fault.Overloaded, Code: "bus.stalled"}.Matches(err))
	require.False(t, full.Matches(nil))
	require.NotErrorIs(t, err, full.New("another of its kind"), "errors.Is tells errors apart, not kinds")
	require.True(t, fault.ErrInternal.Matches(errors.New("nobody knows")))
}
