package intern

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestIndex: an index and a map number the same entries, hashes that collide in slot and tag among them.
func TestIndex(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var x Index
	for _, n := range []int{3, 5000, 40, 40} { // what the large one needed is not kept for one small one after the other
		x.Reset(0)
		var hashes []uint64
		entries := map[uint64]uint32{}
		for range n {
			hash := uint64(r.IntN(n)) * 0x1_0000_0001 << r.IntN(3)
			at, tag := x.Find(hash)
			found := -1
			for ; x.Slots[at].Ref != 0; at = x.Next(at) {
				if s := x.Slots[at]; s.Tag == tag && hashes[s.Ref-1] == hash {
					found = int(s.Ref - 1)
					break
				}
			}
			if entry, ok := entries[hash]; ok {
				require.Equal(t, int(entry), found)
				continue
			}
			require.Equal(t, -1, found)
			entries[hash] = uint32(len(hashes))
			x.Put(at, tag, uint32(len(hashes)))
			hashes = append(hashes, hash)
			if x.Full() {
				x.Rebuild(hashes)
			}
		}
	}
	require.LessOrEqual(t, len(x.Slots), 256)
}
