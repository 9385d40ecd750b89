package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed/shapes"
)

// Sizes of flushes and segments as the writer and the janitor make them by default.
const (
	wholeFlush  = 8000
	freshItems  = 2000
	mergedItems = segment.MaxItems
)

type shapesOptions struct {
	items   int
	request int
	seed    uint64
	only    string
	dir     string
	columns int
	floors  bool
}

// ShapesMain measures what items of each shape and signal take in segments, in bytes of directory and body an item, without filters: a
// request a flush (alone), a full flush (fresh), and all of it merged; and CPU. Beside it stands what zstd takes for the same requests: level 3
// of each request, and level 19 with a window of 128 MiB of all one after the other. The same seed gives the same bytes. The last line is
// `SHAPES {json}`. It returns the exit code.
func ShapesMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o shapesOptions
	flags := flag.NewFlagSet("shapes", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.items, "items", 20_000, "items of each shape, over ten minutes")
	flags.IntVar(&o.request, "request", 500, "items of a request")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of the generators")
	flags.StringVar(&o.only, "only", "", "only the shapes whose name begins so: genai, genai/traces")
	flags.StringVar(&o.dir, "dir", "", "measure recorded requests instead: files *traces*, *logs* and *metrics* of OTLP protobuf, a folder for each shape")
	flags.BoolVar(&o.floors, "floors", true, "measure zstd too, which takes most of the time")
	flags.IntVar(&o.columns, "columns", 0, "list so many of the largest columns of each merged shape")
	if err := flags.Parse(args); err != nil {
		return service.ExitUsage
	}
	if err := measureShapes(ctx, o, stdout); err != nil {
		fmt.Fprintln(stderr, "shapes:", err)
		return service.ExitFailed
	}
	return service.ExitOK
}

// sender is the requests of one kind of sender and one signal.
type sender struct {
	name     string
	signal   telemetry.Signal
	payloads [][]byte
}

// sizes is what a shape takes, in bytes an item if nothing else is said.
type sizes struct {
	Items  int     `json:"items"`
	OTLP   float64 `json:"otlp"`
	Zstd3  float64 `json:"zstd_3"`
	Zstd19 float64 `json:"zstd_19_long"`
	Alone  float64 `json:"alone"`
	Fresh  float64 `json:"fresh"`
	Merged float64 `json:"merged"`

	FreshCPU  float64 `json:"fresh_us"` // microseconds an item
	MergedCPU float64 `json:"merged_us"`

	columns []columnBytes
}

type columnBytes struct {
	name, encoding string
	bytes          int
}

func measureShapes(ctx context.Context, o shapesOptions, out io.Writer) error {
	all, err := shapesOf(o)
	if err != nil {
		return err
	}
	found := map[string]sizes{}
	fmt.Fprintf(out, "%-20s %7s %8s | %8s %8s | %8s %8s %8s | %6s %6s | %6s %6s\n", "shape", "items", "otlp", "zstd -3", "-19 long", "alone", "fresh", "merged",
		"fr/z3", "me/z19", "fr us", "me us")
	for _, s := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m, err := measureShape(ctx, s, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		found[s.name] = m
		fmt.Fprintf(out, "%-20s %7d %8.1f | %8.1f %8.1f | %8.1f %8.1f %8.1f | %6.2f %6.2f | %6.2f %6.2f\n", s.name, m.Items, m.OTLP, m.Zstd3, m.Zstd19,
			m.Alone, m.Fresh, m.Merged, m.Fresh/m.Zstd3, m.Merged/m.Zstd19, m.FreshCPU, m.MergedCPU)
		for _, c := range m.columns {
			fmt.Fprintf(out, "    %9.2f %5.1f %%  %-44s %s\n", float64(c.bytes)/float64(m.Items), 100*float64(c.bytes)/float64(m.Items)/m.Merged, c.name, c.encoding)
		}
	}
	line, err := json.Marshal(found)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "SHAPES %s\n", line)
	return nil
}

// shapesOf makes or reads what is measured.
func shapesOf(o shapesOptions) (all []sender, err error) {
	if o.dir == "" {
		for _, name := range shapes.Names() {
			made, err := shapes.Make(name, o.seed, o.items, o.request)
			if err != nil {
				return nil, err
			}
			for signal, payloads := range made {
				all = append(all, sender{name: name + "/" + telemetry.Signal(signal).String(), signal: telemetry.Signal(signal), payloads: payloads})
			}
		}
	} else if all, err = recorded(o.dir); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s sender) bool { return len(s.payloads) == 0 || !strings.HasPrefix(s.name, o.only) })
	if len(all) == 0 {
		return nil, errors.New("there is no such shape")
	}
	return all, nil
}

// recorded reads requests from files: a folder of dir for each shape.
func recorded(dir string) (all []sender, err error) {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		for _, signal := range []telemetry.Signal{telemetry.Traces, telemetry.Logs, telemetry.Metrics} {
			files, err := filepath.Glob(filepath.Join(dir, folder.Name(), "*"+signal.String()+"*"))
			if err != nil {
				return nil, err
			}
			s := sender{name: folder.Name() + "/" + signal.String(), signal: signal}
			for _, file := range files {
				b, err := os.ReadFile(file)
				if err != nil {
					return nil, err
				}
				s.payloads = append(s.payloads, b)
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func measureShape(ctx context.Context, s sender, o shapesOptions) (m sizes, err error) {
	bytesOf := 0
	for _, p := range s.payloads {
		bytesOf += len(p)
	}
	var alone, fresh, merged tally
	if alone, err = s.encode(1, freshItems, 0); err != nil {
		return m, err
	}
	if fresh, err = s.encode(wholeFlush, freshItems, 0); err != nil {
		return m, err
	}
	if merged, err = s.encode(1<<30, mergedItems, 2); err != nil {
		return m, err
	}
	zstd3, zstd19 := 0, 0
	if o.floors {
		if zstd3, zstd19, err = floors(ctx, s.payloads); err != nil {
			return m, err
		}
	}
	n := float64(fresh.items)
	m = sizes{
		Items: fresh.items, OTLP: float64(bytesOf) / n, Zstd3: float64(zstd3) / n, Zstd19: float64(zstd19) / n,
		Alone: float64(alone.bytes) / n, Fresh: float64(fresh.bytes) / n, Merged: float64(merged.bytes) / n,
		FreshCPU: fresh.cpu.Seconds() * 1e6 / n, MergedCPU: merged.cpu.Seconds() * 1e6 / n,
	}
	if o.columns > 0 {
		m.columns, err = merged.largest(o.columns)
	}
	return m, err
}

// tally is the segments made of a shape.
type tally struct {
	items, bytes int
	cpu          time.Duration // of encoding
	segments     []*segment.Segment
}

// encode makes segments of flushes of at least so many items each.
func (s sender) encode(flush, items, level int) (t tally, err error) {
	table := segment.NewTable(telemetry.DefaultTenant, s.signal)
	write := func() error {
		t.items += table.N
		before, err := ownCPU()
		if err != nil {
			return err
		}
		for _, rows := range table.Slices(items) {
			from := len(t.segments)
			if t.segments, err = table.AppendEncoded(t.segments, rows, level); err != nil {
				return err
			}
			for _, seg := range t.segments[from:] {
				t.bytes += len(seg.Directory) + len(seg.Body)
			}
		}
		after, err := ownCPU()
		t.cpu += after - before
		table.Reset()
		return err
	}
	for i, p := range s.payloads {
		if _, err := table.Append(p, int64(i+1)); err != nil {
			return t, err
		}
		if table.N >= flush {
			if err := write(); err != nil {
				return t, err
			}
		}
	}
	if table.N == 0 {
		return t, nil
	}
	return t, write()
}

// largest is the columns that take most.
func (t tally) largest(n int) ([]columnBytes, error) {
	sum := map[string]*columnBytes{}
	add := func(name, encoding string, bytes int) {
		c := sum[name]
		if c == nil {
			c = &columnBytes{name: name, encoding: encoding}
			sum[name] = c
		}
		c.bytes += bytes
	}
	for _, seg := range t.segments {
		d, err := segment.Describe(seg.Directory, seg.Body)
		if err != nil {
			return nil, err
		}
		add("(directory)", "", d.Directory)
		add("(passages)", fmt.Sprintf("of %d bytes an item", d.Passages.Raw/d.Items), d.Passages.Stored)
		for _, c := range d.Sections {
			add(c.Name, c.Encoding, c.Stored)
		}
	}
	var all []columnBytes
	for _, c := range sum {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b columnBytes) int {
		return cmp.Or(b.bytes-a.bytes, cmp.Compare(a.name, b.name))
	})
	return all[:min(n, len(all))], nil
}

// floors is what zstd makes of requests: of each at level 3, and of all as one at level 19 with a window of 128 MiB. Where the program zstd is
// not there, the library's nearest levels stand in, which are weaker at the upper end.
func floors(ctx context.Context, payloads [][]byte) (each, all int, err error) {
	program, err := exec.LookPath("zstd")
	if err != nil {
		return floorsOfLibrary(payloads)
	}
	run := func(b []byte, args ...string) (int, error) {
		cmd := exec.CommandContext(ctx, program, append(args, "-q", "-c")...)
		cmd.Stdin = bytes.NewReader(b)
		out, err := cmd.Output()
		return len(out), err
	}
	for _, p := range payloads {
		n, err := run(p, "-3")
		if err != nil {
			return 0, 0, err
		}
		each += n
	}
	all, err = run(bytes.Join(payloads, nil), "-19", "--long=27")
	return each, all, err
}

func floorsOfLibrary(payloads [][]byte) (each, all int, err error) {
	fast, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return 0, 0, err
	}
	best, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(128<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return 0, 0, err
	}
	for _, p := range payloads {
		each += len(fast.EncodeAll(p, nil))
	}
	return each, len(best.EncodeAll(bytes.Join(payloads, nil), nil)), nil
}
