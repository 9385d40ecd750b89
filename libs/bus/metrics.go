package bus

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// instruments are the bus's metrics; names are stable.
type instruments struct {
	published  metric.Int64Counter     // olly.bus.published: batches acknowledged by NATS, by signal and duplicate
	bytes      metric.Int64Counter     // olly.bus.published.bytes: compressed bodies, by signal
	failed     metric.Int64Counter     // olly.bus.publish.failed: batches not acknowledged, by signal and class
	duration   metric.Float64Histogram // olly.bus.publish.duration: seconds from publish to the last PubAck
	delivered  metric.Int64Counter     // olly.bus.delivered: deliveries handed to a writer, by signal
	settled    metric.Int64Counter     // olly.bus.settled: by signal and outcome (ack, retry, dead)
	redelivery metric.Int64Counter     // olly.bus.redelivered: deliveries after the first, by signal
}

func newInstruments(meter metric.Meter) (*instruments, error) {
	var m instruments
	var errs [7]error
	m.published, errs[0] = meter.Int64Counter("olly.bus.published", metric.WithDescription("Batches acknowledged by the bus."))
	m.bytes, errs[1] = meter.Int64Counter("olly.bus.published.bytes", metric.WithUnit("By"), metric.WithDescription("Compressed bytes acknowledged by the bus."))
	m.failed, errs[2] = meter.Int64Counter("olly.bus.publish.failed", metric.WithDescription("Batches the bus did not take."))
	m.duration, errs[3] = meter.Float64Histogram("olly.bus.publish.duration", metric.WithUnit("s"), metric.WithDescription("From publishing a request's batches to the last acknowledgement."))
	m.delivered, errs[4] = meter.Int64Counter("olly.bus.delivered", metric.WithDescription("Batches handed to a writer."))
	m.settled, errs[5] = meter.Int64Counter("olly.bus.settled", metric.WithDescription("Deliveries settled, by outcome: ack, retry or dead."))
	m.redelivery, errs[6] = meter.Int64Counter("olly.bus.redelivered", metric.WithDescription("Deliveries after the first of a batch."))
	return &m, errors.Join(errs[:]...)
}
