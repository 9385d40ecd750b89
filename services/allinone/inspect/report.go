package inspect

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// report is what is told of a segment; the names of its JSON are for scripts and stay.
type report struct {
	ID            string                 `json:"id"`
	Group         string                 `json:"group_id,omitempty"`
	Tenant        string                 `json:"tenant"`
	Signal        string                 `json:"signal"`
	Level         int                    `json:"level"`
	Format        int                    `json:"format"`
	From          string                 `json:"min_time"`
	To            string                 `json:"max_time"`
	MinPosition   int64                  `json:"min_position"`
	MaxPosition   int64                  `json:"max_position"`
	Items         int                    `json:"items"`
	Errors        int                    `json:"errors"`
	Roots         int                    `json:"roots"`
	Checksum      string                 `json:"checksum"`
	TraceFilter   int                    `json:"trace_filter_bytes"`
	TokenFilter   int                    `json:"token_filter_bytes"`
	DirectorySize int                    `json:"directory_bytes"`
	BodySize      int                    `json:"body_bytes"`
	Services      []segment.ServiceStats `json:"services"`
	Frames        []frame                `json:"frames"`
	Passages      frame                  `json:"passages"` // of the frames, those that hold what texts have in common: no section's alone
	Sections      []section              `json:"sections"`
	Problem       string                 `json:"problem,omitempty"`
	problem       error
}

type frame struct {
	Codec  string `json:"codec"`
	Stored int    `json:"stored_bytes"`
	Raw    int    `json:"raw_bytes"`
}

type section struct {
	Name     string   `json:"name"`
	Encoding string   `json:"encoding"`
	Types    []string `json:"types,omitempty"`
	Count    int      `json:"count"`
	Distinct int      `json:"distinct,omitempty"`
	Min      *int64   `json:"min,omitempty"`
	Max      *int64   `json:"max,omitempty"`
	Raw      int      `json:"raw_bytes"`
	Stored   int      `json:"stored_bytes"`
	Unknown  int      `json:"extensions,omitempty"`
}

// instant is a time in Unix nanoseconds, to the nanosecond.
func instant(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// describe tells what can be told; what is wrong with the segment is its problem.
func describe(row *segmentrow.Row) *report {
	s := &row.Segment
	r := &report{
		ID: uuid.UUID(row.ID).String(), Tenant: string(s.Tenant), Signal: s.Signal.String(), Level: s.Level, Format: s.Format,
		From: instant(s.MinTime), To: instant(s.MaxTime), MinPosition: s.MinPosition, MaxPosition: s.MaxPosition, Items: s.Items, Errors: s.Errors,
		Roots: s.Roots, Checksum: fmt.Sprintf("%016x", uint64(s.Checksum)), TraceFilter: len(s.TraceFilter), TokenFilter: len(s.TokenFilter), //nolint:gosec // bits
		DirectorySize: len(s.Directory), BodySize: len(s.Body), Services: s.Services,
	}
	if row.Group != nil {
		r.Group = uuid.UUID(*row.Group).String()
	}
	r.problem = s.Verify()
	d, err := segment.Describe(s.Directory, s.Body)
	if err != nil {
		r.problem = err
	} else {
		for _, f := range d.Frames {
			r.Frames = append(r.Frames, frame(f))
		}
		r.Passages = frame(d.Passages)
		for _, c := range d.Sections {
			one := section{
				Name: c.Name, Encoding: c.Encoding, Types: c.Types, Count: c.Count, Distinct: c.Distinct, Raw: c.Code + c.Plain + c.Text + c.Extension,
				Stored: c.Stored, Unknown: len(c.Extensions),
			}
			if c.Bounded {
				one.Min, one.Max = &c.Min, &c.Max
			}
			r.Sections = append(r.Sections, one)
		}
	}
	if r.problem != nil {
		r.Problem = r.problem.Error()
	}
	return r
}

func (r *report) write(out io.Writer, asJSON bool) error {
	if asJSON {
		return writeJSON(out, r)
	}
	var text strings.Builder
	head := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	line := func(label, format string, args ...any) { fmt.Fprintf(head, label+"\t"+format+"\n", args...) }
	line("segment", "%s", r.ID)
	if r.Group != "" {
		line("group", "%s", r.Group)
	}
	line("of", "%s of tenant %s, level %d, format %d", r.Signal, r.Tenant, r.Level, r.Format)
	line("time", "%s to %s", r.From, r.To)
	line("position", "%d to %d", r.MinPosition, r.MaxPosition)
	line("items", "%d (%d errors, %d roots)", r.Items, r.Errors, r.Roots)
	checked := "right"
	if r.problem != nil {
		checked = "see the end"
	}
	line("checksum", "%s, %s", r.Checksum, checked)
	line("filters", "traces %d B, texts %d B", r.TraceFilter, r.TokenFilter)
	line("bytes", "directory %d, body %d; %s an item", r.DirectorySize, r.BodySize, perItem(r.DirectorySize+r.BodySize, r.Items))
	_ = head.Flush() // into memory
	if len(r.Services) > 0 {
		text.WriteString("\n")
		table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "service\titems\tlongest\tlongest with an error")
		for _, s := range r.Services {
			fmt.Fprintf(table, "%d\t%d\t%s\t%s\n", s.ID, s.Items, time.Duration(s.MaxDuration), duration(s.MaxErrorDuration))
		}
		_ = table.Flush() // into memory
	}
	if len(r.Frames) > 0 {
		text.WriteString("\nframe  codec  stored     raw\n")
		for i, f := range r.Frames {
			fmt.Fprintf(&text, "%5d  %-5s %7d %7d\n", i, f.Codec, f.Stored, f.Raw)
		}
	}
	if r.Passages.Stored > 0 {
		fmt.Fprintf(&text, "the last ones hold passages that texts have in common: %d stored, %d raw\n", r.Passages.Stored, r.Passages.Raw)
	}
	if len(r.Sections) > 0 {
		text.WriteString("\n")
		table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "stored\tan item\traw\tcount\tdistinct\tsection\ttypes\tencoding\tfrom\tto")
		for _, s := range r.Sections {
			fmt.Fprintf(table, "%d\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Stored, perItem(s.Stored, r.Items), s.Raw, s.Count, nonZero(s.Distinct), s.Name,
				strings.Join(s.Types, ","), s.Encoding, bound(s.Min), bound(s.Max))
		}
		_ = table.Flush() // into memory
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func perItem(size, items int) string {
	return strconv.FormatFloat(float64(size)/float64(max(items, 1)), 'f', 2, 64) + " B"
}

func duration(ns int64) string {
	if ns < 0 {
		return "none"
	}
	return time.Duration(ns).String()
}

func nonZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func bound(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// listing is one line of the list of segments.
type listing struct {
	ID     uuid.UUID `json:"id"`
	Signal string    `json:"signal"`
	Tenant string    `json:"tenant"`
	From   string    `json:"min_time"`
	To     string    `json:"max_time"`
	Items  int       `json:"items"`
	Level  int       `json:"level"`
	Bytes  int       `json:"bytes"`
}

func writeList(out io.Writer, list []listing, asJSON bool) error {
	if asJSON {
		return writeJSON(out, list)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "segment\tsignal\ttenant\tlevel\titems\tbytes\tfrom\tto")
	for _, l := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", l.ID, l.Signal, l.Tenant, l.Level, l.Items, l.Bytes, l.From, l.To)
	}
	return table.Flush()
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
