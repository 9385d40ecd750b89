package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const rule = "--------------------------------------------------------------------------------"

// write lists the parts, and then each text once with the parts that carry it.
func write(page *bytes.Buffer, parts []*part) {
	fmt.Fprint(page, `Licences of others in ollyScale

ollyScale is under the Apache License 2.0 (LICENSE). Its binaries and its web interface hold the work of others, listed here with the
licences it is under and the binaries that hold it; their texts follow. Container images also hold the certificates of Mozilla's
root programme, as the base image of the build carries them (MPL-2.0, the text is below).

Written by tooling/cmd/licences; `+"`make generate`"+` renews it.

`)
	lines := make([][3]string, 0, len(parts))
	var width [2]int
	for _, p := range parts {
		line := [3]string{strings.TrimSpace(p.name + " " + p.version), strings.Join(p.ids, ", "), strings.Join(slices.Sorted(maps.Keys(p.binaries)), " ")}
		width[0], width[1] = max(width[0], len(line[0])), max(width[1], len(line[1]))
		lines = append(lines, line)
	}
	for _, line := range lines {
		fmt.Fprintf(page, "%-*s  %-*s  %s\n", width[0], line[0], width[1], line[1], line[2])
	}

	var order []string
	holders := map[string][]string{}
	for _, p := range parts {
		for _, t := range p.texts {
			if holders[t.body] == nil {
				order = append(order, t.body)
			}
			holders[t.body] = append(holders[t.body], strings.TrimSpace(p.name+" "+p.version)+" ("+t.name+")")
		}
	}
	for _, body := range order {
		fmt.Fprintf(page, "\n%s\n%s\n%s\n\n%s", rule, strings.Join(holders[body], "\n"), rule, body)
	}
}
