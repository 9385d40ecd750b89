package service

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

// Section is one service in the configuration page.
type Section struct {
	Title  string
	Text   string   // a paragraph under the title
	Config any      // the default configuration, a struct
	Hide   []string // keys that start with one of these are left out
}

// Explain returns the comment of a field, "" if it has none. Document asks it for settings without a doc tag.
type Explain func(owner reflect.Type, field string) string

// Document writes the page that lists every setting of every service: key, environment variable, default and meaning. It is
// generated, so that it cannot be wrong.
func Document(w io.Writer, sections []Section, explain Explain) error {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Generated from the Config structs by services/allinone/cmd/configdoc: make generate. -->

Every setting has a key. Later sources win over earlier ones:

1. the default below;
2. a YAML, TOML or JSON file named by ` + "`--config` or `OLLY_CONFIG`" + `, where dots in keys are nesting; an unknown key is refused;
3. the environment: ` + "`OLLY_`" + ` and the key in capitals with dots as underscores; an empty variable counts as unset;
4. a flag: the key with dots and underscores as dashes, ` + "`--bus-url`" + `.

Durations are written with units (` + "`500ms`, `30s`, `2h`, `7d`" + `), sizes too (` + "`64KiB`, `2GB`" + ` or bytes), lists with commas, maps as
` + "`name=value,name=value`" + `. A wrong value stops the start with a line that names the key, the source and the reason (exit code 2).

` + "`--print-config`" + ` shows what is in force, secrets hidden; ` + "`--help`" + ` lists the flags; ` + "`--version`" + ` tells the version; ` + "`--probe URL`" + `
asks a health endpoint.
`)
	sections = append([]Section{{Title: "Every service", Config: defaultProcess()}}, sections...)
	for _, section := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n", section.Title)
		if section.Text != "" {
			fmt.Fprintf(&b, "%s\n\n", section.Text)
		}
		b.WriteString("| key | environment | default | meaning |\n|---|---|---|---|\n")
		config := reflect.New(reflect.TypeOf(section.Config))
		config.Elem().Set(reflect.ValueOf(section.Config))
		for _, l := range walk(config.Interface()) {
			if l.hidden(section.Hide) {
				continue
			}
			doc := l.doc
			if doc == "" && explain != nil {
				doc = explain(l.owner, l.field)
			}
			if l.arg {
				doc += " The first word of the command line sets it."
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", l.key, l.env(), l.cell(), strings.ReplaceAll(strings.TrimSpace(doc), "|", "\\|"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (l leaf) hidden(prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(l.key, p) {
			return true
		}
	}
	return false
}

// cell is the default in a table.
func (l leaf) cell() string {
	text := l.String()
	if l.value.Kind() == reflect.Int64 && l.value.Type() == reflect.TypeFor[time.Duration]() && l.value.Int() == 0 {
		text = "0"
	}
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", "\\|") + "`"
}
