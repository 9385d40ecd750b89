package trace

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

func randomDetails(r *rand.Rand, n int) (list []Detail) {
	for i := range n {
		d := Detail{Service: fmt.Sprint("s", r.IntN(3)), Name: fmt.Sprint("n", r.IntN(4)), Resource: int64(r.IntN(4)), Kind: r.IntN(6), Status: r.IntN(3)}
		parent := ""
		start, length := r.Int64N(40), r.Int64N(40)
		if i > 0 && r.IntN(10) > 0 {
			parent = fmt.Sprint("i", r.IntN(i))
		}
		if i == 0 {
			start, length = 0, 60
		}
		d.Span = spanOf(fmt.Sprint("i", i), parent, start, length, i)
		list = append(list, d)
	}
	r.Shuffle(n, func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// owner is whose a tick of the critical path is, found by going back tick by tick.
func owner(n *Node, from, to, tick int64) *Node {
	for at := to; at > from; {
		var next *Node
		for _, c := range n.Children {
			if c.Span.End() >= at && c.Span.Time < at && (next == nil || c.Span.order(next.Span) < 0) {
				next = c
			}
		}
		if next == nil {
			if at-1 == tick {
				return n
			}
			at--
			continue
		}
		begin := max(next.Span.Time, from)
		if tick >= begin {
			return owner(next, begin, at, tick)
		}
		at = begin
	}
	return nil
}

func TestSelfTimeAndCriticalPathAreThoseOfACountOfTicks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		a := Analyse(randomDetails(r, 1+r.IntN(14)))
		for i, n := range a.Tree.Nodes {
			require.Equal(t, *n.Span, a.Told[i].Span)
			free := int64(0)
			for tick := n.Span.Time; tick < n.Span.End(); tick++ {
				ran := false
				for _, c := range n.Children {
					ran = ran || c.Span.Time <= tick && tick < c.Span.End()
				}
				if !ran {
					free++
				}
			}
			require.Equal(t, free, a.Told[i].Self)
		}
		root := a.Tree.Nodes[0]
		at := root.Span.Time
		for _, step := range a.Critical {
			require.Equal(t, at, step.From, "steps follow one another")
			for tick := step.From; tick < step.To; tick++ {
				require.Same(t, owner(root, root.Span.Time, root.Span.End(), tick), a.Tree.Nodes[step.Node], "seed %d tick %d", seed, tick)
			}
			at = step.To
		}
		require.Equal(t, root.Span.End(), at)
		spans, self, told := 0, int64(0), int64(0)
		for _, n := range a.Nodes {
			spans, self = spans+n.Spans, self+n.Self
		}
		for _, one := range a.Told {
			told += one.Self
		}
		require.Equal(t, len(a.Told), spans)
		require.Equal(t, told, self)
	}
}

// The cases are shared with the browser's analysis.test.ts.
func TestPathsAndClocksFollowTheRules(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/analysis.json")
	require.NoError(t, err)
	var cases []struct {
		Name  string
		Spans []struct {
			ID, Parent, Kind string
			Start, Duration  int64
			Resource         int64
		}
		Critical []string
		Shifts   map[string]int64
	}
	require.NoError(t, json.Unmarshal(b, &cases))
	require.NotEmpty(t, cases)
	kinds := map[string]int{"client": otlp.KindClient, "server": otlp.KindServer}
	for _, c := range cases {
		var list []Detail
		for i, s := range c.Spans {
			list = append(list, Detail{Span: spanOf(s.ID, s.Parent, s.Start, s.Duration, i), Kind: kinds[s.Kind], Resource: s.Resource})
		}
		a := Analyse(list)
		name := func(n *Node) string { return strings.Trim(string(n.Span.ID[:]), "\x00") }
		var got []string
		start := a.Tree.Nodes[0].Span.Time
		for _, step := range a.Critical {
			got = append(got, fmt.Sprintf("%s %d..%d", name(a.Tree.Nodes[step.Node]), step.From-start, step.To-start))
		}
		require.Equal(t, c.Critical, got, c.Name)
		for i, n := range a.Tree.Nodes {
			require.Equal(t, c.Shifts[name(n)], a.Told[i].Shift, "%s: %s", c.Name, name(n))
		}
	}
}

func TestAWideTraceIsAnalysedInAMoment(t *testing.T) {
	t.Parallel()
	var list []Detail
	for i := range 50_000 {
		d := Detail{Span: spanOf(fmt.Sprint("i", i), "i0", int64(i), 3, i)}
		if i == 0 {
			d.Span = spanOf("i0", "", 0, 60_000, 0)
		}
		list = append(list, d)
	}
	a := Analyse(list)
	require.EqualValues(t, 60_000-50_001, a.Told[0].Self)
	require.Len(t, Align(a, a), len(list))
}

func TestSkewIsReckonedAgainstTheParent(t *testing.T) {
	t.Parallel()
	parent := Detail{Span: spanOf("p", "", 100, 50, 0), Kind: otlp.KindClient, Resource: 1}
	for _, c := range []struct {
		start, duration int64
		kind            int
		resource        int64
		shift           int64
	}{
		{110, 20, otlp.KindServer, 2, 0},
		{90, 20, otlp.KindServer, 2, 25},    // would lie from 115 to 135
		{140, 20, otlp.KindServer, 2, -25},  // ends after the client that waits for it
		{140, 20, otlp.KindConsumer, 2, 0},  // nobody waits
		{90, 80, otlp.KindConsumer, 2, 10},  // too long to fit
		{110, 80, otlp.KindServer, 2, 0},    // longer than it was waited for: a timeout
		{90, 20, otlp.KindServer, 1, 0},     // of the same process, which has one clock
		{900, 20, otlp.KindServer, 2, -785}, // far
	} {
		child := Detail{Span: spanOf("c", "p", c.start, c.duration, 1), Kind: c.kind, Resource: c.resource}
		a := Analyse([]Detail{child, parent})
		require.Equal(t, []int64{0, c.shift}, []int64{a.Told[0].Shift, a.Told[1].Shift}, "%+v", c)
	}
}

func TestTracesAreAligned(t *testing.T) {
	t.Parallel()
	of := func(lines ...[3]string) *Analysis { // id, parent, name
		var list []Detail
		for i, l := range lines {
			list = append(list, Detail{Span: spanOf(l[0], l[1], int64(i), 1, i), Name: l[2]})
		}
		return Analyse(list)
	}
	a := of([3]string{"1", "", "get"}, [3]string{"2", "1", "sql"}, [3]string{"3", "1", "sql"}, [3]string{"4", "3", "lock"}, [3]string{"5", "1", "mail"})
	b := of([3]string{"1", "", "get"}, [3]string{"2", "1", "cache"}, [3]string{"3", "1", "sql"}, [3]string{"4", "1", "log"}, [3]string{"5", "1", "mail"})
	var got []string
	for _, p := range Align(a, b) {
		side := func(of *Analysis, i int) string {
			if i < 0 {
				return "-"
			}
			return of.Told[i].Name
		}
		got = append(got, fmt.Sprint(p.Depth, " ", side(a, p.A), " ", side(b, p.B)))
	}
	require.Equal(t, []string{"0 get get", "1 - cache", "1 sql sql", "1 sql -", "2 lock -", "1 - log", "1 mail mail"}, got)

	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		a, b := Analyse(randomDetails(r, 1+r.IntN(20))), Analyse(randomDetails(r, 1+r.IntN(20)))
		seen := [2]map[int]bool{{}, {}}
		for _, p := range Align(a, b) {
			if p.A >= 0 && p.B >= 0 {
				require.Equal(t, a.Told[p.A].Name+a.Told[p.A].Service, b.Told[p.B].Name+b.Told[p.B].Service)
			}
			for side, i := range []int{p.A, p.B} {
				if i >= 0 {
					require.False(t, seen[side][i])
					seen[side][i] = true
				}
			}
		}
		require.Len(t, seen[0], len(a.Told))
		require.Len(t, seen[1], len(b.Told))
		for _, p := range Align(a, a) {
			require.Equal(t, p.A, p.B)
		}
	}
}
