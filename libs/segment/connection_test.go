package segment

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// sentWith is a table of requests of so many items, the first of which is sent with the first key and so on.
func sentWith(t testing.TB, signal telemetry.Signal, items int, keys ...string) *Table {
	t.Helper()
	table := NewTable("acme", signal)
	for i, key := range keys {
		_, err := table.AppendFrom(newRandom(uint64(i)+7).payload(t, signal, items), Origin{Position: int64(i), Connection: key})
		require.NoError(t, err)
	}
	return table
}

// keyOf is the key that row i was sent with.
func keyOf(t *Table, i int) string { return string(t.Values[t.Texts[TextConnection][i]].Raw) }

// TestAnItemKeepsItsConnection: whatever is put into one segment and out of it, read in full, in part or through a view, an item has the key of its request.
func TestAnItemKeepsItsConnection(t *testing.T) {
	t.Parallel()
	keys := []string{"key-a", "", "key-b", "key-a"}
	v, err := NewView()
	require.NoError(t, err)
	for _, signal := range telemetry.Signals() {
		table := sentWith(t, signal, 60, keys...)
		check := func(of *Table) {
			require.Equal(t, table.N, of.N)
			for i, request := range of.Ints[ColPosition] {
				require.Equal(t, keys[request], keyOf(of, i), "%s, request %d", signal, request)
			}
		}
		check(table)
		for level := range 3 {
			again := NewTable("acme", signal)
			for _, s := range segments(t, table, 70, level) { // as a merge does
				checkView(t, v, s)
				read(t, again, s, WantAll())
			}
			check(again)
			table = again
		}
	}
}

// TestOneConnectionCostsNothing: where all items of a segment have one key, its body is what it is without, and the directory some bytes longer; without any
// nothing is written.
func TestOneConnectionCostsNothing(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef" // as long as the ids of keys are
	for _, signal := range telemetry.Signals() {
		none, one := sentWith(t, signal, 500, ""), sentWith(t, signal, 500, key)
		with, without := segments(t, one, MaxItems, 2), segments(t, none, MaxItems, 2)
		require.Len(t, with, len(without))
		v, err := NewView()
		require.NoError(t, err)
		for i, s := range with {
			require.Equal(t, without[i].Body, s.Body)
			require.LessOrEqual(t, len(s.Directory)-len(without[i].Directory), 40)
			d, err := ParseDirectory(without[i].Directory)
			require.NoError(t, err)
			require.Nil(t, d.dir.Section(container.SectionConnection))

			d, err = ParseDirectory(s.Directory)
			require.NoError(t, err)
			want := Want{Counts: Counts{Texts: []TextColumn{TextConnection}}}
			require.Empty(t, d.Ranges(want), "the head tells who sent them")
			require.Empty(t, d.Ranges(Want{Texts: []TextColumn{TextConnection}}))
			v.Open(d, nil)
			all := v.Text(TextConnection)
			counts := make([]int64, all.Distinct())
			all.Count(nil, counts)
			require.Equal(t, []int64{int64(s.Items)}, counts)
			value, ok := all.Value(0)
			require.True(t, ok)
			require.Equal(t, key, string(value.Raw))
			require.NoError(t, v.Err())
		}
	}
}

// TestFiltersHoldConnections: what was sent with another key is passed over without a look at its header.
func TestFiltersHoldConnections(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		for _, s := range segments(t, sentWith(t, signal, 40, "key-a"), MaxItems, 0) {
			holds := func(key string) bool {
				return MayContain(s.TokenFilter, Token(ScopeField, "connection", Value{Type: String, Raw: []byte(key)}))
			}
			require.True(t, holds("key-a"))
			others := 0
			for i := range 100 {
				if holds(fmt.Sprint("key-", i)) {
					others++
				}
			}
			require.Less(t, others, 10)
		}
	}
}

// TestAProgramOfBeforeDoesNotMergeConnections: to one that does not know the column its entry is what any unknown critical one is, and all else can be read.
func TestAProgramOfBeforeDoesNotMergeConnections(t *testing.T) {
	t.Parallel()
	const unknown = 0x5f // a text column that nobody knows
	for _, signal := range telemetry.Signals() {
		table := sentWith(t, signal, 40, "key-a", "key-b")
		for _, s := range segments(t, table, MaxItems, 0) {
			d := edited(t, s, func(d *container.Directory) { d.Section(container.SectionConnection).ID = unknown })
			all := []Part{{Bytes: s.Body}}
			again := NewTable("acme", signal)
			require.Equal(t, "segment.extension", fault.From(again.AppendSegment(d, all, WantAll())).Code)
			require.NoError(t, again.AppendRows(d, all, WantAll(), []uint32{0}))
			require.NoError(t, NewTable("acme", signal).AppendSegment(d, all, Want{Ints: []Column{ColTime}}))
		}
	}
}

// TestGoldenConnections pins how the keys that items were sent with are stored.
func TestGoldenConnections(t *testing.T) {
	t.Parallel()
	keys := []string{"key-a", "", "key-b"}
	for _, signal := range telemetry.Signals() {
		name := filepath.Join("testdata", "v1", signal.String()+"-connections.seg")
		if _, err := os.Stat(name); os.Getenv("OLLY_UPDATE_GOLDEN") == "1" && err != nil {
			table := sentWith(t, signal, 20, keys...)
			var rows []uint32
			for row := range table.N / 4 {
				rows = append(rows, uint32(4*row))
			}
			s, err := table.Encode(rows, 2)
			require.NoError(t, err)
			back := NewTable("acme", signal)
			read(t, back, s, WantAll())
			require.NoError(t, os.WriteFile(name, writeGolden(s, back.OTLP(nil)), 0o644))
		}
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		s, otlp := readGolden(t, b)
		require.NoError(t, s.Verify())
		table := NewTable("acme", signal)
		read(t, table, s, WantAll())
		var got []string
		for i, request := range table.Ints[ColPosition] {
			got = append(got, keyOf(table, i))
			require.Equal(t, keys[request], got[i])
		}
		require.Subset(t, got, keys)
		sent, ok := flatten(t, signal, otlp)
		require.True(t, ok)
		back, ok := flatten(t, signal, table.OTLP(nil))
		require.True(t, ok)
		require.Equal(t, sent, back)
	}
}
