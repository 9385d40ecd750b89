package packed

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsPackedIsUnpacked(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rand.IntN(256))
	}
	for _, raw := range [][]byte{{}, {1}, bytes.Repeat([]byte("abc"), 3000), bytes.Repeat([]byte("abc"), 30), make([]byte, 255), make([]byte, 256), noise} {
		blob, err := Pack(raw)
		require.NoError(t, err)
		require.LessOrEqual(t, len(blob), len(raw)+headBytes)
		memory := make([]byte, 0, 10)
		got, err := Unpack(&memory, blob)
		require.NoError(t, err)
		require.True(t, bytes.Equal(raw, got))
		for i := range blob {
			broken := slices.Clone(blob)
			broken[i] ^= 0x10
			if got, err := Unpack(new([]byte), broken); err == nil {
				require.True(t, bytes.Equal(raw, got), "byte %d", i)
			}
			_, err = Unpack(new([]byte), blob[:i])
			require.Error(t, err)
		}
	}
}

// What cannot be read again is not written.
func TestWhatIsPackedCanBeUnpacked(t *testing.T) {
	t.Parallel()
	raw := make([]byte, mostUnpacked+1)
	blob, err := Pack(raw[1:])
	require.NoError(t, err)
	got, err := Unpack(new([]byte), blob)
	require.NoError(t, err)
	require.Len(t, got, mostUnpacked)
	_, err = Pack(raw)
	require.True(t, ErrTooLarge.Matches(err), err)
}

// TestWhatIsUnpackedIsWhatIsSaid: a blob takes the memory that it says it comes to, which is no more than its bytes are worth.
func TestWhatIsUnpackedIsWhatIsSaid(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	bomb := []byte{zipped, 0, 0, 0, 0, 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58} // a frame that says nothing of what it comes to
	for range 1999 {
		bomb = append(bomb, 0x02, 0x00, 0x10, 'x') // a block of 128 KiB of one byte
	}
	bomb = append(bomb, 0x03, 0x00, 0x10, 'x')
	said := slices.Clone(bomb[:headBytes+4])
	said = append(said, 0xa0, 100, 0, 0, 0) // the same, and says that it comes to 100 bytes
	said = append(said, bomb[headBytes+6:]...)
	large := slices.Clone(said)
	binary.LittleEndian.PutUint32(large[headBytes+5:], mostUnpacked) // or to as many as any may have
	small, err := Pack(bytes.Repeat([]byte("abc"), 30))
	require.NoError(t, err)
	for name, blob := range map[string][]byte{
		"nothing said": bomb, "few said": said, "many said": large[:200], "skippable": {zipped, 0, 0, 0, 0, 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0},
		"more behind": append(slices.Clone(small), bomb[headBytes:]...),
	} {
		memory := make([]byte, 0, 64)
		_, _ = Unpack(&memory, small) // the decoder is made
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Unpack(&memory, blob)
		runtime.ReadMemStats(&after)
		require.True(t, ErrDamaged.Matches(err), "%s: %v", name, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), name)
	}
	dense := make([]byte, 64<<20) // comes to more than its bytes are worth: it is left as it is
	blob, err := Pack(dense)
	require.NoError(t, err)
	got, err := Unpack(new([]byte), blob)
	require.NoError(t, err)
	require.True(t, bytes.Equal(dense, got))
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	var b []byte
	for _, v := range []uint64{0, 127, 128, math.MaxUint64, 5, 6} {
		b = binary.AppendUvarint(b, v)
	}
	b = binary.AppendVarint(b, -70)
	b = append(b, 1, 7)
	r := Numbers{Rest: b}
	for _, v := range []uint64{0, 127, 128, math.MaxUint64} {
		require.Equal(t, v, r.Next())
	}
	require.Equal(t, 5, r.Below(5))
	require.Equal(t, 6, r.Below(6))
	require.EqualValues(t, -70, r.Signed())
	require.Equal(t, 1, r.Count())
	require.False(t, r.Bad)
	require.Zero(t, r.Below(6), "7 is more")
	require.True(t, r.Bad)
	require.Zero(t, r.Next())
	r = Numbers{Rest: []byte{0x80}}
	require.Zero(t, r.Next())
	require.True(t, r.Bad, "cut off")
	r = Numbers{Rest: []byte{9, 0, 0}}
	require.Zero(t, r.Count(), "more than there are bytes")
	require.True(t, r.Bad)
	r = Numbers{Rest: []byte{0}}
	require.Zero(t, r.Below(-1))
	require.True(t, r.Bad, "no number is less than 0")
}
