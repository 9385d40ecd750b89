package pattern

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

func text(s string) segment.Value { return segment.Value{Type: segment.String, Raw: []byte(s)} }

// templateOf is the template of a line alone.
func templateOf(s string) string {
	f := formOf(text(s))
	return render(f.shape, f.words)
}

func TestWhatVariesByItsLooksIsNamed(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"order 4711 placed in 30ms, 1.25s after":                             "order <number> placed in <number>ms, <number>s after",
		"2026-11-23T10:15:00.123Z start":                                     "<time> start",
		"2026-11-23 10:15:00,123 INFO  started":                              "<time> INFO started",
		"[23/Nov/2026:10:15:00 +0000] \"GET /a HTTP/1.1\" 200":               "[<time>] \"GET /a HTTP/<number>\" <number>",
		"I1123 10:15:00.123456       1 cache.go:104] done":                   "<time> <number> cache.go:<number>] done",
		"user 0f8fad5b-d9cb-469f-a165-70867728950e left":                     "user <uuid> left",
		"from 10.0.0.7:5432 and 192.168.1.1 and fe80::1 and ::1":             "from <ip> and <ip> and <ip> and <ip>",
		"commit 3f786850e387550fdab836ed7e6dc881de23001b 0x7ffe of deadbeef": "commit <hex> <hex> of deadbeef",
		`pod="shop/cart-7f9c8d" err="failed to start"`:                       `pod=<quoted> err="failed to start"`,
		"veth9a8b7c: x7y8z9":                                                 "<*>: <*>",
		`{"level":"info","ts":1.5,"msg":"cache of 3 warmed"}`:                "cache of <number> warmed",
		`{"method":"GET","path":{"msg":"no"},"code":200}`:                    "{code: <*>, method: <*>, path: <*>}",
		"panic: nil\ngoroutine 1":                                            "panic: nil <*>",
		strings.Repeat("word ", 60):                                          strings.TrimSpace(strings.Repeat("word ", 48)) + " <*>",
		"":                                                                   "",
		"-7 and -1.5e":                                                       "-<number> and -<number>e",
	} {
		require.Equal(t, want, templateOf(line), line)
	}
}

// lines are log lines of several kinds: of a shop, Kubernetes, a gateway and batch jobs.
func lines(seed uint64, n int) (out []string) {
	r := rand.New(rand.NewPCG(seed, 3))
	names := strings.Fields("ada bob cleo dan eve finn gus hal ida joe kim lee max ned ola pia quin rex sam tom uma vic wes xia yan zoe")
	one := func() string { return names[r.IntN(len(names))] }
	hex := func(n int) string { return fmt.Sprintf("%0*x", n, r.Uint64())[:n] }
	for range n {
		out = append(out, []string{
			fmt.Sprintf("order %d of %s placed", r.IntN(9000), one()),
			fmt.Sprintf("payment %s for order %d", []string{"accepted", "declined", "pending"}[r.IntN(3)], r.IntN(9000)),
			fmt.Sprintf("user %s logged in from 10.0.%d.%d", one(), r.IntN(200), r.IntN(200)),
			fmt.Sprintf(`E1123 10:15:00.%06d    %3d pod_workers.go:1301] "Error syncing pod, skipping" pod="%s/%s-%s"`, r.IntN(1e6), r.IntN(500), one(), one(), hex(8)),
			fmt.Sprintf(`%d.1.2.3 - %s [23/Nov/2026:10:15:%02d +0000] "GET /%s/%d HTTP/1.1" %d %d "-" "curl/8.%d.0"`, r.IntN(200), one(), r.IntN(60), one(), r.IntN(99), 200+r.IntN(300), r.IntN(1e5), r.IntN(9)),
			fmt.Sprintf(`ts=2026-11-23T10:15:00.%03dZ level=info component=%s msg="segment flushed" duration=%dms bytes=%d`, r.IntN(1000), one(), r.IntN(90), r.IntN(1e6)),
			fmt.Sprintf("[2026-11-23, 10:15:%02d UTC] {%s.py:%d} INFO - %s met %s and %s", r.IntN(60), one(), r.IntN(900), one(), one(), one()),
			fmt.Sprintf(`{"level":"warn","msg":"retry %d of %s","id":"%s"}`, r.IntN(9), one(), hex(12)),
			strings.Join([]string{one() + one(), one() + one(), one(), one()}, " "),
			fmt.Sprintf("%s%s started", one(), one()),
		}[r.IntN(10)])
	}
	return out
}

// cellOf is what is known of the i-th line.
func cellOf(i int) *Cell {
	c := &Cell{Examples: []engine.Key{{Time: int64(i), Position: 1, Ordinal: int64(i)}}}
	if i%7 == 0 {
		c.Before, c.Examples = 1, nil
		return c
	}
	c.Count, c.First, c.Last = 1, int64(i), int64(i)
	c.Severity[i%Severities]++
	c.Over, c.ByServices = Counts[int]{{i % 5, 1}}, Counts[string]{{fmt.Sprint("service-", i%3), 1}}
	return c
}

// However lines are ordered and cut into segments, and in whatever order these are put together, the same comes of them.
func TestOrderAndPartitionChangeNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 5))
		all := lines(seed, 3000)
		var want []Pattern
		for try := range 5 {
			parts := make([]*set, 1+r.IntN(20)*min(try, 1))
			for i := range parts {
				parts[i] = newSet()
			}
			for _, i := range r.Perm(len(all)) {
				parts[r.IntN(len(parts))].add(formOf(text(all[i])), cellOf(i))
			}
			whole := newSet()
			for _, i := range r.Perm(len(parts)) {
				whole.merge(parts[i])
			}
			got := whole.patterns()
			require.False(t, whole.coarser || whole.missed)
			if try == 0 {
				want = got
				continue
			}
			require.Equal(t, want, got, "seed %d, try %d", seed, try)
		}
		require.Less(t, len(want), 160)
	}
}

// expression is what a template says, as somebody else reads it.
func expression(template string) *regexp.Regexp {
	e := regexp.QuoteMeta(template)
	for placeholder, is := range map[string]string{
		Any: `.+?`, Number: `\d+(\.\d+)?`, UUID: `[0-9a-fA-F-]{36}`, Hex: `(0x)?[0-9a-fA-F]+`, IP: `[0-9a-fA-F.:]+`, Time: `[0-9A-Za-z:./,+ -]+`, Quoted: `"[^" ]*"`,
	} {
		e = strings.ReplaceAll(e, regexp.QuoteMeta(placeholder), is)
	}
	return regexp.MustCompile(`^\s*` + strings.ReplaceAll(e, " ", `\s+`) + `\s*$`)
}

// Each line is like the one template that counts it, and every line is counted.
func TestEachLineMatchesATemplate(t *testing.T) {
	t.Parallel()
	all := lines(9, 2000)
	s := newSet()
	for i, line := range all {
		s.add(formOf(text(line)), cellOf(i))
	}
	var expressions []*regexp.Regexp
	counted := int64(0)
	for _, p := range s.patterns() {
		expressions = append(expressions, expression(p.Template))
		counted += p.Count + p.Before
	}
	require.EqualValues(t, len(all), counted)
	for _, line := range all {
		if message, _, is := object([]byte(line)); is {
			line = string(message)
		}
		found := false
		for _, e := range expressions {
			found = found || e.MatchString(line)
		}
		require.True(t, found, line)
	}
	templates := map[string]bool{}
	for _, p := range s.patterns() {
		templates[p.Template] = true
	}
	for _, want := range []string{
		"order <number> of <*> placed", "payment declined for order <number>", "user <*> logged in from <ip>", "retry <number> of <*>", "<*> <*> <*> <*>",
		`<time> <number> pod_workers.go:<number>] "Error syncing pod, skipping" pod=<quoted>`, `ts=<time> level=info component=<*> msg="segment flushed" duration=<number>ms bytes=<number>`,
	} {
		require.True(t, templates[want], "%s is not among the %d templates", want, len(templates))
	}
}

// Where there are too many lines to be kept apart, words are told apart in fewer places, shapes in other, and nothing is lost.
func TestTooManyLinesAreToldCoarser(t *testing.T) {
	t.Parallel()
	s := newSet()
	r := rand.New(rand.NewPCG(1, 1))
	letters := func(n int) string { return string(rune('a' + r.IntN(n))) }
	const n = 60_000
	for i := range n {
		c := &Cell{Count: 1, First: int64(i), Last: int64(i)}
		s.add(formOf(text(strings.Join([]string{"x", letters(15), letters(15), letters(15), letters(15), letters(15)}, " "))), c)
	}
	require.True(t, s.coarser)
	require.LessOrEqual(t, s.lines, mostLines)
	for i := range mostShapes + 10 {
		s.add(form{shape: fmt.Sprint("shape ", i)}, &Cell{Count: 1})
	}
	require.True(t, s.missed)
	sum := s.other.Count
	for _, p := range s.patterns() {
		sum += p.Count
	}
	require.EqualValues(t, n+mostShapes+10, sum)
}

// However many services send records of a pattern, or of those in other, so many are told, always the same ones, and what they take is charged.
func TestServicesAreBoundedAndCharged(t *testing.T) {
	t.Parallel()
	name := func(i int) string { return fmt.Sprintf("service-%05d", i) }
	const services, each = 3 * MostServices, 2
	want := Counts[string]{}
	for i := range MostServices {
		want = append(want, Counted[string]{name(i), each})
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 2 {
		lines, full, segment := newSet(), newSet(), Cell{}
		for i := range mostShapes {
			full.add(form{shape: fmt.Sprint("shape ", i)}, &Cell{Count: 1})
		}
		before := full.grown
		for _, i := range r.Perm(services * each) {
			one := &Cell{Count: 1, ByServices: Counts[string]{{name(i / each), 1}}}
			segment.ByServices.add(name(i/each), MostServices)
			lines.add(form{shape: "all"}, one)
			full.add(form{shape: "no room"}, one)
		}
		require.Equal(t, want, segment.ByServices)
		require.Equal(t, want, lines.patterns()[0].ByServices)
		require.EqualValues(t, services*each, lines.patterns()[0].Count)
		require.Equal(t, want, full.other.ByServices)
		const least = MostServices * (24 + len("service-00000"))
		for _, grown := range []int{lines.grown, full.grown - before} {
			require.GreaterOrEqual(t, grown, least)
			require.Less(t, grown, 2*least)
		}
	}
}

func FuzzForm(f *testing.F) {
	for _, line := range lines(1, 50) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		form := formOf(segment.Value{Type: segment.String, Raw: b})
		require.Equal(t, len(form.words), strings.Count(form.shape, "\x00"))
		require.NotContains(t, render(form.shape, form.words), "\x00")
	})
}
