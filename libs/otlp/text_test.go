package otlp

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// bodyOf is what a log record's body is on the wire.
func bodyOf(t *testing.T, fill func(pcommon.Value)) Value {
	t.Helper()
	ld := plog.NewLogs()
	fill(ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body())
	wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	require.NoError(t, err)
	within := func(b []byte, number uint32) []byte {
		for i := 0; i < len(b); {
			tag, s, e, p := Next(b, i)
			require.Equal(t, Fine, p)
			if tag.Number() == number {
				return b[s:e]
			}
			i = e
		}
		return nil
	}
	var v Value
	_, p := v.Read(within(within(within(within(wire, 1), 2), 2), 5))
	require.Equal(t, Fine, p)
	return v
}

func TestTextIsWhatIsShown(t *testing.T) {
	t.Parallel()
	v := bodyOf(t, func(b pcommon.Value) {
		m := b.SetEmptyMap()
		m.PutStr("say", "\"hi\"\nthere")
		m.PutEmpty("nothing")
		list := m.PutEmptySlice("list")
		list.AppendEmpty().SetInt(-7)
		list.AppendEmpty().SetBool(true)
		list.AppendEmpty().SetEmptyMap()
		list.AppendEmpty().SetEmptySlice()
		list.AppendEmpty().SetEmptyBytes().FromRaw([]byte{1, 2})
		list.AppendEmpty().SetDouble(1)
	})
	require.Equal(t, "x{\"say\":\"\"hi\"\nthere\",\"nothing\":null,\"list\":[-7,true,{},[],\"AQI=\",1]}", string(AppendText([]byte("x"), v, "")))
	require.Equal(t, "x{\"say\": \"\"hi\"\nthere\", \"nothing\": null, \"list\": [-7, true, {}, [], \"AQI=\", 1]}", string(AppendText([]byte("x"), v, " ")))
	require.Equal(t, "plain", string(AppendText(nil, Value{Type: String, Raw: []byte("plain")}, " ")))
}

func TestDoublesAreWrittenAsInJSON(t *testing.T) {
	t.Parallel()
	text := func(x float64) string {
		return string(AppendText(nil, Value{Type: Double, Num: math.Float64bits(x)}, ""))
	}
	for _, x := range []float64{0, 1, -1, 0.1, 1e-6, 1e-7, 9.5e-9, -3e-10, 1e20, 1e21, 123456789e100, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		want, err := json.Marshal(x)
		require.NoError(t, err)
		require.Equal(t, string(want), text(x), strconv.FormatFloat(x, 'g', -1, 64))
	}
	require.Equal(t, `"NaN"`, text(math.NaN()))
	require.Equal(t, `"-Infinity"`, text(math.Inf(-1)))
	require.Equal(t, `"Infinity"`, text(math.Inf(1)))
}
