package schema

// Tables that Go code names. All are in schema public; SQL files name the others.
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

	RedMinute   = "red_minute"
	IngestBatch = "ingest_batch"

	RetentionPolicy = "retention_policy"
	JanitorAudit    = "janitor_audit"
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
