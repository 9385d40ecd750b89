// Package bus is the JetStream bus between ingest and writer: stream, subject and header names, Publisher, Consumer, Delivery,
// dead letters. It is the only importer of nats.go.
package bus
