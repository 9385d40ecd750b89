package telemetry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// FuzzSplit: however a request is cut, each admitted item is in one part, in order and under the ordinal that it has when nothing is cut, the same item
// but for what is counted as cut; parts keep their limits; and of a request that is stored in parts of one kind and comes again in those of another, Cut
// leaves just the items that are not stored.
func FuzzSplit(f *testing.F) {
	for _, signal := range telemetry.Signals() {
		f.Add(uint8(signal), request(f, signal, 11, 2, 2, 4), uint16(60), uint16(900), uint16(2500), uint16(1800), uint16(5000))
		f.Add(uint8(signal), request(f, signal, 12, 1, 1, 9), uint16(20), uint16(0), uint16(400), uint16(300), uint16(700))
	}
	untimed := plogotlp.NewExportRequest()
	records := untimed.Logs().ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range 60 {
		if record := records.AppendEmpty(); i%7 == 0 {
			record.SetTimestamp(pcommon.Timestamp(now))
		}
	}
	payload, err := untimed.MarshalProto()
	require.NoError(f, err)
	f.Add(uint8(telemetry.Logs), payload, uint16(1), uint16(64), uint16(500), uint16(0), uint16(120))
	good := message(2, append([]byte{1<<3 | 1}, make([]byte, 8)...)) // a record without a time
	f.Add(uint8(telemetry.Logs), message(1, message(2, good, message(2, []byte{0x0a, 9}), good), message(2, message(1, []byte{0x0a, 9}), good), message(2, good)),
		uint16(1), uint16(40), uint16(60), uint16(0), uint16(200))
	f.Fuzz(func(t *testing.T, which uint8, payload []byte, minutes, part, most, otherPart, otherMost uint16) {
		signal := telemetry.Signals()[int(which)%3]
		limits := telemetry.Limits{MinTime: now - int64(minutes)*int64(time.Minute), MaxTime: now + int64(time.Hour)}
		whole, err := admit(signal, payload, limits)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.ClassOf(err))
			return
		}
		if whole.Rejected[telemetry.LargeHeader] > 0 {
			return // of so many holes that it would take too much to tell of all of them
		}
		want, readable := itemsOf(t, signal, whole)
		var stored telemetry.Ordinals
		for _, bounds := range [][2]uint16{{part, most}, {otherPart, otherMost}} {
			limits.PartBytes, limits.MaxBytes = int(bounds[0]), int(bounds[1])
			a, err := admit(signal, payload, limits)
			require.NoError(t, err)
			got, _ := itemsOf(t, signal, a)
			lost := a.Rejected[telemetry.TooLarge] + a.Rejected[telemetry.LargeHeader]
			require.Len(t, got, a.Items)
			require.Equal(t, len(want), len(got)+lost, "an item is in a part, or refused for its size")
			differ := 0
			for ordinal, item := range got {
				require.Contains(t, want, ordinal)
				if readable && item != want[ordinal] {
					differ++
				}
			}
			require.LessOrEqual(t, differ, a.Cut)
			for _, p := range a.Parts {
				if limits.MaxBytes > 0 {
					require.LessOrEqual(t, len(p.Payload), limits.MaxBytes)
				}
				covers := coversOf(p)
				left := telemetry.Cut(signal, p.Payload, covers, covers.Without(stored))
				if readable {
					n, _ := decoded(t, signal, left)
					require.Equal(t, covers.Without(stored).Count(), n)
				}
			}
			for ordinal := range got {
				stored = stored.Union(telemetry.Ordinals{{From: ordinal, To: ordinal + 1}})
			}
		}
	})
}

func coversOf(p telemetry.Part) telemetry.Ordinals {
	if p.Ordinals == nil {
		return telemetry.FirstOrdinals(p.Items)
	}
	return p.Ordinals
}

// itemsOf are the items of the parts, by ordinal; without what is in them where pdata cannot read a part, because a log record in it has ids that are none.
func itemsOf(t *testing.T, signal telemetry.Signal, a admission) (items map[uint32]string, readable bool) {
	t.Helper()
	items, readable = map[uint32]string{}, true
	next := uint32(0)
	for _, p := range a.Parts {
		covers := coversOf(p)
		require.Equal(t, p.Items, covers.Count())
		n, flat, err := decode(signal, p.Payload)
		if err != nil && signal == telemetry.Logs && idLength.MatchString(err.Error()) {
			n, flat, readable, err = p.Items, make([]string, p.Items), false, nil
		}
		require.NoError(t, err)
		require.Equal(t, p.Items, n)
		for _, run := range covers {
			require.GreaterOrEqual(t, run.From, next, "in order, and none twice")
			for next = run.From; next < run.To; next++ {
				items[next], flat = flat[0], flat[1:]
			}
		}
	}
	return items, readable
}
