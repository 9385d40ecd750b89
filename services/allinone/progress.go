package allinone

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// progress tells a person at a terminal what starts and how long it took. A nil writer is silent.
type progress struct {
	out io.Writer
	now func() time.Time
}

// step announces a part and returns what to call when it is up.
func (p progress) step(name string) func(detail string) {
	start := p.now()
	return func(detail string) {
		p.line("  %-12s %s (%s)", name, detail, p.now().Sub(start).Round(time.Millisecond))
	}
}

func (p progress) line(format string, args ...any) {
	if p.out != nil {
		fmt.Fprintf(p.out, format+"\n", args...)
	}
}

// box frames label and value pairs.
func (p progress) box(title string, rows [][2]string) {
	label, width := 0, utf8.RuneCountInString(title)
	for _, r := range rows {
		label = max(label, len(r[0]))
	}
	for _, r := range rows {
		width = max(width, label+2+utf8.RuneCountInString(r[1]))
	}
	pad := func(s string) string { return s + strings.Repeat(" ", width-utf8.RuneCountInString(s)) }
	rule := strings.Repeat("─", width+2)
	p.line("┌%s┐", rule)
	p.line("│ %s │", pad(title))
	p.line("├%s┤", rule)
	for _, r := range rows {
		p.line("│ %s │", pad(fmt.Sprintf("%-*s  %s", label, r[0], r[1])))
	}
	p.line("└%s┘", rule)
}
