package ceiling

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An attack that is refused at the door proves nothing, whatever the role's memory did.
func TestAnAttackThatIsRefusedAltogetherFails(t *testing.T) {
	t.Parallel()
	all := scenarios(Full())
	require.Len(t, all, 17)
	for _, sc := range all {
		require.Positive(t, sc.least, sc.name)
		require.ErrorContains(t, sc.landed(answers{"429": sc.times, "refused": sc.times}), "nothing was attacked", sc.name)
		require.NoError(t, sc.landed(answers{sc.means: sc.times, "429": 1}), sc.name)
		if sc.means == "200" {
			require.ErrorContains(t, sc.landed(answers{sc.means: sc.times, "400": 1}), "nothing was attacked", sc.name)
		}
	}
}

func TestSlowLegalUseIsAProblemWhereItIsDemanded(t *testing.T) {
	t.Parallel()
	took := make([]time.Duration, 100)
	took[98], took[99] = 2*time.Second, 3*time.Second
	for _, test := range []struct {
		demanded time.Duration
		problems int
	}{{0, 0}, {time.Second, 1}, {2 * time.Second, 0}} {
		r := Result{Legal: legal{took: took}}
		r.demand(test.demanded)
		require.Len(t, r.Problems, test.problems, test.demanded)
	}
}

func TestRoundsGoOnForATime(t *testing.T) {
	t.Parallel()
	for _, rounds := range []bool{false, true} {
		n := 0
		ctx, cancel := context.WithCancel(t.Context())
		got, err := again(ctx, scenario{rounds: rounds}, time.Hour, func(context.Context) (answers, error) {
			if n++; n == 3 {
				cancel()
			}
			return answers{"200": 2}, nil
		})
		cancel()
		require.NoError(t, err)
		require.Equal(t, 2*n, got["200"])
		require.Equal(t, rounds, n == 3)
	}
}
