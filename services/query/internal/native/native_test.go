package native

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// What the API answers is tested over HTTP: services/query. Here is what can be said of its parts alone.

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

// However long a range is, its length is a number, and it begins when times do.
func TestARangeIsWithinTheTimesThatCanBeStored(t *testing.T) {
	t.Parallel()
	for text, want := range map[[2]string][2]int64{
		{"1677-10-01T00:00:00Z", "2262-01-01T00:00:00Z"}: {0, time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()},
		{"-9223372036854775808", "9223372036854775807"}:  {0, otlp.LastInstant},
		{"1969-12-31T23:59:59Z", "1970-01-01T00:00:01Z"}: {0, 1e9},
		{"1800-01-01T00:00:00Z", "1900-01-01T00:00:00Z"}: {0, 1},
		{"9223372036854775806", "9223372036854775807"}:   {otlp.LastInstant - 1, otlp.LastInstant},
	} {
		from, to, err := timeRange(otlpjson.Time(text[0]), otlpjson.Time(text[1]))
		require.NoError(t, err)
		require.Equal(t, want, [2]int64{from, to}, text)
		for _, most := range []int{leastTimeline, 400} {
			line := newTimeline(from, to, most)
			require.LessOrEqual(t, line.Buckets, most, text)
			require.Positive(t, line.Buckets, text)
			require.Less(t, line.At(to-1), line.Buckets, text)
		}
		before := periodBefore(&engine.Query{From: from, To: to})
		require.Equal(t, to-from, before.To-before.From)
	}
}

func FuzzCursor(f *testing.F) {
	c := cursors{key: []byte("sixteen bytes at least")}
	query := queryHash("spans", "default", 1, 2, nil)
	valid := c.seal(cursor{engine.Key{Rank: math.MinInt64 + 1, Time: math.MinInt64, Position: -1, Ordinal: 7}, math.MaxInt64, 5}, query)
	f.Add(valid)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := c.open(text, query)
		if text == valid {
			require.NoError(t, err)
			require.Equal(t, cursor{engine.Key{Rank: math.MinInt64 + 1, Time: math.MinInt64, Position: -1, Ordinal: 7}, math.MaxInt64, 5}, at)
			return
		}
		require.Equal(t, fault.Invalid, fault.ClassOf(err), "only what was sealed opens")
	})
}
