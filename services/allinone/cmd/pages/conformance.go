package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// otlpFiles are docs/specification.md and the .proto files that it speaks of, as github.com/open-telemetry/opentelemetry-proto has them at
// otlpCommit (Apache-2.0, as this project). A newer specification is copied over them: what it says anew has no ruling then, and the page is
// not written until it has.
//
//go:embed otlp
var otlpFiles embed.FS

const (
	otlpCommit = "ac2c4b5d1f3a6079de62f9afec860158ecc8af09"
	otlpDate   = "2026-08-18"
)

// status is what a rule of OTLP is to ollyScale.
type status string

const (
	held     status = "held"     // and a test fails when it is no longer
	deviates status = "deviates" // on purpose, and why
	unused   status = "not used" // a MAY of which no use is made
	sender   status = "sender's" // it binds who sends, or who makes libraries
	remark   status = ""         // it demands nothing: in no row
)

// ruling says of a sentence of OTLP what it is to ollyScale.
type ruling struct {
	begins string // the sentence begins so; the rulings of a section are in the order of its sentences
	status status
	why    string
	tests  []string // functions, of services/ingest where no directory is named
}

// section is a heading of the specification or a .proto file, with what it says.
type section struct {
	title string
	path  string
	rules []rule
}

type rule struct {
	text   string
	places []string // fields of a .proto file whose comments say it
	must   bool     // it has one of the words by which specifications demand
	ruling ruling
}

// demands finds the words of RFC 2119. Comments of .proto files write them small; small "may" only tells there what can be.
var demands = regexp.MustCompile(`(?i:\b(must|should|shall|required|recommended)\b)|\bMAY\b|considered invalid`)

// specification cuts the text into sections, and these into sentences. Code, tables and the table of contents are left out.
func specification(text string) []section {
	var out []section
	var paragraph []string
	flush := func() {
		for _, s := range sentences(strings.Join(paragraph, " ")) {
			last := &out[len(out)-1]
			last.rules = append(last.rules, rule{text: s, must: demands.MatchString(s)})
		}
		paragraph = nil
	}
	_, text, _ = strings.Cut(text, "<!-- END doctoc -->")
	out = append(out, section{title: "Introduction"})
	code, seen, titles := false, map[string]int{}, []string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			code = !code
			line = ""
		}
		switch {
		case code || line == "" || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "<") || strings.HasPrefix(line, "!["):
			flush()
		case strings.HasPrefix(line, "#"):
			flush()
			depth := len(line) - len(strings.TrimLeft(line, "#"))
			title := strings.TrimSpace(line[depth:])
			base := strings.NewReplacer(" ", "-", "/", "").Replace(strings.ToLower(title))
			anchor := base
			if n := seen[base]; n > 0 {
				anchor = fmt.Sprint(base, "-", n)
			}
			seen[base]++
			titles = append(titles[:min(len(titles), depth-2)], title)
			out = append(out, section{title: strings.Join(titles[min(1, len(titles)-1):], ": "), path: "docs/specification.md#" + anchor})
		default:
			if regexp.MustCompile(`^([-*]|\d+\.) `).MatchString(line) {
				flush()
			}
			paragraph = append(paragraph, line)
		}
	}
	flush()
	return out
}

// protoFile gives the sentences of a file's comments, each once, with the fields that they stand at.
func protoFile(name, text string) section {
	out := section{title: name, path: protoPath(name)}
	_, text, _ = strings.Cut(text, "\npackage ")
	declared := regexp.MustCompile(`^(?:(message|enum|oneof|service) (\w+) \{|(?:[\w.<> ]+ )?(\w+) = \d+)`)
	var within, comment []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if c, ok := strings.CutPrefix(line, "//"); ok {
			if c = strings.TrimSpace(c); strings.HasPrefix(c, "- ") || regexp.MustCompile(`^\d+\. `).MatchString(c) {
				comment = append(comment, "")
			}
			comment = append(comment, c)
			continue
		}
		if strings.HasPrefix(line, "}") {
			within = within[:len(within)-1]
		}
		d := declared.FindStringSubmatch(line)
		if d != nil {
			if place := strings.Join(append(slices.Clone(within), d[2]+d[3]), "."); len(comment) > 0 {
				out.add(comment, place)
			}
			if d[1] != "" {
				within = append(within, d[2])
			}
		}
		if d != nil || line == "" {
			if len(comment) > 0 && d == nil {
				out.add(comment, "")
			}
			comment = nil
		}
	}
	return out
}

func (s *section) add(comment []string, place string) {
	for paragraph := range strings.SplitSeq(strings.Join(comment, "\n"), "\n\n") {
		for _, text := range sentences(strings.ReplaceAll(paragraph, "\n", " ")) {
			i := slices.IndexFunc(s.rules, func(r rule) bool { return r.text == text })
			if i < 0 {
				i = len(s.rules)
				s.rules = append(s.rules, rule{text: text, must: demands.MatchString(text)})
			}
			if place != "" && !slices.Contains(s.rules[i].places, place) {
				s.rules[i].places = append(s.rules[i].places, place)
			}
		}
	}
}

func protoPath(name string) string {
	signal, service := strings.CutSuffix(strings.TrimSuffix(name, ".proto"), "_service")
	if service {
		return path.Join("opentelemetry/proto/collector", signal, "v1", name)
	}
	return path.Join("opentelemetry/proto", signal, "v1", name)
}

// sentences cuts a paragraph where a full stop is followed by a new beginning. Links become their texts.
func sentences(paragraph string) (out []string) {
	paragraph = regexp.MustCompile(`\[([^\]]+)\]\s*\([^)]*\)`).ReplaceAllString(paragraph, "$1")
	paragraph = strings.TrimLeft(strings.Join(strings.Fields(strings.ReplaceAll(paragraph, `\<`, "<")), " "), "-* ")
	for paragraph != "" {
		end := regexp.MustCompile("[.:] (?:[A-Z`\"]|\\{)").FindStringIndex(paragraph)
		for end != nil && regexp.MustCompile(`(?i)(e\.g|i\.e|etc|\bsee|example|note|optional)[.:]?$`).MatchString(paragraph[:end[0]]) {
			next := regexp.MustCompile("[.:] (?:[A-Z`\"]|\\{)").FindStringIndex(paragraph[end[1]:])
			if next == nil {
				end = nil
				break
			}
			end = []int{end[1] + next[0], end[1] + next[1]}
		}
		if end == nil {
			return append(out, paragraph)
		}
		out = append(out, paragraph[:end[0]+1])
		paragraph = strings.TrimSpace(paragraph[end[0]+1:])
	}
	return out
}

// otlpSections reads all of otlpFiles.
func otlpSections() ([]section, error) {
	text, err := otlpFiles.ReadFile("otlp/specification.md")
	if err != nil {
		return nil, err
	}
	out := specification(string(text))
	for _, name := range []string{"common", "resource", "trace", "metrics", "logs", "trace_service", "metrics_service", "logs_service"} {
		text, err := otlpFiles.ReadFile("otlp/" + name + ".proto")
		if err != nil {
			return nil, err
		}
		out = append(out, protoFile(name+".proto", string(text)))
	}
	return out, nil
}

// judge gives each rule its ruling. A demand without one, and a ruling without its sentence, are errors.
func judge(sections []section, rulings map[string][]ruling) error {
	var errs []error
	left := map[string]bool{}
	for title := range rulings {
		left[title] = true
	}
	for i := range sections {
		s, next := &sections[i], rulings[sections[i].title]
		delete(left, s.title)
		for j := range s.rules {
			r := &s.rules[j]
			switch {
			case len(next) > 0 && strings.HasPrefix(r.text, next[0].begins):
				r.ruling, next = next[0], next[1:]
			case r.must:
				errs = append(errs, fmt.Errorf("%s: no ruling on %q", s.title, r.text))
			}
		}
		if len(next) > 0 {
			errs = append(errs, fmt.Errorf("%s: nothing more begins with %q", s.title, next[0].begins))
		}
	}
	for title := range left {
		errs = append(errs, fmt.Errorf("%s: there is no such section", title))
	}
	return errors.Join(errs...)
}

// testIndex says in which file each test function is, by directory and name: "services/ingest.TestOTLPOverHTTP".
type testIndex map[string]string

func readTests(root string) (testIndex, error) {
	index := testIndex{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	top := os.DirFS(root)
	for _, dir := range []string{"libs", "services", "e2e"} {
		err := fs.WalkDir(top, dir, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "node_modules":
				return fs.SkipDir
			case entry.IsDir() || !strings.HasSuffix(file, "_test.go"):
				return nil
			}
			text, err := fs.ReadFile(top, file)
			if err != nil {
				return err
			}
			for _, m := range declared.FindAllSubmatch(text, -1) {
				index[path.Dir(file)+"."+string(m[1])] = file
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return index, nil
}

// link names a test and leads to its file.
func (i testIndex) link(test string) (string, error) {
	name := test[strings.LastIndex(test, ".")+1:]
	if name == test {
		test = "services/ingest." + test
	}
	file, ok := i[test]
	if !ok {
		return "", fmt.Errorf("there is no test %s", test)
	}
	return "[`" + name + "`](../" + file + ")", nil
}

// whole says whether a ruling is whole: what is held has a test, what is not has a reason.
func (r ruling) whole() error {
	switch {
	case r.status == held && len(r.tests) == 0:
		return fmt.Errorf("%q is held by no test", r.begins)
	case r.status == deviates && r.why == "", r.status == unused && r.why == "":
		return fmt.Errorf("%q is %s for no reason", r.begins, r.status)
	case r.status == remark && len(r.tests) > 0:
		return fmt.Errorf("%q needs no test", r.begins)
	}
	return nil
}

func conformancePage(root string) ([]byte, error) {
	tests, err := readTests(root)
	if err != nil {
		return nil, err
	}
	sections, err := otlpSections()
	if err != nil {
		return nil, err
	}
	if err := judge(sections, otlpRulings()); err != nil {
		return nil, err
	}
	sections = append(sections, dataModel()...)
	var rows bytes.Buffer
	count := map[status]int{}
	for _, s := range sections {
		head := false
		for _, r := range s.rules {
			if err := r.ruling.whole(); err != nil {
				return nil, fmt.Errorf("%s: %w", s.title, err)
			}
			if r.ruling.status == remark {
				continue
			}
			if !head {
				head = true
				fmt.Fprintf(&rows, "\n## %s\n\n[%s](%s)\n\n| rule | status | why, and what proves it |\n|---|---|---|\n", s.title, s.path, s.url())
			}
			count[r.ruling.status]++
			var why []string
			if r.ruling.why != "" {
				why = append(why, r.ruling.why)
			}
			for _, test := range r.ruling.tests {
				link, err := tests.link(test)
				if err != nil {
					return nil, fmt.Errorf("%s: %q: %w", s.title, r.ruling.begins, err)
				}
				why = append(why, link)
			}
			text := r.text
			if len(r.places) > 0 {
				text += " (`" + strings.Join(r.places, "`, `") + "`)"
			}
			fmt.Fprintf(&rows, "| %s | %s | %s |\n", cell(text), r.ruling.status, cell(strings.Join(why, " ")))
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, conformanceHead, otlpCommit[:7], otlpRepository, otlpCommit, otlpDate,
		count[held], count[deviates], count[unused], count[sender])
	_, _ = rows.WriteTo(&b)
	return b.Bytes(), nil
}

const otlpRepository = "https://github.com/open-telemetry/opentelemetry-proto"

func (s section) url() string {
	if strings.HasPrefix(s.path, "specification/") {
		return "https://github.com/open-telemetry/opentelemetry-specification/blob/" + modelCommit + "/" + s.path
	}
	return otlpRepository + "/blob/" + otlpCommit + "/" + s.path
}
