package segment

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// told is how often each value was counted, by what it is.
type told map[string]int64

func (c told) add(v *Value, n int64) {
	if n > 0 {
		c[fmt.Sprintf("%s %d %q", v.Type, v.Num, v.Raw)] += n
	}
}

// valuesTold is what a View counts of a column.
func valuesTold(c *Values) told {
	out := told{}
	counts := make([]int64, c.Distinct())
	c.Count(nil, counts)
	for i, n := range counts {
		if v, ok := c.Value(i); ok {
			out.add(&v, n)
		}
	}
	return out
}

// dictionaryTold is what it counts of an attribute of resources or scopes.
func dictionaryTold(c *Values, items []int64) told {
	out := told{}
	for e, r := range c.Rows() {
		if v, ok := c.Value(c.Code(e)); ok {
			out.add(&v, items[r])
		}
	}
	return out
}

// checkCounts compares what a View counts of a segment, with no more of the body than counting needs, with the rows one by one. It returns
// which columns and dictionaries needed nothing of the body.
func checkCounts(t testing.TB, v *View, s *Segment) (fromHead map[string]bool) {
	t.Helper()
	d, err := ParseDirectory(s.Directory)
	require.NoError(t, err)
	table := NewTable("acme", s.Signal)
	require.NoError(t, table.AppendSegment(d, []Part{{Bytes: s.Body}}, WantAll()))
	fromHead = map[string]bool{}
	open := func(name string, c Counts) {
		w := Want{Counts: c}
		ranges := d.Ranges(w)
		fromHead[name] = len(ranges) == 0
		require.Equal(t, len(ranges) == 0, d.Decoded(w) == 0)
		v.Open(d, parts(d, s, w))
	}
	for _, key := range append(d.Keys(), "no.such.key") {
		open("attributes."+key, Counts{Attributes: []string{key}})
		want := told{}
		for row := range table.N {
			for _, id := range table.Attributes.Row(row) {
				if value := &table.Values[id]; table.Keys[value.Key] == key {
					want.add(value, 1)
				}
			}
		}
		require.Equal(t, want, valuesTold(v.Attribute(key)), key)
	}
	if s.Signal == telemetry.Metrics {
		require.NoError(t, v.Err())
		return fromHead
	}
	for _, c := range table.b.Schema.Texts {
		open(c.String(), Counts{Texts: []TextColumn{c}})
		want := told{}
		for row := range table.N {
			if id := table.Texts[c][row]; id != 0 {
				want.add(&table.Values[id], 1)
			}
		}
		require.Equal(t, want, valuesTold(v.Text(c)), c)
	}
	for _, c := range table.b.Schema.Ints {
		if c == ColResource || c == ColScope {
			continue
		}
		open(c.String(), Counts{Ints: []Column{c}})
		want := map[int64]int64{}
		for _, x := range table.Ints[c] {
			want[x]++
		}
		got := map[int64]int64{}
		numbers, rows := v.Numbers(c)
		for i, x := range numbers {
			got[x] += rows[i]
		}
		require.Equal(t, want, got, c)
	}
	open("resources", Counts{Resources: true})
	services, items := map[Service]int64{}, v.ResourceItems()
	for i, service := range v.Services() {
		services[service] += items[i]
	}
	wanted, attributes := map[Service]int64{}, map[string]told{}
	for _, r := range table.Ints[ColResource] {
		of := &table.Resources[r]
		wanted[Service{of.ServiceName, of.ServiceNamespace}]++
		for _, id := range of.Attributes {
			value := &table.Values[id]
			key := table.Keys[value.Key]
			if attributes[key] == nil {
				attributes[key] = told{}
			}
			attributes[key].add(value, 1)
		}
	}
	require.Equal(t, wanted, services)
	for key, want := range attributes {
		require.Equal(t, want, dictionaryTold(v.Resources().Attribute(key), items), key)
	}
	open("scopes", Counts{Scopes: true})
	names, wantedNames, attributes := map[[2]string]int64{}, map[[2]string]int64{}, map[string]told{}
	items = v.ScopeItems()
	for i, n := range items {
		names[[2]string{string(v.Scopes().Names[i]), string(v.Scopes().Versions[i])}] += n
	}
	for _, r := range table.Ints[ColScope] {
		of := &table.Scopes[r]
		wantedNames[[2]string{of.Name, of.Version}]++
		for _, id := range of.Attributes {
			value := &table.Values[id]
			key := table.Keys[value.Key]
			if attributes[key] == nil {
				attributes[key] = told{}
			}
			attributes[key].add(value, 1)
		}
	}
	require.Equal(t, wantedNames, names)
	for key, want := range attributes {
		require.Equal(t, want, dictionaryTold(v.Scopes().Attribute(key), items), key)
	}
	require.NoError(t, v.Err())
	return fromHead
}

// TestCountsAreARecount: on data of many shapes, of all signals and levels, alone and merged.
func TestCountsAreARecount(t *testing.T) {
	t.Parallel()
	v, err := NewView()
	require.NoError(t, err)
	check := func(signal telemetry.Signal, level int, payloads ...[]byte) {
		table := NewTable("acme", signal)
		for i, p := range payloads {
			_, err := table.Append(p, int64(i+1))
			require.NoError(t, err)
		}
		for _, s := range segments(t, table, 1500, level) {
			checkCounts(t, v, s)
		}
	}
	for _, signal := range telemetry.Signals() {
		for seed := range testbed.Some(6) {
			r := newRandom(uint64(seed))
			check(signal, seed%3, r.payload(t, signal, 30), r.payload(t, signal, 1))
		}
	}
	for _, s := range someShapes(t, testbed.Share(), 600, 200) {
		check(s.signal, 2, s.payloads...)
		check(s.signal, 0, s.payloads[0])
	}
	check(telemetry.Traces, 2, demoTraces(t, 3, 2000, true))
	check(telemetry.Logs, 1, demoLogs(t, 3, 2000))
}

// TestWhatCountsFromTheHead pins, on the shop's spans and log records, what is counted without a body: all that people group by. What is different in nearly
// every item is not.
func TestWhatCountsFromTheHead(t *testing.T) {
	t.Parallel()
	v, err := NewView()
	require.NoError(t, err)
	for signal, c := range map[telemetry.Signal]struct {
		payload     []byte
		head, apart []string
	}{
		telemetry.Traces: {
			demoTraces(t, 1, 4000, false),
			[]string{
				"name", "kind", "status code", "status message", "resources", "scopes", "attributes.http.route", "attributes.http.request.method",
				"attributes.http.response.status_code", "attributes.db.system.name", "attributes.rpc.method", "attributes.user_agent.original",
			},
			[]string{"time", "duration", "attributes.app.order.id", "attributes.app.user.id", "attributes.network.peer.port"},
		},
		telemetry.Logs: {
			demoLogs(t, 1, 4000), []string{"severity number", "severity text", "resources", "scopes"}, []string{"time", "body"},
		},
	} {
		for _, level := range []int{0, 2} {
			table := NewTable("acme", signal)
			_, err := table.Append(c.payload, 1)
			require.NoError(t, err)
			for _, s := range segments(t, table, MaxItems, level) {
				fromHead := checkCounts(t, v, s)
				for _, name := range c.head {
					require.True(t, fromHead[name], name)
				}
				for _, name := range c.apart {
					told, is := fromHead[name]
					require.True(t, is && !told, name)
				}
				require.Less(t, len(s.Directory), 6<<10)
			}
		}
	}
}

// TestAHeadIsDamaged: counts that do not add up are told as damage, not counted.
func TestAHeadIsDamaged(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Append(demoTraces(t, 1, 1000, false), 1)
	require.NoError(t, err)
	s := segments(t, table, MaxItems, 0)[0]
	v, err := NewView()
	require.NoError(t, err)
	for name, ask := range map[string]func(){
		"numbers":   func() { v.Numbers(ColKind) },
		"text":      func() { v.Text(TextName) },
		"attribute": func() { v.Attribute("http.route") },
		"resources": func() { v.ResourceItems() },
		"scopes":    func() { v.ScopeItems() },
	} {
		for _, more := range []int{-1, 1} { // items than were counted
			d := edited(t, s, func(d *container.Directory) {
				d.Items += more
				k, _ := d.Key("http.route")
				k.Count += more
			})
			v.Open(d, nil)
			ask()
			require.Equal(t, "segment.damaged", fault.From(v.Err()).Code, name)
		}
		d := edited(t, s, func(d *container.Directory) {
			d.Head.Stored = slices.Clone(d.Head.Stored)
			d.Head.Stored[len(d.Head.Stored)/2] ^= 0x55
		})
		v.Open(d, nil)
		ask()
		if err := v.Err(); err != nil {
			require.Equal(t, "segment.damaged", fault.From(err).Code, name)
		}
	}
}
