package filter

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// probeAsSQL is the test that a query does in PostgreSQL: get_bit numbers bits from the lowest of each byte.
func probeAsSQL(filter []byte, hash uint64) bool {
	n := uint64(len(filter) / 32)
	hi, bits := Probe(hash)
	block := uint64(hi) * n >> 32
	part := filter[block*32 : block*32+32] // substring(filter from block*32+1 for 32)
	for _, bit := range bits {
		if part[bit/8]>>(bit%8)&1 == 0 {
			return false
		}
	}
	return true
}

func TestFilter(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 5, 100, 3000} {
		for bits, limit := range map[int]float64{TraceBits: 0.012, TokenBits: 0.016} {
			hashes := make([]uint64, n)
			for i := range hashes {
				hashes[i] = r.Uint64()
			}
			f := Make(hashes, bits)
			require.LessOrEqual(t, len(f), n*bits/8+32)
			for _, h := range hashes {
				require.True(t, MayContain(f, h))
				require.True(t, probeAsSQL(f, h))
			}
			wrong := 0
			const probes = 40000
			for range probes {
				h := r.Uint64()
				got := MayContain(f, h)
				require.Equal(t, got, probeAsSQL(f, h))
				if got {
					wrong++
				}
			}
			require.Less(t, float64(wrong)/probes, limit, "%d entries of %d bits", n, bits)
		}
	}
	require.True(t, MayContain(nil, 5), "no filter excludes nothing")
	require.Nil(t, Make(nil, 12))
}

// TestOneLongListDoesNotBlowUpAll: a segment of random values beside ordinary ones is given twice what they need on average.
func TestOneLongListDoesNotBlowUpAll(t *testing.T) {
	t.Parallel()
	lists := make([][]uint64, 20)
	for i := range lists {
		n := 1000
		if i == 7 {
			n = 100_000
		}
		for k := range n {
			lists[i] = append(lists[i], (uint64(i)<<32+uint64(k)+1)*0x9e3779b97f4a7c15)
		}
	}
	blocks, f := SideBySide(lists, GroupTokenBits)
	require.Less(t, blocks, blocksOf(100_000, GroupTokenBits)/4)
	for i, list := range lists {
		for _, h := range list {
			at := blockAt(h, blocks) * len(lists) * 32
			require.True(t, MayContainAt(f[at:at+len(lists)*32], i, h))
		}
	}
	require.True(t, MayContainAt(nil, 3, 1), "an empty group excludes nothing")
}

func TestHashes(t *testing.T) {
	t.Parallel()
	var s Hashes
	for range 2 { // the second time in memory that has grown
		s.Reset()
		var want []uint64
		for i := range uint64(5000) {
			h := i * 0x9e3779b97f4a7c15
			s.Add(h)
			s.Add(h)
			want = append(want, h)
		}
		require.Equal(t, want, s.List())
		f := Make(s.List(), TokenBits)
		for _, h := range want {
			require.True(t, MayContain(f, h))
		}
	}
}
