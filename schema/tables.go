package schema

import (
	"fmt"
	"time"
)

// Tables. All are in schema public.
const (
	SpansSegment   = "spans_segment"
	LogsSegment    = "logs_segment"
	MetricsSegment = "metrics_segment"

	SpansGroup   = "spans_group"
	LogsGroup    = "logs_group"
	MetricsGroup = "metrics_group"

	SpansFact   = "spans_fact"
	LogsFact    = "logs_fact"
	MetricsFact = "metrics_fact"

	TenantDim    = "tenant_dim"
	ServiceDim   = "service_dim"
	OperationDim = "operation_dim"
	ResourceDim  = "resource_dim"
	ScopeDim     = "scope_dim"
	SeriesDim    = "series_dim"

	RedMinute         = "red_minute"
	ServiceEdgeMinute = "service_edge_minute"
	IngestBatch       = "ingest_batch"

	RetentionPolicy = "retention_policy"
	JanitorAudit    = "janitor_audit"
	APIKey          = "api_key"
	SavedQuery      = "saved_query"
)

// Tables are those that hold one signal.
type Tables struct{ Segment, Group, Fact string }

// TablesOf names the tables of a signal by the signal's name: traces, logs or metrics. Of anything else there are none.
func TablesOf(signal string) Tables {
	switch signal {
	case "traces":
		return Tables{Segment: SpansSegment, Group: SpansGroup, Fact: SpansFact}
	case "logs":
		return Tables{Segment: LogsSegment, Group: LogsGroup, Fact: LogsFact}
	case "metrics":
		return Tables{Segment: MetricsSegment, Group: MetricsGroup, Fact: MetricsFact}
	}
	return Tables{}
}

// Leaf is the span of time of a partitioned table's leaves.
type Leaf uint8

// The leaves. A table of hour leaves has days above them: the day is the unit of retention.
const (
	Day Leaf = iota
	Hour
)

// Duration of a leaf.
func (l Leaf) Duration() time.Duration {
	if l == Hour {
		return time.Hour
	}
	return 24 * time.Hour
}

// Partitioned lists the partitioned tables with their leaves, as the table partitioned_table does.
func Partitioned() map[string]Leaf {
	return map[string]Leaf{
		SpansSegment: Day, LogsSegment: Day, MetricsSegment: Day,
		SpansGroup: Day, LogsGroup: Day, MetricsGroup: Day,
		SpansFact: Hour, LogsFact: Hour, MetricsFact: Hour,
		RedMinute: Day, ServiceEdgeMinute: Day, IngestBatch: Day,
	}
}

// LeafName names the leaf of table that holds the instant t, as the SQL function ensure_partition does:
// spans_segment_y2026_m11_d23, spans_fact_y2026_m11_d23_h05. A table that is not partitioned is its own leaf.
func LeafName(table string, t time.Time) string {
	leaf, ok := Partitioned()[table]
	if !ok {
		return table
	}
	t = t.UTC()
	name := fmt.Sprintf("%s_y%04d_m%02d_d%02d", table, t.Year(), t.Month(), t.Day())
	if leaf == Hour {
		name += fmt.Sprintf("_h%02d", t.Hour())
	}
	return name
}

// DayBounds are the first instant of t's UTC day and of the next, in Unix nanoseconds.
func DayBounds(t time.Time) (from, to int64) { return bounds(t, 24*time.Hour) }

// HourBounds are the first instant of t's UTC hour and of the next, in Unix nanoseconds.
func HourBounds(t time.Time) (from, to int64) { return bounds(t, time.Hour) }

// bounds: Unix time has no leap seconds, so every UTC day has 86,400 s and truncation of the count is truncation of the calendar.
func bounds(t time.Time, d time.Duration) (from, to int64) {
	ns := t.UnixNano()
	from = ns - ns%int64(d)
	if ns < 0 && from != ns {
		from -= int64(d)
	}
	return from, from + int64(d)
}
