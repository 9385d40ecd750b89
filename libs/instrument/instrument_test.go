package instrument_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ollyscale/ollyscale/libs/instrument"
)

type instruments struct {
	Sent    metric.Int64Counter         `metric:"a.sent" labels:"signal" doc:"Sent."`
	Took    metric.Float64Histogram     `metric:"a.took" unit:"s" doc:"Took."`
	Size    metric.Float64Histogram     `metric:"a.size" unit:"By" doc:"Size."`
	Active  metric.Int64UpDownCounter   `metric:"a.active" unit:"{request}" doc:"Active."`
	Held    metric.Int64ObservableGauge `metric:"a.held" unit:"By" doc:"Held."`
	another int
}

func TestAFieldIsAnInstrument(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test")
	m := instruments{another: 7}
	require.NoError(t, instrument.Make(meter, &m))
	require.NoError(t, instrument.Observe(meter, m.Held, func() int64 { return 42 }))
	require.Equal(t, 7, m.another)
	m.Sent.Add(t.Context(), 3)
	m.Took.Record(t.Context(), 0.002)
	m.Size.Record(t.Context(), 2)
	m.Active.Add(t.Context(), 1)

	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &all))
	found := map[string]metricdata.Metrics{}
	for _, one := range all.ScopeMetrics[0].Metrics {
		found[one.Name] = one
	}
	require.Len(t, found, 5)
	require.Equal(t, "Held.", found["a.held"].Description)
	require.Equal(t, "By", found["a.held"].Unit)
	require.EqualValues(t, 42, found["a.held"].Data.(metricdata.Gauge[int64]).DataPoints[0].Value)
	require.EqualValues(t, 3, found["a.sent"].Data.(metricdata.Sum[int64]).DataPoints[0].Value)
	seconds := found["a.took"].Data.(metricdata.Histogram[float64]).DataPoints[0]
	require.InDelta(t, 0.001, seconds.Bounds[0], 0, "two milliseconds are told from four")
	require.EqualValues(t, 1, seconds.BucketCounts[1])
	require.NotEqual(t, seconds.Bounds, found["a.size"].Data.(metricdata.Histogram[float64]).DataPoints[0].Bounds)
}

func TestWhatCannotBeMadeIsNamed(t *testing.T) {
	t.Parallel()
	var m struct {
		Gauge metric.Float64Gauge `metric:"a.gauge"`
		Bad   metric.Int64Counter `metric:"no name"`
		own   metric.Int64Counter `metric:"a.own"`
	}
	err := instrument.Make(sdkmetric.NewMeterProvider().Meter("test"), &m)
	require.ErrorContains(t, err, "metric a.gauge: instruments of type Float64Gauge are not known")
	require.ErrorContains(t, err, "no name")
	require.ErrorContains(t, err, "metric a.own: field own is to be exported")
	require.Nil(t, m.Gauge)
	require.Nil(t, m.Bad)
	require.Nil(t, m.own)
}
