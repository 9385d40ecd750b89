package janitor

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// instruments are the janitor's metrics; names are stable.
type instruments struct {
	merges     metric.Int64Counter     // olly.janitor.merges: transactions, by signal and level
	read       metric.Int64Counter     // olly.janitor.merge.read: segments replaced, by signal and level
	written    metric.Int64Counter     // olly.janitor.merge.written: segments written, by signal and level
	items      metric.Int64Counter     // olly.janitor.merge.items: items in them, by signal and level
	duration   metric.Float64Histogram // olly.janitor.merge.duration: seconds of one merge, read to commit
	damaged    metric.Int64Counter     // olly.janitor.damaged: segments that cannot be read, by signal
	partitions metric.Int64Counter     // olly.janitor.partitions: by action (made, dropped)
	failed     metric.Int64Counter     // olly.janitor.failed: passes that ended with an error
}

func newInstruments(meter metric.Meter) (*instruments, error) {
	var m instruments
	var errs [8]error
	m.merges, errs[0] = meter.Int64Counter("olly.janitor.merges", metric.WithDescription("Merges committed."))
	m.read, errs[1] = meter.Int64Counter("olly.janitor.merge.read", metric.WithDescription("Segments replaced by merges."))
	m.written, errs[2] = meter.Int64Counter("olly.janitor.merge.written", metric.WithDescription("Segments written by merges."))
	m.items, errs[3] = meter.Int64Counter("olly.janitor.merge.items", metric.WithDescription("Items in merged segments."))
	m.duration, errs[4] = meter.Float64Histogram("olly.janitor.merge.duration", metric.WithUnit("s"), metric.WithDescription("One merge, from reading to commit."))
	m.damaged, errs[5] = meter.Int64Counter("olly.janitor.damaged", metric.WithDescription("Segments found that cannot be read."))
	m.partitions, errs[6] = meter.Int64Counter("olly.janitor.partitions", metric.WithDescription("Partitions made and dropped."))
	m.failed, errs[7] = meter.Int64Counter("olly.janitor.failed", metric.WithDescription("Passes that ended with an error."))
	return &m, errors.Join(errs[:]...)
}
