package segment

import (
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// FormatVersion is what Encode writes.
const FormatVersion = container.FormatVersion

// MaxItems bounds one segment.
const MaxItems = container.MaxItems

// MaxItemBytes bounds the protobuf of one span, log record or data point. A segment holds at most twice as much, unless its items came
// out of segments already.
const MaxItemBytes = 8 << 20

// ServiceStats says what a segment holds of one service; readers prune by it.
type ServiceStats struct {
	ID               int64
	Items            int32
	MaxDuration      int64 // spans, ns
	MaxErrorDuration int64 // spans with status error, ns; -1 without one
}

// Header is what PostgreSQL keeps in typed columns beside the bytes; the planner and the reader prune by it.
type Header struct {
	Tenant      telemetry.Tenant
	Signal      telemetry.Signal
	Level       int // 0 flush, 1 closed minute, 2 closed hour
	Format      int
	MinTime     int64 // of ColTime, Unix ns, inclusive
	MaxTime     int64 // inclusive
	Items       int
	Errors      int            // spans with status error; records of severity ≥ 17
	Roots       int            // spans without a parent
	Services    []ServiceStats // sorted by ID
	MinPosition int64
	MaxPosition int64
	Checksum    int64 // XXH3-64 of directory and body
}

// Segment is the encoded form of one row of spans_segment, logs_segment or metrics_segment.
type Segment struct {
	Header
	TraceFilter []byte // split-block Bloom filter over trace ids; empty where there are none
	TokenFilter []byte // split-block Bloom filter over Value.Hash and words of log bodies; empty where it is in a Group
	Directory   []byte
	Body        []byte

	traces, tokens []uint64 // what the filters are made of; kept for NewGroup where the level is 2
}
