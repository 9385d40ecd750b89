package engine

import (
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// One question's sight of the database, and what it cost until now.

// Snapshot is one question's consistent sight of the database: a read-only REPEATABLE READ transaction. One goroutine uses it; decoding is
// parallel inside of a scan.
type Snapshot struct {
	engine     *Engine
	tx         pgx.Tx
	mode       pgx.QueryExecMode // of cursors, which are no statements to prepare
	list       pgx.QueryExecMode // of statements that take lists of ids
	deadline   time.Time         // when a scan ends by itself
	cursorOpen bool
	long       bool   // it is about a long range
	share      *share // of the memory that its tenant's questions have

	mu   sync.Mutex
	kept map[*segment.Table]int64 // with rows of items that were read when they were found, and what each is charged

	held      int64    // bytes of figures until the question is answered, which it is charged
	crowded   bool     // what had no room last had none beside others of its tenant
	fromCache int64    // and bytes of what is remembered of segments that it holds
	last      []func() // which let go of that

	segmentsInRange int
	segmentsRead    map[[16]byte]bool // a question that scans twice reads some twice
	items           int64
	void            int64 // of these, what came to nothing
	counted         bool  // something of what was told was remembered of segments, or read from them
	rolled          bool  // or comes from rollups
	bytes           int64
	highest         int64
	cut             *Cut

	heard    [3]heard                      // of the queues, before the snapshot was taken
	standing map[telemetry.Signal]standing // nil: not asked yet
}

// Reason is why an answer is incomplete.
type Reason string

// The reasons for which a scan ends by itself.
const (
	ScanBudget Reason = "scan_budget"
	Timeout    Reason = "timeout"
	Memory     Reason = "limit" // of what a question may hold
)

// Cut says that what was found is not all there is.
type Cut struct {
	Reason  Reason
	Message string
	Since   *int64 // of a fold: Unix ns from which on it holds everything
}

// Cut is nil unless a scan ended by itself.
func (s *Snapshot) Cut() *Cut { return s.cut }

// CutAt says from when on the figures of a question that was cut are whole, Unix ns.
func (s *Snapshot) CutAt(since int64) { s.cut.Since = &since }

// CutToFit says that figures are of the range from an instant on, Unix ns, because those of all of it take more memory than there is. What was looked at for
// these came to nothing, and is not counted in the budget of what is looked at instead.
func (s *Snapshot) CutToFit(since int64) {
	s.void = s.items
	s.cut = &Cut{Reason: Memory, Message: "what is counted takes more memory than one query may hold, or than others leave", Since: &since}
}

// BeginAnew gives the question its budget again, for a second look at what was found.
func (s *Snapshot) BeginAnew() { s.void = s.items }

// Half leaves the question half of the time that it has left, until it is given the other half as well.
func (s *Snapshot) Half() (all func()) {
	deadline, now := s.deadline, s.engine.now()
	s.deadline = now.Add(deadline.Sub(now) / 2)
	return func() { s.deadline = deadline }
}

// CutBefore says that figures are of the range from an instant on, Unix ns, because those of an earlier page were.
func (s *Snapshot) CutBefore(since int64) {
	s.cut = &Cut{Reason: Memory, Message: "what is counted is that of the time from then on, as an earlier page said", Since: &since}
}

// HighestPosition is the highest ingest position that the range of the first query held, to pin the pages of a list; 0 before the first scan.
func (s *Snapshot) HighestPosition() int64 { return s.highest }

// release gives back all that the question holds.
func (s *Snapshot) release() {
	s.drop(nil)
	s.letGo(s.held)
	for _, let := range s.last {
		let()
	}
	s.last = nil
}

// later calls f when the question is answered.
func (s *Snapshot) later(f func()) { s.last = append(s.last, f) }

// Stats are the figures of a question.
type Stats struct {
	Items          int64 // looked at, one by one
	SegmentsRead   int   // whose bodies were read
	SegmentsPruned int   // in the range, but not read
	Bytes          int64 // fetched
	OfRollups      bool  // something was told by rollups
	OfSegments     bool  // something was read of segments, or is remembered of them
}

// Stats are the figures until now.
func (s *Snapshot) Stats() Stats {
	return Stats{
		Items: s.items, SegmentsRead: len(s.segmentsRead), SegmentsPruned: max(s.segmentsInRange-len(s.segmentsRead), 0), Bytes: s.bytes,
		OfRollups: s.rolled, OfSegments: s.counted || len(s.segmentsRead) > 0,
	}
}

// Exhausted reports whether the question has spent its budget or its time, and notes it for the answer.
func (s *Snapshot) Exhausted(q *Query) bool {
	budget := s.engine.set.ScanBudget
	if q.MaxItems > 0 {
		budget = min(budget, q.MaxItems)
	}
	switch {
	case q.Whole:
		return false
	case s.items-s.void >= budget:
		s.cut = &Cut{Reason: ScanBudget, Message: fmt.Sprintf("%d items were looked at, the most that one query may", s.items-s.void)}
	case s.late():
		s.cut = &Cut{Reason: Timeout, Message: "the query's time is over"}
	default:
		return false
	}
	return true
}

func (s *Snapshot) late() bool { return !s.engine.now().Before(s.deadline) }

func (s *Snapshot) account(w *wave) {
	if s.segmentsRead == nil {
		s.segmentsRead = map[[16]byte]bool{}
	}
	for i, h := range w.headers {
		if len(w.parts[i]) == 0 { // its header told all
			continue
		}
		s.segmentsRead[h.id] = true
		s.items += int64(h.items)
	}
	s.bytes += w.bytes
}
