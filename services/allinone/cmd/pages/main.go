// Command pages writes the pages of docs that list what is declared in the code: configuration.md from the Config structs of all services,
// metrics.md from the fields that declare instruments (libs/instrument), errors.md from the kinds of errors (libs/fault). It is run by go
// generate in services/allinone, the only module that may know all others.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/services/allinone"
	"github.com/ollyscale/ollyscale/services/allinone/demo"
	"github.com/ollyscale/ollyscale/services/allinone/inspect"
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
		"configuration.md": configuration, "metrics.md": metricsPage, "errors.md": errorsPage,
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
	err := settings.Document(&page, []settings.Section{
		service.CommonSettings(),
		{Title: "ingest", Config: ingest.DefaultConfig()},
		{Title: "writer", Config: writer.DefaultConfig()},
		{Title: "query", Config: query.DefaultConfig()},
		{Title: "janitor", Config: janitor.DefaultConfig()},
		{Title: "migrator", Config: migrator.DefaultConfig()},
		{
			Title: "ollyscale (all in one)",
			Text: "`ollyscale up`. Beside these it has every setting of the roles under their names: `ingest.…` (`OLLY_INGEST_…`), `writer.…`, `query.…`,\n" +
				"`janitor.…`, `migrator.…`. Their bus and database addresses are set by it and have no effect; `ingest.auth` and `query.auth` are refused, `auth` holds for all. It logs warnings as text by default.",
			Config: allinone.DefaultConfig(),
			Hide:   []string{"ingest.", "writer.", "query.", "janitor.", "migrator."},
		},
		{Title: "ollyscale demo", Text: "Sends the telemetry of a small shop. It logs warnings as text by default.", Config: demo.DefaultConfig()},
		{Title: "ollyscale segment", Text: "Shows what a segment consists of.", Config: inspect.Config{}},
	}, func(owner reflect.Type, field string) string {
		return s.fieldComment(owner.PkgPath(), owner.Name(), field)
	})
	return page.Bytes(), err
}

// cell is text for a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}
