// Command fielddoc writes into docs/api.yaml which fields and operators filters have, from the tables of internal/filter.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// The lines between these are written anew.
const (
	begin = "    # Written by services/query/cmd/fielddoc from the tables of services/query/internal/filter: begin\n"
	end   = "    # Written by services/query/cmd/fielddoc: end\n"
)

func main() {
	out := flag.String("out", "docs/api.yaml", "the file to change")
	flag.Parse()
	if err := write(*out); err != nil {
		slog.New(slog.NewTextHandler(os.Stderr, nil)).Error("fielddoc failed", "error", err)
		os.Exit(1)
	}
}

func write(path string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(page, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return errors.New(path + " has lost the lines between which the fields stand")
	}
	return os.WriteFile(path, []byte(string(before)+begin+schemas()+end+string(after)), 0o644) //nolint:gosec // a page of the repository
}

// schemas are Operator, FieldKind and FieldName.
func schemas() string {
	var b strings.Builder
	operators, fields := filter.Operators(), filter.Fields()
	var names, kinds []string
	fmt.Fprint(&b, "    Operator:\n      description: |\n")
	for _, o := range operators {
		names = append(names, o.Name)
		symbol := ""
		if o.Symbol != "" {
			symbol = " (`" + o.Symbol + "`)"
		}
		operand := map[filter.Operand]string{filter.One: "a value", filter.List: "a list", filter.Flag: "true or false, true when left out"}[o.Operand]
		fmt.Fprintf(&b, "        - `%s`%s, of %s: %s\n", o.Name, symbol, operand, o.Description)
	}
	fmt.Fprintf(&b, "      type: string\n      enum: [%s]\n", strings.Join(names, ", "))
	for _, k := range filter.Kinds() {
		kinds = append(kinds, k.String())
	}
	fmt.Fprintf(&b, "    FieldKind:\n      type: string\n      enum: [%s]\n", strings.Join(kinds, ", "))
	fmt.Fprint(&b, "    FieldName:\n      description: |\n")
	for _, signal := range telemetry.Signals() {
		fmt.Fprintf(&b, "        Of %s:\n", signal)
		for i := range fields {
			if f := &fields[i]; f.Of(signal) {
				fmt.Fprintf(&b, "        - %s\n", line(f))
			}
		}
	}
	fmt.Fprint(&b, "      type: string\n")
	return b.String()
}

func line(f *filter.Field) string {
	name := f.Name
	if f.Prefix {
		name += "<key>"
	}
	text := "`" + name + "` (" + f.Kind.String() + "): " + f.Description
	if len(f.Values) > 0 {
		text += " A number, or " + strings.Join(f.Values, ", ") + "."
	}
	if len(f.AliasOf) > 0 {
		text += " Stands for `" + strings.Join(f.AliasOf, "`, `") + "`."
	}
	return text
}
