package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Nearest is ` (do you mean "…"?)` with the name that somebody is most likely to have meant by a wrong one, or "" where none is near.
func Nearest(wrong string, names []string) string {
	best, least := "", max(len(wrong)/3, 1) // a third of the letters may be wrong
	if len(wrong) > 64 {
		return ""
	}
	for _, name := range names {
		if d := distance(wrong, name); d <= least && (best == "" || d < least) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (do you mean %q?)", best)
}

// distance is how many bytes have to be put in, left out or changed to make one text of the other (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before := slices.Clone(row)
		row[0] = i + 1
		for j := range b {
			change := before[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(before[j+1]+1, row[j]+1, change)
		}
	}
	return row[len(b)]
}

// nearest is Nearest among the fields of a signal. A name that is none may also be an attribute's key.
func nearest(table []Field, signal telemetry.Signal, wrong string) string {
	var names []string
	for i := range table {
		if f := &table[i]; f.Of(signal) && !f.Prefix {
			names = append(names, f.Name)
		}
	}
	if guess := Nearest(wrong, names); guess != "" {
		return guess
	}
	if strings.HasSuffix(wrong, ".") {
		return ""
	}
	return fmt.Sprintf(" (an attribute is attributes.%.64s or resource.%.64s)", wrong, wrong)
}

func operatorNames(table []Operator) []string {
	names := make([]string, len(table))
	for i := range table {
		names[i] = table[i].Name
	}
	return names
}
