package native

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What the API answers is tested over HTTP: services/query. Here is what can be said of its parts alone.

func TestAttributeValuesKeepTheFrequentOnes(t *testing.T) {
	t.Parallel()
	total := newValueCounts()
	for n := range 30 {
		part := &segmentCounts{}
		part.add(stringValue("always"), 5)
		for i := range 5000 {
			part.add(stringValue(fmt.Sprintf("once-%d-%d", n, i)), 1)
		}
		total.merge(part)
	}
	require.True(t, total.lost)
	require.LessOrEqual(t, len(total.values), maxValues)
	require.EqualValues(t, 150, total.render(1)[0].Count)
	require.Equal(t, "always", total.render(1)[0].Value.String)

	long := newValueCounts()
	for i := range 40 {
		part := &segmentCounts{}
		for k := range 20 {
			part.add(stringValue(strings.Repeat("x", 100_000)+fmt.Sprint(i, k)), 1)
		}
		long.merge(part)
		require.LessOrEqual(t, long.bytes, int64(maxValueBytes))
	}
	require.True(t, long.lost, "not more than so many bytes are kept")
}

// Of hundreds of segments, nearly all have the same few values: counting these takes memory for the first.
func TestCountsOfMoreSegmentsTakeNoMoreMemory(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts what others allocate, too
	values := make([]segment.Value, 100)
	for i := range values {
		values[i] = stringValue(fmt.Sprint("value ", i))
	}
	total, memory, part := newValueCounts(), &countsMemory{}, &segmentCounts{}
	segments := int64(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		counts := part.zeros(len(values))
		for i, v := range values {
			counts[i]++
			part.add(v, counts[i])
		}
		part.add(stringValue("nothing has it"), 0)
		total.merge(part)
		part.forget()
		segments++
	}))
	require.Len(t, total.values, len(values))
	for _, v := range total.values {
		require.Equal(t, segments, v.items)
	}
	part.add(stringValue("left"), 1)
	memory.put(part)
	require.Equal(t, &valueCounts{values: map[string]*valueCount{}}, merged(memory.take()), "clean again")
}

func merged(of *segmentCounts) *valueCounts {
	c := newValueCounts()
	c.merge(of)
	return c
}

// Resources of a service stand together in a segment: it is noted once.
func TestCountsOfOneValueAfterAnotherAreOne(t *testing.T) {
	t.Parallel()
	part := &segmentCounts{}
	number := func(n uint64) segment.Value { return segment.Value{Type: segment.Int, Num: n} }
	for _, v := range []segment.Value{
		stringValue("a"), stringValue("a"), stringValue("ab"), stringValue("ab"), stringValue("b"), number(1), number(1), number(2), stringValue("a"),
		{Type: segment.Bytes, Raw: []byte("a")},
		{Type: segment.Bool, Num: 1},
		number(1),
	} {
		part.add(v, 2)
	}
	require.Len(t, part.values, 9)
	require.Equal(t, "aabba"+"a", string(part.raw))
	got := map[string]int64{}
	for key, v := range merged(part).values {
		got[fmt.Sprint(key[0], v.value.Num, string(v.value.Raw))] = v.items
	}
	want := map[string]int64{}
	for v, items := range map[*segment.Value]int64{
		{Type: segment.String, Raw: []byte("a")}: 6, {Type: segment.String, Raw: []byte("ab")}: 4, {Type: segment.String, Raw: []byte("b")}: 2,
		{Type: segment.Int, Num: 1}: 6, {Type: segment.Int, Num: 2}: 2, {Type: segment.Bytes, Raw: []byte("a")}: 2, {Type: segment.Bool, Num: 1}: 2,
	} {
		want[fmt.Sprint(byte(v.Type), v.Num, string(v.Raw))] = items
	}
	require.Equal(t, want, got)
}

func stringValue(s string) segment.Value { return segment.Value{Type: segment.String, Raw: []byte(s)} }

// A service is asked for in one order: the order of conditions is that in which they are tested and their faults told.
func TestAServiceIsAskedForInOneOrder(t *testing.T) {
	t.Parallel()
	n := &API{filters: filter.NewParser()}
	for range 50 {
		conditions, err := n.ofService("cart", "shop")
		require.NoError(t, err)
		require.Len(t, conditions, 2)
		service, err := n.ofService("cart", "")
		require.NoError(t, err)
		require.Len(t, service, 1, "any namespace")
		require.Equal(t, service[0].Bounds(), conditions[0].Bounds())
		require.NotEqual(t, service[0].Bounds(), conditions[1].Bounds())
	}
}

func TestAHostIsAServiceOnlyByItsWholeName(t *testing.T) {
	t.Parallel()
	service := edges.ServiceNode
	known := hostsOf([]edges.Node{
		service("b", "web"), service("c", "api"), service("b", "api"), service("a", "api"), service("z", "mail.example.com"), service("y", "cart"),
		service("x", "cart"),
	})
	for host, want := range map[string]string{
		"api": "b/api", "api.c": "c/api", "api.a.svc": "a/api", "api.c.svc.cluster.local": "c/api",
		"api.cluster-1.svc": "b/api", "cart.cluster-1.svc.cluster.local": "x/cart", "cart": "x/cart", "mail.example.com": "z/mail.example.com",
		"api.stripe.com": "", "api.com": "", "api.b.example.com": "", "api.b.cluster.local": "", "cart.b": "", "other": "", "other.b.svc": "",
	} {
		external := edges.Node{Kind: edges.External, Name: host}
		node := known.of(external, service("b", "web"))
		if want == "" {
			require.Equal(t, external, node)
			continue
		}
		require.Equal(t, want, node.Namespace+"/"+node.Name, host)
	}
}

func FuzzCursor(f *testing.F) {
	c := cursors{key: []byte("sixteen bytes at least")}
	query := queryHash("spans", "default", 1, 2, nil)
	valid := c.seal(cursor{engine.Key{Time: math.MinInt64, Position: -1, Ordinal: 7}, math.MaxInt64}, query)
	f.Add(valid)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := c.open(text, query)
		if text == valid {
			require.NoError(t, err)
			require.Equal(t, cursor{engine.Key{Time: math.MinInt64, Position: -1, Ordinal: 7}, math.MaxInt64}, at)
			return
		}
		require.Equal(t, fault.Invalid, fault.ClassOf(err), "only what was sealed opens")
	})
}
