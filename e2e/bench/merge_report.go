package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// levelFigures is one level of a shape in MERGE's line, per item. The CPU is that of storing for level 0 and that of merging to it for the
// others.
type levelFigures struct {
	Client   float64 `json:"client_us_per_item"`
	Server   float64 `json:"server_us_per_item"`
	WAL      float64 `json:"wal_bytes_per_item"`
	Segments int     `json:"segments"`
	Content  float64 `json:"bytes_per_item"`
	Packed   float64 `json:"packed_disk_bytes_per_item"`
	Disk     float64 `json:"disk_growth_bytes_per_item"`
	RSS      float64 `json:"client_rss_mib"`
}

type latencyFigures struct {
	Flushes   int            `json:"flushes"`
	Median    float64        `json:"median_ms"`
	P99       float64        `json:"p99_ms"`
	Longest   float64        `json:"longest_ms"`
	Looks     int            `json:"looks"`
	LockWaits map[string]int `json:"lock_waits"`
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (l latency) figures() latencyFigures {
	return latencyFigures{l.flushes, millis(l.median), millis(l.p99), millis(l.longest), l.looks, l.waits}
}

// waited says in words how often and what for a writer waited.
func (l latency) waited() string {
	total := 0
	var by []string
	for _, what := range slices.Sorted(maps.Keys(l.waits)) {
		total += l.waits[what]
		by = append(by, fmt.Sprintf("%s %d", what, l.waits[what]))
	}
	text := fmt.Sprintf("%d of %d", total, l.looks)
	if total > 0 {
		text += " (" + strings.Join(by, ", ") + ")"
	}
	return text
}

func (l level) figures() levelFigures {
	rss := l.rss
	if rss == 0 {
		rss = l.cost.memory.writer
	}
	return levelFigures{
		Client: rounded(clientCPU(l.cost)), Server: rounded(serverCPU(l.cost)), WAL: rounded(walBytes(l.cost)), Segments: l.segments,
		Content: rounded(l.content), Packed: rounded(l.packed), Disk: rounded(diskBytes(l.cost)), RSS: rounded(mib(rss)),
	}
}

// merging is what both merges take an item, in µs of all processes.
func (c compaction) merging() float64 { return storeCPU(c.levels[1].cost) + storeCPU(c.levels[2].cost) }

// goals are, by shape, bytes of an item once merged; 0 for none.
func (c compaction) goal() float64 {
	switch {
	case c.each:
		return 0
	case c.requests.signal == telemetry.Traces:
		return 40
	case c.requests.signal == telemetry.Logs:
		return 85
	}
	return 8
}

func mergeReport(w io.Writer, o mergeOptions, found []compaction, felt feeling) error {
	fmt.Fprintf(w, "\nMERGING: CPU in µs, sizes in bytes, all per item; %d cores\n", runtime.NumCPU())
	fmt.Fprintf(w, "%-12s %-8s %8s | %8s %8s %8s %7s | %8s %7s %7s %7s %7s %8s\n", "", "", "", "client", "server", "WAL", "RSS", "bytes", "body", "filter", "direct.", "header",
		"packed")
	for _, c := range found {
		for n, l := range c.levels {
			title := ""
			if n == 0 {
				title = c.name
			}
			f := l.figures()
			fmt.Fprintf(w, "%-12s level %d %8d | %8.2f %8.2f %8.1f %7.0f | %8.1f %7.1f %7.1f %7.1f %7.1f %8.1f\n", title, n, l.segments, f.Client, f.Server, f.WAL, f.RSS,
				f.Content, l.body, l.filters, l.dir, l.content-l.body-l.filters-l.dir, f.Packed)
		}
	}
	fmt.Fprintf(w, `The number is that of segments. Level 0: what the writer (client) and PostgreSQL took to store the items. Level 1 (closed minutes) and 2
(closed hours): what the janitor (client) and PostgreSQL took to merge what was there, less what a janitor takes to start and end.
bytes: of a segment's row and its part of its group's, which are body, filters, directory and header columns. packed: on disk with indexes, in a table without what
merging has freed. busy: %d spans/s in the time of the data, full flushes. quiet: %d spans/s, a flush of %d each second, each committed
before the next is sent.

`, busyRate, quietRate, quietRate)
	storing(w, found)
	writing(w, felt)
	goals(w, found, felt)
	return mergeLine(w, o, found, felt)
}

// storing compares what small flushes cost beside full ones.
func storing(w io.Writer, found []compaction) {
	fmt.Fprintf(w, "SMALL AND FULL FLUSHES\n%-12s %10s %10s | %10s %10s %10s | %10s %10s\n", "", "CPU to", "CPU with", "WAL to", "WAL with", "disk growth", "packed", "packed")
	fmt.Fprintf(w, "%-12s %10s %10s | %10s %10s %10s | %10s %10s\n", "", "store", "merging", "store", "merging", "storing", "stored", "merged")
	for _, c := range found {
		if c.requests.signal != telemetry.Traces {
			continue
		}
		l := c.levels
		fmt.Fprintf(w, "%-12s %10.2f %10.2f | %10.1f %10.1f %10.1f | %10.1f %10.1f\n", c.name, storeCPU(l[0].cost), storeCPU(l[0].cost)+c.merging(),
			walBytes(l[0].cost), walBytes(l[0].cost)+walBytes(l[1].cost)+walBytes(l[2].cost), diskBytes(l[0].cost), l[0].packed, l[2].packed)
	}
	fmt.Fprint(w, "CPU: of writer, janitor and PostgreSQL. disk growth: all tables and indexes, ledger and rollups too.\n\n")
}

func writing(w io.Writer, f feeling) {
	fmt.Fprintf(w, "WRITING WHILE MERGING: ms from publishing a flush of %d spans to its commit, one after the other\n", flushItems)
	fmt.Fprintf(w, "%-12s %10s %10s %10s %10s   %s\n", "", "flushes", "median", "99 %", "longest", "waits for locks")
	for _, x := range []struct {
		name string
		of   latency
	}{{"alone", f.before}, {"merging", f.during}} {
		l := x.of.figures()
		fmt.Fprintf(w, "%-12s %10d %10.1f %10.1f %10.1f  %s\n", x.name, l.Flushes, l.Median, l.P99, l.Longest, x.of.waited())
	}
	fmt.Fprintf(w, "A janitor without rest merged %d spans to level 2 in %s meanwhile. waits for locks: in how many looks a\nwriter waited for one, and for what; extend is the lock of a table file that grows.\n\n", f.items,
		f.took.Round(10*time.Millisecond))
}

func goals(w io.Writer, found []compaction, f feeling) {
	fmt.Fprintln(w, "GOALS")
	line := func(text string, value, goal float64) {
		fmt.Fprintf(w, "%-52s %10.2f%s\n", text, value, against(value, goal, false))
	}
	for _, c := range found {
		goal := 3.0
		if c.each {
			goal = 0
		}
		line(c.name+": merging to both levels, µs an item", c.merging(), goal)
		line(c.name+": bytes an item at level 2", c.levels[2].content, c.goal())
	}
	line("longest flush while merging / alone", float64(f.during.longest)/float64(max(f.before.longest, 1)), 0)
	line("median flush while merging / alone", float64(f.during.median)/float64(max(f.before.median, 1)), 0)
}

func mergeLine(w io.Writer, o mergeOptions, found []compaction, f feeling) error {
	line := map[string]any{
		"hard": o.hard, "spans": o.spans,
		"writing": map[string]any{
			"alone": f.before.figures(), "merging": f.during.figures(), "merged_spans": f.items, "merge_seconds": rounded(f.took.Seconds()),
		},
	}
	for _, c := range found {
		line[c.key()] = map[string]any{
			"items": c.requests.items, "merge_us_per_item": rounded(c.merging()),
			"level_0": c.levels[0].figures(), "level_1": c.levels[1].figures(), "level_2": c.levels[2].figures(),
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nMERGE %s\n", text)
	return err
}
