package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// storeReport prints a table of sizes and one of questions for every subject, how they grow, and the line for programs.
func storeReport(w io.Writer, o storeOptions, done []*subject) error {
	line := map[string]any{}
	fmt.Fprintf(w, "\n%d cores; warm medians of %d runs, cold ones of %d; CPU is that of the query service and PostgreSQL\n", runtime.GOMAXPROCS(0), o.runs, o.cold)
	for _, sub := range done {
		fmt.Fprintf(w, "\n### %d %s over %d hours\n\n", sub.items, sub.signal, storeHours)
		sub.reportSizes(w, line)
		sub.reportQuestions(w, o.asks(sub.signal), line)
		sub.reportCrowds(w, line)
	}
	o.reportGrowth(w, done, line)
	for _, sub := range done {
		for _, text := range sub.differ {
			fmt.Fprintf(w, "\n%d %s, the builds differ: %s\n", sub.items, sub.signal, text)
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nSTORE %s\n", text)
	return err
}

// heading is the name of a build's column.
func (h *holding) heading() string {
	if h.of == nil {
		return "now"
	}
	return h.of.name
}

// key is where a figure of a holding stands in the line for programs.
func (sub *subject) key(h *holding, name string) string {
	return fmt.Sprintf("%s_%d/%s%s", sub.signal, sub.items, name, h.of.label())
}

// columns are the holdings from left to right: what was before comes first.
func (sub *subject) columns() []*holding {
	out := slices.Clone(sub.holdings)
	slices.Reverse(out)
	return out
}

// row prints one figure of all builds, and their ratio where there are two.
func (sub *subject) row(w io.Writer, line map[string]any, label, key string, of func(*holding) float64) {
	fmt.Fprintf(w, "| %s |", label)
	columns := sub.columns()
	values := make([]float64, len(columns))
	for i, h := range columns {
		values[i] = of(h)
		line[sub.key(h, key)] = rounded(values[i])
		fmt.Fprintf(w, " %s |", figure(values[i]))
	}
	if len(values) == 2 {
		fmt.Fprintf(w, " %s |", proportion(values[1], values[0]))
	}
	fmt.Fprintln(w)
}

// figure writes a number with three digits that count, as far as that is worth it.
func figure(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func proportion(a, b float64) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// head prints the head of a table whose last columns are the builds.
func (sub *subject) head(w io.Writer, first string) {
	fmt.Fprintf(w, "| %s |", first)
	columns := sub.columns()
	for _, h := range columns {
		fmt.Fprintf(w, " %s |", h.heading())
	}
	n := len(columns)
	if n == 2 {
		fmt.Fprint(w, " ratio |")
		n++
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", n+1))
}

func (sub *subject) reportSizes(w io.Writer, line map[string]any) {
	sub.head(w, "an item")
	cpu := func(name, key string, of func(*holding) cost, part func(cost) time.Duration) {
		sub.row(w, line, name+", µs of CPU", key+"_us", func(h *holding) float64 { return of(h).micros(part(of(h))) })
	}
	stored, merged := func(h *holding) cost { return h.stored }, func(h *holding) cost { return h.merged }
	cpu("storing: writer", "store_writer", stored, func(c cost) time.Duration { return c.client })
	cpu("storing: PostgreSQL", "store_postgres", stored, func(c cost) time.Duration { return c.server })
	cpu("merging: janitor", "merge_janitor", merged, func(c cost) time.Duration { return c.client })
	cpu("merging: PostgreSQL", "merge_postgres", merged, func(c cost) time.Duration { return c.server })
	for _, of := range []struct {
		name string
		cost func(*holding) cost
	}{{"store", stored}, {"merge", merged}} {
		sub.row(w, line, "WAL to "+of.name+", B", of.name+"_wal", func(h *holding) float64 { return of.cost(h).each(of.cost(h).wal) })
	}
	for _, at := range []struct {
		name string
		of   func(*holding) footprint
	}{{stageFresh, func(h *holding) footprint { return h.fresh }}, {stageSettled, func(h *holding) footprint { return h.settled }}, {stageLived, func(h *holding) footprint { return h.lived }}} {
		sub.row(w, line, at.name+": whole database, B", at.name+"_database", func(h *holding) float64 { return at.of(h).database })
		sub.row(w, line, at.name+": of it empty", at.name+"_empty", func(h *holding) float64 { return at.of(h).empty })
		// A day that is merged at once leaves the headers of all its flushes, where a store that goes on has those of some minutes.
		sub.row(w, line, at.name+": of it free for what comes next", at.name+"_free", func(h *holding) float64 {
			size, live := at.of(h).sums()
			return max(size-live, 0)
		})
		sub.row(w, line, at.name+": tables over live", at.name+"_over_live", func(h *holding) float64 {
			size, live := at.of(h).sums()
			return size / max(live, 1e-9)
		})
		var names []string
		for _, h := range sub.columns() {
			for _, t := range at.of(h).tables {
				if !slices.Contains(names, t.name) {
					names = append(names, t.name)
				}
			}
		}
		for _, name := range names {
			sub.row(w, line, at.name+": "+name, at.name+"_"+name, func(h *holding) float64 {
				for _, t := range at.of(h).tables {
					if t.name == name {
						return t.size
					}
				}
				return 0
			})
		}
	}
	fmt.Fprintln(w)
}

// asks are the questions of a signal in their order.
func (o storeOptions) asks(signal telemetry.Signal) []question { return o.questions(signal, &filled{}) }

// of is what a holding answered at a stage, nil where it was not asked.
func (h *holding) reply(stage, name string) *reply { return h.asked[stage+"/"+name] }

func (sub *subject) reportQuestions(w io.Writer, asks []question, line map[string]any) {
	fmt.Fprint(w, "| question | results |")
	columns := sub.columns()
	for _, h := range columns {
		fmt.Fprintf(w, " %s: fresh, CPU ms | settled, CPU ms | segments | KiB needed | cold, ms | KiB of pages, of the catalogue | MiB from disk | backlog |", h.heading())
	}
	n := 2 + 8*len(columns)
	if len(columns) == 2 {
		fmt.Fprint(w, " settled, CPU ratio |")
		n++
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", n))
	for _, q := range asks {
		fmt.Fprintf(w, "| %s | %d |", q.name, sub.holdings[0].reply(stageSettled, q.name).hits)
		for _, h := range columns {
			settled, cold, backlog := h.reply(stageSettled, q.name), h.reply(stageCold, q.name), "–"
			if late, caught := h.reply(stageBacklog, q.name), h.reply(stageCaught, q.name); late != nil && caught != nil {
				backlog = proportion(late.cpu.Seconds(), caught.cpu.Seconds())
			}
			coldText := "– | – | –"
			if cold != nil {
				coldText = fmt.Sprintf("%s | %d, %d | %s", figure(milliseconds(cold.wall)), cold.pages/1024, cold.catalogue/1024, figure(float64(cold.disk)/(1<<20)))
			}
			fmt.Fprintf(w, " %s | %s | %d | %.0f | %s | %s |", h.reply(stageFresh, q.name).text(), settled.text(), settled.read, float64(settled.bytes)/1024, coldText, backlog)
			for _, stage := range []string{stageFresh, stageSettled, stageCold, stageBacklog, stageCaught} {
				r := h.reply(stage, q.name)
				if r == nil {
					continue
				}
				at := sub.key(h, stage+"/"+q.name)
				line[at+"_cpu_ms"], line[at+"_ms"] = rounded(milliseconds(r.cpu)), rounded(milliseconds(r.wall))
				line[at+"_segments"], line[at+"_bytes"] = r.read, r.bytes
				if stage == stageCold {
					line[at+"_disk"], line[at+"_pages"], line[at+"_catalogue"] = r.disk, r.pages, r.catalogue
				}
				if r.trouble != "" {
					line[at+"_trouble"] = r.trouble
				}
			}
		}
		if len(columns) == 2 {
			fmt.Fprintf(w, " %s |", proportion(columns[1].reply(stageSettled, q.name).cpu.Seconds(), columns[0].reply(stageSettled, q.name).cpu.Seconds()))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}

// text is the CPU of a reply, or what came instead of a whole answer.
func (r *reply) text() string {
	text := figure(milliseconds(r.cpu))
	if r.trouble != "" {
		text += " (" + r.trouble + ")"
	}
	return text
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (sub *subject) reportCrowds(w io.Writer, line map[string]any) {
	for _, beside := range []string{besideNothing, besideWriter} {
		for _, h := range sub.columns() {
			c := h.crowds[beside]
			if c == nil {
				continue
			}
			rate := float64(c.answers) / c.wall.Seconds()
			fmt.Fprintf(w, "eight clients %s, %s: %.1f answers a second, median %.0f ms, 99 %% within %.0f ms, %.1f ms of CPU an answer, %d refused", beside, h.heading(), rate,
				milliseconds(c.wait(0.5)), milliseconds(c.wait(0.99)), milliseconds(c.cpu)/float64(max(c.answers, 1)), c.refused)
			if c.stored > 0 {
				fmt.Fprintf(w, ", %d items stored", c.stored)
			}
			fmt.Fprintln(w)
			at := sub.key(h, "clients_"+beside)
			line[at+"_per_second"], line[at+"_p50_ms"], line[at+"_p99_ms"] = rounded(rate), milliseconds(c.wait(0.5)), milliseconds(c.wait(0.99))
			line[at+"_refused"], line[at+"_cpu_ms"] = c.refused, rounded(milliseconds(c.cpu)/float64(max(c.answers, 1)))
		}
	}
}

// reportGrowth says of each signal how much more a question takes of the largest size than of the smallest.
func (o storeOptions) reportGrowth(w io.Writer, done []*subject, line map[string]any) {
	for _, signal := range o.signals {
		if len(o.sizes) > 1 {
			growthOf(w, line, done, signal, o.asks(signal))
		}
	}
}

func growthOf(w io.Writer, line map[string]any, done []*subject, signal telemetry.Signal, asks []question) {
	var of []*subject
	for _, sub := range done {
		if sub.signal == signal {
			of = append(of, sub)
		}
	}
	small, large := of[0], of[len(of)-1]
	fmt.Fprintf(w, "\n### %s: CPU of %d over that of %d\n\n", signal, large.items, small.items)
	small.head(w, "settled")
	growth := &subject{signal: signal, items: large.items, holdings: small.holdings}
	for _, q := range asks {
		growth.row(w, line, q.name, "growth/"+q.name, func(h *holding) float64 {
			i := slices.Index(small.holdings, h)
			return large.holdings[i].reply(stageSettled, q.name).cpu.Seconds() / max(h.reply(stageSettled, q.name).cpu.Seconds(), 1e-9)
		})
	}
}
