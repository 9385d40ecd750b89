package janitor

import "go.opentelemetry.io/otel/metric"

// instruments are the janitor's metrics.
type instruments struct {
	Merges     metric.Int64Counter     `metric:"olly.janitor.merges" labels:"signal, level (1 put together, 2 settled)" doc:"Merges committed; a segment that is put by as it is counts as one."`
	Read       metric.Int64Counter     `metric:"olly.janitor.merge.read" labels:"signal, level" doc:"Segments replaced by merges."`
	Written    metric.Int64Counter     `metric:"olly.janitor.merge.written" labels:"signal, level" doc:"Segments written by merges."`
	Items      metric.Int64Counter     `metric:"olly.janitor.merge.items" labels:"signal, level" doc:"Items in merged segments."`
	Duration   metric.Float64Histogram `metric:"olly.janitor.merge.duration" unit:"s" doc:"One merge, from reading to commit."`
	Damaged    metric.Int64Counter     `metric:"olly.janitor.damaged" labels:"signal" doc:"Segments found that cannot be read."`
	Folds      metric.Int64Counter     `metric:"olly.janitor.folds" labels:"kind (red, edges, series, span_counts or log_counts), grain (hour or day)" doc:"Hours and days of rollups made of what they consist of."`
	Unfolded   metric.Int64Counter     `metric:"olly.janitor.folds.failed" labels:"kind, grain" doc:"Hours and days of rollups that could not be made, which the log tells of; what they consist of is read as it is, and they are tried again after an hour."`
	Traces     metric.Int64Counter     `metric:"olly.janitor.traces" doc:"Filters of the traces of an hour or a day made."`
	Slots      metric.Int64Counter     `metric:"olly.janitor.slots" labels:"signal, action (emptied, or busy: somebody had it open)" doc:"Slots of merged bodies that were to be emptied."`
	Partitions metric.Int64Counter     `metric:"olly.janitor.partitions" labels:"action (made or dropped)" doc:"Partitions made and dropped."`
	Failed     metric.Int64Counter     `metric:"olly.janitor.failed" doc:"Passes that ended with an error."`
}
