// Package filter implements section 10 of docs/segment-format.md but for what is hashed: split-block Bloom filters as Parquet has them,
// alone and side by side in groups. A filter is blocks of 32 bytes, in each of whose eight 32-bit little-endian words one bit is set per
// hash. A lookup reads one block, which in PostgreSQL is one TOAST chunk.
//
// Invariants: a filter never says no to a hash that it was made of; an empty one never says no; Probe asks SQL for the bits that
// MayContain tests.
package filter

import "encoding/binary"

// Bits per distinct hash.
const (
	TraceBits      = 12 // 0.5 % false positives
	TokenBits      = 11 // 0.9 %
	GroupTokenBits = 14 // in a group, which lives for long: 0.26 %, and half the reads in vain are worth 0.3 B a span (ADR-011)
)

const blockSize = 32

// salts of Parquet's specification.
func salts() [8]uint32 {
	return [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}
}

// Make builds a filter over hashes; nil when there are none.
func Make(hashes []uint64, bitsEach int) []byte {
	if len(hashes) == 0 {
		return nil
	}
	f := Empty(len(hashes), bitsEach)
	for _, h := range hashes {
		Enter(f, h)
	}
	return f
}

// Empty is a filter with room for n hashes, at least one, that has none yet: it says no to all of them.
func Empty(n, bitsEach int) []byte { return make([]byte, blocksOf(max(n, 1), bitsEach)*blockSize) }

// Enter enters a hash into a filter that Empty made.
func Enter(filter []byte, hash uint64) {
	setBits(filter[blockAt(hash, len(filter)/blockSize)*blockSize:], hash)
}

// blocksOf is how many blocks a filter of n hashes has.
func blocksOf(n, bitsEach int) int { return (n*bitsEach + blockSize*8 - 1) / (blockSize * 8) }

// blockAt is the block that a hash meets.
func blockAt(hash uint64, blocks int) int { return int((hash >> 32) * uint64(blocks) >> 32) }

// setBits enters a hash into the block with which b begins.
func setBits(b []byte, hash uint64) {
	b = b[:blockSize:blockSize]
	salt := salts()
	for i := range salt {
		bit := uint32(hash) * salt[i] >> 27
		b[i*4+int(bit>>3)] |= 1 << (bit & 7)
	}
}

// MayContain tests a filter; an empty one may contain everything.
func MayContain(filter []byte, hash uint64) bool {
	blocks := len(filter) / blockSize
	if blocks == 0 {
		return true
	}
	b := filter[blockAt(hash, blocks)*blockSize:][:blockSize]
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

// SideBySide makes one filter of several lists of hashes: block 0 of each, in their order, then block 1 of each, and so on, so that a hash meets
// the same block in every list and one run of 32 bytes a list answers for all. Every list is given as many blocks as the
// largest of them needs, but not more than twice the average: one list of random values must not blow up the filters of all.
func SideBySide(lists [][]uint64, bitsEach int) (blocks int, filter []byte) {
	total := 0
	for _, l := range lists {
		need := blocksOf(len(l), bitsEach)
		blocks, total = max(blocks, need), total+need
	}
	blocks = min(blocks, (2*total+len(lists)-1)/len(lists))
	filter = make([]byte, blocks*len(lists)*blockSize)
	for i, l := range lists {
		for _, h := range l {
			setBits(filter[(blockAt(h, blocks)*len(lists)+i)*blockSize:], h)
		}
	}
	return blocks, filter
}

// MayContainAt tests a hash for list i of a filter that SideBySide made: run is the blocks of all its lists that the hash meets. An empty run
// may contain everything.
func MayContainAt(run []byte, i int, hash uint64) bool {
	if len(run) < (i+1)*blockSize {
		return true
	}
	return MayContain(run[i*blockSize:(i+1)*blockSize], hash)
}
