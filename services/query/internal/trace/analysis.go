package trace

import (
	"cmp"
	"context"
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// Detail is what analysing a trace looks at of a span.
type Detail struct {
	Span
	Service, Namespace, Name string
	Kind, Status             int
	Resource                 int64 // its id, by which it is told whether two spans are of one process
}

// detailBytes is about what a detail takes, with its node and what is told of it.
const detailBytes = 512

// Load reads what is analysed of the spans of a query, at most so many; more says that there are others. They are in no order.
func Load(ctx context.Context, s *engine.Snapshot, q *engine.Query, most int) (out []Detail, more bool, err error) {
	w := columns.NewSet(telemetry.Traces)
	w.TraceIDs, w.SpanIDs, w.ParentIDs = true, true, true
	w.Int(segment.ColDuration, segment.ColKind, segment.ColStatus, segment.ColResource)
	w.Text(segment.TextName)
	shown := w.Want
	w.Ints, w.Texts = slices.Clone(w.Ints), slices.Clone(w.Texts)
	q.Filter.Columns(w)
	var full error
	_, err = engine.Scan(ctx, s, q, engine.Always(w.Want), func(r *columns.Reader, _ *engine.Header) (found []Detail, err error) {
		var rows []uint32
		q.Rows(r, func(row int, k engine.Key) {
			rows = append(rows, uint32(row)) //nolint:gosec // a segment has a few thousand rows
			found = append(found, Detail{Span: Span{Key: k}})
		})
		if len(rows) == 0 {
			return nil, nil
		}
		texts := map[segment.ValueID]string{}
		return found, r.Rows(shown, rows, func(t *segment.Table) {
			names := map[int64][2]string{}
			for i := range found {
				found[i].read(t, i, texts, names)
			}
		})
	}, func(_ []*engine.Header, made [][]Detail, _ int64) bool {
		for _, found := range made {
			if full = s.Hold(int64(len(found)) * detailBytes); full != nil {
				return false
			}
			out = append(out, found...)
		}
		more = len(out) > most
		return !more
	})
	if len(out) > most {
		slices.SortFunc(out, func(a, b Detail) int { return a.Compare(b.Key) })
		out = out[:most]
	}
	return out, more, cmp.Or(err, full)
}

func (d *Detail) read(t *segment.Table, at int, texts map[segment.ValueID]string, names map[int64][2]string) {
	d.ID, d.Parent, d.Duration = t.SpanIDs[at], t.ParentIDs[at], known(d.Time, t.Ints[segment.ColDuration][at])
	d.Kind, d.Status = int(t.Ints[segment.ColKind][at]), int(t.Ints[segment.ColStatus][at])
	of := t.Ints[segment.ColResource][at]
	d.Resource = t.Resources[of].ID
	name, ok := names[of]
	if !ok {
		name = [2]string{string([]byte(t.Resources[of].ServiceName)), string([]byte(t.Resources[of].ServiceNamespace))}
		names[of] = name
	}
	d.Service, d.Namespace = name[0], name[1]
	id := t.Texts[segment.TextName][at]
	if d.Name, ok = texts[id]; !ok {
		d.Name = string(t.Values[id].Raw)
		texts[id] = d.Name
	}
}

// Analysis is what a trace's tree tells.
type Analysis struct {
	Tree     *Tree
	Told     []Told // of Tree.Nodes, in their order
	Critical []Step // in the order of time
	Nodes    []GraphNode
	Edges    []GraphEdge
}

// Told is what is told of a node.
type Told struct {
	*Detail
	Self     int64 // ns of its duration in which no child ran
	Critical int64 // ns of the critical path that are its own
	// Shift is by how much its process's clock is reckoned to be wrong against its parent's, ns to add to its times; 0 where nothing tells. Nothing is corrected.
	Shift int64
}

// Step is a part of the critical path: what of it is a span's own. Unix ns.
type Step struct {
	Node     int // in Tree.Nodes
	From, To int64
}

// GraphNode is a service in a trace.
type GraphNode struct {
	Service, Namespace string
	Spans, Errors      int
	Self               int64 // ns
}

// GraphEdge is calls from a service to another one, or to itself by another process: spans whose parents are of the caller. Services are numbers in Nodes.
type GraphEdge struct {
	Caller, Callee int
	Calls, Errors  int
	Duration       int64 // ns together
}

// Analyse makes the tree of the spans of a trace and what it tells.
func Analyse(list []Detail) *Analysis {
	spans := make([]Span, len(list))
	of := make(map[engine.Key]*Detail, len(list))
	for i := range list {
		spans[i] = list[i].Span
		of[list[i].Key] = &list[i]
	}
	a := &Analysis{Tree: Build(spans)}
	a.Told = make([]Told, len(list))
	number := make(map[*Node]int, len(list))
	for i, n := range a.Tree.Nodes {
		number[n] = i
		a.Told[i] = Told{Detail: of[n.Span.Key], Self: selfTime(n)}
	}
	for i, n := range a.Tree.Nodes {
		if n.Parent != nil {
			a.Told[i].Shift = shift(a.Told[number[n.Parent]].Detail, a.Told[i].Detail)
		}
	}
	if len(list) > 0 {
		a.Critical = criticalPath(a.Tree.Nodes[0], number)
	}
	for _, step := range a.Critical {
		a.Told[step.Node].Critical += step.To - step.From
	}
	a.graph(number)
	return a
}

// selfTime is the span's duration less the union of its children's, each as far as it lies within it.
func selfTime(n *Node) int64 {
	reached, covered := n.Span.Time, int64(0)
	for _, child := range n.Children { // by start
		begin, end := max(child.Span.Time, reached), min(child.Span.End(), n.Span.End())
		if end > begin {
			covered += end - begin
			reached = end
		}
	}
	return n.Span.Duration - covered
}

// shift reckons how wrong a child's clock is against that of its parent, which is another process's. A child cannot begin before its parent; and a call that a
// client waits for does not end after it. Where it does, and would fit into its parent, it is reckoned to lie in the parent's middle, as if the way there and back took the same time; a
// longer one is reckoned to begin with it.
func shift(parent, child *Detail) int64 {
	waited := parent.Kind == otlp.KindClient && child.Kind == otlp.KindServer
	switch {
	case parent.Resource == child.Resource || parent.Duration == 0:
		return 0
	case child.Time >= parent.Time && !(waited && child.End() > parent.End() && child.Duration <= parent.Duration):
		return 0
	}
	return parent.Time + max(parent.Duration-child.Duration, 0)/2 - child.Time
}

// criticalPath is which span the end of the root waited for, at each moment of the root's time: backwards from its end, the child that was the last to end, and of several that
// still ran the one that began first, from its end to its beginning; what no child ran in is the span's own. Children count as far as they lie within their parents'
// part. The steps add up to the root's duration.
func criticalPath(root *Node, number map[*Node]int) []Step {
	var steps []Step // backwards
	step := func(n *Node, from, to int64) {
		if from < to {
			steps = append(steps, Step{number[n], from, to})
		}
	}
	// A frame is a span of whose part (from, at] has not been told. Its children are left in the order of their ends, latest first.
	type frame struct {
		node     *Node
		from, at int64
		left     []*Node
	}
	open := func(n *Node, from, to int64) frame {
		left := slices.Clone(n.Children)
		slices.SortStableFunc(left, func(a, b *Node) int { return cmp.Compare(b.Span.End(), a.Span.End()) })
		return frame{n, from, to, left}
	}
	stack := []frame{open(root, root.Span.Time, root.Span.End())}
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		// Of those that run at this moment, the one that began first; else the one that ended last before it.
		var next *Node
		for len(f.left) > 0 && f.left[0].Span.End() >= f.at {
			if c := f.left[0]; c.Span.Time < f.at && (next == nil || c.Span.order(next.Span) < 0) {
				next = c
			}
			f.left = f.left[1:]
		}
		if next == nil && len(f.left) > 0 && f.left[0].Span.End() > f.from {
			step(f.node, f.left[0].Span.End(), f.at)
			f.at = f.left[0].Span.End()
			continue
		}
		if next == nil || f.at <= f.from {
			step(f.node, f.from, f.at)
			stack = stack[:len(stack)-1]
			continue
		}
		from, to := max(next.Span.Time, f.from), f.at
		f.at = from
		stack = append(stack, open(next, from, to))
	}
	slices.Reverse(steps)
	return steps
}

// graph sums the services up, and the calls between them.
func (a *Analysis) graph(number map[*Node]int) {
	services, calls := map[[2]string]int{}, map[[2]int]int{}
	at := make([]int, len(a.Told))
	for i := range a.Told {
		told := &a.Told[i]
		key := [2]string{told.Namespace, told.Service}
		n, ok := services[key]
		if !ok {
			n = len(a.Nodes)
			services[key] = n
			a.Nodes = append(a.Nodes, GraphNode{Service: told.Service, Namespace: told.Namespace})
		}
		at[i] = n
		failed := 0
		if told.Status == otlp.StatusError {
			failed = 1
		}
		a.Nodes[n].Spans++
		a.Nodes[n].Errors += failed
		a.Nodes[n].Self += told.Self
		up := a.Tree.Nodes[i].Parent
		if up == nil || a.Told[number[up]].Resource == told.Resource {
			continue
		}
		pair := [2]int{at[number[up]], n}
		e, ok := calls[pair]
		if !ok {
			e = len(a.Edges)
			calls[pair] = e
			a.Edges = append(a.Edges, GraphEdge{Caller: pair[0], Callee: pair[1]})
		}
		a.Edges[e].Calls++
		a.Edges[e].Errors += failed
		a.Edges[e].Duration += told.Duration
	}
}

// Pair is a span of one trace beside its like in another, as numbers in their trees; -1 where one has none.
type Pair struct {
	A, B  int
	Depth int
}

// Align puts two traces side by side, each span before its children: spans are alike when they hang below spans that are, have service, namespace and name in common, and are as
// manieth of such siblings. What only one has comes where it stands there, after what both have before it.
func Align(a, b *Analysis) (out []Pair) {
	type pending struct {
		pair  Pair
		nodes [2]*Node
	}
	numbers := [2]map[*Node]int{{}, {}}
	for side, of := range []*Analysis{a, b} {
		for i, n := range of.Tree.Nodes {
			numbers[side][n] = i
		}
	}
	name := func(of *Analysis, i int) [3]string {
		d := of.Told[i].Detail
		return [3]string{d.Namespace, d.Service, d.Name}
	}
	align := func(left, right []*Node, depth int) (list []pending) {
		waiting, place := map[[3]string][]*Node{}, map[*Node]int{}
		for i, n := range right {
			place[n] = i
			key := name(b, numbers[1][n])
			waiting[key] = append(waiting[key], n)
		}
		like, of := map[*Node]*Node{}, map[*Node]*Node{}
		for _, n := range left {
			key := name(a, numbers[0][n])
			if w := waiting[key]; len(w) > 0 {
				like[n], of[w[0]], waiting[key] = w[0], n, w[1:]
			}
		}
		done := map[*Node]bool{}
		alone := 0 // of right, up to where it was told
		onlyRight := func(until *Node) {
			for ; alone < len(right) && right[alone] != until; alone++ {
				if n := right[alone]; of[n] == nil && !done[n] {
					done[n] = true
					list = append(list, pending{Pair{-1, numbers[1][n], depth}, [2]*Node{nil, n}})
				}
			}
		}
		for _, n := range left {
			r := like[n]
			if r == nil {
				list = append(list, pending{Pair{numbers[0][n], -1, depth}, [2]*Node{n, nil}})
				continue
			}
			if place[r] >= alone {
				onlyRight(r)
			}
			list = append(list, pending{Pair{numbers[0][n], numbers[1][r], depth}, [2]*Node{n, r}})
		}
		onlyRight(nil)
		return list
	}
	children := func(n *Node) []*Node {
		if n == nil {
			return nil
		}
		return n.Children
	}
	stack := align(a.Tree.Tops, b.Tree.Tops, 0)
	slices.Reverse(stack)
	for len(stack) > 0 {
		one := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		out = append(out, one.pair)
		next := align(children(one.nodes[0]), children(one.nodes[1]), one.pair.Depth+1)
		slices.Reverse(next)
		stack = append(stack, next...)
	}
	return out
}
