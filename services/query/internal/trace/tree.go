package trace

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// The tree of a trace's spans, and with it the one rule for its root (docs/adr/039). The browser's tree.ts follows the same rule; testdata/trees.json
// holds both to it.

// Span is what the tree looks at of a span. Key.Time is its start, Unix ns.
type Span struct {
	engine.Key
	ID, Parent [8]byte
	Duration   int64 // ns; 0 where it is not known
}

// End is when the span ended, Unix ns.
func (s *Span) End() int64 { return s.Time + s.Duration }

// order is the order of siblings, and of what may be a root: by start, the longer one first, by span id; then as lists have them.
func (s *Span) order(o *Span) int {
	return cmp.Or(cmp.Compare(s.Time, o.Time), cmp.Compare(o.Duration, s.Duration), bytes.Compare(s.ID[:], o.ID[:]), s.Compare(o.Key))
}

// IsRoot reports whether the span was sent as one that has no parent.
func (s *Span) IsRoot() bool { return s.Parent == [8]byte{} }

// Oddity is what is odd about where a span hangs. Its text is what the API says.
type Oddity string

// The oddities. A span has at most one: what begins before its parent has one.
const (
	MissingParent Oddity = "missing_parent" // its parent is named, and not among the spans
	Cycle         Oddity = "cycle"          // it is its own ancestor: the ring is cut here
	BeforeParent  Oddity = "before_parent"  // it begins before its parent
)

// rank is the order of tops: spans without a parent, those whose parents are missing, where rings are cut.
func (o Oddity) rank() int { return slices.Index([]Oddity{"", MissingParent, Cycle}, o) }

// Node is a span in its tree.
type Node struct {
	Span     *Span
	Parent   *Node   // nil of a top
	Children []*Node // in the order of siblings
	Depth    int
	Oddity   Oddity
}

// Tree is all spans of a trace: each before its children. The first of Nodes is the root of the trace.
type Tree struct {
	Nodes []*Node
	Tops  []*Node // the root, and what hangs on nothing
}

// Build makes the tree. It keeps and reorders the list. Of spans that share an id, a child's parent is the first that encloses it, else the first other one. It
// does not recurse: a trace may be one chain of a hundred thousand spans.
func Build(spans []Span) *Tree {
	slices.SortFunc(spans, func(a, b Span) int { return a.order(&b) })
	nodes := make([]Node, len(spans))
	byID := make(map[[8]byte]*sameID, len(spans))
	for i := range spans {
		nodes[i].Span = &spans[i]
		same := byID[spans[i].ID]
		if same == nil {
			same = &sameID{}
			byID[spans[i].ID] = same
		}
		same.add(&nodes[i])
	}
	t := &Tree{Nodes: make([]*Node, 0, len(spans))}
	for i := range nodes {
		n := &nodes[i]
		if n.Span.IsRoot() {
			t.Tops = append(t.Tops, n)
			continue
		}
		if n.Parent = byID[n.Span.Parent].parentOf(n); n.Parent == nil {
			n.Oddity = MissingParent
			t.Tops = append(t.Tops, n)
			continue
		}
		n.Parent.Children = append(n.Parent.Children, n)
		if n.Span.Time < n.Parent.Span.Time {
			n.Oddity = BeforeParent
		}
	}
	t.cutRings(nodes)
	slices.SortStableFunc(t.Tops, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(a.Oddity.rank(), b.Oddity.rank()), a.Span.order(b.Span))
	})
	stack := slices.Clone(t.Tops)
	slices.Reverse(stack)
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		t.Nodes = append(t.Nodes, n)
		for _, child := range slices.Backward(n.Children) {
			child.Depth = n.Depth + 1
			stack = append(stack, child)
		}
	}
	return t
}

// sameID are the spans of one id, in order, with the latest end of each and all before it: thousands of spans may share an id, and each may have thousands of children.
type sameID struct {
	nodes  []*Node
	latest []int64
}

func (s *sameID) add(n *Node) {
	end := n.Span.End()
	if last := len(s.latest) - 1; last >= 0 {
		end = max(end, s.latest[last])
	}
	s.nodes, s.latest = append(s.nodes, n), append(s.latest, end)
}

// parentOf chooses among them the parent of a child that names their id: the first other span that encloses it, else the first other one.
func (s *sameID) parentOf(child *Node) *Node {
	switch {
	case s == nil:
		return nil
	case len(s.nodes) == 1:
		return s.nodes[0] // itself, too: a ring of one
	}
	// All before the first that ends no earlier end too early; if that one begins too late, so do all after it.
	at, _ := slices.BinarySearch(s.latest, child.Span.End())
	if at < len(s.nodes) && s.nodes[at] == child {
		at++ // what comes after it in order and encloses it has its very times
	}
	if at < len(s.nodes) {
		if n := s.nodes[at]; n.Span.Time <= child.Span.Time && child.Span.End() <= n.Span.End() {
			return n
		}
	}
	if s.nodes[0] == child {
		return s.nodes[1]
	}
	return s.nodes[0]
}

// cutRings makes tops of the first span of each ring, which no top reaches.
func (t *Tree) cutRings(nodes []Node) {
	reached := make(map[*Node]bool, len(nodes))
	reach := func(top *Node) {
		stack := []*Node{top}
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if !reached[n] {
				reached[n] = true
				stack = append(stack, n.Children...)
			}
		}
	}
	for _, top := range t.Tops {
		reach(top)
	}
	for i := range nodes {
		if reached[&nodes[i]] {
			continue
		}
		// The way up from a stray span ends in its ring; what is met twice is of it.
		seen := map[*Node]bool{}
		of := &nodes[i]
		for ; !seen[of]; of = of.Parent {
			seen[of] = true
		}
		first := of
		for n := of.Parent; n != of; n = n.Parent {
			if n.Span.order(first.Span) < 0 {
				first = n
			}
		}
		up := first.Parent
		up.Children = slices.DeleteFunc(up.Children, func(n *Node) bool { return n == first })
		first.Parent, first.Oddity = nil, Cycle
		t.Tops = append(t.Tops, first)
		reach(first)
	}
}

// known is a span's duration where it is one.
func known(start, duration int64) int64 {
	if !otlp.DurationKnown(start, duration) {
		return 0
	}
	return duration
}
