package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
)

// figures is one case in BENCH's line. Logs and metrics count records and points where the others count spans.
type figures struct {
	Client    float64 `json:"client_us_per_span"`
	Server    float64 `json:"server_us_per_span"`
	WAL       float64 `json:"wal_bytes_per_span"`
	Disk      float64 `json:"disk_bytes_per_span"`
	Ingest    float64 `json:"ingest_us_per_span"`
	NATS      float64 `json:"nats_us_per_span"`
	All       float64 `json:"all_us_per_span"`
	Rate      float64 `json:"spans_per_second"`
	Allocated float64 `json:"client_alloc_bytes_per_span"`
	Objects   float64 `json:"client_allocs_per_span"`
	RSS       float64 `json:"client_rss_mib"`
}

// summary is BENCH's line: besides the cases, what older lines had at their top.
type summary struct {
	Path       float64            `json:"path_us_per_span"`
	Rate       float64            `json:"spans_per_second"`
	WriterRate float64            `json:"writer_spans_per_second"`
	Hard       bool               `json:"hard"`
	Spans      int                `json:"spans"`
	Ratios     map[string]float64 `json:"ratios"`
	Against    string             `json:"against,omitempty"`
	AgainstTo  map[string]float64 `json:"against_ratios,omitempty"`
}

// Columns of the tables.
func clientCPU(c cost) float64  { return c.micros(c.client) }
func serverCPU(c cost) float64  { return c.micros(c.server) }
func ingestCPU(c cost) float64  { return c.micros(c.ingest) }
func natsCPU(c cost) float64    { return c.micros(c.nats) }
func allCPU(c cost) float64     { return c.micros(c.all()) }
func storeCPU(c cost) float64   { return c.micros(c.client + c.server) }
func walBytes(c cost) float64   { return c.each(c.wal) }
func diskBytes(c cost) float64  { return c.each(c.disk) }
func allocBytes(c cost) float64 { return c.each(c.allocated) }
func allocCount(c cost) float64 { return c.each(c.objects) }
func clientRSS(c cost) float64  { return mib(c.memory.writer) }

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func (r results) figures(name string) figures {
	of := func(f func(cost) float64) float64 { return rounded(r.median(name, f)) }
	return figures{
		Client: of(clientCPU), Server: of(serverCPU), WAL: of(walBytes), Disk: of(diskBytes), Ingest: of(ingestCPU), NATS: of(natsCPU), All: of(allCPU), Rate: of(cost.rate),
		Allocated: of(allocBytes), Objects: of(allocCount), RSS: of(clientRSS),
	}
}

func report(w io.Writer, o options, shape string, r results) error {
	otlp := func(name string) float64 { return r.median(name, func(c cost) float64 { return c.each(c.otlp) }) }
	fmt.Fprintf(w, "\nDATA (counted in the first %d requests of each signal)\n%s\nOTLP: %.0f B a span, %.0f B a record, %.0f B a point\n\n", described, shape,
		max(otlp("segments"), otlp("path")), otlp("logs"), otlp("metrics"))
	r.costTable(w, o)
	r.memoryTable(w)
	ratios := r.ratioTable(w, o.hard)
	s := summary{
		Path: rounded(r.median("path", allCPU)), Rate: float64(int64(r.median("path", cost.rate))),
		WriterRate: float64(int64(r.median("segments", cost.rate))), Hard: o.hard, Spans: o.spans, Ratios: ratios,
	}
	if o.other != nil {
		s.Against = o.other.name
		s.AgainstTo = r.againstTable(w, o.other.name)
	}
	line, err := r.line(s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nBENCH %s\n", line)
	return err
}

// line is the summary with the cases beside it.
func (r results) line(s summary) ([]byte, error) {
	top, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	if err := json.Unmarshal(top, &all); err != nil {
		return nil, err
	}
	for _, name := range caseNames() {
		if len(r[name]) > 0 {
			all[name] = r.figures(name)
		}
	}
	return json.Marshal(all)
}

func (r results) costTable(w io.Writer, o options) {
	fmt.Fprintf(w, "COST an item: CPU in µs, sizes in bytes; medians of %d rounds of %d spans (a third as many items in cases with rows, logs, metrics); %d cores\n", o.rounds, o.spans, runtime.NumCPU())
	fmt.Fprintf(w, "%-20s %8s %8s %8s %8s %8s %10s %8s %8s %7s\n", "", "client", "server", "ingest", "nats", "all", "items/s", "WAL", "disk", "others")
	for _, name := range caseNames() {
		if len(r[name]) == 0 {
			continue
		}
		fmt.Fprintf(w, "%-20s %8.2f %8.2f %8.2f %8.2f %8.2f %10.0f %8.1f %8.1f %7.2f\n", name, r.median(name, clientCPU), r.median(name, serverCPU),
			r.median(name, ingestCPU), r.median(name, natsCPU), r.median(name, allCPU), r.median(name, cost.rate), r.median(name, walBytes), r.median(name, diskBytes),
			r.median(name, cost.neighbours))
	}
	fmt.Fprint(w, `client: the writers (copy, pdata_sink, walk: this program; path_together: writer, ingest and NATS). server: all of PostgreSQL.
CPU, WAL, disk: of the whole case after its warm-up, to the last commit. items/s: in its middle, from 10 to 90 % of the messages.
disk: all tables and indexes, dimensions apart. rows: segments_and_rows less segments. rows_alone: rows and walk, since the writer has no
mode without segments; what they share with segments beside the walk (fetch, ledger, rollups, dimensions) is not in it. Its rate: that of
segments_and_rows, had it been as busy with this work only. others: how many cores programs that are no part of this bench kept busy
meanwhile: items/s is what they left, CPU is not theirs.

`)
}

func (r results) memoryTable(w io.Writer) {
	fmt.Fprintf(w, "MEMORY: what the client allocates an item; largest resident MiB by process (PostgreSQL: all processes at the end, shared once)\n")
	fmt.Fprintf(w, "%-20s %8s %8s %10s | %8s %8s %8s %10s\n", "", "B", "pieces", "generator", "client", "ingest", "nats", "PostgreSQL")
	of := func(f func(memory) int64) func(cost) float64 { return func(c cost) float64 { return mib(f(c.memory)) } }
	for _, name := range caseNames() {
		if len(r[name]) == 0 || name == "rows_alone" || name == "rows" {
			continue
		}
		fmt.Fprintf(w, "%-20s %8.0f %8.3f %10.2f | %8.0f %8.0f %8.0f %10.0f\n", name, r.median(name, allocBytes), r.median(name, allocCount),
			r.median(name, func(c cost) float64 { return c.micros(c.generator) }), r.median(name, clientRSS), r.median(name, of(func(m memory) int64 { return m.ingest })),
			r.median(name, of(func(m memory) int64 { return m.nats })), r.median(name, of(func(m memory) int64 { return m.postgres })))
	}
	fmt.Fprint(w, "generator: CPU of this program in µs an item, which sends and watches; in no other figure. Where the client is this program, its memory is not the case's.\n\n")
}

// ratio is one comparison with its goal.
type ratio struct {
	key, text string
	value     float64
	needs     []string // cases
	goal      float64
	atLeast   bool
}

// disturbed is by how many busy cores the neighbours of two cases may differ for their rates to be compared.
const disturbed = 0.25

// unfair says why the rates of two cases do not compare, "" where they do. CPU compares anyway.
func (r results) unfair(a, b string) string {
	x, y := r.median(a, cost.neighbours), r.median(b, cost.neighbours)
	if diff := x - y; diff <= disturbed && diff >= -disturbed {
		return ""
	}
	return fmt.Sprintf("   no verdict: others took %.2f and %.2f cores meanwhile", x, y)
}

// verdict is what there is to say of a ratio.
func (r results) verdict(x ratio) string {
	if rates := strings.HasSuffix(x.key, "_rate"); rates {
		of := slices.Clone(x.needs)
		for i, name := range of {
			if name == "rows_alone" {
				of[i] = "segments_and_rows" // by whose rate it is reckoned
			}
		}
		if text := r.unfair(of[0], of[1]); text != "" {
			return text
		}
	}
	return against(x.value, x.goal, x.atLeast)
}

func (r results) ratios(hard bool) []ratio {
	goal := func(ordinary, ofHard float64) float64 {
		if hard {
			return ofHard
		}
		return ordinary
	}
	quotient := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	of := func(a, b string, f func(cost) float64) float64 { return quotient(r.median(a, f), r.median(b, f)) }
	largest := 0.0
	for _, name := range caseNames() {
		if name != "path_together" {
			largest = max(largest, r.median(name, clientRSS))
		}
	}
	rows := []string{"segments", "rows_alone"}
	return []ratio{
		{"segments_to_rows_cpu", "segments / rows_alone, CPU of writer and PostgreSQL", of("segments", "rows_alone", storeCPU), rows, goal(0.30, 0.35), false},
		{"segments_to_rows_wal", "segments / rows_alone, WAL", of("segments", "rows_alone", walBytes), rows, goal(0.10, 0.17), false},
		{"segments_to_rows_disk", "segments / rows_alone, disk", of("segments", "rows_alone", diskBytes), rows, goal(0.10, 0.17), false},
		{"segments_to_rows_rate", "segments / rows_alone, items/s", of("segments", "rows_alone", cost.rate), rows, 3.5, true},
		{"segments_to_both_rate", "segments / segments_and_rows, items/s, as measured", of("segments", "segments_and_rows", cost.rate), []string{"segments", "segments_and_rows"}, 0, true},
		{"copy_to_rows_server_cpu", "copy / rows, CPU of PostgreSQL", of("copy", "rows", serverCPU), []string{"copy", "rows"}, 0.70, true},
		{"path_to_floors", "path / (pdata_sink + copy), CPU", quotient(r.median("path", allCPU), r.median("pdata_sink", allCPU)+r.median("copy", allCPU)), []string{"path", "pdata_sink", "copy"}, 1, false},
		{"path_gzip_to_path", "path_gzip / path, CPU", of("path_gzip", "path", allCPU), []string{"path_gzip", "path"}, 0, false},
		{"path_together_to_path", "path_together / path, CPU", of("path_together", "path", allCPU), []string{"path_together", "path"}, 0, false},
		{"path_together_to_path_rate", "path_together / path, items/s", of("path_together", "path", cost.rate), []string{"path_together", "path"}, 0, true},
		{"two_writers_rate", "segments_2_writers / segments, items/s", of("segments_2_writers", "segments", cost.rate), []string{"segments_2_writers", "segments"}, 0, true},
		{"two_writers_cpu", "segments_2_writers / segments, CPU", of("segments_2_writers", "segments", allCPU), []string{"segments_2_writers", "segments"}, 0, false},
		{"path_spans_per_second", "path, spans/s", r.median("path", cost.rate), []string{"path"}, 200_000, true},
		{"writer_rss_mib", "largest writer, MiB resident", largest, nil, 256, false},
	}
}

func (r results) ratioTable(w io.Writer, hard bool) map[string]float64 {
	fmt.Fprintln(w, "RATIOS, of medians, and goals")
	out := map[string]float64{}
	for _, x := range r.ratios(hard) {
		missing := false
		for _, name := range x.needs {
			missing = missing || len(r[name]) == 0
		}
		if missing {
			continue
		}
		out[x.key] = rounded(x.value)
		fmt.Fprintf(w, "%-52s %10.2f%s\n", x.text, x.value, r.verdict(x))
	}
	return out
}

// against says what the goal is and whether it is met; nothing without one.
func against(value, goal float64, atLeast bool) string {
	if goal == 0 {
		return ""
	}
	sign, met := "<=", value <= goal
	if atLeast {
		sign, met = ">=", value >= goal
	}
	verdict := "missed"
	if met {
		verdict = "met"
	}
	return fmt.Sprintf("   goal %s %g: %s", sign, goal, verdict)
}

// againstTable shows this build beside the other revision.
func (r results) againstTable(w io.Writer, other string) map[string]float64 {
	fmt.Fprintf(w, "\nAGAINST %s: the same requests in the same run, in turn\n%-20s %-14s %10s %10s %10s\n", other, "", "", "this", other, "ratio")
	out := map[string]float64{}
	for _, name := range []string{"segments", "path"} {
		if len(r[name+ofOther]) == 0 {
			continue
		}
		for _, column := range []struct {
			name string
			of   func(cost) float64
		}{
			{"client", clientCPU},
			{"server", serverCPU},
			{"ingest", ingestCPU},
			{"nats", natsCPU},
			{"all", allCPU},
			{"items/s", cost.rate},
			{"WAL", walBytes},
			{"disk", diskBytes},
			{"alloc B", allocBytes},
			{"RSS MiB", clientRSS},
			{"others", cost.neighbours},
		} {
			ours, theirs := r.median(name, column.of), r.median(name+ofOther, column.of)
			if theirs == 0 {
				continue
			}
			fmt.Fprintf(w, "%-20s %-14s %10.2f %10.2f %10.3f\n", name, column.name, ours, theirs, ours/theirs)
			out[name+" "+column.name] = rounded(ours / theirs)
		}
	}
	return out
}
