package settings

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

<!-- Generated from the Config structs by services/allinone/cmd/pages: make generate. -->

Every setting has a key. Later sources win over earlier ones:

1. the default below;
2. a YAML, TOML or JSON file named by ` + "`--config` or `OLLY_CONFIG`" + `, where dots in keys are nesting; an unknown key is refused;
3. the environment: ` + "`OLLY_`" + ` and the key in capitals with dots as underscores; an empty variable counts as unset;
4. a flag: the key with dots and underscores as dashes, ` + "`--bus-url`" + `.

Durations are written with units (` + "`500ms`, `30s`, `2h`, `7d`" + `), sizes too (` + "`64KiB`, `2GB`" + ` or bytes), lists with commas, maps as
` + "`name=value,name=value`" + `. Wrong values stop the start (exit code 2), each with a line that names the key, the source, the value and what is allowed. 0 means 0: where it
stands for something else, the meaning says so, and where it makes no sense, it is refused.

` + "`--print-config`" + ` shows what is in force, secrets hidden; ` + "`--help`" + ` lists the usual flags and ` + "`--help-all`" + ` all; ` + "`--version`" + ` tells
the version; ` + "`--probe URL`" + ` asks a health endpoint.
`)
	for _, section := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n", section.Title)
		if section.Text != "" {
			fmt.Fprintf(&b, "%s\n\n", section.Text)
		}
		b.WriteString("| key | environment | default | meaning |\n|---|---|---|---|\n")
		config := reflect.New(reflect.TypeOf(section.Config))
		config.Elem().Set(reflect.ValueOf(section.Config))
		for _, s := range List(config.Interface()) {
			if s.hidden(section.Hide) {
				continue
			}
			doc := s.Doc
			if doc == "" && explain != nil {
				doc = explain(s.owner, s.field)
			}
			if s.Arg {
				doc += " The first word of the command line sets it."
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Key, s.Env(), s.cell(), strings.ReplaceAll(strings.TrimSpace(doc), "|", "\\|"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Setting) hidden(prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s.Key, p) {
			return true
		}
	}
	return false
}

// cell is the default in a table.
func (s Setting) cell() string {
	text := s.String()
	if s.Value.Type() == reflect.TypeFor[time.Duration]() && s.Value.Int() == 0 {
		text = "0"
	}
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", "\\|") + "`"
}
