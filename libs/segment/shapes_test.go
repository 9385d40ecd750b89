package segment

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/libs/testbed/shapes"
)

// shapesOf is requests of senders that are no shop, of a signal, by their names.
func shapesOf(t testing.TB, signal telemetry.Signal, items, request int) map[string][][]byte {
	t.Helper()
	out := map[string][][]byte{}
	for _, name := range shapes.Names() {
		made, err := shapes.Make(name, 1, items, request)
		require.NoError(t, err)
		out[name] = made[signal]
	}
	return out
}

// shape is what one sender that is no shop sends of a signal.
type shape struct {
	signal   telemetry.Signal
	name     string
	payloads [][]byte
}

// someShapes are one of share of all of them.
func someShapes(t testing.TB, share, items, request int) (out []shape) {
	t.Helper()
	names := shapes.Names()
	made := map[string]*shapes.Requests{}
	for i := 0; i < len(names)*len(telemetry.Signals()); i += share {
		name, signal := names[i%len(names)], telemetry.Signals()[i/len(names)]
		if made[name] == nil {
			all, err := shapes.Make(name, 1, items, request)
			require.NoError(t, err)
			made[name] = &all
		}
		out = append(out, shape{signal, name, made[name][signal]})
	}
	return out
}

// TestShapes holds what items of senders that are no shop take: a request a segment, and merged. What is merged is what was sent.
func TestShapes(t *testing.T) {
	t.Parallel()
	type limits struct{ alone, merged float64 } // bytes of directory and body an item
	of := map[telemetry.Signal]map[string]limits{
		telemetry.Traces:  {"batch": {90.1, 48.2}, "gateway": {87, 69.8}, "genai": {690, 453}, "iot": {126, 126}, "kubernetes": {129, 113}},
		telemetry.Logs:    {"batch": {43.6, 31}, "gateway": {68.5, 57.2}, "genai": {589, 402}, "iot": {72.7, 68.3}, "kubernetes": {145, 84}},
		telemetry.Metrics: {"batch": {22.1, 20}, "gateway": {5.4, 5}, "genai": {18.4, 15.7}, "iot": {39.4, 34}, "kubernetes": {34.2, 21.6}},
	}
	for _, s := range someShapes(t, testbed.Share(), 4000, 250) {
		t.Run(s.signal.String()+"/"+s.name, func(t *testing.T) {
			t.Parallel()
			one, all, merged := NewTable("acme", s.signal), NewTable("acme", s.signal), NewTable("acme", s.signal)
			var want []string
			alone, settled := 0, 0
			for i, p := range s.payloads {
				items, ok := flatten(t, s.signal, p)
				require.True(t, ok)
				want = append(want, items...)
				one.Reset()
				_, err := one.Append(p, int64(i+1))
				require.NoError(t, err)
				for _, made := range segments(t, one, MaxItems, 0) {
					alone += len(made.Directory) + len(made.Body)
					read(t, all, made, WantAll())
				}
			}
			for _, made := range segments(t, all, MaxItems, 2) {
				settled += len(made.Directory) + len(made.Body)
				read(t, merged, made, WantAll())
			}
			got, ok := flatten(t, s.signal, merged.OTLP(nil))
			require.True(t, ok)
			slices.Sort(want)
			require.Equal(t, want, got)
			n := float64(len(want))
			t.Logf("%.1f and %.1f B/item", float64(alone)/n, float64(settled)/n)
			require.LessOrEqual(t, float64(alone)/n, of[s.signal][s.name].alone)
			require.LessOrEqual(t, float64(settled)/n, of[s.signal][s.name].merged)
		})
	}
}

func BenchmarkEncodeShapes(b *testing.B) {
	for _, signal := range telemetry.Signals() {
		for _, name := range shapes.Names() {
			b.Run(name+"/"+signal.String(), func(b *testing.B) {
				made, err := shapes.Make(name, 1, 8000, 500)
				require.NoError(b, err)
				b.Run("fresh", func(b *testing.B) { benchmarkEncode(b, signal, 0, 2000, made[signal]...) })
				b.Run("merged", func(b *testing.B) { benchmarkEncode(b, signal, 2, MaxItems, made[signal]...) })
			})
		}
	}
}
