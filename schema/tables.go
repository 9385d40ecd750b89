package schema

import (
	"fmt"
	"time"
)

// Tables that Go code names. All are in schema public; SQL files name the others.
const (
	SpansSegment   = "spans_segment"
	LogsSegment    = "logs_segment"
	MetricsSegment = "metrics_segment"

	SpansGroup   = "spans_group"
	LogsGroup    = "logs_group"
	MetricsGroup = "metrics_group"

	SpansFresh   = "spans_fresh"
	LogsFresh    = "logs_fresh"
	MetricsFresh = "metrics_fresh"

	SpansBody   = "spans_body"
	LogsBody    = "logs_body"
	MetricsBody = "metrics_body"

	SpansFact   = "spans_fact"
	LogsFact    = "logs_fact"
	MetricsFact = "metrics_fact"

	Rollup      = "rollup"
	TraceTime   = "trace_time"
	IngestBatch = "ingest_batch"

	RetentionPolicy = "retention_policy"
	JanitorAudit    = "janitor_audit"
)

// Tables are those that hold one signal: headers of segments, filters of groups, bodies that will be merged, bodies that are settled, rows.
type Tables struct{ Segment, Group, Fresh, Body, Fact string }

// TablesOf names the tables of a signal by the signal's name: traces, logs or metrics. Of anything else there are none.
func TablesOf(signal string) Tables {
	switch signal {
	case "traces":
		return Tables{Segment: SpansSegment, Group: SpansGroup, Fresh: SpansFresh, Body: SpansBody, Fact: SpansFact}
	case "logs":
		return Tables{Segment: LogsSegment, Group: LogsGroup, Fresh: LogsFresh, Body: LogsBody, Fact: LogsFact}
	case "metrics":
		return Tables{Segment: MetricsSegment, Group: MetricsGroup, Fresh: MetricsFresh, Body: MetricsBody, Fact: MetricsFact}
	}
	return Tables{}
}

// Slots of a Fresh table: the first are of the minutes in which writers write, the others of the hours in which the janitor puts together what a
// minute has. A slot's leaf is emptied as a whole once no segment names it.
const (
	MinuteSlots = 8
	HourSlots   = 4
	Slots       = MinuteSlots + HourSlots

	// Settled is what a segment has for a slot when its body is in the Body table.
	Settled = -1
)

// FreshLeaf is the leaf of a Fresh table that holds a slot.
func FreshLeaf(table string, slot int) string { return fmt.Sprintf("%s_%02d", table, slot) }

// DayLeaf is the leaf of a table of days that holds an instant, Unix ns, as the function partition_name of the database names it.
func DayLeaf(table string, at int64) string {
	return table + time.Unix(0, at).UTC().Format("_y2006_m01_d02")
}

// MonthLeaf is the leaf of a table of months that holds an instant, Unix ns, as the function partition_name of the database names it.
func MonthLeaf(table string, at int64) string {
	return table + time.Unix(0, at).UTC().Format("_y2006_m01")
}
