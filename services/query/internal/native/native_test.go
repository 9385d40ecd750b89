package native

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
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

func FuzzCursor(f *testing.F) {
	c := cursors{key: []byte("sixteen bytes at least")}
	query := queryHash("spans", "default", 1, 2, nil)
	valid := c.seal(cursor{engine.Key{Rank: math.MinInt64 + 1, Time: math.MinInt64, Position: -1, Ordinal: 7}, math.MaxInt64}, query)
	f.Add(valid)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := c.open(text, query)
		if text == valid {
			require.NoError(t, err)
			require.Equal(t, cursor{engine.Key{Rank: math.MinInt64 + 1, Time: math.MinInt64, Position: -1, Ordinal: 7}, math.MaxInt64}, at)
			return
		}
		require.Equal(t, fault.Invalid, fault.ClassOf(err), "only what was sealed opens")
	})
}
