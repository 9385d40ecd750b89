package otlp

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// FuzzNext compares the reader with that of Google's library. They differ in groups, which are
// refused here, and in numbers of more than 29 bits, which Google's passes.
func FuzzNext(f *testing.F) {
	for _, b := range [][]byte{
		{0},
		{7},
		{8, 1},
		{8, 0x80},
		{9, 1, 2, 3, 4, 5, 6, 7, 8},
		{9, 1},
		{10, 2, 'h', 'i'},
		{10, 5, 'h'},
		{13, 1, 2, 3, 4},
		{0x0b, 0x0c},
		{0x0c},
		{0x0e},
		{0x0f},
		{0x88, 0x00, 5},
		{0x82, 0x00},
		{0x80, 0x80, 0x80, 0x80, 0x10, 1},
		{0xf8, 0xff, 0xff, 0xff, 0x0f, 1},
		{0xf8, 0xff, 0xff, 0xff, 0x1f, 1},
		append([]byte{8}, bytes.Repeat([]byte{0xff}, 9)...), append(append([]byte{8}, bytes.Repeat([]byte{0xff}, 9)...), 1),
		append(append([]byte{8}, bytes.Repeat([]byte{0xff}, 9)...), 2), append([]byte{10}, bytes.Repeat([]byte{0xff}, 9)...),
		{10, 0x82, 0x00, 'h', 'i'},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		tag, s, e, p := Next(b, 0)
		number, kind, n := protowire.ConsumeTag(b)
		if kind == protowire.StartGroupType || kind == protowire.EndGroupType || number > protowire.MaxValidNumber {
			require.NotEqual(t, Fine, p)
			return
		}
		var m int
		if n >= 0 {
			m = protowire.ConsumeFieldValue(number, kind, b[n:])
		}
		if n < 0 || m < 0 {
			require.NotEqual(t, Fine, p)
			require.LessOrEqual(t, s, len(b))
			return
		}
		require.Equal(t, Fine, p)
		require.EqualValues(t, number, tag.Number())
		require.EqualValues(t, kind, tag.Wire())
		require.Equal(t, n+m, e)
		switch kind {
		case protowire.VarintType:
			v, _ := protowire.ConsumeVarint(b[n:])
			require.Equal(t, v, Number(b, s))
			require.Len(t, AppendUvarint(nil, v), UvarintLen(v))
			require.Equal(t, protowire.AppendVarint(nil, v), AppendUvarint(nil, v))
		case protowire.Fixed64Type:
			v, _ := protowire.ConsumeFixed64(b[n:])
			require.Equal(t, v, Fixed64(b, s))
		case protowire.Fixed32Type:
			v, _ := protowire.ConsumeFixed32(b[n:])
			require.Equal(t, v, Fixed32(b, s))
		case protowire.BytesType:
			v, _ := protowire.ConsumeBytes(b[n:])
			require.True(t, bytes.Equal(v, b[s:e]))
			if end, ok := Short(b, 0, tag); ok && tag < 0x80 { // what it is made for
				require.Equal(t, e, end)
				require.Equal(t, 2, s)
			}
		case protowire.StartGroupType, protowire.EndGroupType:
		}
	})
}

func TestSint32(t *testing.T) {
	t.Parallel()
	for _, v := range []int32{0, 1, -1, math.MaxInt32, math.MinInt32, -64} {
		require.Equal(t, v, Sint32(FromSint32(v)))
		require.Equal(t, protowire.EncodeZigZag(int64(v)), FromSint32(v))
	}
}
