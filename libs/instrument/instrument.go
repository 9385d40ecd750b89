// Package instrument makes metrics from the struct that declares them. A metric is one field, which is all that the instrument and its row
// in docs/metrics.md are made from:
//
//	type instruments struct {
//		Flushes metric.Int64Counter     `metric:"olly.writer.flushes" labels:"signal, outcome (ok or a class of error)" doc:"Flushes."`
//		Seconds metric.Float64Histogram `metric:"olly.writer.flush.duration" unit:"s" labels:"signal" doc:"…"`
//	}
//
// Names are stable. A histogram of seconds has bounds from a millisecond to 30 seconds, because those that OpenTelemetry gives one that names
// none begin at 5.
package instrument

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"go.opentelemetry.io/otel/metric"
)

// Declaration is what a field says of its metric.
type Declaration struct {
	Kind   string // the instrument's type: "Int64Counter"
	Name   string // "olly.writer.flushes"
	Unit   string // "s", "By"; empty for a count
	Labels string // the attributes, with their values where they are few: "signal, outcome (ok or a class of error)"
	Doc    string
}

// Read reads the tag of a field of type kind, false where it declares no metric.
func Read(kind string, tag reflect.StructTag) (Declaration, bool) {
	d := Declaration{Kind: kind, Name: tag.Get("metric"), Unit: tag.Get("unit"), Labels: tag.Get("labels"), Doc: tag.Get("doc")}
	return d, d.Name != ""
}

// Make fills the instruments of the struct that fields points to; they are exported fields. A field without the tag is left alone.
func Make(meter metric.Meter, fields any) error {
	v := reflect.ValueOf(fields).Elem()
	var errs []error
	for i := range v.NumField() {
		field := v.Type().Field(i)
		d, ok := Read(field.Type.Name(), field.Tag)
		if !ok {
			continue
		}
		made, err := d.Make(meter)
		if err == nil && !field.IsExported() {
			err = fmt.Errorf("metric %s: field %s is to be exported", d.Name, field.Name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		v.Field(i).Set(reflect.ValueOf(made))
	}
	return errors.Join(errs...)
}

// Make makes one instrument.
func (d Declaration) Make(meter metric.Meter) (any, error) {
	unit, doc := metric.WithUnit(d.Unit), metric.WithDescription(d.Doc)
	switch d.Kind {
	case "Int64Counter":
		return meter.Int64Counter(d.Name, unit, doc)
	case "Int64UpDownCounter":
		return meter.Int64UpDownCounter(d.Name, unit, doc)
	case "Int64ObservableGauge":
		return meter.Int64ObservableGauge(d.Name, unit, doc)
	case "Float64Histogram":
		if d.Unit != "s" {
			return meter.Float64Histogram(d.Name, unit, doc)
		}
		return meter.Float64Histogram(d.Name, unit, doc, metric.WithExplicitBucketBoundaries(
			0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
	}
	return nil, fmt.Errorf("metric %s: instruments of type %s are not known", d.Name, d.Kind)
}

// Observe has the gauge ask read whenever the metrics are read.
func Observe(meter metric.Meter, gauge metric.Int64ObservableGauge, read func() int64) error {
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(gauge, read())
		return nil
	}, gauge)
	return err
}
