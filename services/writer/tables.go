package writer

import (
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

func segmentTable(s telemetry.Signal) string {
	switch s {
	case telemetry.Traces:
		return schema.SpansSegment
	case telemetry.Logs:
		return schema.LogsSegment
	case telemetry.Metrics:
		return schema.MetricsSegment
	}
	return ""
}

func factTable(s telemetry.Signal) string {
	switch s {
	case telemetry.Traces:
		return schema.SpansFact
	case telemetry.Logs:
		return schema.LogsFact
	case telemetry.Metrics:
		return schema.MetricsFact
	}
	return ""
}
