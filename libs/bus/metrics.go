package bus

import "go.opentelemetry.io/otel/metric"

// instruments are the bus's metrics.
type instruments struct {
	Published  metric.Int64Counter     `metric:"olly.bus.published" labels:"signal, duplicate (true or false)" doc:"Batches acknowledged by the bus."`
	Messages   metric.Int64Counter     `metric:"olly.bus.published.messages" labels:"signal" doc:"Messages acknowledged by the bus, each of one or more batches."`
	Bytes      metric.Int64Counter     `metric:"olly.bus.published.bytes" unit:"By" labels:"signal" doc:"Compressed bytes acknowledged by the bus."`
	Failed     metric.Int64Counter     `metric:"olly.bus.publish.failed" labels:"signal, class (of the error)" doc:"Batches the bus did not take."`
	Duration   metric.Float64Histogram `metric:"olly.bus.publish.duration" unit:"s" doc:"From publishing a request's batches to the last acknowledgement."`
	Delivered  metric.Int64Counter     `metric:"olly.bus.delivered" labels:"signal" doc:"Batches handed to a writer."`
	Settled    metric.Int64Counter     `metric:"olly.bus.settled" labels:"signal, outcome (ack, retry, dead, parked or lost)" doc:"Deliveries settled."`
	Redelivery metric.Int64Counter     `metric:"olly.bus.redelivered" labels:"signal" doc:"Deliveries after the first of a batch."`

	DeadLost    metric.Int64Counter         `metric:"olly.bus.dead.lost" doc:"Dead letters given up: the oldest, for want of room, messages of strangers that could not be stored, or the bodies of those that are larger than a message may be now."`
	Snapshots   metric.Int64Counter         `metric:"olly.bus.snapshots" labels:"name, outcome (published, unchanged or failed; applied or refused)" doc:"Snapshots of the database published, and taken over by roles that have none."`
	SnapshotAge metric.Int64ObservableGauge `metric:"olly.bus.snapshot.age" unit:"s" labels:"name" doc:"Age of the snapshot that is in use; beyond a minute nobody publishes it anew."`
}
