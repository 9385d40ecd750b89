package segmentrow

// Where bodies are. A body is written once: into a slot of the ring of fresh bodies when its segment will be merged, which is emptied as a whole
// once no header names it; into the leaf of its day when it is settled. A header says which, and never another: what moves a body gives its
// segment another id, as a merge does, so that a header that is remembered stays true.

import (
	"fmt"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// Levels of a segment, in its header.
const (
	LevelFlush    = 0 // as a writer wrote it
	LevelGathered = 1 // put together from a minute's
	LevelSettled  = 2 // merged no more
)

// SlotOf is where the body of a segment of a level goes that is written now. It depends on the clock of who writes and on nothing else: writers
// need not agree.
func SlotOf(level int, now time.Time) int {
	switch level {
	case LevelFlush:
		return int(now.Unix() / 60 % schema.MinuteSlots)
	case LevelGathered:
		return schema.MinuteSlots + int(now.Unix()/3600%schema.HourSlots)
	}
	return schema.Settled
}

// Leaf is the table in which the body of a row is; ID, Slot and MinTime say so.
func Leaf(signal telemetry.Signal, slot int, minTime int64) string {
	tables := schema.TablesOf(signal.String())
	if slot == schema.Settled {
		return schema.DayLeaf(tables.Body, minTime)
	}
	return schema.FreshLeaf(tables.Fresh, slot)
}

// From is what a SELECT of bodies is from: the headers by the name s, each with its body, whichever of all slots and days it is in. Who knows the
// leaf reads that instead. OFFSET 0 keeps this a look-up by primary key for each header.
func From(signal telemetry.Signal) string {
	return FromFresh(signal) + fmt.Sprintf(`
LEFT JOIN LATERAL (
  SELECT b.body FROM public.%s AS b WHERE s.slot = %d AND b.tenant_id = s.tenant_id AND b.segment_id = s.segment_id AND b.min_time = s.min_time
    AND b.placement = s.placement OFFSET 0
) AS settled ON true`, schema.TablesOf(signal.String()).Body, schema.Settled)
}

// FromFresh is From without the days: a settled segment has no body there.
func FromFresh(signal telemetry.Signal) string {
	t := schema.TablesOf(signal.String())
	return fmt.Sprintf(`public.%s AS s
LEFT JOIN LATERAL (
  SELECT f.body FROM public.%s AS f WHERE f.slot = s.slot AND f.tenant_id = s.tenant_id AND f.segment_id = s.segment_id AND f.placement = s.placement OFFSET 0
) AS fresh ON true`, t.Segment, t.Fresh)
}

// body is the column that no header has; freshBody that of who reads from FromFresh.
func body() column[Row] {
	return column[Row]{name: "body", kind: bytea, at: func(r *Row) any { return &r.Body }, sql: `coalesce(fresh.body, settled.body, '')`}
}

func freshBody() column[Row] {
	b := body()
	b.sql = `coalesce(fresh.body, '')`
	return b
}

// freshColumns are those of the fresh tables, settledColumns of the body tables.
func freshColumns() [5]column[Row] {
	return [...]column[Row]{
		{name: "slot", kind: smallint, at: func(r *Row) any { return &r.Slot }},
		{name: "tenant_id", kind: text, at: func(r *Row) any { return &r.Tenant }},
		{name: "segment_id", kind: id, at: func(r *Row) any { return &r.ID }},
		{name: "body", kind: bytea, at: func(r *Row) any { return &r.Body }},
		{name: "placement", kind: text, at: func(r *Row) any { return &r.Placement }},
	}
}

func settledColumns() [5]column[Row] {
	return [...]column[Row]{
		{name: "tenant_id", kind: text, at: func(r *Row) any { return &r.Tenant }},
		{name: "segment_id", kind: id, at: func(r *Row) any { return &r.ID }},
		{name: "min_time", kind: bigint, at: func(r *Row) any { return &r.MinTime }},
		{name: "body", kind: bytea, at: func(r *Row) any { return &r.Body }},
		{name: "placement", kind: text, at: func(r *Row) any { return &r.Placement }},
	}
}
