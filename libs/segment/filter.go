package segment

import "encoding/binary"

// Split-block Bloom filters as Parquet has them: blocks of 32 bytes, in each of whose eight 32-bit little-endian words one bit is set
// per entry. A lookup reads one block, which in PostgreSQL is one TOAST chunk.
const (
	filterBlock     = 32
	traceFilterBits = 12 // per distinct trace: 0.5 % false positives
	tokenFilterBits = 11 // per distinct token: 0.9 %
	groupTokenBits  = 14 // in a Group, which lives for long: 0.26 %, and half the reads in vain are worth 0.3 B a span (ADR-011)
)

// salts of Parquet's specification.
func salts() [8]uint32 {
	return [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}
}

// hashSet is a set of 64-bit hashes.
type hashSet struct {
	slots []uint64
	list  []uint64
}

func (s *hashSet) reset() {
	if len(s.slots) == 0 {
		s.slots = make([]uint64, 1024)
	}
	clear(s.slots)
	s.list = s.list[:0]
}

func (s *hashSet) add(h uint64) {
	if h == 0 {
		h = 1 // 0 marks a free slot; probing uses the true hash, so this one is only ever a superfluous entry
		s.list = append(s.list, 0)
	}
	mask := uint64(len(s.slots) - 1)
	at := h & mask
	for s.slots[at] != 0 {
		if s.slots[at] == h {
			return
		}
		at = (at + 1) & mask
	}
	s.slots[at] = h
	s.list = append(s.list, h)
	if len(s.list)*2 > len(s.slots) {
		s.slots = make([]uint64, 2*len(s.slots))
		mask = uint64(len(s.slots) - 1)
		for _, h := range s.list {
			at := h & mask
			for s.slots[at] != 0 {
				at = (at + 1) & mask
			}
			if h != 0 {
				s.slots[at] = h
			}
		}
	}
}

// makeFilter builds a filter over hashes; nil when there are none.
func makeFilter(hashes []uint64, bitsEach int) []byte {
	if len(hashes) == 0 {
		return nil
	}
	blocks := filterBlocks(len(hashes), bitsEach)
	f := make([]byte, blocks*filterBlock)
	for _, h := range hashes {
		setBits(f[filterAt(h, blocks)*filterBlock:], h)
	}
	return f
}

// filterBlocks is how many blocks a filter of n hashes has.
func filterBlocks(n, bitsEach int) int { return (n*bitsEach + filterBlock*8 - 1) / (filterBlock * 8) }

// filterAt is the block that a hash meets.
func filterAt(hash uint64, blocks int) int { return int((hash >> 32) * uint64(blocks) >> 32) }

// setBits enters a hash into the block with which b begins.
func setBits(b []byte, hash uint64) {
	b = b[:filterBlock:filterBlock]
	salt := salts()
	for i := range salt {
		bit := uint32(hash) * salt[i] >> 27
		b[i*4+int(bit>>3)] |= 1 << (bit & 7)
	}
}

// MayContain tests a split-block Bloom filter; an empty filter may contain everything.
func MayContain(filter []byte, hash uint64) bool {
	blocks := len(filter) / filterBlock
	if blocks == 0 {
		return true
	}
	b := filter[filterAt(hash, blocks)*filterBlock:][:filterBlock]
	salt := salts()
	for i := range salt {
		if binary.LittleEndian.Uint32(b[i*4:])>>(uint32(hash)*salt[i]>>27)&1 == 0 {
			return false
		}
	}
	return true
}

// Probe gives what a test in SQL needs: with n = octet_length(filter)/32, block = (hi * n) >> 32, bytes substring(filter from block*32+1 for 32)
// must have all eight bits (numbers for get_bit within those 32 bytes) set.
func Probe(hash uint64) (hi uint32, bits [8]int) {
	salt := salts()
	for i := range salt {
		bits[i] = i*32 + int(uint32(hash)*salt[i]>>27)
	}
	return uint32(hash >> 32), bits
}
