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

// SegmentColumns are the columns of the three segment tables in their physical order, without the last, SegmentGroupColumn.
func SegmentColumns() []string {
	return []string{
		"tenant_id", "segment_id", "min_time", "max_time", "min_position", "max_position", "checksum", "items", "errors", "roots",
		"level", "format", "service_ids", "service_items", "service_max_duration", "service_max_error_duration",
		"trace_filter", "token_filter", "directory", "body",
	}
}

// SegmentGroupColumn is the last column of the segment tables: the group that a segment is in, null for none.
const SegmentGroupColumn = "group_id"

// GroupColumns are the columns of the three group tables in their physical order.
func GroupColumns() []string {
	return []string{
		"tenant_id", "group_id", "min_time", "max_time", "trace_blocks", "token_blocks", "segments", "trace_filter", "token_filter",
	}
}

// SpansFactColumns are the columns of spans_fact in their physical order.
func SpansFactColumns() []string {
	return []string{
		"start_time_unix_nano", "duration_nano", "trace_id", "span_id", "parent_span_id", "service_id", "operation_id",
		"resource_id", "scope_id", "flags", "dropped_attributes_count", "dropped_events_count", "dropped_links_count", "kind",
		"status_code", "tenant_id", "connection_id", "status_message", "trace_state", "attributes", "events", "links",
	}
}

// LogsFactColumns are the columns of logs_fact in their physical order.
func LogsFactColumns() []string {
	return []string{
		"time_unix_nano", "observed_time_unix_nano", "trace_id", "span_id", "service_id", "resource_id", "scope_id", "flags",
		"dropped_attributes_count", "severity_number", "tenant_id", "connection_id", "severity_text", "event_name", "body",
		"body_json", "attributes",
	}
}

// MetricsFactColumns are the columns of metrics_fact in their physical order.
func MetricsFactColumns() []string {
	return []string{
		"time_unix_nano", "start_time_unix_nano", "series_id", "service_id", "value_int", "value_double", "count", "sum", "min",
		"max", "zero_count", "zero_threshold", "flags", "scale", "positive_offset", "negative_offset", "tenant_id",
		"connection_id", "explicit_bounds", "bucket_counts", "positive_bucket_counts", "negative_bucket_counts", "quantiles",
		"quantile_values", "exemplars",
	}
}

// RedMinuteColumns are the columns of red_minute in their physical order.
func RedMinuteColumns() []string {
	return []string{
		"minute", "service_id", "operation_id", "count", "errors", "duration_sum", "kind", "status", "tenant_id", "histogram",
	}
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
