package login

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatTheIssuerSaidIsKeptWhileItIsYoung(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, fails := 0, errors.New("away")
		k := newKept(time.Now, func(context.Context) (int, error) { asked++; return asked, fails })
		get := func(age time.Duration, said int, known bool, err error, times int) {
			t.Helper()
			s, ok, e := k.get(t.Context(), age)
			require.Equal(t, []any{said, known, err, times}, []any{s, ok, e, asked})
		}
		get(time.Hour, 0, false, fails, 1)
		get(time.Hour, 0, false, fails, 1) // a failure is remembered, too
		<-time.After(askAgain)
		fails = nil
		get(time.Hour, 2, true, nil, 2)
		<-time.After(time.Hour - time.Second)
		get(time.Hour, 2, true, nil, 2)
		get(time.Minute, 3, true, nil, 3)
		<-time.After(time.Minute)
		fails = errors.New("away again")
		get(time.Minute, 3, true, fails, 4) // as it was
		<-time.After(askAgain - time.Second)
		get(time.Minute, 3, true, fails, 4)
		<-time.After(time.Second)
		get(time.Minute, 3, true, fails, 5) // a failure is not young for as long as an answer
		<-time.After(stillHold)
		get(time.Minute, 3, false, fails, 6) // what it withdrew meanwhile ends, too
		<-time.After(askAgain)
		fails = nil
		get(time.Minute, 7, true, nil, 7)
	})
}

// An issuer that hangs holds up one at a time, as long as what it said before holds.
func TestAnIssuerThatHangsHoldsUpOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		k := newKept(time.Now, func(context.Context) (int, error) {
			if asked++; asked == 1 {
				return 1, nil
			}
			<-time.After(askTimeout)
			return 0, errors.New("no answer")
		})
		_, _, err := k.get(t.Context(), time.Minute)
		require.NoError(t, err)
		<-time.After(time.Minute)
		_, _, err = k.get(t.Context(), time.Minute)
		require.Error(t, err)
		<-time.After(askAgain)
		go func() { _, _, _ = k.get(t.Context(), time.Minute) }()
		synctest.Wait()
		began := time.Now()
		said, known, _ := k.get(t.Context(), time.Minute)
		require.Equal(t, []any{1, true}, []any{said, known})
		require.Zero(t, time.Since(began))
		<-time.After(askTimeout)
	})
}

// The issuer takes its time: who waits does not ask again when his turn comes, may give up, and holds up nobody who has what he needs.
func TestOneAsksTheIssuerForAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		slow := askAgain + time.Second // longer than the time in which it is not asked again
		k := newKept(time.Now, func(ctx context.Context) (int, error) {
			<-time.After(slow)
			asked++
			if asked == 1 {
				return 0, errors.New("away")
			}
			return asked, ctx.Err()
		})
		began := time.Now()
		answers := make(chan error, 20)
		for range cap(answers) {
			go func() {
				_, _, err := k.get(t.Context(), time.Hour)
				answers <- err
			}()
		}
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := k.get(hurried, time.Hour)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began), "who gives up does not wait on")
		for range cap(answers) {
			require.ErrorContains(t, <-answers, "away")
		}
		require.Equal(t, 1, asked)
		require.Equal(t, slow, time.Since(began))

		<-time.After(askAgain)
		gone, leave := context.WithCancel(t.Context())
		go func() {
			_, _, err := k.get(gone, time.Hour)
			answers <- err
		}()
		synctest.Wait()
		leave() // who asked first; the answer is for others, too
		require.NoError(t, <-answers)
		said, known, err := k.get(t.Context(), time.Hour)
		require.Equal(t, []any{2, true, nil}, []any{said, known, err})

		<-time.After(time.Hour)
		go func() { _, _, _ = k.get(t.Context(), time.Minute) }()
		synctest.Wait()
		began = time.Now()
		said, _, _ = k.get(t.Context(), 2*time.Hour)
		require.Equal(t, 2, said)
		require.Zero(t, time.Since(began), "who needs nothing newer waits for nobody")
		<-time.After(slow)
	})
}
