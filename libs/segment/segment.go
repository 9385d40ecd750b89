package segment

import "github.com/ollyscale/ollyscale/libs/segment/internal/container"

// FormatVersion is what Encode writes.
const FormatVersion = container.FormatVersion

// MaxItems bounds one segment.
const MaxItems = container.MaxItems

// MaxItemBytes bounds the protobuf of one span, log record or data point. A segment holds at most five times as much, unless its items came
// out of segments already.
const MaxItemBytes = 8 << 20

// Segment is the encoded form of one row of spans_segment, logs_segment or metrics_segment.
type Segment struct {
	Header
	TraceFilter []byte // split-block Bloom filter over trace ids; empty where there are none
	TokenFilter []byte // split-block Bloom filter over Value.Hash and words of log bodies; empty where it is in a Group
	Directory   []byte
	Body        []byte

	traces, tokens []uint64 // what the filters are made of; kept for NewGroup where the level is 2
}
