package segment

// Group is the filters of several segments, side by side: block 0 of each, in their order, then block 1 of each, and so on. All have
// the same number of blocks, so that a hash meets the same block in every segment, and one run of 32 bytes a segment answers for
// all of them (docs/segment-format.md, section 10).
type Group struct {
	TraceBlocks, TokenBlocks int // of each segment
	TraceFilter, TokenFilter []byte
}

// NewGroup makes the group of segments that Encode made with level 2, and takes their token filters out of them: they are in the group
// then. Every segment is given as many blocks as the largest one of them needs, but not more than twice the average: one segment of
// random values must not blow up the filters of all.
func NewGroup(segments []*Segment) *Group {
	g := &Group{}
	lists := func(of func(*Segment) []uint64, bitsEach int) (int, []byte) {
		blocks, total := 0, 0
		for _, s := range segments {
			need := filterBlocks(len(of(s)), bitsEach)
			blocks, total = max(blocks, need), total+need
		}
		blocks = min(blocks, (2*total+len(segments)-1)/len(segments))
		f := make([]byte, blocks*len(segments)*filterBlock)
		for i, s := range segments {
			for _, h := range of(s) {
				setBits(f[(filterAt(h, blocks)*len(segments)+i)*filterBlock:], h)
			}
		}
		return blocks, f
	}
	g.TraceBlocks, g.TraceFilter = lists(func(s *Segment) []uint64 { return s.traces }, traceFilterBits)
	g.TokenBlocks, g.TokenFilter = lists(func(s *Segment) []uint64 { return s.tokens }, groupTokenBits)
	for _, s := range segments {
		s.TokenFilter, s.traces, s.tokens = nil, nil, nil
	}
	return g
}

// MayContainAt tests a hash for segment i of a group: run is the blocks of all its segments that the hash meets. An empty run may
// contain everything.
func MayContainAt(run []byte, i int, hash uint64) bool {
	if len(run) < (i+1)*filterBlock {
		return true
	}
	return MayContain(run[i*filterBlock:(i+1)*filterBlock], hash)
}
