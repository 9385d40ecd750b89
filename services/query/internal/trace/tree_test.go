package trace

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

func outline(t *Tree) []string {
	out := make([]string, 0, len(t.Nodes))
	for _, n := range t.Nodes {
		line := strings.Repeat("  ", n.Depth) + strings.Trim(string(n.Span.ID[:]), "\x00")
		if n.Oddity != "" {
			line += " (" + string(n.Oddity) + ")"
		}
		out = append(out, line)
	}
	return out
}

func spanOf(id, parent string, start, duration int64, number int) Span {
	s := Span{Key: engine.Key{Time: start, Ordinal: int64(number)}, Duration: duration}
	copy(s.ID[:], id)
	copy(s.Parent[:], parent)
	return s
}

// The cases are shared with the browser's tree.test.ts.
func TestTreesFollowTheRule(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/trees.json")
	require.NoError(t, err)
	var cases []struct {
		Name  string
		Spans []struct {
			ID, Parent      string
			Start, Duration int64
		}
		Tree []string
	}
	require.NoError(t, json.Unmarshal(b, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		for range 5 {
			var spans []Span
			for i, at := range rand.Perm(len(c.Spans)) { // however they come
				s := c.Spans[at]
				spans = append(spans, spanOf(s.ID, s.Parent, s.Start, s.Duration, i))
			}
			require.Equal(t, c.Tree, outline(Build(spans)), c.Name)
		}
	}
}

// Whatever parents spans name, each stands once, below its parent, and only tops have none.
func TestEverySpanStandsOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(30)
		var spans []Span
		for i := range n {
			parent := ""
			if r.IntN(8) > 0 {
				parent = string(rune('A' + r.IntN(n+2)))
			}
			spans = append(spans, spanOf(string(rune('A'+r.IntN(n))), parent, r.Int64N(50), r.Int64N(50), i))
		}
		tree := Build(spans)
		require.Len(t, tree.Nodes, n)
		seen := map[*Node]bool{}
		tops := 0
		for _, node := range tree.Nodes {
			require.False(t, seen[node])
			require.True(t, node.Parent == nil || seen[node.Parent])
			seen[node] = true
			if node.Parent == nil {
				tops++
				require.Equal(t, node.Span.IsRoot(), node.Oddity == "")
			} else {
				require.Equal(t, node.Span.Parent, node.Parent.Span.ID)
			}
		}
		require.Len(t, tree.Tops, tops)
	}
}

func TestALongChainIsATree(t *testing.T) {
	t.Parallel()
	const n = 100_000
	var spans []Span
	for i := range n {
		s := Span{Key: engine.Key{Time: int64(i)}, ID: [8]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}}
		if i > 0 {
			s.Parent = [8]byte{1, byte((i - 1) >> 16), byte((i - 1) >> 8), byte(i - 1)}
		}
		spans = append(spans, s)
	}
	tree := Build(spans)
	require.Equal(t, n-1, tree.Nodes[n-1].Depth)
}

// TestManySpansOfOneIDAreSearchedAndNotWalked: each parent is that of the plain rule, and 40,000 children of 40,000 spans of one id have theirs at once.
func TestManySpansOfOneIDAreSearchedAndNotWalked(t *testing.T) {
	t.Parallel()
	plain := func(child *Node, list []*Node) *Node {
		var first *Node
		for _, n := range list {
			if n == child {
				continue
			}
			if n.Span.Time <= child.Span.Time && child.Span.End() <= n.Span.End() {
				return n
			}
			if first == nil {
				first = n
			}
		}
		return first
	}
	for range 300 {
		spans := make([]Span, 2+rand.IntN(12))
		for i := range spans {
			spans[i] = spanOf("p", "p", rand.Int64N(8), rand.Int64N(8), i)
		}
		Build(spans) // which sorts them
		var same sameID
		for i := range spans {
			same.add(&Node{Span: &spans[i]})
		}
		for _, child := range same.nodes {
			require.Same(t, plain(child, same.nodes), same.parentOf(child))
		}
	}
	var many []Span
	for i := range 40_000 {
		many = append(many, spanOf("p", "", int64(i), 1, i), spanOf("c", "p", int64(i), 100, -i))
	}
	require.Len(t, Build(many).Nodes, len(many))
}
