package bus

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// mute is a message of some batches that is bound to no subscription: each word to the bus about it fails, by which one sees that it was tried.
func mute(n int, ackWait time.Duration) []Delivery {
	b := &Bus{}
	b.cfg.AckWait = ackWait
	return deliver(b, telemetry.Logs, &nats.Msg{}, &nats.MsgMetadata{}, make([]telemetry.Batch, n))
}

// The batches of a message speak for one another, by what was told only: when a word of one fails, the others do not take it for said.
func TestAWordThatFailedSilencesNoNeighbour(t *testing.T) {
	t.Parallel()
	all := mute(3, time.Minute)
	for range 2 {
		for i := range all {
			require.Error(t, all[i].InProgress(), "nobody was told, by batch %d nor by those before it", i)
		}
	}
	all[0].state.kept.Store(time.Now().UnixNano())
	require.NoError(t, all[1].InProgress(), "told for it just now")
}

// However often batches of one message are kept, it is told about again when the last word is old enough.
func TestNeighboursThatSpeakOftenAreHeardAgain(t *testing.T) {
	t.Parallel()
	const ackWait = time.Hour
	all := mute(2, ackWait)
	for _, old := range []struct {
		by    time.Duration
		heard bool
	}{{ackWait/keptFor - time.Minute, false}, {ackWait / keptFor, true}} {
		all[0].state.kept.Store(time.Now().Add(-old.by).UnixNano())
		for i := range all {
			require.Equal(t, old.heard, all[i].InProgress() != nil, "batch %d, told %s ago", i, old.by)
		}
	}
}
