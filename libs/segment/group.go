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

// Union is one filter of the traces of many segments: one look tells that none of them has a trace. It is a filter like a segment's (MayContain,
// Probe).
type Union struct{ Filter []byte }

// mostUnion is the most bytes of a Union. Of more traces than that is enough for it lets more pass in vain.
const mostUnion = 64 << 20

// unionLeastBits are what a trace gets at least.
const unionLeastBits = 8

// NewUnion makes room for at most so many traces of so many items: 12 bits each (0.5 % pass in vain), but no more than 0.2 B an item, nor less than
// 8 bits each (3.5 %).
func NewUnion(traces, items int) *Union {
	bits := min(max(8*items/(5*max(traces, 1)), unionLeastBits), filter.TraceBits)
	return &Union{filter.Empty(min(traces, mostUnion*8/bits), bits)}
}

// Add enters a trace id. The one of zeros, which is none, is not entered.
func (u *Union) Add(id [16]byte) {
	if id != [16]byte{} {
		filter.Enter(u.Filter, TraceHash(id))
	}
}

// TracesOf is at most how many traces a segment's trace filter, of so many bytes, is of.
func TracesOf(bytes int) int { return bytes * 8 / filter.TraceBits }
