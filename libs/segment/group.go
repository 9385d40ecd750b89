package segment

// Filters as readers and SQL see them (section 10 of docs/segment-format.md); internal/filter makes and tests them.

import "github.com/ollyscale/ollyscale/libs/segment/internal/filter"

// Group is the filters of several segments, side by side: block 0 of each, in their order, then block 1 of each, and so on. All have
// the same number of blocks, so that a hash meets the same block in every segment, and one run of 32 bytes a segment answers for
// all of them (docs/segment-format.md, section 10).
type Group struct {
	TraceBlocks, TokenBlocks int // of each segment
	TraceFilter, TokenFilter []byte
}

// NewGroup makes the group of segments that Encode made with level 2, and takes their token filters out of them: they are in the group
// then.
func NewGroup(segments []*Segment) *Group {
	traces, tokens := make([][]uint64, len(segments)), make([][]uint64, len(segments))
	for i, s := range segments {
		traces[i], tokens[i] = s.traces, s.tokens
		s.TokenFilter, s.traces, s.tokens = nil, nil, nil
	}
	g := &Group{}
	g.TraceBlocks, g.TraceFilter = filter.SideBySide(traces, filter.TraceBits)
	g.TokenBlocks, g.TokenFilter = filter.SideBySide(tokens, filter.GroupTokenBits)
	return g
}

// MayContain tests a filter of a segment for a hash (Token, TraceHash); an empty filter may contain everything.
func MayContain(bloom []byte, hash uint64) bool { return filter.MayContain(bloom, hash) }

// MayContainAt tests a hash for segment i of a group: run is the blocks of all its segments that the hash meets. An empty run may
// contain everything.
func MayContainAt(run []byte, i int, hash uint64) bool { return filter.MayContainAt(run, i, hash) }

// Probe gives what a test in SQL needs: with n = octet_length(filter)/32, block = (hi * n) >> 32, bytes substring(filter from block*32+1 for 32)
// must have all eight bits (numbers for get_bit within those 32 bytes) set.
func Probe(hash uint64) (hi uint32, bits [8]int) { return filter.Probe(hash) }
