package segment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The gates hold what is deterministic: bytes and allocations. Time is measured by the benchmarks.

func TestSizeGate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signal   telemetry.Signal
		payloads [][]byte
		items    int
		level    int
		limit    float64 // bytes an item with directory, filters and header
	}{
		"spans":           {telemetry.Traces, [][]byte{demoTraces(t, 1, 8000, false)}, 1000, 0, 33},
		"spans, level 2":  {telemetry.Traces, [][]byte{demoTraces(t, 1, 8000, false)}, 4000, 2, 27.5},
		"hard spans":      {telemetry.Traces, [][]byte{demoTraces(t, 1, 8000, true)}, 1000, 0, 72},
		"logs":            {telemetry.Logs, [][]byte{demoLogs(t, 1, 8000)}, 1000, 0, 38},
		"points":          {telemetry.Metrics, demoMetrics(t, 1, 4), 1000, 0, 12},
		"points, level 2": {telemetry.Metrics, demoMetrics(t, 1, 60), 4000, 2, 8},
	} {
		t.Run(name, func(t *testing.T) {
			table := NewTable("default", c.signal)
			for i, p := range c.payloads {
				_, err := table.Append(p, int64(i))
				require.NoError(t, err)
			}
			size := 0
			for _, s := range segments(t, table, c.items, c.level) {
				size += stored(s)
			}
			got := float64(size) / float64(table.N)
			t.Logf("%.1f B/item", got)
			require.Less(t, got, c.limit)
		})
	}
}

func TestAllocationGate(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	for signal, payload := range map[telemetry.Signal][]byte{
		telemetry.Traces:  demoTraces(t, 1, 4000, false),
		telemetry.Logs:    demoLogs(t, 1, 4000),
		telemetry.Metrics: demoMetrics(t, 1, 1)[0],
	} {
		t.Run(signal.String(), func(t *testing.T) {
			table := NewTable("default", signal)
			items := 0
			allocs := testing.AllocsPerRun(5, func() {
				table.Reset()
				n, err := table.Append(payload, 1)
				require.NoError(t, err)
				items = n
				for _, rows := range table.Slices(1000) {
					_, err := table.Encode(rows, 0)
					require.NoError(t, err)
				}
			})
			t.Logf("%.0f allocations for %d items", allocs, items)
			// Names of keys, services and dictionary entries of the pool, and the results: per table and segment, not per item.
			require.Less(t, allocs/float64(items), 0.2)
		})
	}
}

// TestReadingAllocationGate (with room for the race detector, which allocates too): asking a segment allocates for its dictionaries' names and not for its rows; a row that is shown, for what it has.
func TestReadingAllocationGate(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	table := NewTable("default", telemetry.Traces)
	_, err := table.Append(demoTraces(t, 1, 4000, false), 1)
	require.NoError(t, err)
	s := segments(t, table, 4000, 2)[0]
	d, err := ParseDirectory(s.Directory)
	require.NoError(t, err)
	body := []Part{{Offset: 0, Bytes: s.Body}}
	v, err := NewView()
	require.NoError(t, err)
	shown := NewTable("default", telemetry.Traces)
	counts := make([]int64, 4000)
	hits := make([]bool, 4000)
	test := &Test{Equal: [][]byte{[]byte("user-0042")}, StringsDecided: true}
	for name, c := range map[string]struct {
		ask   func()
		limit float64
	}{
		"count": {func() { v.Attribute("http.response.status_code").Count(nil, counts) }, 8},
		"equal": {func() {
			c := v.Attribute("app.user.id")
			pass, _ := c.Pass(test)
			c.Mark(pass, hits)
		}, 20},
		"red": {func() {
			for _, c := range []Column{ColTime, ColDuration, ColResource, ColStatus, ColKind} {
				v.Ints(c)
			}
			v.Services()
		}, 40},
		"one row": {func() {
			shown.Reset()
			require.NoError(t, v.Read(shown, WantAll(), []uint32{17}))
		}, 160},
	} {
		t.Run(name, func(t *testing.T) {
			allocs := testing.AllocsPerRun(20, func() {
				v.Open(d, body)
				c.ask()
				require.NoError(t, v.Err())
			})
			t.Logf("%.0f allocations", allocs)
			require.Less(t, allocs, c.limit)
		})
	}
}
