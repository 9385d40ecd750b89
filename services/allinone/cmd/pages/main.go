// Command pages writes the pages of docs that list what is declared in the code: configuration.md from the Config structs of all services,
// metrics.md from the fields that declare instruments (libs/instrument), errors.md from the kinds of errors (libs/fault), health.md from the conditions of health (libs/service), otlp-conformance.md
// from OTLP's own text and the rulings on it. It is run by go generate in services/allinone, the only module that may know all others.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/services/allinone/commands"
	"github.com/ollyscale/ollyscale/services/ingest"
	"github.com/ollyscale/ollyscale/services/janitor"
	"github.com/ollyscale/ollyscale/services/migrator"
	"github.com/ollyscale/ollyscale/services/query"
	"github.com/ollyscale/ollyscale/services/writer"
)

func main() {
	root := flag.String("root", "../..", "top of the repository")
	flag.Parse()
	if err := write(*root); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	s, err := readSources(root)
	if err != nil {
		return err
	}
	for name, page := range map[string]func(*sources) ([]byte, error){
		"configuration.md": configuration, "metrics.md": metricsPage, "errors.md": errorsPage, "health.md": healthPage,
		"otlp-conformance.md": func(*sources) ([]byte, error) { return conformancePage(root) },
	} {
		text, err := page(s)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(root, "docs", name), text, 0o644); err != nil { //nolint:gosec // a page for everybody
			return err
		}
	}
	return nil
}

func configuration(s *sources) ([]byte, error) {
	var page bytes.Buffer
	sections := []settings.Section{
		service.CommonSettings(),
		{Title: "ingest", Config: ingest.DefaultConfig()},
		{Title: "writer", Config: writer.DefaultConfig()},
		{Title: "query", Config: query.DefaultConfig()},
		{Title: "janitor", Config: janitor.DefaultConfig()},
		{Title: "migrator", Config: migrator.DefaultConfig()},
	}
	for _, c := range commands.All(io.Discard) {
		sections = append(sections, settings.Section{Title: "ollyscale " + c.Name, Text: c.Text, Config: c.Defaults, Hide: c.Hide})
	}
	err := settings.Document(&page, sections, func(owner reflect.Type, field string) string {
		return s.fieldComment(owner.PkgPath(), owner.Name(), field)
	})
	return page.Bytes(), err
}

// cell is text for a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}
