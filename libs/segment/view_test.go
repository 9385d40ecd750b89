package segment

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// checkView compares everything that a view says of a segment with what a table read from it holds.
func checkView(t testing.TB, v *View, s *Segment) {
	t.Helper()
	d, err := ParseDirectory(s.Directory)
	require.NoError(t, err)
	table := NewTable("acme", s.Signal)
	require.NoError(t, table.AppendSegment(d, []Part{{Offset: 0, Bytes: s.Body}}, WantAll()))
	v.x.memory.Renew(mostMemory)
	memory := v.x.memory.Take(mostMemory / 2) // all that will be unzipped lies in it
	v.Open(d, []Part{{Offset: 0, Bytes: s.Body}})
	require.Equal(t, s.Items, v.Len())
	require.Equal(t, s.Signal, v.Signal())
	for _, c := range table.b.Schema.Ints {
		if c != ColResource && c != ColScope && c != ColSeries {
			require.Equal(t, table.Ints[c], v.Ints(c), "column %d", c)
		}
	}
	v.Open(d, []Part{{Offset: 0, Bytes: s.Body}})
	rows := []uint32{0}
	for i := range uint32(table.N / 7) {
		rows = append(rows, 7*i+3)
	}
	for _, c := range []Column{ColTime, ColPosition, ColOrdinal, ColFlags, ColKind} {
		if table.Ints[c] == nil {
			continue
		}
		for i, got := range v.Pick(c, rows) {
			require.Equal(t, table.Ints[c][rows[i]], got)
		}
	}
	if table.b.Schema.TraceIDs {
		ids := v.TraceIDs()
		for i, id := range table.TraceIDs {
			require.Equal(t, id, ids.Distinct[ids.Rows[i]])
		}
		require.Equal(t, table.SpanIDs, v.SpanIDs())
	}
	if table.b.Schema.Parents {
		require.Equal(t, table.ParentIDs, v.ParentIDs())
	}
	for _, c := range table.b.Schema.Texts {
		if c != TextBounds { // only some points have it
			checkValues(t, v.Text(c), table, func(row int) []ValueID {
				if id := table.Texts[c][row]; id != 0 {
					return []ValueID{id}
				}
				return nil
			})
		}
	}
	if s.Signal != telemetry.Metrics {
		services := v.Services()
		for i, r := range v.Ints(ColResource) {
			want := &table.Resources[table.Ints[ColResource][i]]
			require.Equal(t, Service{want.ServiceName, want.ServiceNamespace}, services[r])
		}
	}
	if s.Signal == telemetry.Metrics {
		checkSeries(t, v, table)
		v.Open(d, []Part{{Offset: 0, Bytes: s.Body}})
	}
	for _, key := range append(d.Keys(), "no.such.key") {
		checkValues(t, v.Attribute(key), table, func(row int) []ValueID {
			return slices.DeleteFunc(slices.Clone(table.Attributes.Row(row)), func(id ValueID) bool { return table.Keys[table.Values[id].Key] != key })
		})
	}
	require.NoError(t, v.Err())
	checkReadAfter(t, v, d, s.Body, memory[:cap(memory)], table, rows)
}

// checkSeries compares what a view says of the series of each point with the table's.
func checkSeries(t testing.TB, v *View, table *Table) {
	t.Helper()
	of, services := v.Ints(ColSeries), v.Services()
	metrics := NewTable("acme", telemetry.Metrics)
	list := v.Series(metrics)
	require.NoError(t, v.Err())
	for row, n := range of {
		want := &table.Series[table.Ints[ColSeries][row]]
		require.Equal(t, want.ID, list.IDs[n])
		got, metric := metrics.Metrics[list.Metric[n]], table.Metrics[want.Metric]
		require.Len(t, got.Metadata, len(metric.Metadata))
		for i, id := range metric.Metadata {
			require.Equal(t, table.Values[id].Raw, metrics.Values[got.Metadata[i]].Raw)
		}
		got.Metadata, metric.Metadata = nil, nil
		require.Equal(t, metric, got)
		require.Equal(t, table.Resources[want.Resource].ServiceName, services[list.Resource[n]].Name)
		checkLabels(t, &list.Labels, int(n), table, want.Attributes)
		checkLabels(t, &list.Shared, int(list.Resource[n]), table, table.Resources[want.Resource].Attributes)
	}
}

func checkLabels(t testing.TB, got *Labels, row int, of *Table, want []ValueID) {
	t.Helper()
	values := got.Row(row)
	require.Len(t, values, len(want))
	for i, id := range want {
		v := &of.Values[id]
		require.Equal(t, of.Keys[v.Key], got.Keys[got.KeyOf[values[i]]])
		require.Equal(t, table.HashValue(table.KeySeed(table.SeedItem, of.Keys[v.Key]), v.Type, v.Num, v.Raw), got.Hashes[values[i]])
	}
}

// checkReadAfter reads rows of a segment of which a view has looked at much already, and looks at them when it is gone.
func checkReadAfter(t testing.TB, v *View, d *Directory, body, memory []byte, table *Table, rows []uint32) {
	t.Helper()
	want, ok := flatten(t, d.dir.Signal, table.OTLP(rows))
	require.True(t, ok)
	for _, apart := range []bool{false, true} {
		lent := slices.Clone(body)
		v.Open(d, []Part{{Offset: 0, Bytes: lent}})
		for _, c := range table.b.Schema.Ints {
			v.Ints(c)
		}
		for _, key := range d.Keys() {
			v.Attribute(key)
		}
		v.SpanIDs()
		w := WantAll()
		w.IDPlaces = apart
		read := NewTable("acme", d.dir.Signal)
		require.NoError(t, v.Read(read, w, rows))
		giveIDs(t, read, lent)
		if table.b.Schema.Parents { // asked again, they are right
			require.Equal(t, table.ParentIDs, v.ParentIDs())
			require.Equal(t, table.SpanIDs, v.SpanIDs())
		}
		clear(lent)
		clear(memory)
		got, ok := flatten(t, d.dir.Signal, read.OTLP(nil))
		require.True(t, ok)
		require.Equal(t, want, got)
		require.ErrorContains(t, v.Read(read, w, []uint32{uint32(d.dir.Items)}), "out of order")
	}
}

// checkValues compares a list of values with those of the rows, and its kernels with looking at each.
func checkValues(t testing.TB, c *Values, table *Table, of func(row int) []ValueID) {
	t.Helper()
	rows := c.Rows()
	entry := 0
	var strings [][]byte
	for row := range table.N {
		for _, id := range of(row) {
			for rows == nil && entry < row {
				_, ok := c.Value(c.Code(entry))
				require.False(t, ok)
				entry++
			}
			if rows != nil {
				for int(rows[entry]) < row {
					entry++
				}
				require.Equal(t, uint32(row), rows[entry])
			}
			want := table.Values[id]
			got, ok := c.Value(c.Code(entry))
			require.True(t, ok)
			require.Equal(t, want.Type, got.Type)
			require.Equal(t, want.Num, got.Num)
			require.Equal(t, string(want.Raw), string(got.Raw))
			if want.Type == String && len(strings) < 400 {
				strings = append(strings, want.Raw)
			}
			entry++
		}
	}
	within := make([]bool, table.N)
	for row := range within {
		within[row] = row%3 != 0
	}
	counts, some := make([]int64, c.Distinct()), make([]int64, c.Distinct())
	c.Count(nil, counts)
	c.Count(within, some)
	for e := range c.Entries() {
		row := e
		if rows != nil {
			row = int(rows[e])
		}
		counts[c.Code(e)]--
		if within[row] {
			some[c.Code(e)]--
		}
	}
	require.Equal(t, make([]int64, len(counts)), counts)
	require.Equal(t, make([]int64, len(counts)), some)
	r := newRandom(uint64(len(strings)))
	for range min(len(strings), 12) {
		whole := strings[r.IntN(len(strings))]
		checkTest(t, c, &Test{Equal: [][]byte{whole, []byte("nothing like it")}}, func(s []byte) bool { return bytes.Equal(s, whole) })
		if len(whole) == 0 {
			continue
		}
		from := r.IntN(len(whole))
		part := whole[from : from+r.IntN(min(len(whole)-from, 12))+1]
		checkTest(t, c, &Test{Contains: [][]byte{part}}, func(s []byte) bool { return bytes.Contains(s, part) })
		other := strings[r.IntN(len(strings))]
		if len(other) > 2 {
			other = other[:2]
		}
		checkTest(t, c, &Test{Contains: [][]byte{part, other}}, func(s []byte) bool { return bytes.Contains(s, part) && bytes.Contains(s, other) })
	}
	checkTest(t, c, &Test{Contains: [][]byte{[]byte("q\xffz")}}, func(s []byte) bool { return bytes.Contains(s, []byte("q\xffz")) })
}

// checkTest: with and without asking Match, a test passes the strings that it should.
func checkTest(t testing.TB, c *Values, test *Test, want func(s []byte) bool) {
	t.Helper()
	test.Match = func(v Value) bool { return v.Type == String && want(v.Raw) }
	for _, decided := range []bool{true, false} {
		test.StringsDecided = decided
		pass, some := c.Pass(test)
		expected := false
		for i := range pass {
			v, ok := c.Value(i)
			passes := ok && v.Type == String && want(v.Raw)
			require.Equal(t, passes, pass[i], "%q with %q %q", v.Raw, test.Equal, test.Contains)
			expected = expected || passes
		}
		require.Equal(t, expected, some)
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	v, err := NewView()
	require.NoError(t, err)
	for _, signal := range telemetry.Signals() {
		for seed := range testbed.Some(5) {
			table := NewTable("acme", signal)
			_, err := table.Append(newRandom(uint64(seed)).payload(t, signal, 40), 5)
			require.NoError(t, err)
			for _, s := range segments(t, table, 700, 1) {
				checkView(t, v, s)
			}
		}
	}
	for _, signal := range []telemetry.Signal{telemetry.Traces, telemetry.Logs} {
		table := NewTable("acme", signal)
		payload := demoLogs(t, 1, 1200)
		if signal == telemetry.Traces {
			payload = demoTraces(t, 1, 1200, true)
		}
		_, err := table.Append(payload, 5)
		require.NoError(t, err)
		for _, s := range segments(t, table, 600, 2) {
			checkView(t, v, s)
		}
	}
}

// TestTemplateKernels: machine-made strings in which numbers of every form stand side by side.
func TestTemplateKernels(t *testing.T) {
	t.Parallel()
	r := newRandom(7)
	pieces := []func() string{
		func() string { return fmt.Sprint(r.IntN(1000)) },
		func() string { return fmt.Sprintf("%05d", r.IntN(100000)) },
		func() string { return fmt.Sprintf("%08x", r.Uint32()) },
		func() string {
			return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16), r.Uint64()>>16)
		},
		func() string { return "-" },
		func() string { return "." },
		func() string { return " id=" },
		func() string { return "abcdef" },
		func() string { return "order " },
	}
	for range 40 {
		var shape []int
		for range 1 + r.IntN(7) {
			shape = append(shape, r.IntN(len(pieces)))
		}
		var all []string
		for range 60 {
			var b strings.Builder
			for _, p := range shape {
				b.WriteString(pieces[p]())
			}
			all = append(all, b.String())
		}
		table := NewTable("acme", telemetry.Logs)
		_, err := table.Append(bodies(t, all), 1)
		require.NoError(t, err)
		v, err := NewView()
		require.NoError(t, err)
		for _, s := range segments(t, table, 60, 0) {
			checkView(t, v, s)
		}
	}
}

func FuzzView(f *testing.F) {
	seeds := seedSegments(f)
	for _, s := range seeds {
		f.Add(s.Directory, s.Body)
	}
	v, err := NewView()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, directory, body []byte) { checkDamagedView(t, v, directory, body) })
}

// checkDamagedView asks everything of what may be damaged, without looking at Err in between: never a panic, always the right code. Rows stay
// within the segment.
func checkDamagedView(t testing.TB, v *View, directory, body []byte) {
	t.Helper()
	d, err := ParseDirectory(directory)
	if err != nil {
		return
	}
	v.Open(d, []Part{{Offset: 0, Bytes: body}})
	schema := table.SchemaOf(d.dir.Signal)
	for _, c := range schema.Ints {
		require.Len(t, v.Ints(c), d.dir.Items)
	}
	hits := make([]bool, d.dir.Items)
	ask := func(c *Values, hits []bool) {
		test := &Test{Match: func(Value) bool { return true }}
		pass, _ := c.Pass(test)
		c.Mark(pass, hits)
		test.Contains = [][]byte{[]byte("a1")}
		c.Pass(test)
		test.Contains, test.Equal = nil, [][]byte{[]byte("user-1")}
		c.Pass(test)
		c.Count(hits, make([]int64, c.Distinct()))
		c.Count(nil, make([]int64, c.Distinct()))
	}
	if schema.TraceIDs {
		ids := v.TraceIDs()
		for _, r := range ids.Rows {
			_ = ids.Distinct[r]
		}
		v.SpanIDs()
	}
	if schema.Parents {
		v.ParentIDs()
	}
	if d.dir.Signal != telemetry.Metrics {
		for _, c := range schema.Texts {
			ask(v.Text(c), hits)
		}
	}
	for _, k := range d.Keys() {
		ask(v.Attribute(k), hits)
	}
	ask(v.Attribute("no.such.key"), hits)
	resources := v.Resources()
	require.Len(t, v.Services(), resources.N)
	for _, k := range []string{"service.name", "host.name", "k8s.pod.name"} {
		if c := resources.Attribute(k); c != nil {
			ask(c, make([]bool, resources.N))
		}
	}
	for _, k := range resources.keys {
		ask(resources.Attribute(k), make([]bool, resources.N))
	}
	errs := []error{v.Err()}
	if d.dir.Signal == telemetry.Metrics {
		metrics := NewTable("acme", telemetry.Metrics)
		list := v.Series(metrics)
		require.Len(t, list.Metric, len(list.IDs))
		for i, m := range list.Metric {
			require.Less(t, int(m), len(metrics.Metrics))
			require.LessOrEqual(t, int(list.Resource[i]), resources.N)
			for _, value := range list.Labels.Row(i) {
				require.Less(t, int(list.Labels.KeyOf[value]), len(list.Labels.Keys))
				require.Less(t, int(value), len(list.Labels.Hashes))
			}
		}
		errs = append(errs, v.Err())
	}
	for _, apart := range []bool{false, true} {
		w := WantAll()
		w.IDPlaces = apart
		read := NewTable("acme", d.dir.Signal)
		if err := v.Read(read, w, []uint32{uint32(d.dir.Items / 2)}); err != nil {
			errs = append(errs, err)
			require.Zero(t, read.N)
			continue
		}
		for _, r := range read.IDRanges(nil, 0) {
			require.GreaterOrEqual(t, r.Offset, 0)
		}
	}
	for _, err := range errs {
		if err != nil {
			var fe *fault.Error
			require.ErrorAs(t, err, &fe)
			require.Contains(t, []string{"segment.damaged", "segment.extension"}, fe.Code) // a number or a tag that is none may be a later program's
		}
	}
	v.Close()
}

// TestDamagedView reads damaged segments and sound ones in turn with one view: a sound one is read as if nothing had happened.
func TestDamagedView(t *testing.T) {
	t.Parallel()
	v, err := NewView()
	require.NoError(t, err)
	for i, s := range seedSegments(t) {
		r := newRandom(uint64(i))
		for n := range testbed.Some(80) {
			b, d := bytes.Clone(s.Body), bytes.Clone(s.Directory)
			b[r.IntN(len(b))] = byte(r.Uint32())
			if r.chance(30) {
				b = b[:r.IntN(len(b))]
			}
			if r.chance(30) {
				d[r.IntN(len(d))] ^= 1 << r.IntN(8)
			}
			checkDamagedView(t, v, d, b)
			if n%20 == 0 {
				checkView(t, v, s)
			}
		}
	}
}

func BenchmarkView(b *testing.B) {
	spans, logs := demoTraces(b, 1, 8000, false), demoLogs(b, 1, 8000)
	run := func(name string, signal telemetry.Signal, payload []byte, ask func(v *View)) {
		b.Run(name, func(b *testing.B) {
			table := NewTable("default", signal)
			_, err := table.Append(payload, 1)
			require.NoError(b, err)
			all := segments(b, table, 4000, 2)
			var directories []*Directory
			for _, s := range all {
				d, err := ParseDirectory(s.Directory)
				require.NoError(b, err)
				directories = append(directories, d)
			}
			v, err := NewView()
			require.NoError(b, err)
			b.ReportAllocs()
			from := cpu()
			for b.Loop() {
				for i, s := range all {
					v.Open(directories[i], []Part{{Offset: 0, Bytes: s.Body}})
					ask(v)
					require.NoError(b, v.Err())
				}
			}
			report(b, table.N, from)
		})
	}
	run("red", telemetry.Traces, spans, func(v *View) {
		for _, c := range []Column{ColTime, ColDuration, ColResource, ColStatus, ColKind} {
			v.Ints(c)
		}
		v.Services()
	})
	run("equal", telemetry.Traces, spans, func(v *View) {
		v.Attribute("app.user.id").Pass(&Test{Equal: [][]byte{[]byte("user-0042")}, StringsDecided: true})
	})
	run("count", telemetry.Traces, spans, func(v *View) {
		c := v.Attribute("http.response.status_code")
		c.Count(nil, make([]int64, c.Distinct()))
	})
	run("contains", telemetry.Logs, logs, func(v *View) {
		v.Text(TextBody).Pass(&Test{Contains: [][]byte{[]byte("eppeli")}, StringsDecided: true})
	})
	t := NewTable("default", telemetry.Traces)
	for _, n := range []int{1, 20} {
		run(fmt.Sprintf("read %d", n), telemetry.Traces, spans, func(v *View) {
			var rows []uint32
			for i := range n {
				rows = append(rows, uint32(i*v.Len()/n))
			}
			t.Reset()
			if err := v.Read(t, WantAll(), rows); err != nil {
				b.Fatal(err)
			}
		})
	}
}
